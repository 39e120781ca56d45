// What a new password must be, with the list of common ones.
#pragma once

#include <string>
#include <string_view>

#include "libs/status/status.h"
#include "services/auth/domain/password.h"

namespace florin::auth {

// Immutable, so thread-safe.
class PasswordRules {
 public:
  explicit PasswordRules(CommonPasswords common) : common_(std::move(common)) {}
  // A file with one password a line in lower case; lines that begin with `#` are comments. Errors
  // name the file.
  static absl::StatusOr<PasswordRules> Load(const std::string& path);

  // CheckNewPassword (domain/password.h) of the password in Normalization Form C, which is what
  // will be hashed.
  absl::Status Check(std::string_view password, std::string_view email) const;

 private:
  CommonPasswords common_;
};

}  // namespace florin::auth
