#include "services/auth/flow/sessions.h"

#include <utility>

#include "libs/clock/microseconds.h"
#include "libs/crypto/sha256.h"
#include "libs/telemetry/metrics.h"
#include "services/auth/flow/audit_events.h"

namespace florin::auth {
namespace {

constexpr std::size_t kSecretOctets = 32;
constexpr std::size_t kLongestAddress = 64;
constexpr std::size_t kLongestUserAgent = 200;

}  // namespace

Task<absl::StatusOr<OpenSession>> Sessions::Start(Authentication authentication, Browser browser,
                                                  std::string secret) {
  const absl::Time now = InMicroseconds(clock_.Now());
  OpenSession open;
  open.secret = crypto::Base64UrlEncode(crypto::RandomOctets(kSecretOctets));
  open.session.session_id = ids_.NewId();
  open.session.user_id = authentication.user_id;
  open.session.proofs = authentication.proofs;
  open.session.create_time = now;
  open.session.auth_time = InMicroseconds(authentication.auth_time);
  open.session.active_time = now;
  open.session.client_address = browser.client_address.substr(0, kLongestAddress);
  open.session.user_agent = browser.user_agent.substr(0, kLongestUserAgent);
  audit::Origin origin;
  origin.caller = std::move(browser.caller);
  origin.client_address = std::move(browser.client_address);
  origin.request_id = std::move(browser.request_id);
  const crypto::Digest replacement = crypto::Sha256(open.secret);

  FLORIN_CO_ASSIGN_OR_RETURN(const std::optional<Session> before, co_await Find(secret));
  if (before && before->user_id == authentication.user_id) {
    open.session.session_id = before->session_id;
    open.session.create_time = before->create_time;
    const crypto::Digest current = crypto::Sha256(secret);
    FLORIN_CO_ASSIGN_OR_RETURN(const bool renewed,
                               co_await store_.Renew(current, replacement, open.session));
    if (renewed) co_return open;
    // Somebody was quicker with the same cookie: then this is a session of its own.
    open.session.session_id = ids_.NewId();
    open.session.create_time = now;
  } else if (before) {
    FLORIN_CO_RETURN_IF_ERROR(co_await End(before->user_id, before->session_id, origin));
  }
  audit::Event event =
      UserEvent(clock_, ids_, "auth.session.begin", open.session.user_id, std::move(origin));
  event.details["session_id"] = FormatId(IdKind::kSession, open.session.session_id);
  FLORIN_CO_ASSIGN_OR_RETURN(
      const bool inserted,
      co_await store_.Insert(open.session, replacement, now - kSessionLifetime, std::move(event)));
  static_cast<void>(inserted);
  telemetry::Count("florin_auth_sessions_started_total");
  co_return open;
}

Task<absl::StatusOr<std::optional<Session>>> Sessions::Find(std::string secret) {
  if (secret.empty()) co_return std::nullopt;
  FLORIN_CO_ASSIGN_OR_RETURN(std::optional<Session> session,
                             co_await store_.Find(crypto::Sha256(secret)));
  if (session && StateOf(*session, clock_.Now()) == SessionState::kExpired) session.reset();
  co_return session;
}

Task<absl::StatusOr<Session>> Sessions::Use(std::string secret) {
  FLORIN_CO_ASSIGN_OR_RETURN(std::optional<Session> session, co_await Find(secret));
  const absl::Time now = InMicroseconds(clock_.Now());
  if (!session || StateOf(*session, now) != SessionState::kActive) {
    co_return Error(Reason::kSessionMissing, "there is no active session");
  }
  FLORIN_CO_ASSIGN_OR_RETURN(const bool there, co_await store_.Touch(crypto::Sha256(secret), now));
  // It was ended or renewed meanwhile.
  if (!there) co_return Error(Reason::kSessionMissing, "there is no active session");
  session->active_time = std::max(session->active_time, now);
  co_return *std::move(session);
}

Task<absl::StatusOr<std::vector<Session>>> Sessions::List(Uuid user_id) {
  FLORIN_CO_ASSIGN_OR_RETURN(std::vector<Session> sessions, co_await store_.List(user_id));
  const absl::Time now = clock_.Now();
  std::erase_if(sessions, [now](const Session& session) {
    return StateOf(session, now) == SessionState::kExpired;
  });
  co_return sessions;
}

// What was granted goes first: if the second step fails, the session is still there to be ended
// again.
Task<absl::Status> Sessions::End(Uuid user_id, Uuid session_id, audit::Origin origin) {
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<Session> sessions, co_await store_.List(user_id));
  for (const Session& session : sessions) {
    if (session.session_id != session_id) continue;  // Another user's grants are not ours to end.
    std::string sid = FormatId(IdKind::kSession, session_id);
    const auto revoked = co_await oauth_.RevokeSession(std::move(sid), clock_.Now());
    if (!revoked.ok()) co_return revoked.status();
  }
  audit::Event event = UserEvent(clock_, ids_, "auth.session.end", user_id, std::move(origin));
  event.details["session_id"] = FormatId(IdKind::kSession, session_id);
  const absl::StatusOr<bool> ended = co_await store_.End(user_id, session_id, std::move(event));
  co_return ended.status();
}

Task<absl::Status> Sessions::EndOthers(Uuid user_id, Uuid but, audit::Origin origin) {
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<Session> sessions, co_await store_.List(user_id));
  for (const Session& session : sessions) {
    if (session.session_id == but) continue;
    std::string sid = FormatId(IdKind::kSession, session.session_id);
    const auto revoked = co_await oauth_.RevokeSession(std::move(sid), clock_.Now());
    if (!revoked.ok()) co_return revoked.status();
  }
  audit::Event event = UserEvent(clock_, ids_, "auth.session.end", user_id, std::move(origin));
  event.details["all_but"] = FormatId(IdKind::kSession, but);
  const absl::StatusOr<int> ended = co_await store_.EndOthers(user_id, but, std::move(event));
  co_return ended.status();
}

Task<absl::Status> Sessions::EndSessionsOf(Uuid user_id, audit::Origin origin) {
  const auto revoked = co_await oauth_.RevokeUser(user_id, clock_.Now());
  if (!revoked.ok()) co_return revoked.status();
  audit::Event event = UserEvent(clock_, ids_, "auth.session.end", user_id, std::move(origin));
  event.details["all_but"] = "";
  const absl::StatusOr<int> ended =
      co_await store_.EndOthers(user_id, std::nullopt, std::move(event));
  co_return ended.status();
}

}  // namespace florin::auth
