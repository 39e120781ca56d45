// Who can log in.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "libs/ids/ids.h"

namespace florin::auth {

struct User {
  Uuid user_id;
  std::string email;          // As NormalizeEmail gives it; unique.
  std::string password_hash;  // PHC string of Argon2id.
  absl::Time create_time;     // Whole microseconds, as the database keeps it.

  friend bool operator==(const User&, const User&) = default;
};

}  // namespace florin::auth
