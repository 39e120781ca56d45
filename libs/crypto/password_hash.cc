#include "libs/crypto/password_hash.h"

#include <sodium.h>

#include "libs/status/check.h"

namespace florin::crypto {
namespace {

void StartSodium() {
  static const bool started = sodium_init() >= 0;
  FLORIN_CHECK(started, "libsodium starts");
}

}  // namespace

std::string HashPassword(std::string_view password, const PasswordCost& cost) {
  StartSodium();
  char phc[crypto_pwhash_STRBYTES];
  FLORIN_CHECK(crypto_pwhash_str_alg(phc, password.data(), password.size(), cost.operations,
                                     cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13) == 0,
               "the memory of a hash can be had, since the number of hashes at once is bounded");
  return phc;
}

bool VerifyPassword(std::string_view phc, std::string_view password) {
  StartSodium();
  return crypto_pwhash_str_verify(std::string(phc).c_str(), password.data(), password.size()) == 0;
}

bool NeedsRehash(std::string_view phc, const PasswordCost& cost) {
  StartSodium();
  return crypto_pwhash_str_needs_rehash(std::string(phc).c_str(), cost.operations,
                                        cost.memory_bytes) != 0;
}

}  // namespace florin::crypto
