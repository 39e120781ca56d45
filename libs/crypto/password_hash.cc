#include "libs/crypto/password_hash.h"

#include <sodium.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "libs/status/check.h"

namespace florin::crypto {
namespace {

void StartSodium() {
  static const bool started = sodium_init() >= 0;
  FLORIN_CHECK(started, "libsodium starts");
}

constexpr std::string_view kKeyId = ",keyid=";

// A hash as libsodium has it, and the id of its pepper's key ("": none).
struct Split {
  std::string phc;
  std::string key_id;
};
Split SplitKeyId(std::string_view phc) {
  const std::size_t at = phc.find(kKeyId);
  if (at == phc.npos) return {std::string(phc), ""};
  const std::size_t end = std::min(phc.find('$', at), phc.size());
  return {absl::StrCat(std::string(phc.substr(0, at)), std::string(phc.substr(end))),
          std::string(phc.substr(at + kKeyId.size(), end - at - kKeyId.size()))};
}

// libsodium's hashes are `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
std::string InsertKeyId(std::string phc, std::string_view key_id) {
  std::size_t at = 0;
  for (int dollars = 0; dollars < 4; ++dollars) at = phc.find('$', at) + 1;
  return phc.insert(at - 1, absl::StrCat(std::string(kKeyId), std::string(key_id)));
}

std::string Season(const SecretKeys::Key& key, std::string_view password) {
  return HmacSha256(key.octets, password);
}

}  // namespace

std::string HashPassword(std::string_view password, const PasswordCost& cost,
                         const SecretKeys* pepper) {
  StartSodium();
  std::string seasoned;
  if (pepper != nullptr) password = seasoned = Season(pepper->current(), password);
  char phc[crypto_pwhash_STRBYTES];
  FLORIN_CHECK(crypto_pwhash_str_alg(phc, password.data(), password.size(), cost.operations,
                                     cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13) == 0,
               "the memory of a hash can be had, since the number of hashes at once is bounded");
  return pepper == nullptr ? phc : InsertKeyId(phc, pepper->current().id);
}

bool VerifyPassword(std::string_view phc, std::string_view password, const SecretKeys* pepper) {
  StartSodium();
  const Split split = SplitKeyId(phc);
  const SecretKeys::Key* key = nullptr;
  if (!split.key_id.empty() && pepper != nullptr) key = pepper->Find(split.key_id);
  const bool peppered = !split.key_id.empty();
  std::string seasoned;
  if (key != nullptr) password = seasoned = Season(*key, password);
  const bool matches =
      crypto_pwhash_str_verify(split.phc.c_str(), password.data(), password.size()) == 0;
  return matches && peppered == (key != nullptr);
}

bool NeedsRehash(std::string_view phc, const PasswordCost& cost, const SecretKeys* pepper) {
  StartSodium();
  const Split split = SplitKeyId(phc);
  return split.key_id != (pepper == nullptr ? "" : pepper->current().id) ||
         crypto_pwhash_str_needs_rehash(split.phc.c_str(), cost.operations, cost.memory_bytes) != 0;
}

}  // namespace florin::crypto
