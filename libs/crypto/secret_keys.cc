#include "libs/crypto/secret_keys.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "absl/strings/str_split.h"
#include "libs/crypto/secret_file.h"
#include "libs/crypto/sha256.h"
#include "libs/status/check.h"

namespace florin::crypto {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kMaxId = 16;

bool IsId(std::string_view text) {
  return !text.empty() && text.size() <= kMaxId &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

}  // namespace

absl::StatusOr<SecretKeys> SecretKeys::Parse(std::string_view text) {
  SecretKeys keys;
  for (const auto line :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n', absl::SkipEmpty())) {
    const std::string_view row(line.data(), line.size());
    const std::size_t space = row.find(' ');
    if (space == row.npos || !IsId(row.substr(0, space))) {
      return Error(Reason::kInvalidField, "a line is not an id, a space and a key");
    }
    auto octets = Base64UrlDecode(row.substr(space + 1));
    if (!octets.ok() || octets->size() != kKeySize) {
      return Error(Reason::kInvalidField, "a key is not 32 octets in base64url");
    }
    if (keys.Find(row.substr(0, space)) != nullptr) {
      return Error(Reason::kInvalidField, "two keys have one id");
    }
    keys.keys_.push_back({std::string(row.substr(0, space)), *std::move(octets)});
  }
  if (keys.keys_.empty()) return Error(Reason::kInvalidField, "there is no key");
  return keys;
}

absl::StatusOr<SecretKeys> SecretKeys::Load(const std::string& path) {
  FLORIN_ASSIGN_OR_RETURN(std::string text, ReadSecretFile(path));
  absl::StatusOr<SecretKeys> keys = Parse(text);
  OPENSSL_cleanse(text.data(), text.size());
  if (!keys.ok()) return FileError(path, std::string(keys.status().message()));
  return keys;
}

SecretKeys::~SecretKeys() {
  for (Key& key : keys_) OPENSSL_cleanse(key.octets.data(), key.octets.size());
}

const SecretKeys::Key* SecretKeys::Find(std::string_view id) const {
  const auto key =
      std::find_if(keys_.begin(), keys_.end(), [id](const Key& each) { return each.id == id; });
  return key == keys_.end() ? nullptr : &*key;
}

std::string HmacSha256(std::string_view key, std::string_view message) {
  std::string mac(32, '\0');
  unsigned int size = 0;
  FLORIN_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                    reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                    reinterpret_cast<unsigned char*>(mac.data()), &size) != nullptr &&
                   size == mac.size(),
               "HMAC with SHA-256 is in every OpenSSL");
  return mac;
}

}  // namespace florin::crypto
