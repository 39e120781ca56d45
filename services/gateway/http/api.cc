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
#include "libs/status/check.h"
#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"
#include "services/gateway/http/trace_context.h"
#include "services/gateway/transcode/json_writer.h"
#include "services/gateway/transcode/problem.h"
#include "services/gateway/transcode/request_reader.h"
#include "services/gateway/transcode/web_exchange.h"

namespace florin::gateway {
namespace {

using google::protobuf::Arena;
using google::protobuf::Message;
using options::v1::MethodPolicy;

bool IsVisibleAscii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// The token of `Bearer TOKEN` (RFC 6750 section 2.1).
absl::StatusOr<std::string> BearerToken(const std::optional<std::string>& authorization) {
  absl::string_view rest = authorization ? absl::string_view(*authorization) : absl::string_view();
  if (!absl::StartsWithIgnoreCase(rest, "Bearer "))
    return Error(Reason::kTokenMissing, "there is no bearer token");
  rest.remove_prefix(7);
  std::string token(absl::StripAsciiWhitespace(rest));
  if (token.empty() || !IsVisibleAscii(token))
    return Error(Reason::kTokenInvalid, "the bearer token is malformed");
  return token;
}

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

// The exchange itself, for a method whose contract is HTTP.
absl::StatusOr<std::string> EncodeWebRequest(const Target& target, const Request& request) {
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
  web.set_client_address(request.client_address);
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
  const Route* route = nullptr;
  std::vector<std::string> allowed;  // With kMethodNotAllowed.
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
  co_return Finish(exchange, std::move(result));
}

Response Api::Refuse(const absl::Status& error, const Request& request) {
  return Finish(Begin(request), error);
}

Api::Exchange Api::Begin(const Request& request) {
  const Uuid id = ids_.NewId();
  return Exchange{.request_id = FormatId(IdKind::kRequest, id),
                  .traceparent = ContinueTrace(request.traceparent, id, ids_.NewId()),
                  .method = MethodLabel(request.method),
                  .start = std::chrono::steady_clock::now()};
}

absl::StatusOr<Target> Api::FindRoute(const Request& request, Exchange& exchange) const {
  FLORIN_ASSIGN_OR_RETURN(Target target, ParseTarget(request.target));
  Match match = routes_.Find(request.method, target);
  exchange.route = match.route;
  if (match.route != nullptr) return target;
  if (match.allowed.empty()) return Error(Reason::kMethodNotFound, "there is no such path");
  exchange.allowed = std::move(match.allowed);
  return Error(Reason::kMethodNotAllowed, "the path does not have this method");
}

// The user's token to pass on; empty where the method needs none.
Task<absl::StatusOr<std::string>> Api::Authorize(const Request& request, const Route& route) {
  if (route.policy.access() != MethodPolicy::USER) co_return std::string();
  FLORIN_CO_ASSIGN_OR_RETURN(std::string token, BearerToken(request.authorization));
  const absl::StatusOr<rpc::Principal> principal =
      co_await backend_.authenticator->Authenticate(token);
  if (!principal.ok()) co_return principal.status();
  // An API key's own list. Only here is the client's address known.
  if (!identity::IsAllowedFrom(principal->allowed_networks, request.client_address))
    co_return Error(Reason::kNetworkNotAllowed, "the API key is not accepted from this address");
  FLORIN_CO_RETURN_IF_ERROR(CheckScopes(route.policy, *principal));
  co_return token;
}

Task<absl::StatusOr<Response>> Api::Serve(const Request& request, Exchange& exchange) {
  const InFlight running(in_flight_);
  if (running.before() >= limits_.requests_in_flight)
    co_return Error(Reason::kOverloaded, "too many requests at once");
  FLORIN_CO_ASSIGN_OR_RETURN(const Target target, FindRoute(request, exchange));
  const Route& route = *exchange.route;

  rpc::Outgoing context;
  context.deadline = clock_.Now() + limits_.request_time;
  context.request_id = exchange.request_id;
  context.traceparent = exchange.traceparent;
  absl::StatusOr<std::string> token = co_await Authorize(request, route);
  FLORIN_CO_ASSIGN_OR_RETURN(context.user_token, std::move(token));
  FLORIN_CO_ASSIGN_OR_RETURN(context.idempotency_key,
                             IdempotencyKey(route.policy, request.idempotency_key));
  FLORIN_CO_ASSIGN_OR_RETURN(std::string bytes, route.is_web
                                                    ? EncodeWebRequest(target, request)
                                                    : EncodeRequest(route, target, request));

  rpc::Channel& channel = *backend_.channels.at(route.service);
  const rpc::Reply reply =
      co_await channel.CallBytes(route.rpc, std::move(context), std::move(bytes));
  exchange.replayed = reply.replayed;
  if (!reply.payload.ok()) co_return reply.payload.status();
  co_return route.is_web ? DecodeWebResponse(*reply.payload)
                         : DecodeResponse(route, *reply.payload);
}

Response Api::Finish(const Exchange& exchange, absl::StatusOr<Response> result) {
  Response response;
  std::string reason;
  if (result.ok()) {
    response = *std::move(result);
  } else {
    Problem problem = MakeProblem(result.status(), exchange.request_id);
    response.status = problem.http_status;
    response.content_type = kProblemContentType;
    response.body = std::move(problem.body);
    response.headers = std::move(problem.headers);
    reason = std::move(problem.reason);
  }
  response.headers.emplace_back("X-Request-Id", exchange.request_id);
  response.headers.emplace_back("traceparent", exchange.traceparent);
  if (exchange.replayed) response.headers.emplace_back("Idempotency-Replayed", "true");
  if (!exchange.allowed.empty())
    response.headers.emplace_back("Allow", absl::StrJoin(exchange.allowed, ", "));
  Record(exchange, response.status, reason, result.status());
  return response;
}

void Api::Record(const Exchange& exchange, int status, const std::string& reason,
                 const absl::Status& error) {
  const std::string route = exchange.route == nullptr ? "none" : exchange.route->path;
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
