#include "services/auth/domain/password.h"

#include "libs/text/text.h"

namespace florin::auth {
namespace {

constexpr std::size_t kMinCharacters = 12;
constexpr std::size_t kMaxCharacters = 256;

}  // namespace

absl::Status CheckPassword(std::string_view password) {
  const auto characters = CountPlainCharacters(password);
  if (!characters || *characters < kMinCharacters || *characters > kMaxCharacters) {
    return Error(Reason::kWeakPassword, "the password must have 12 to 256 characters",
                 {.param = "password"});
  }
  return absl::OkStatus();
}

}  // namespace florin::auth
