#include "libs/crypto/authenticator_data.h"

#include "libs/crypto/cbor.h"

namespace florin::crypto {
namespace {

constexpr std::size_t kHash = 32;
constexpr std::size_t kHeader = kHash + 1 + 4;  // Hash, flags, counter.
constexpr std::size_t kAaguid = 16;
constexpr std::uint8_t kUserPresent = 0x01;
constexpr std::uint8_t kUserVerified = 0x04;
constexpr std::uint8_t kBackupEligible = 0x08;
constexpr std::uint8_t kBackedUp = 0x10;
constexpr std::uint8_t kAttested = 0x40;
constexpr std::uint8_t kExtensions = 0x80;

std::uint8_t Octet(std::string_view octets, std::size_t at) {
  return static_cast<std::uint8_t>(octets[at]);
}

// Takes a CBOR map off the front.
bool TakeMap(std::string_view& octets) {
  const auto head = cbor::ReadHead(octets);
  const auto size = cbor::ItemSize(octets);
  if (!head || head->major != cbor::Major::kMap || !size) return false;
  octets.remove_prefix(*size);
  return true;
}

// AAGUID, length, id, COSE key.
std::optional<AttestedCredential> TakeAttested(std::string_view& octets) {
  if (octets.size() < kAaguid + 2) return std::nullopt;
  const std::size_t size = Octet(octets, kAaguid) << 8 | Octet(octets, kAaguid + 1);
  octets.remove_prefix(kAaguid + 2);
  if (octets.size() < size) return std::nullopt;
  AttestedCredential attested{std::string(octets.substr(0, size))};
  octets.remove_prefix(size);
  if (!TakeMap(octets)) return std::nullopt;
  return attested;
}

}  // namespace

std::optional<AuthenticatorData> ParseAuthenticatorData(std::string_view octets) {
  if (octets.size() < kHeader) return std::nullopt;
  const std::uint8_t flags = Octet(octets, kHash);
  AuthenticatorData data;
  data.rp_id_hash = octets.substr(0, kHash);
  data.user_present = flags & kUserPresent;
  data.user_verified = flags & kUserVerified;
  data.backup_eligible = flags & kBackupEligible;
  data.backed_up = flags & kBackedUp;
  for (std::size_t i = kHash + 1; i < kHeader; ++i) {
    data.sign_count = data.sign_count << 8 | Octet(octets, i);
  }
  std::string_view rest = octets.substr(kHeader);
  if (flags & kAttested) {
    data.attested = TakeAttested(rest);
    if (!data.attested) return std::nullopt;
  }
  if ((flags & kExtensions) && !TakeMap(rest)) return std::nullopt;
  if (!rest.empty()) return std::nullopt;
  return data;
}

std::optional<std::string_view> AuthenticatorDataOf(std::string_view object) {
  const auto head = cbor::ReadHead(object);
  if (!head || head->major != cbor::Major::kMap || head->argument != 3 ||
      cbor::ItemSize(object) != object.size()) {
    return std::nullopt;
  }
  object.remove_prefix(head->size);
  std::optional<std::string_view> format;
  std::optional<std::string_view> data;
  bool statement = false;
  for (int i = 0; i < 3; ++i) {
    const auto name = cbor::TakeString(object, cbor::Major::kText);
    if (name == "fmt" && !format) {
      format = cbor::TakeString(object, cbor::Major::kText);
      if (!format) return std::nullopt;
    } else if (name == "authData" && !data) {
      data = cbor::TakeString(object, cbor::Major::kBytes);
      if (!data) return std::nullopt;
    } else if (name == "attStmt" && !statement) {
      statement = TakeMap(object);
      if (!statement) return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  return data;
}

}  // namespace florin::crypto
