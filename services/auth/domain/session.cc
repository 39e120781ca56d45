#include "services/auth/domain/session.h"

namespace florin::auth {

SessionState StateOf(const Session& session, absl::Time now) {
  if (now - session.auth_time > kSessionLifetime) return SessionState::kExpired;
  if (now - session.active_time > kSessionIdleLimit) return SessionState::kIdle;
  return SessionState::kActive;
}

bool Meets(const Session& session, Strength strength, absl::Duration max_age, absl::Time now) {
  return StrengthOf(session.proofs) >= strength && now - session.auth_time <= max_age;
}

}  // namespace florin::auth
