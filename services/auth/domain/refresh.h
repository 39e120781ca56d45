// When a refresh token is good (RFC 9700 section 4.14, FAPI 2.0 Security Profile section 5.3.2.1).
#pragma once

#include <optional>

#include "absl/time/time.h"

namespace florin::auth {

inline constexpr absl::Duration kRefreshIdle = absl::Hours(24 * 14);
inline constexpr absl::Duration kRefreshLifetime = absl::Hours(24 * 30);  // Since the grant.
inline constexpr absl::Duration kRefreshGrace = absl::Seconds(10);

struct RefreshState {
  absl::Time used_at;     // Last, or issued: idle time counts from here.
  absl::Time expires_at;  // At the latest.
  // Since when it is replaced: it was used (a new one was given out), or the answer with it was
  // lost and a sibling given out instead.
  std::optional<absl::Time> replaced_at;

  friend bool operator==(const RefreshState&, const RefreshState&) = default;
};

enum class RefreshDecision {
  kUse,      // Good.
  kRetry,    // Replaced, but so recently that the answer may have been lost: good once more.
  kReuse,    // Replaced before: somebody has it who should not. The grant is to be revoked.
  kExpired,  // Too old.
};

// Pure.
RefreshDecision DecideRefresh(const RefreshState& state, absl::Time now);

}  // namespace florin::auth
