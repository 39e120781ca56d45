// Sessions of people with the pages, from login to logout.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/domain/session.h"
#include "services/auth/flow/session_ender.h"
#include "services/auth/store/oauth_store.h"
#include "services/auth/store/session_store.h"

namespace florin::auth {

// Where a session is used from, as the gateway saw it. Cut to what the store takes.
struct Browser {
  std::string client_address;
  std::string user_agent;
  // For the audit trail, as in Network.
  std::string caller = {};
  std::string request_id = {};
};

struct Authentication {
  Uuid user_id;
  Proofs proofs;
  absl::Time auth_time;
};

// A session whose secret is known for once: to be put into a cookie, and nowhere else.
struct OpenSession {
  Session session;
  std::string secret;  // 256 bits, base64url, 43 characters
};

// Ending a session revokes what apps were granted in it. Thread-safe. The arguments of the
// constructor outlive it. Errors of all methods besides those named: kUnavailable, kInternal.
class Sessions : public SessionEnder {
 public:
  Sessions(SessionStore& store, OAuthStore& oauth, Clock& clock, IdSource& ids)
      : store_(store), oauth_(oauth), clock_(clock), ids_(ids) {}

  // After an authentication, in the audit trail as auth.session.begin: a session with a new secret,
  // whatever secret the browser brought. If that one is of an unexpired session of the same user,
  // the session goes on under its id and the old secret is void; another user's is ended.
  Task<absl::StatusOr<OpenSession>> Start(Authentication authentication, Browser browser,
                                          std::string secret);

  // The session of this secret, active or idle; nothing if there is none or it has expired. Is no
  // activity.
  Task<absl::StatusOr<std::optional<Session>>> Find(std::string secret);

  // The same for a request of its user, which counts as activity. Error: kSessionMissing if it is
  // idle or there is none.
  Task<absl::StatusOr<Session>> Use(std::string secret);

  // Unexpired ones of a user, latest active first.
  Task<absl::StatusOr<std::vector<Session>>> List(Uuid user_id);

  // OK also if there is no such session of this user (any more). Idempotent. In the audit trail as
  // auth.session.end.
  Task<absl::Status> End(Uuid user_id, Uuid session_id, audit::Origin origin);
  Task<absl::Status> EndOthers(Uuid user_id, Uuid but, audit::Origin origin);
  // All of them, and everything that apps were granted, in whatever session.
  Task<absl::Status> EndSessionsOf(Uuid user_id, audit::Origin origin) override;

 private:
  SessionStore& store_;
  OAuthStore& oauth_;
  Clock& clock_;
  IdSource& ids_;
};

}  // namespace florin::auth
