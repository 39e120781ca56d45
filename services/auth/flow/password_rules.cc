#include "services/auth/flow/password_rules.h"

#include <fstream>
#include <optional>

#include "libs/text/text.h"

namespace florin::auth {

absl::StatusOr<PasswordRules> PasswordRules::Load(const std::string& path) {
  std::ifstream file(path);
  CommonPasswords common;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') common.insert(std::move(line));
  }
  if (common.empty()) {
    return Error(Reason::kInvalidField, path + ": no list of passwords can be read");
  }
  return PasswordRules(std::move(common));
}

absl::Status PasswordRules::Check(std::string_view password, std::string_view email) const {
  const std::optional<std::string> normal = NormalizeNfc(password);
  return CheckNewPassword(normal ? std::string_view(*normal) : password, email, common_);
}

}  // namespace florin::auth
