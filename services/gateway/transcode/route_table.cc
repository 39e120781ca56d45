#include "services/gateway/transcode/route_table.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "florin/http/v1/exchange.pb.h"
#include "florin/http/v1/file.pb.h"
#include "google/api/annotations.pb.h"
#include "google/protobuf/descriptor_database.h"
#include "services/gateway/transcode/field_text.h"
#include "services/gateway/transcode/path_template.h"

namespace florin::gateway {
namespace {

using google::api::HttpRule;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;
using options::v1::MethodPolicy;

absl::Status Refused(const std::string& what, const std::string& why) {
  return Error(Reason::kInternal, absl::StrCat(what, ": ", why));
}

bool IsScalarType(const FieldDescriptor& field) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_STRING:
    case FieldDescriptor::TYPE_INT64:
    case FieldDescriptor::TYPE_INT32:
    case FieldDescriptor::TYPE_BOOL:
    case FieldDescriptor::TYPE_ENUM:
      return true;
    default:
      return false;
  }
}

// Whether JSON readers and writer know every type below `message`.
absl::Status CheckTypes(const Descriptor& message, std::set<const Descriptor*>& seen) {
  if (!seen.insert(&message).second) return absl::OkStatus();
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    if (IsScalarType(field) || IsTimestamp(field)) continue;
    const auto refused = Refused(field.full_name(), "the transcoder does not know this type");
    if (field.type() != FieldDescriptor::TYPE_MESSAGE) return refused;
    if (field.is_map()) {
      if (field.message_type()->map_key()->type() != FieldDescriptor::TYPE_STRING ||
          field.message_type()->map_value()->type() != FieldDescriptor::TYPE_STRING) {
        return refused;
      }
      continue;
    }
    if (field.message_type()->well_known_type() != Descriptor::WELLKNOWNTYPE_UNSPECIFIED)
      return refused;
    FLORIN_RETURN_IF_ERROR(CheckTypes(*field.message_type(), seen));
  }
  return absl::OkStatus();
}

absl::Status CheckPolicy(const MethodDescriptor& method, const MethodPolicy& policy) {
  if (policy.access() != MethodPolicy::PUBLIC && policy.access() != MethodPolicy::USER) {
    return Refused(method.full_name(),
                   "a method with an HTTP binding must have access PUBLIC or USER");
  }
  if (policy.idempotency() == MethodPolicy::IDEMPOTENCY_UNSPECIFIED) {
    return Refused(method.full_name(), "its policy does not say how a retry is recognised");
  }
  if (std::find(policy.callers().begin(), policy.callers().end(), "gateway") ==
      policy.callers().end()) {
    return Refused(method.full_name(),
                   "has an HTTP binding, but its callers do not include the gateway");
  }
  return absl::OkStatus();
}

// Whether the method is handed the HTTP exchange itself. Half of one is a mistake.
absl::StatusOr<bool> IsWeb(const MethodDescriptor& method, const MethodPolicy& policy) {
  const bool takes =
      method.input_type()->full_name() == http::v1::WebRequest::descriptor()->full_name();
  const bool gives =
      method.output_type()->full_name() == http::v1::WebResponse::descriptor()->full_name();
  if (takes != gives)
    return Refused(method.full_name(), "a WebRequest is answered by a WebResponse, and only it");
  if (takes && policy.access() != MethodPolicy::PUBLIC)
    return Refused(method.full_name(), "a web method must have access PUBLIC");
  return takes;
}

struct Binding {
  std::string http_method;
  std::string path;
};

absl::StatusOr<Binding> BindingOf(const MethodDescriptor& method, const HttpRule& rule) {
  if (!rule.response_body().empty())
    return Refused(method.full_name(), "response_body is not supported");
  if (!rule.body().empty() && rule.body() != "*")
    return Refused(method.full_name(), "the body must be \"*\" or none");
  switch (rule.pattern_case()) {
    case HttpRule::kGet:
      if (!rule.body().empty()) return Refused(method.full_name(), "a GET has no body");
      return Binding{"GET", rule.get()};
    case HttpRule::kPut:
      return Binding{"PUT", rule.put()};
    case HttpRule::kPost:
      return Binding{"POST", rule.post()};
    case HttpRule::kDelete:
      return Binding{"DELETE", rule.delete_()};
    case HttpRule::kPatch:
      return Binding{"PATCH", rule.patch()};
    default:
      return Refused(method.full_name(), "its HTTP binding names no method");
  }
}

// "accounts" of "florin.accounts.v1".
absl::StatusOr<std::string> ServiceOf(const MethodDescriptor& method) {
  const std::vector<std::string> parts = absl::StrSplit(method.file()->package(), '.');
  if (parts.size() != 3 || parts[0] != "florin")
    return Refused(method.full_name(), "is not in a package florin.NAME.vN");
  return parts[1];
}

const google::protobuf::Message* PrototypeOf(const Descriptor* type) {
  return google::protobuf::MessageFactory::generated_factory()->GetPrototype(type);
}

absl::StatusOr<std::vector<PathVariable>> VariablesOf(const MethodDescriptor& method,
                                                      const PathTemplate& path) {
  std::vector<PathVariable> variables;
  for (std::size_t i = 0; i < path.segments.size(); ++i) {
    if (!path.segments[i].is_variable()) continue;
    const std::string& name = path.segments[i].variable;
    FieldPath field = FindField(*method.input_type(), name);
    if (field.empty() || field.back()->is_repeated() || !IsScalarType(*field.back())) {
      return Refused(method.full_name(),
                     absl::StrCat("{", name, "} names no single scalar field of the request"));
    }
    variables.push_back({.segment = i, .field = std::move(field), .name = name});
  }
  return variables;
}

}  // namespace

// A trie of path segments.
struct RouteTable::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> variable;
  // Where the path ends here: by custom method (mostly ""), then by HTTP method.
  std::map<std::string, std::map<std::string, const Route*, std::less<>>, std::less<>> routes;

  // Adds to `match` what matches segments[depth…] below this node.
  void Find(std::string_view http_method, const Target& target, std::size_t depth,
            Match& match) const {
    if (match.route != nullptr) return;
    if (depth < target.segments.size()) {
      const std::string& segment = target.segments[depth];
      if (const auto next = literals.find(segment); next != literals.end()) {
        next->second->Find(http_method, target, depth + 1, match);
      }
      if (variable != nullptr && !segment.empty())
        variable->Find(http_method, target, depth + 1, match);
      return;
    }
    const auto by_verb = routes.find(target.verb);
    if (by_verb == routes.end()) return;
    if (const auto route = by_verb->second.find(http_method); route != by_verb->second.end()) {
      match.route = route->second;
      return;
    }
    for (const auto& [method, route] : by_verb->second) match.allowed.push_back(method);
  }

  // A route that can match the same request as one of `method` with segments[depth…] of `path`
  // below this node.
  const Route* FindOverlap(std::string_view method, const PathTemplate& path,
                           std::size_t depth) const {
    if (depth == path.segments.size()) {
      const auto by_verb = routes.find(path.verb);
      if (by_verb == routes.end()) return nullptr;
      const auto route = by_verb->second.find(method);
      return route == by_verb->second.end() ? nullptr : route->second;
    }
    for (const auto& [literal, next] : literals) {
      if (!path.segments[depth].is_variable() && path.segments[depth].literal != literal) continue;
      if (const Route* overlap = next->FindOverlap(method, path, depth + 1)) return overlap;
    }
    return variable == nullptr ? nullptr : variable->FindOverlap(method, path, depth + 1);
  }
};

RouteTable::RouteTable() : root_(std::make_unique<Node>()) {}
RouteTable::RouteTable(RouteTable&& other) = default;
RouteTable::~RouteTable() = default;

absl::StatusOr<RouteTable> RouteTable::Build(
    const std::vector<const google::protobuf::ServiceDescriptor*>& services) {
  RouteTable table;
  for (const auto* service : services) {
    for (int i = 0; i < service->method_count(); ++i)
      FLORIN_RETURN_IF_ERROR(table.AddMethod(*service->method(i)));
  }
  return table;
}

absl::Status RouteTable::AddMethod(const MethodDescriptor& method) {
  if (!method.options().HasExtension(google::api::http)) return absl::OkStatus();
  if (method.client_streaming() || method.server_streaming())
    return Refused(method.full_name(), "a method that streams cannot have an HTTP binding");
  const MethodPolicy& policy = method.options().GetExtension(options::v1::policy);
  FLORIN_RETURN_IF_ERROR(CheckPolicy(method, policy));
  FLORIN_ASSIGN_OR_RETURN(const bool is_web, IsWeb(method, policy));
  const bool is_file =
      method.output_type()->full_name() == http::v1::File::descriptor()->full_name();
  if (!is_web) {
    std::set<const Descriptor*> seen;
    FLORIN_RETURN_IF_ERROR(CheckTypes(*method.input_type(), seen));
    if (!is_file) FLORIN_RETURN_IF_ERROR(CheckTypes(*method.output_type(), seen));
  }

  const HttpRule& main_rule = method.options().GetExtension(google::api::http);
  std::vector<const HttpRule*> rules = {&main_rule};
  for (const HttpRule& rule : main_rule.additional_bindings()) rules.push_back(&rule);
  for (const HttpRule* rule : rules) {
    FLORIN_ASSIGN_OR_RETURN(Binding binding, BindingOf(method, *rule));
    FLORIN_ASSIGN_OR_RETURN(const PathTemplate path, ParsePathTemplate(binding.path));
    if (is_web && binding.http_method != "GET" && binding.http_method != "POST")
      return Refused(method.full_name(), "a web method is bound to GET and POST only");
    auto route = std::make_unique<Route>();
    route->http_method = std::move(binding.http_method);
    route->path = std::move(binding.path);
    FLORIN_ASSIGN_OR_RETURN(route->service, ServiceOf(method));
    route->rpc = absl::StrCat("/", method.service()->full_name(), "/", method.name());
    route->request = PrototypeOf(method.input_type());
    route->response = PrototypeOf(method.output_type());
    if (!is_web) {
      FLORIN_ASSIGN_OR_RETURN(route->variables, VariablesOf(method, path));
    }
    route->has_body = rule->body() == "*";
    route->is_web = is_web;
    route->is_file = is_file;
    route->policy = policy;
    FLORIN_RETURN_IF_ERROR(AddRoute(std::move(route)));
  }
  return absl::OkStatus();
}

absl::Status RouteTable::AddRoute(std::unique_ptr<Route> route) {
  FLORIN_ASSIGN_OR_RETURN(const PathTemplate path, ParsePathTemplate(route->path));
  if (const Route* other = root_->FindOverlap(route->http_method, path, 0)) {
    return Refused(route->rpc,
                   absl::StrCat(route->http_method, " ", route->path, " can match what ",
                                other->path, " of ", other->rpc, " matches"));
  }
  Node* node = root_.get();
  for (const TemplateSegment& segment : path.segments) {
    std::unique_ptr<Node>& next =
        segment.is_variable() ? node->variable : node->literals[segment.literal];
    if (next == nullptr) next = std::make_unique<Node>();
    node = next.get();
  }
  node->routes[path.verb][route->http_method] = route.get();
  if (!route->is_web) rpcs_.try_emplace(route->rpc, route.get());
  routes_.push_back(std::move(route));
  return absl::OkStatus();
}

Match RouteTable::Find(std::string_view http_method, const Target& target) const {
  Match match;
  root_->Find(http_method, target, 0, match);
  if (match.route != nullptr) match.allowed.clear();
  std::sort(match.allowed.begin(), match.allowed.end());
  return match;
}

const Route* RouteTable::FindRpc(std::string_view rpc) const {
  const auto found = rpcs_.find(rpc);
  return found == rpcs_.end() ? nullptr : found->second;
}

std::vector<const google::protobuf::ServiceDescriptor*> PublishedServices() {
  // The protos of these are linked whole (CMakeLists.txt), so that a new file appears by itself.
  constexpr std::string_view kPublished[] = {"florin/accounts/", "florin/auth/",
                                             "florin/payments/"};
  using google::protobuf::DescriptorPool;
  std::vector<std::string> files;
  DescriptorPool::internal_generated_database()->FindAllFileNames(&files);
  std::sort(files.begin(), files.end());
  std::vector<const google::protobuf::ServiceDescriptor*> services;
  for (const std::string& name : files) {
    const bool published = std::any_of(std::begin(kPublished), std::end(kPublished),
                                       [&name](auto prefix) { return name.starts_with(prefix); });
    if (!published) continue;
    const auto* file = DescriptorPool::generated_pool()->FindFileByName(name);
    for (int i = 0; i < file->service_count(); ++i) services.push_back(file->service(i));
  }
  return services;
}

FieldPath FindField(const Descriptor& message, const std::string& path) {
  FieldPath fields;
  const Descriptor* type = &message;
  for (const std::string& name : std::vector<std::string>(absl::StrSplit(path, '.'))) {
    if (type == nullptr) return {};
    const FieldDescriptor* field = type->FindFieldByName(name);
    if (field == nullptr) return {};
    if (!fields.empty() && fields.back()->is_repeated()) return {};
    fields.push_back(field);
    type = field->type() == FieldDescriptor::TYPE_MESSAGE && !IsTimestamp(*field)
               ? field->message_type()
               : nullptr;
  }
  return fields;
}

}  // namespace florin::gateway
