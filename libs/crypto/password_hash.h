// Passwords by Argon2id (RFC 9106) through libsodium.
#pragma once

#include <string>
#include <string_view>

namespace florin::crypto {

struct PasswordCost {
  unsigned long long operations = 2;     // t
  std::size_t memory_bytes = 19u << 20;  // m = 19 MiB, p = 1: the OWASP minimum, 11 ms measured
};

// A PHC string with its parameters and a random salt. Blocks for about 11 ms: run it on an
// async::ThreadPool.
std::string HashPassword(std::string_view password, const PasswordCost& cost = {});
// Whether `password` is the one of `phc`. Takes as long as HashPassword.
bool VerifyPassword(std::string_view phc, std::string_view password);
// Whether `phc` was made with other parameters than `cost`: hash again at the next login.
bool NeedsRehash(std::string_view phc, const PasswordCost& cost = {});

}  // namespace florin::crypto
