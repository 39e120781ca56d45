// What the server does around a handler, whether it answers once or streams: reads what came with
// the call, checks the method's policy in the order of server.h, records how it went.
#pragma once

#include <grpcpp/server_context.h>

#include <string>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/rpc/context.h"
#include "libs/rpc/policy.h"
#include "libs/rpc/server.h"
#include "libs/status/status.h"

namespace florin::rpc {

// One method as the server runs it. Immutable.
struct Endpoint {
  std::string name;  // "florin.ledger.v1.Ledger/PostTransactions"
  Policy policy;
  Service::Method method;               // Either this
  Service::StreamMethod stream_method;  // or this.
  Authenticator* authenticator;
  Clock* clock;
};

// A call as it came in: who calls, by the certificate, and what was sent along.
struct Arrival {
  absl::StatusOr<std::string> caller;
  Outgoing incoming;
};

// The one SPIFFE identity in the peer's certificate. Error: kCallerNotAllowed.
absl::StatusOr<std::string> PeerService(const grpc::CallbackServerContext& context);

// As the client set it; infinite if it set none.
absl::Time DeadlineOf(const grpc::CallbackServerContext& context);

// Its deadline is the client's, if that is before `latest`.
Arrival ReadArrival(const grpc::CallbackServerContext& context, absl::Time latest);

// Lets the call through to its handler, or refuses it: steps 1 to 4 of server.h.
Task<absl::StatusOr<Call>> Admit(const Endpoint* endpoint, Arrival arrival);

// A call that answers once has its client's deadline, or this after it came, if that is before.
inline constexpr absl::Duration kLongestCall = absl::Seconds(10);

struct Answer {
  absl::StatusOr<std::string> response;
  bool replayed = false;
};

// Admits a unary call, runs its handler, records how it went. `endpoint` has a `method`.
Task<Answer> AnswerCall(const Endpoint* endpoint, Arrival arrival, std::string request);

// Counts and times the ended call, and logs it if it failed inside.
void Record(const Endpoint& endpoint, const absl::Status& status, absl::Duration took,
            const std::string& traceparent);

}  // namespace florin::rpc
