#include "services/ledger/rpc/page_token.h"

#include "libs/crypto/sha256.h"

namespace florin::ledger {
namespace {

constexpr std::size_t kBindingSize = 16;
constexpr std::size_t kSequenceSize = 8;

std::string DigestOf(std::string_view binding) {
  const crypto::Digest digest = crypto::Sha256(binding);
  return std::string(crypto::AsOctets(digest).substr(0, kBindingSize));
}

}  // namespace

std::string PageToken(std::string_view binding, std::int64_t last_sequence) {
  std::string octets = DigestOf(binding);
  for (int shift = 56; shift >= 0; shift -= 8) {
    octets.push_back(static_cast<char>(last_sequence >> shift));
  }
  return crypto::Base64UrlEncode(octets);
}

absl::StatusOr<std::int64_t> ParsePageToken(std::string_view binding, std::string_view token) {
  const absl::Status invalid =
      Error(Reason::kInvalidPageToken, "not a page token of this request", {.param = "page_token"});
  const auto octets = crypto::Base64UrlDecode(token);
  if (!octets.ok() || octets->size() != kBindingSize + kSequenceSize ||
      octets->substr(0, kBindingSize) != DigestOf(binding)) {
    return invalid;
  }
  std::uint64_t sequence = 0;
  for (std::size_t i = kBindingSize; i < octets->size(); ++i) {
    sequence = sequence << 8 | static_cast<std::uint8_t>((*octets)[i]);
  }
  if (static_cast<std::int64_t>(sequence) < 1) return invalid;
  return static_cast<std::int64_t>(sequence);
}

}  // namespace florin::ledger
