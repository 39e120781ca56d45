// Passwords by Argon2id (RFC 9106) through libsodium.
#pragma once

#include <string>
#include <string_view>

#include "libs/crypto/secret_keys.h"

namespace florin::crypto {

struct PasswordCost {
  unsigned long long operations = 2;     // t
  std::size_t memory_bytes = 19u << 20;  // m = 19 MiB, p = 1: the OWASP minimum, 11 ms measured
};

// Of all three, `pepper`: keys that are not in the database, under which a password is HMAC-SHA-256
// before it is hashed, so that hashes without the keys cannot be guessed against. Null: none. The
// id of the key used stands in the hash as the parameter `keyid`, so that keys can be rotated.

// A PHC string with its parameters and a random salt. Blocks for about 11 ms: run it on an
// async::ThreadPool.
std::string HashPassword(std::string_view password, const PasswordCost& cost = {},
                         const SecretKeys* pepper = nullptr);
// Whether `password` is the one of `phc`; not if the hash's pepper is missing. Takes as long as
// HashPassword in any case.
bool VerifyPassword(std::string_view phc, std::string_view password,
                    const SecretKeys* pepper = nullptr);
// Whether `phc` was made with other parameters than `cost` or another key than the current one:
// hash again at the next login.
bool NeedsRehash(std::string_view phc, const PasswordCost& cost = {},
                 const SecretKeys* pepper = nullptr);

}  // namespace florin::crypto
