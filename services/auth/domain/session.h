// A person's session with the pages of the authorization server.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "services/auth/domain/authentication.h"

namespace florin::auth {

// Without activity for longer than this a session shows and permits nothing until its user has
// authenticated again (Commission Delegated Regulation (EU) 2018/389, Article 4(3)(d): five
// minutes).
inline constexpr absl::Duration kSessionIdleLimit = absl::Seconds(300);
// A session ends this long after its authentication, whatever happens in it (NIST SP 800-63B-4,
// section 2.2.3: at most 24 hours at AAL2, 12 at AAL3).
inline constexpr absl::Duration kSessionLifetime = absl::Hours(12);

// Who changes how they log in has authenticated within this (OWASP ASVS 5.0,
// 7.5.1).
inline constexpr absl::Duration kRecentAuthentication = absl::Minutes(5);

// Times are whole microseconds, as the database keeps them.
struct Session {
  Uuid session_id;  // `ses_…`; the `sid` of tokens that come from it. No secret.
  Uuid user_id;
  Proofs proofs;               // Shown at the last authentication.
  absl::Time create_time;      // Of the first authentication.
  absl::Time auth_time;        // Of the last one.
  absl::Time active_time;      // Of the last request with its cookie.
  std::string client_address;  // At the last authentication. Personal data.
  std::string user_agent;      // The same.

  friend bool operator==(const Session&, const Session&) = default;
};

enum class SessionState {
  kActive,   // Shows pages, lets apps in.
  kIdle,     // Known to be this user's, but they must authenticate again first.
  kExpired,  // As if it had never been.
};

// Limits are inclusive: a session is active at exactly 300 s. A time before the session's own (the
// clock was set back) counts as the same moment. Pure.
SessionState StateOf(const Session& session, absl::Time now);

// Whether the session's authentication is at least as strong as `strength` and not older than
// `max_age` (OpenID Connect Core section 3.1.2.1; InfiniteDuration: any age). Says nothing of
// StateOf(). Pure.
bool Meets(const Session& session, Strength strength, absl::Duration max_age, absl::Time now);

}  // namespace florin::auth
