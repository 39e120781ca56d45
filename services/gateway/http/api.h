// One HTTP request, of REST or gRPC, to one RPC and back: route, token, scopes, idempotency key,
// transcoding, the call, the response with its headers, log line and metrics. Knows neither sockets
// nor any method by name.
//
// Every call inside is built anew; of the client's headers only the bearer token, the idempotency
// key and the trace are passed on. The gateway refuses early what a service would refuse, too; it
// is no trust boundary (services verify the token again).
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"
#include "services/gateway/http/cors.h"
#include "services/gateway/http/documents.h"
#include "services/gateway/http/limits.h"
#include "services/gateway/http/quota_gate.h"
#include "services/gateway/http/request.h"
#include "services/gateway/http/sender_guard.h"
#include "services/gateway/transcode/route_table.h"

namespace florin::gateway {

// What one thread calls: its own channels, so that a reply arrives on the thread that waits for it.
struct Backend {
  std::map<std::string, std::unique_ptr<rpc::Channel>> channels;  // By service: "payments".
  std::unique_ptr<rpc::Authenticator> authenticator;              // May use a channel.
  std::shared_ptr<SenderGuard> senders;                           // Shared by all threads.
  std::unique_ptr<QuotaGate> quotas;                              // Nothing: no rate limits.
  std::shared_ptr<const OriginPolicy> origins;                    // Nothing: no CORS.
  std::shared_ptr<const Documents> documents;                     // Nothing: none.
};
// Makes the backend of the thread that runs `executor`.
using BackendFactory = std::function<Backend(Executor executor)>;

// Belongs to one thread.
class Api {
 public:
  // The references outlive this. `in_flight` counts the running requests of all threads.
  Api(const RouteTable& routes, Backend backend, const Limits& limits, Clock& clock, IdSource& ids,
      std::atomic<int>& in_flight);

  // Answers a request. `request` outlives the task.
  Task<Response> Handle(const Request& request);

  // Answers a request that could not be read: `error` says why. `request` is what was read of it.
  Response Refuse(const absl::Status& error, const Request& request);

  // Now, as HTTP's Date has it (IMF-fixdate, RFC 9110 section 5.6.7).
  const std::string& Date();

 private:
  struct Exchange;
  Exchange Begin(const Request& request);
  Task<absl::StatusOr<Response>> Serve(const Request& request, Exchange& exchange);
  absl::StatusOr<Target> FindRoute(const Request& request, Exchange& exchange) const;
  absl::Status CheckCapacity(int running, const Request& request, const Exchange& exchange) const;
  Task<absl::StatusOr<std::string>> Admit(const Request& request, Exchange& exchange);
  Task<absl::StatusOr<std::string>> Authorize(const Request& request, Exchange& exchange);
  absl::StatusOr<Response> AnswerItself(const Request& request, const Exchange& exchange,
                                        const absl::Status& no_route) const;
  Response Finish(const Request& request, const Exchange& exchange,
                  absl::StatusOr<Response> result);
  void Record(const Exchange& exchange, int status, std::size_t bytes, const std::string& reason,
              const absl::Status& error);

  const RouteTable& routes_;
  const Backend backend_;
  const Limits& limits_;
  Clock& clock_;
  IdSource& ids_;
  std::atomic<int>& in_flight_;
  std::string date_;
  std::int64_t date_second_ = 0;
};

}  // namespace florin::gateway
