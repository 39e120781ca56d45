#include "services/auth/domain/refresh.h"

#include <algorithm>

namespace florin::auth {

RefreshDecision DecideRefresh(const RefreshState& state, absl::Time now) {
  // Reuse first: that an old token is known to a stranger matters although it would be refused.
  if (state.replaced_at && *state.replaced_at + kRefreshGrace < now) return RefreshDecision::kReuse;
  if (now >= std::min(state.expires_at, state.used_at + kRefreshIdle)) {
    return RefreshDecision::kExpired;
  }
  return state.replaced_at ? RefreshDecision::kRetry : RefreshDecision::kUse;
}

}  // namespace florin::auth
