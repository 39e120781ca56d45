#include "services/gateway/http/api.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "google/protobuf/arena.h"
#include "libs/identity/network.h"
#include "libs/rpc/policy.h"
#include "libs/rpc/step_up.h"
#include "libs/status/check.h"
#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"
#include "services/gateway/http/conditional.h"
#include "services/gateway/http/grpc_exchange.h"
#include "services/gateway/http/pseudonym.h"
#include "services/gateway/http/trace_context.h"
#include "services/gateway/limits/network.h"
#include "services/gateway/transcode/file_response.h"
#include "services/gateway/transcode/json_writer.h"
#include "services/gateway/transcode/problem.h"
#include "services/gateway/transcode/request_reader.h"
#include "services/gateway/transcode/web_exchange.h"

namespace florin::gateway {
namespace {

using google::protobuf::Arena;
using google::protobuf::Message;
using options::v1::MethodPolicy;

absl::Status CheckScopes(const MethodPolicy& policy, const rpc::Principal& principal) {
  for (const std::string& scope : policy.scopes()) {
    if (!principal.HasScope(scope)) {
      return Error(Reason::kScopeMissing, "the token lacks a scope",
                   {.metadata = {{"scope", scope}}});
    }
  }
  return absl::OkStatus();
}

// The key to pass on; empty where the method has none.
absl::StatusOr<std::string> IdempotencyKey(const MethodPolicy& policy,
                                           const std::optional<std::string>& key) {
  if (policy.idempotency() != MethodPolicy::KEY) return std::string();
  std::string sent = key.value_or("");
  FLORIN_RETURN_IF_ERROR(rpc::CheckIdempotencyKey(sent));
  return sent;
}

// application/json, with no parameter but charset=utf-8 (which RFC 8259 makes redundant).
absl::Status CheckContentType(const Request& request) {
  if (request.body.empty()) return absl::OkStatus();
  std::string type = absl::AsciiStrToLower(request.content_type.value_or(""));
  type.erase(std::remove(type.begin(), type.end(), ' '), type.end());
  if (type == "application/json" || type == "application/json;charset=utf-8")
    return absl::OkStatus();
  return Error(Reason::kUnsupportedMediaType, "the Content-Type is not application/json");
}

absl::StatusOr<std::string> EncodeRequest(const Route& route, const Target& target,
                                          const Request& request) {
  FLORIN_RETURN_IF_ERROR(CheckContentType(request));
  Arena arena;
  Message& message = *route.request->New(&arena);
  FLORIN_RETURN_IF_ERROR(ReadRequest(route, target, request.body, message));
  return message.SerializeAsString();
}

absl::StatusOr<Response> DecodeResponse(const Route& route, const std::string& payload) {
  Arena arena;
  Message& message = *route.response->New(&arena);
  if (!message.ParseFromString(payload))
    return Error(Reason::kInternal, "the reply is not its protobuf message");
  Response response;
  response.content_type = "application/json";
  response.body.reserve(payload.size() * 2 + 256);
  AppendJson(message, response.body);
  return response;
}

// The file itself, for a method that gives one.
absl::StatusOr<Response> DecodeFile(const std::string& payload) {
  http::v1::File file;
  if (!file.ParseFromString(payload))
    return Error(Reason::kInternal, "the reply is not its protobuf message");
  FLORIN_RETURN_IF_ERROR(CheckFile(file));
  Response response;
  response.content_type = std::move(*file.mutable_content_type());
  response.body = std::move(*file.mutable_content());
  response.headers.emplace_back("Content-Disposition",
                                absl::StrCat("attachment; filename=\"", file.name(), "\""));
  return response;
}

// The exchange itself, for a method whose contract is HTTP.
absl::StatusOr<std::string> EncodeWebRequest(const Target& target, const Request& request,
                                             const std::string& request_id) {
  http::v1::WebRequest web;
  web.set_method(request.method);
  web.set_path(request.target.substr(0, request.target.find('?')));
  if (web.path().find('%') != std::string::npos)
    return Error(Reason::kMethodNotFound, "there is no such path");
  FLORIN_RETURN_IF_ERROR(ReadParameters(target, request.content_type, request.body, web));
  FLORIN_ASSIGN_OR_RETURN(const auto cookies, ReadCookies(request.cookie.value_or("")));
  for (const auto& [name, value] : cookies) {
    http::v1::Parameter& cookie = *web.add_cookies();
    cookie.set_name(name);
    cookie.set_value(value);
  }
  web.set_authorization(request.authorization.value_or(""));
  web.set_dpop(request.dpop.value_or(""));
  web.set_origin(request.origin.value_or(""));
  web.set_fetch_site(request.fetch_site.value_or(""));
  web.set_client_address(request.peer.address);
  web.set_client_certificate_thumbprint(request.peer.certificate_thumbprint);
  web.set_request_id(request_id);
  web.set_user_agent(PrintableUserAgent(request.user_agent.value_or("")));
  return web.SerializeAsString();
}

absl::StatusOr<Response> DecodeWebResponse(const std::string& payload) {
  http::v1::WebResponse web;
  if (!web.ParseFromString(payload))
    return Error(Reason::kInternal, "the reply is not its protobuf message");
  FLORIN_RETURN_IF_ERROR(CheckWebResponse(web));
  Response response;
  response.status = web.status();
  response.content_type = std::move(*web.mutable_content_type());
  response.body = std::move(*web.mutable_body());
  for (http::v1::Parameter& field : *web.mutable_headers())
    response.headers.emplace_back(std::move(*field.mutable_name()),
                                  std::move(*field.mutable_value()));
  return response;
}

// A label of logs and metrics must not be the client's to choose.
std::string MethodLabel(const std::string& method) {
  constexpr std::string_view kKnown[] = {"GET",   "HEAD",   "POST",   "PUT",
                                         "PATCH", "DELETE", "OPTIONS"};
  return std::find(std::begin(kKnown), std::end(kKnown), method) == std::end(kKnown) ? "other"
                                                                                     : method;
}

// Counts a running request.
class InFlight {
 public:
  explicit InFlight(std::atomic<int>& count) : count_(count), before_(count.fetch_add(1)) {}
  ~InFlight() { count_.fetch_sub(1); }
  InFlight(const InFlight&) = delete;
  int before() const { return before_; }

 private:
  std::atomic<int>& count_;
  const int before_;
};

}  // namespace

// What belongs to one request and its response beside their content.
struct Api::Exchange {
  std::string request_id;
  std::string traceparent;
  std::string method;
  std::chrono::steady_clock::time_point start;
  std::string network;           // Of the client.
  std::optional<GrpcForm> grpc;  // Nothing: REST.
  const Route* route = nullptr;
  std::vector<std::string> allowed;         // With kMethodNotAllowed.
  std::optional<rpc::Principal> principal;  // Of a verified token.
  QuotaGate::Fields quota_fields;
  bool wants_nonce = false;  // The token came with a proof: tell what the next one needs.
  bool replayed = false;
};

Api::Api(const RouteTable& routes, Backend backend, const Limits& limits, Clock& clock,
         IdSource& ids, std::atomic<int>& in_flight)
    : routes_(routes),
      backend_(std::move(backend)),
      limits_(limits),
      clock_(clock),
      ids_(ids),
      in_flight_(in_flight) {
  for (const auto& route : routes_.routes()) {
    FLORIN_CHECK(backend_.channels.contains(route->service),
                 "every published service has a channel");
  }
}

Task<Response> Api::Handle(const Request& request) {
  Exchange exchange = Begin(request);
  absl::StatusOr<Response> result = co_await Serve(request, exchange);
  co_return Finish(request, exchange, std::move(result));
}

Response Api::Refuse(const absl::Status& error, const Request& request) {
  return Finish(request, Begin(request), error);
}

Api::Exchange Api::Begin(const Request& request) {
  const Uuid id = ids_.NewId();
  return Exchange{.request_id = FormatId(IdKind::kRequest, id),
                  .traceparent = ContinueTrace(request.traceparent, id, ids_.NewId()),
                  .method = MethodLabel(request.method),
                  .start = std::chrono::steady_clock::now(),
                  .network = NetworkOf(request.peer.address),
                  .grpc = GrpcFormOf(request)};
}

absl::StatusOr<Target> Api::FindRoute(const Request& request, Exchange& exchange) const {
  if (exchange.grpc) {
    exchange.route = routes_.FindRpc(request.target);
    if (exchange.route == nullptr) return Error(Reason::kMethodNotFound, "there is no such method");
    return Target();
  }
  FLORIN_ASSIGN_OR_RETURN(Target target, ParseTarget(request.target));
  Match match = routes_.Find(request.method, target);
  exchange.route = match.route;
  if (match.route != nullptr) return target;
  if (match.allowed.empty()) return Error(Reason::kMethodNotFound, "there is no such path");
  exchange.allowed = std::move(match.allowed);
  return Error(Reason::kMethodNotAllowed, "the path does not have this method");
}

absl::Status Api::CheckCapacity(int running, const Request& request,
                                const Exchange& exchange) const {
  const bool is_retry = IsRetryAttempt(request.retry_attempt.value_or(""));
  const Priority priority = PriorityOf(exchange.route, is_retry);
  if (MayBegin(priority, running, limits_.requests_in_flight)) return absl::OkStatus();
  telemetry::Count("florin_gateway_shed_total", {{"priority", NameOf(priority)}});
  return Error(Reason::kOverloaded, "too many requests at once");
}

// The user's token to pass on; empty where the method needs none.
Task<absl::StatusOr<std::string>> Api::Authorize(const Request& request, Exchange& exchange) {
  if (exchange.route == nullptr || exchange.route->policy.access() != MethodPolicy::USER)
    co_return std::string();
  FLORIN_CO_ASSIGN_OR_RETURN(SentToken sent, ReadToken(request));
  std::string token = sent.token;
  absl::StatusOr<rpc::Principal> principal =
      co_await backend_.authenticator->Authenticate(std::move(token));
  if (!principal.ok()) co_return principal.status();
  // An API key's own list. Only here is the client's address known.
  if (!identity::IsAllowedFrom(principal->allowed_networks, request.peer.address))
    co_return Error(Reason::kNetworkNotAllowed, "the API key is not accepted from this address");
  exchange.wants_nonce = sent.scheme == TokenScheme::kDpop;
  FLORIN_CO_RETURN_IF_ERROR(backend_.senders->Check(request, sent, *principal));
  exchange.principal = *std::move(principal);
  co_return std::move(sent.token);
}

// The token, where the quotas of its user, its client and the network allow the request. Whoever
// has no valid one takes from the network's all the same.
Task<absl::StatusOr<std::string>> Api::Admit(const Request& request, Exchange& exchange) {
  const std::int64_t cost = CostOf(exchange.route);
  QuotaGate* const quotas = backend_.quotas.get();
  if (quotas != nullptr)
    FLORIN_CO_RETURN_IF_ERROR(quotas->Precheck(exchange.network, cost, exchange.quota_fields));
  absl::StatusOr<std::string> token = co_await Authorize(request, exchange);
  if (quotas != nullptr) {
    const rpc::Principal* principal = exchange.principal ? &*exchange.principal : nullptr;
    const absl::Status taken =
        co_await quotas->Take(exchange.network, principal, cost, exchange.quota_fields);
    FLORIN_CO_RETURN_IF_ERROR(taken);
  }
  if (exchange.principal) {
    FLORIN_CO_RETURN_IF_ERROR(CheckScopes(exchange.route->policy, *exchange.principal));
    const rpc::StepUp step_up = rpc::StepUpOf(exchange.route->policy);
    FLORIN_CO_RETURN_IF_ERROR(rpc::CheckStepUp(step_up, *exchange.principal, clock_.Now()));
  }
  co_return token;
}

// A preflight or a document; otherwise why there is no route.
absl::StatusOr<Response> Api::AnswerItself(const Request& request, const Exchange& exchange,
                                           const absl::Status& no_route) const {
  if (request.method == "OPTIONS" && request.origin && request.preflight_method &&
      backend_.origins != nullptr) {
    // gRPC-Web has no other method.
    const bool is_rpc = routes_.FindRpc(request.target) != nullptr;
    const std::vector<std::string> methods =
        is_rpc ? std::vector<std::string>{"POST"} : exchange.allowed;
    if (methods.empty()) return no_route;
    const Preflight preflight{.origin = *request.origin,
                              .method = *request.preflight_method,
                              .headers = request.preflight_headers.value_or("")};
    FLORIN_ASSIGN_OR_RETURN(Fields fields, AnswerPreflight(preflight, methods, *backend_.origins));
    return Response{.status = 204, .headers = std::move(fields)};
  }
  if (backend_.documents == nullptr || request.method != "GET") return no_route;
  const auto document = backend_.documents->find(request.target);
  if (document == backend_.documents->end()) return no_route;
  return Response{.content_type = document->second.content_type,
                  .body = document->second.body,
                  .headers = document->second.headers};
}

Task<absl::StatusOr<Response>> Api::Serve(const Request& request, Exchange& exchange) {
  const InFlight running(in_flight_);
  const absl::StatusOr<Target> target = FindRoute(request, exchange);
  FLORIN_CO_RETURN_IF_ERROR(CheckCapacity(running.before(), request, exchange));
  absl::StatusOr<std::string> token = co_await Admit(request, exchange);
  FLORIN_CO_RETURN_IF_ERROR(token.status());
  if (!target.ok()) co_return AnswerItself(request, exchange, target.status());
  const Route& route = *exchange.route;

  rpc::Outgoing context;
  FLORIN_CO_ASSIGN_OR_RETURN(context.deadline,
                             GrpcDeadline(request, clock_.Now(), limits_.request_time));
  context.request_id = exchange.request_id;
  context.traceparent = exchange.traceparent;
  context.client_address = request.peer.address;
  context.user_token = *std::move(token);
  FLORIN_CO_ASSIGN_OR_RETURN(context.idempotency_key,
                             IdempotencyKey(route.policy, request.idempotency_key));
  FLORIN_CO_ASSIGN_OR_RETURN(std::string bytes,
                             exchange.grpc  ? ReadGrpcRequest(route, *exchange.grpc, request)
                             : route.is_web ? EncodeWebRequest(*target, request, context.request_id)
                                            : EncodeRequest(route, *target, request));

  rpc::Channel& channel = *backend_.channels.at(route.service);
  const rpc::Reply reply =
      co_await channel.CallBytes(route.rpc, std::move(context), std::move(bytes));
  exchange.replayed = reply.replayed;
  if (!reply.payload.ok()) co_return reply.payload.status();
  if (exchange.grpc) co_return MakeGrpcResponse(*exchange.grpc, reply.payload);
  co_return route.is_web ? DecodeWebResponse(*reply.payload)
  : route.is_file        ? DecodeFile(*reply.payload)
                         : DecodeResponse(route, *reply.payload);
}

Response Api::Finish(const Request& request, const Exchange& exchange,
                     absl::StatusOr<Response> result) {
  Response response;
  std::string reason;
  int status = 0;  // What it would be in REST: gRPC's is always 200, which tells watchers nothing.
  if (result.ok()) {
    response = *std::move(result);
    status = response.status;
  } else if (exchange.grpc) {
    const absl::Status error = PublicError(result.status());
    response = MakeGrpcResponse(*exchange.grpc, error);
    reason = InfoOf(*ReasonOf(error)).name;
    status = InfoOf(*ReasonOf(error)).http_status;
  } else {
    Problem problem = MakeProblem(result.status(), exchange.request_id);
    response.status = status = problem.http_status;
    response.content_type = kProblemContentType;
    response.body = std::move(problem.body);
    response.headers = std::move(problem.headers);
    reason = std::move(problem.reason);
  }
  const bool is_page = exchange.route != nullptr && exchange.route->is_web;
  if (response.status == 200 && request.method == "GET" && !is_page) {
    AnswerConditionally(request.if_none_match, response);
    status = response.status;
  }
  AddStandardFields(response);
  for (const auto& field : exchange.quota_fields) response.headers.push_back(field);
  if (backend_.origins != nullptr && response.status != 204) {
    for (auto& field : CorsFields(request.origin, *backend_.origins))
      response.headers.push_back(std::move(field));
  }
  response.headers.emplace_back("X-Request-Id", exchange.request_id);
  response.headers.emplace_back("traceparent", exchange.traceparent);
  if (exchange.wants_nonce) response.headers.emplace_back("DPoP-Nonce", backend_.senders->nonce());
  if (exchange.replayed) response.headers.emplace_back("Idempotency-Replayed", "true");
  if (!exchange.allowed.empty())
    response.headers.emplace_back("Allow", absl::StrJoin(exchange.allowed, ", "));
  Record(exchange, status, response.body.size(), reason, result.status());
  return response;
}

// One line for each request, without personal data: no address but its network, no path but its
// template, no query, no user but a pseudonym.
void Api::Record(const Exchange& exchange, int status, std::size_t bytes, const std::string& reason,
                 const absl::Status& error) {
  const std::string route = exchange.route == nullptr ? "none"
                            : exchange.grpc           ? exchange.route->rpc
                                                      : exchange.route->path;
  const auto took = absl::FromChrono(std::chrono::steady_clock::now() - exchange.start);
  telemetry::Count(
      "florin_http_requests_total",
      {{"route", route}, {"method", exchange.method}, {"status", absl::StrCat(status)}});
  telemetry::Observe("florin_http_seconds", {{"route", route}, {"method", exchange.method}}, took);
  telemetry::Log(telemetry::Severity::kInfo, "request",
                 {{"method", exchange.method},
                  {"route", route},
                  {"status", absl::StrCat(status)},
                  {"reason", reason},
                  {"duration_ms", absl::StrCat(absl::ToDoubleMilliseconds(took))},
                  {"bytes", absl::StrCat(bytes)},
                  {"network", exchange.network},
                  {"user", exchange.principal ? PseudonymOf(exchange.principal->user_id) : ""},
                  {"request_id", exchange.request_id}},
                 exchange.traceparent);
  if (status < 500) return;
  // The client was told nothing of the cause.
  telemetry::Log(telemetry::Severity::kError, "request failed inside",
                 {{"error", error.ToString()}, {"request_id", exchange.request_id}},
                 exchange.traceparent);
}

const std::string& Api::Date() {
  const absl::Time now = clock_.Now();
  const std::int64_t second = absl::ToUnixSeconds(now);
  if (date_.empty() || second != date_second_) {
    date_ = absl::FormatTime("%a, %d %b %E4Y %H:%M:%S GMT", now, absl::UTCTimeZone());
    date_second_ = second;
  }
  return date_;
}

}  // namespace florin::gateway
