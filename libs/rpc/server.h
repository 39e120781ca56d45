// The gRPC server of a Florin service: mutual TLS, and the policy of every method before its
// handler.
//
// A call goes through, in this order, each refusal with its reason:
//   1. mutual TLS; exactly one spiffe://florin.local/ identity in the peer's certificate;
//   2. the method's `callers` (florin.options.v1.policy) contain it: kCallerNotAllowed;
//   3. access USER: a valid access token with every scope: kTokenMissing, kTokenInvalid,
//      kTokenExpired, kScopeMissing; of a user who proved who they are as recently and as strongly
//      as the method demands: kStepUpRequired;
//   4. idempotency KEY: a key of the right shape: kIdempotencyKeyMissing, kIdempotencyKeyInvalid;
//   5. the handler, as a Task on the runtime (never on gRPC's own thread). One that answers once
//   has
//      a deadline in 10 s at most; a stream has the deadline that its client set, or none.
//
// Besides, a server answers gRPC health and reflection to any holder of a certificate of the CA.
// Metrics florin_rpc_requests_total{method,reason} and florin_rpc_seconds{method} of calls that
// have ended, florin_rpc_messages_sent_total{method} of streams; one log line for each call that
// failed inside.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/rpc/context.h"
#include "libs/rpc/credentials.h"
#include "libs/rpc/service.h"
#include "libs/status/status.h"

namespace florin::rpc {

// Verifies access tokens. libs/identity has the real one. Thread-safe.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // Errors: kTokenInvalid, kTokenExpired, kUnavailable (no keys to verify with).
  virtual Task<absl::StatusOr<Principal>> Authenticate(std::string token) = 0;
};

struct ServerOptions {
  std::string listen;  // host:port; port 0 chooses a free one
  CertificateFiles certificates;
  Authenticator* authenticator =
      nullptr;  // Needed if a method has access USER. Not owned; outlives the server.
  // Whether unary calls may share a stream (proto/florin/transport/v1/envelopes.proto).
  bool streams_of_calls = true;
  // What the age of a user's authentication is measured by. Not owned; outlives the server.
  Clock* clock = &SystemClock();
};

class Server {
 public:
  // Starts serving `services` (not owned; outlive the server) on `executor`.
  // Errors: a port in use, unreadable certificates. A method without a policy is a broken promise
  // and ends the process.
  static absl::StatusOr<std::unique_ptr<Server>> Start(Executor executor, ServerOptions options,
                                                       std::vector<Service*> services);
  ~Server();

  int port() const;
  // Stops accepting, tells streams to end at once with kUnavailable (so that clients resume
  // elsewhere), lets running calls finish until `grace` is over, cancels the rest. Blocks.
  // Idempotent.
  void Drain(absl::Duration grace);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace florin::rpc
