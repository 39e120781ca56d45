// A user's authenticator app: one-time codes as such apps compute them.
#pragma once

#include <cstdint>
#include <string>

#include "tests/e2e/api_user.h"

namespace florin::e2e {

// RFC 4648 section 6, without padding.
std::string Base32Decode(const std::string& text);

// RFC 6238 with SHA-1, 30 seconds and 6 digits; RFC 4226 section 5.3.
std::string Totp(const std::string& secret, std::int64_t step);

class AuthenticatorApp {
 public:
  // Registers with the user's account; fails the test if it cannot.
  explicit AuthenticatorApp(ApiUser& user);

  // Codes count once, so a user can prove themselves once or twice before 30 seconds have passed.
  std::string NextCode() { return Totp(secret_, step_++); }

 private:
  std::string secret_;
  std::int64_t step_;
};

}  // namespace florin::e2e
