#include "services/gateway/openapi/document.h"

#include <regex>
#include <set>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/gateway/openapi/examples.h"
#include "services/gateway/openapi/schemas.h"
#include "services/gateway/transcode/field_text.h"
#include "services/gateway/transcode/file_response.h"
#include "services/gateway/transcode/problem.h"
#include "services/gateway/transcode/rate_class.h"

namespace florin::gateway {
namespace {

namespace json = boost::json;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using options::v1::MethodPolicy;

constexpr Reason kReasons[] = {
#define FLORIN_REASON(enumerator, number, name, code, http, advice) Reason::enumerator,
#include "libs/status/reasons.inc"
#undef FLORIN_REASON
};

json::object Ref(const std::string& where) {
  return {{"$ref", absl::StrCat("#/components/", where)}};
}

std::string MethodName(const Route& route) {
  // "/florin.auth.v1.Auth/LogIn" -> "florin.auth.v1.Auth.LogIn"
  std::string name = route.rpc.substr(1);
  name[name.find('/')] = '.';
  return name;
}

std::string TagOf(const Route& route) {
  const std::size_t slash = route.rpc.rfind('/');
  return route.rpc.substr(route.rpc.rfind('.', slash) + 1, slash - route.rpc.rfind('.', slash) - 1);
}

// Whether its request names something by an id, which can be malformed.
bool TakesIds(const Route& route) {
  const google::protobuf::Descriptor& request = *route.request->GetDescriptor();
  for (int i = 0; i < request.field_count(); ++i) {
    const absl::string_view name = request.field(i)->name();
    if (absl::EndsWith(name, "_id") || absl::EndsWith(name, "_ids")) return true;
  }
  return false;
}

// The reasons that a route can have by what it is, and those that its comment names.
std::set<Reason> ReasonsOf(const Route& route, const std::string& comment) {
  std::set<Reason> reasons = {Reason::kInternal,         Reason::kUnavailable,
                              Reason::kDeadlineExceeded, Reason::kOverloaded,
                              Reason::kRateLimited,      Reason::kMalformedRequest,
                              Reason::kHeaderTooLarge,   Reason::kRequestTimeout};
  if (route.policy.access() == MethodPolicy::USER)
    reasons.insert({Reason::kTokenMissing, Reason::kTokenInvalid, Reason::kTokenExpired,
                    Reason::kApiKeyWrongMode, Reason::kNetworkNotAllowed,
                    Reason::kUserTokenRequired});
  if (route.policy.scopes_size() > 0) reasons.insert(Reason::kScopeMissing);
  if (route.policy.idempotency() == MethodPolicy::KEY) {
    reasons.insert({Reason::kIdempotencyKeyMissing, Reason::kIdempotencyKeyInvalid,
                    Reason::kIdempotencyKeyReused});
  }
  if (!route.is_web) reasons.insert({Reason::kUnknownField, Reason::kInvalidField});
  if (TakesIds(route)) reasons.insert(Reason::kInvalidId);
  if (route.has_body && !route.is_web) {
    reasons.insert({Reason::kMalformedJson, Reason::kDuplicateKey, Reason::kMissingField,
                    Reason::kTooDeep, Reason::kUnsupportedMediaType});
  }
  if (route.has_body) reasons.insert(Reason::kBodyTooLarge);
  static const std::regex quoted("`([a-z_]+)`");
  for (std::sregex_iterator it(comment.begin(), comment.end(), quoted), end; it != end; ++it) {
    if (const auto reason = ReasonFromName((*it)[1].str())) reasons.insert(*reason);
  }
  return reasons;
}

json::object ProblemExample(Reason reason) {
  const Problem problem = MakeProblem(Error(reason, "A sentence for developers, free to change"),
                                      "req_01jd8x5t4wf6n8k2v7r3m9q0ze");
  return json::parse(problem.body).as_object();
}

// The responses of errors, by status.
void AddProblems(const Route& route, const std::string& comment, json::object& responses) {
  std::map<int, std::vector<Reason>> by_status;
  for (const Reason reason : ReasonsOf(route, comment))
    by_status[InfoOf(reason).http_status].push_back(reason);
  for (const auto& [status, reasons] : by_status) {
    json::array names;
    std::vector<std::string> sentences;
    for (const Reason reason : reasons) {
      names.emplace_back(std::string(InfoOf(reason).name));
      sentences.push_back(absl::StrCat("`", std::string(InfoOf(reason).name),
                                       "`: ", std::string(InfoOf(reason).advice)));
    }
    json::object content{{"schema", Ref("schemas/Problem")},
                         {"example", ProblemExample(reasons.front())}};
    json::object response{{"description", absl::StrJoin(sentences, "\n\n")},
                          {"content", {{kProblemContentType, std::move(content)}}},
                          {"x-reasons", std::move(names)}};
    if (status == 429 || status == 503)
      response["headers"] = json::object{{"Retry-After", Ref("headers/RetryAfter")}};
    responses[std::to_string(status)] = std::move(response);
  }
}

json::object SuccessHeaders(const Route& route) {
  json::object headers{{"X-Request-Id", Ref("headers/RequestId")},
                       {"RateLimit", Ref("headers/RateLimit")},
                       {"RateLimit-Policy", Ref("headers/RateLimitPolicy")}};
  if (route.http_method == "GET" && !route.is_web) headers["ETag"] = Ref("headers/ETag");
  if (route.policy.idempotency() == MethodPolicy::KEY)
    headers["Idempotency-Replayed"] = Ref("headers/IdempotencyReplayed");
  return headers;
}

json::object Responses(const Route& route, const std::string& comment, const Comments& comments,
                       Schemas& schemas) {
  json::object responses;
  if (route.is_web) {
    responses["200"] = json::object{{"description", "As the standard of this endpoint has it."},
                                    {"content", {{"*/*", json::object()}}}};
    responses["303"] = json::object{{"description", "Goes on at `Location`."}};
  } else if (route.is_file) {
    json::object content;
    for (const std::string_view type : FileTypes())
      content[type] = json::object{{"schema", {{"type", "string"}, {"format", "binary"}}}};
    responses["200"] = json::object{{"description", "The file."},
                                    {"headers", SuccessHeaders(route)},
                                    {"content", std::move(content)}};
  } else {
    const Descriptor& message = *route.response->GetDescriptor();
    json::object content{{"schema", schemas.Reference(message, Direction::kResponse)},
                         {"example", ExampleOf(message, comments)}};
    responses["200"] = json::object{{"description", "Done."},
                                    {"headers", SuccessHeaders(route)},
                                    {"content", {{"application/json", std::move(content)}}}};
  }
  if (route.http_method == "GET" && !route.is_web)
    responses["304"] = json::object{{"description", "What `If-None-Match` names is current."}};
  AddProblems(route, comment, responses);
  return responses;
}

void AddQueryParameters(const Route& route, const Descriptor& message, const std::string& prefix,
                        const Comments& comments, Schemas& schemas, json::array& parameters) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const std::string name = absl::StrCat(prefix, field.name());
    const bool is_bound =
        std::any_of(route.variables.begin(), route.variables.end(),
                    [&name](const PathVariable& variable) { return variable.name == name; });
    if (is_bound || field.is_map()) continue;
    const bool is_message = field.type() == FieldDescriptor::TYPE_MESSAGE && !IsTimestamp(field);
    if (is_message && field.is_repeated()) continue;
    if (is_message) {
      AddQueryParameters(route, *field.message_type(), absl::StrCat(name, "."), comments, schemas,
                         parameters);
      continue;
    }
    json::object parameter{
        {"name", name}, {"in", "query"}, {"schema", schemas.OfField(field, Direction::kRequest)}};
    if (const auto comment = comments.find(field.full_name()); comment != comments.end())
      parameter["description"] = comment->second;
    parameters.push_back(std::move(parameter));
  }
}

json::array Parameters(const Route& route, const Comments& comments, Schemas& schemas) {
  json::array parameters;
  for (const PathVariable& variable : route.variables) {
    const FieldDescriptor& field = *variable.field.back();
    json::object parameter{{"name", variable.name},
                           {"in", "path"},
                           {"required", true},
                           {"schema", schemas.OfField(field, Direction::kRequest)},
                           {"example", ExampleOf(field, comments)}};
    if (const auto comment = comments.find(field.full_name()); comment != comments.end())
      parameter["description"] = comment->second;
    parameters.push_back(std::move(parameter));
  }
  if (!route.has_body && !route.is_web) {
    AddQueryParameters(route, *route.request->GetDescriptor(), "", comments, schemas, parameters);
  }
  if (route.policy.idempotency() == MethodPolicy::KEY)
    parameters.push_back(Ref("parameters/IdempotencyKey"));
  if (route.http_method == "GET" && !route.is_web)
    parameters.push_back(Ref("parameters/IfNoneMatch"));
  if (route.http_method != "GET") parameters.push_back(Ref("parameters/RetryAttempt"));
  return parameters;
}

json::object Body(const Route& route, const Comments& comments, Schemas& schemas) {
  if (route.is_web) {
    const json::object form{{"type", "object"}, {"additionalProperties", {{"type", "string"}}}};
    return {{"content", {{"application/x-www-form-urlencoded", {{"schema", form}}}}}};
  }
  const Descriptor& message = *route.request->GetDescriptor();
  json::object content{{"schema", schemas.Reference(message, Direction::kRequest)},
                       {"example", ExampleOf(message, comments)}};
  return {{"required", true}, {"content", {{"application/json", std::move(content)}}}};
}

json::array Security(const Route& route, bool has_oauth) {
  json::array security;
  if (route.policy.access() != MethodPolicy::USER) return security;
  json::array scopes;
  for (const std::string& scope : route.policy.scopes()) scopes.emplace_back(scope);
  security.push_back(json::object{{"bearer", scopes}});
  if (!has_oauth) return security;
  security.push_back(json::object{{"dpop", scopes}});
  security.push_back(json::object{{"oauth2", scopes}});
  return security;
}

json::object Operation(const Route& route, bool has_oauth, const Comments& comments,
                       Schemas& schemas) {
  const auto found = comments.find(MethodName(route));
  const std::string comment = found == comments.end() ? "" : found->second;
  json::object operation{
      {"operationId", absl::StrCat(TagOf(route), "_", route.rpc.substr(route.rpc.rfind('/') + 1))},
      {"tags", json::array{TagOf(route)}},
      {"summary", SummaryOf(comment)},
      {"description", comment}};
  if (json::array parameters = Parameters(route, comments, schemas); !parameters.empty())
    operation["parameters"] = std::move(parameters);
  if (route.has_body || (route.is_web && route.http_method == "POST"))
    operation["requestBody"] = Body(route, comments, schemas);
  operation["responses"] = Responses(route, comment, comments, schemas);
  operation["security"] = Security(route, has_oauth);
  operation["x-rate-cost"] = CostOf(&route);
  return operation;
}

json::object ProblemSchema() {
  json::array names;
  for (const Reason reason : kReasons) names.emplace_back(std::string(InfoOf(reason).name));
  const json::object text{{"type", "string"}};
  return {{"type", "object"},
          {"description", "An error (RFC 9457). Branch on `reason`, never on `detail`."},
          {"properties",
           {{"type", {{"type", "string"}, {"pattern", "^urn:florin:reason:[a-z0-9_]+$"}}},
            {"title", text},
            {"status", {{"type", "integer"}}},
            {"reason", {{"type", "string"}, {"enum", std::move(names)}}},
            {"detail", text},
            {"param", text},
            {"metadata", {{"type", "object"}, {"additionalProperties", text}}},
            {"request_id", text},
            {"advice", text}}},
          {"required",
           json::array{"type", "title", "status", "reason", "detail", "request_id", "advice"}}};
}

json::object HeaderComponents() {
  const auto header = [](const char* description, const char* type = "string") {
    return json::object{{"description", description}, {"schema", {{"type", type}}}};
  };
  return {
      {"RequestId", header("Name it when you report a fault.")},
      {"RateLimit", header("What is left: `\"user\";r=1195;t=1`, r units, all of them again in t "
                           "seconds (draft-ietf-httpapi-ratelimit-headers).")},
      {"RateLimitPolicy", header("The quotas: `\"user\";q=1200;w=60`, q units in w seconds.")},
      {"RetryAfter", header("Seconds to wait before the next attempt.", "integer")},
      {"ETag", header("Names this answer: send it as `If-None-Match`.")},
      {"IdempotencyReplayed", header("`true`: an earlier call got this answer first.")}};
}

json::object ParameterComponents() {
  const auto header = [](const char* name, bool required, json::object schema,
                         const char* description) {
    return json::object{{"name", name},
                        {"in", "header"},
                        {"required", required},
                        {"schema", std::move(schema)},
                        {"description", description}};
  };
  return {
      {"IdempotencyKey",
       header("Idempotency-Key", true, {{"type", "string"}, {"pattern", "^[!-~]{1,255}$"}},
              "Of your choice, new for each new intent, the same for every retry of it.")},
      {"IfNoneMatch", header("If-None-Match", false, {{"type", "string"}},
                             "The ETag of an answer that you have: 304 if it is current.")},
      {"RetryAttempt",
       header("Florin-Retry-Attempt", false, {{"type", "integer"}, {"minimum", 1}, {"maximum", 99}},
              "Says that this is a retry, and which: refused later than what is new when there "
              "is too much at once.")}};
}

json::object SecuritySchemes(const RouteTable& routes, bool has_oauth) {
  json::object schemes{
      {"bearer", {{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"}}}};
  if (!has_oauth) return schemes;
  json::object scopes;
  for (const auto& route : routes.routes()) {
    for (const std::string& scope : route->policy.scopes()) scopes[scope] = scope;
  }
  schemes["dpop"] = json::object{
      {"type", "http"}, {"scheme", "dpop"}, {"description", "A token bound to a key (RFC 9449)."}};
  schemes["oauth2"] =
      json::object{{"type", "oauth2"},
                   {"flows",
                    {{"authorizationCode",
                      {{"authorizationUrl", "/oauth/authorize"},
                       {"tokenUrl", "/oauth/token"},
                       {"scopes", scopes}}},
                     {"clientCredentials", {{"tokenUrl", "/oauth/token"}, {"scopes", scopes}}}}}};
  return schemes;
}

json::array Tags(const RouteTable& routes, const Comments& comments) {
  std::map<std::string, std::string> tags;
  for (const auto& route : routes.routes()) {
    const std::string method = MethodName(*route);
    const auto comment = comments.find(method.substr(0, method.rfind('.')));
    tags[TagOf(*route)] = comment == comments.end() ? "" : comment->second;
  }
  json::array array;
  for (const auto& [name, description] : tags)
    array.push_back(json::object{{"name", name}, {"description", description}});
  return array;
}

}  // namespace

json::object MakeOpenApi(const RouteTable& routes, const Comments& comments) {
  const bool has_oauth =
      std::any_of(routes.routes().begin(), routes.routes().end(),
                  [](const auto& route) { return route->path == "/oauth/token"; });
  Schemas schemas(comments);
  std::map<std::string, json::object> paths;
  std::set<std::string> ids;
  for (const auto& route : routes.routes()) {
    json::object operation = Operation(*route, has_oauth, comments, schemas);
    // A method may have several routes.
    std::string id(operation["operationId"].as_string());
    for (int i = 2; !ids.insert(id).second; ++i)
      id = absl::StrCat(std::string(operation["operationId"].as_string()), "_", i);
    operation["operationId"] = id;
    paths[route->path][absl::AsciiStrToLower(route->http_method)] = std::move(operation);
  }
  json::object path_items;
  for (auto& [path, item] : paths) path_items[path] = std::move(item);
  json::object schema_items{{"Problem", ProblemSchema()}};
  for (const auto& [name, schema] : schemas.all()) schema_items[name] = schema;
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "Florin"},
            {"version", "1"},
            {"description",
             "Payments. JSON over HTTPS, idempotent by key, with reasons that programs can branch "
             "on. Made from the protos that the services themselves are made from."},
            {"license", {{"name", "Proprietary"}, {"identifier", "LicenseRef-Florin"}}}}},
          {"servers", json::array{json::object{{"url", "/"}}}},
          {"tags", Tags(routes, comments)},
          {"paths", std::move(path_items)},
          {"components",
           {{"schemas", std::move(schema_items)},
            {"parameters", ParameterComponents()},
            {"headers", HeaderComponents()},
            {"securitySchemes", SecuritySchemes(routes, has_oauth)}}}};
}

}  // namespace florin::gateway
