#include "services/ledger/rpc/page_token.h"

#include "libs/crypto/sha256.h"

namespace florin::ledger {
namespace {

constexpr std::size_t kIdSize = 16;
constexpr std::size_t kVersionSize = 8;

std::string_view OctetsOf(const Uuid& id) {
  return {reinterpret_cast<const char*>(id.bytes().data()), id.bytes().size()};
}

}  // namespace

std::string EntryPageToken(const Uuid& account_id, std::int64_t last_version) {
  std::string octets(OctetsOf(account_id));
  for (int shift = 56; shift >= 0; shift -= 8) {
    octets.push_back(static_cast<char>(last_version >> shift));
  }
  return crypto::Base64UrlEncode(octets);
}

absl::StatusOr<std::int64_t> ParseEntryPageToken(const Uuid& account_id, std::string_view token) {
  const absl::Status invalid =
      Error(Reason::kInvalidPageToken, "not a page token of this account", {.param = "page_token"});
  const auto octets = crypto::Base64UrlDecode(token);
  if (!octets.ok() || octets->size() != kIdSize + kVersionSize ||
      std::string_view(*octets).substr(0, kIdSize) != OctetsOf(account_id)) {
    return invalid;
  }
  std::uint64_t version = 0;
  for (std::size_t i = kIdSize; i < octets->size(); ++i) {
    version = version << 8 | static_cast<std::uint8_t>((*octets)[i]);
  }
  if (static_cast<std::int64_t>(version) < 1) return invalid;
  return static_cast<std::int64_t>(version);
}

}  // namespace florin::ledger
