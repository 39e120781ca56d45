// What travels with a call beside its request.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/async/bell.h"
#include "libs/async/task.h"
#include "libs/rpc/cancellation.h"
#include "libs/status/status.h"

namespace florin::rpc {

// Who a call acts for, from a verified access token.
struct Principal {
  std::string user_id;  // `usr_…`, the token's `sub`; a client acting for itself: its id
  std::vector<std::string> scopes;
  std::string token_id;   // `jti`
  std::string client_id;  // The OAuth client that the token was issued to.
  // When and how the user last proved who they are: `auth_time` (never, in a client's own token),
  // `acr` (`urn:florin:acr:…`) and `amr` (RFC 8176).
  absl::Time auth_time = absl::InfinitePast();
  std::string acr;
  std::vector<std::string> amr;
  // The key or certificate that the token is bound to: `cnf.jkt` (RFC 9449), `cnf."x5t#S256"` (RFC
  // 8705). Both empty for a bearer token. Whoever takes the token from a client checks it.
  std::string key_thumbprint;
  std::string certificate_thumbprint;
  std::string session_id;  // `sid`: `ses_…`; empty if there is none.
  bool HasScope(std::string_view scope) const;

  // CIDR blocks from which an API key is accepted; empty: from anywhere. Whoever takes the key from
  // a client checks it (libs/identity/network.h).
  std::vector<std::string> allowed_networks = {};
};

// What a client sends along. Deadline is absolute; a call without one gets the channel's default,
// a stream without one has none.
struct Outgoing {
  absl::Time deadline = absl::InfiniteFuture();
  std::string request_id;   // `req_…`; shown to the caller, in every log line of the request
  std::string traceparent;  // W3C Trace Context
  std::string user_token;  // Access token of the user that the call acts for; empty for a service's
                           // own call
  std::string idempotency_key;  // As the caller sent it; empty if none
  // IP address of the client outside, as the gateway saw it; empty if nobody outside asked. For
  // throttles and the audit trail: it proves nothing.
  std::string client_address = {};
  // Which of several targets has the call: calls with the same route go to the same one, e.g. those
  // of a book. Not sent.
  std::string route = {};
  // Ends a stream from this side. Not sent, and not for unary calls, whose deadline is near.
  std::shared_ptr<Cancellation> cancellation = nullptr;
};

// What a handler knows of its call. Lives until the handler's Task ends. Not thread-safe: it
// belongs to that Task.
class Call {
 public:
  // Name of the calling service, from its certificate's spiffe:// URI.
  const std::string& caller() const { return caller_; }
  // The verified user. Only in methods with access USER (a broken promise otherwise).
  const Principal& principal() const;
  // Present in methods with idempotency KEY.
  const std::string& idempotency_key() const { return incoming_.idempotency_key; }
  const std::string& request_id() const { return incoming_.request_id; }
  const std::string& traceparent() const { return incoming_.traceparent; }
  const std::string& client_address() const { return incoming_.client_address; }
  absl::Time deadline() const { return incoming_.deadline; }

  // Tells the caller that this answer (a success or an error) was first given to an earlier call.
  void MarkReplayed() { replayed_ = true; }
  bool replayed() const { return replayed_; }

  // Streams only (a unary call is never canceled: what was begun is finished). A stream is canceled
  // when its client is gone (kCanceled), its deadline has passed (kDeadlineExceeded) or the server
  // drains (kUnavailable, so that the client resumes elsewhere). It ends with that status, whatever
  // the handler returns, which it should do soon.
  bool canceled() const { return !cancel_status().ok(); }
  absl::Status cancel_status() const;
  // Waits between writes: `longest` at most, until bell() is rung, or until the call is canceled.
  // Only the last is an error: cancel_status().
  Task<absl::Status> Wait(absl::Duration longest);
  // Wakes Wait() from any thread. May outlive the call, and is then without effect.
  std::shared_ptr<async::Bell> bell() const { return bell_; }

  // For a call made on behalf of the same user: passes the token on, with a deadline 50 ms earlier,
  // so that the callee's time-out is reported before ours.
  Outgoing OnBehalfOfUser() const;
  // For a call made as this service itself.
  Outgoing AsService() const;

  Call(std::string caller, Outgoing incoming, Principal principal, bool has_principal);

 private:
  std::string caller_;
  Outgoing incoming_;
  Principal principal_;
  bool has_principal_ = false;
  bool replayed_ = false;
  std::shared_ptr<async::Bell> bell_;  // Of streams only.
  std::optional<Cancellation::Subscription> rings_when_canceled_;
};

}  // namespace florin::rpc
