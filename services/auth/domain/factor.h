// What a user can prove themselves with beside a password.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "libs/ids/ids.h"

namespace florin::auth {

enum class FactorKind { kPasskey, kTotp, kRecoveryCodes };

// One of them, without its secret.
struct Factor {
  Uuid factor_id;
  FactorKind kind = FactorKind::kPasskey;
  std::string label;  // What the user calls a passkey; empty for the others.
  absl::Time create_time;
  std::optional<absl::Time> last_use_time;
  int codes_left = 0;  // Of recovery codes.

  friend bool operator==(const Factor&, const Factor&) = default;
};

}  // namespace florin::auth
