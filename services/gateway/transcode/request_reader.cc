#include "services/gateway/transcode/request_reader.h"

#include <algorithm>
#include <set>
#include <string>

#include "services/gateway/transcode/field_text.h"
#include "services/gateway/transcode/json_reader.h"

namespace florin::gateway {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The message that has the last field of `path`, made on the way where it is unset.
Message& Parent(Message& message, const FieldPath& path) {
  Message* parent = &message;
  for (std::size_t i = 0; i + 1 < path.size(); ++i)
    parent = parent->GetReflection()->MutableMessage(parent, path[i]);
  return *parent;
}

absl::Status ApplyVariable(const PathVariable& variable, const std::string& text,
                           Message& message) {
  Message& parent = Parent(message, variable.field);
  const FieldDescriptor& field = *variable.field.back();
  const auto& reflection = *parent.GetReflection();
  if (!reflection.HasField(parent, &field)) return SetFromText(parent, field, text, variable.name);
  // The body has the field, too. Compare as messages, which spares a comparison for each type.
  const std::string from_body = parent.SerializeAsString();
  FLORIN_RETURN_IF_ERROR(SetFromText(parent, field, text, variable.name));
  if (parent.SerializeAsString() != from_body) {
    return Error(Reason::kInvalidField, "contradicts the path", {.param = variable.name});
  }
  return absl::OkStatus();
}

absl::Status ApplyParameter(const Route& route, const std::string& name, const std::string& value,
                            std::set<std::string>& seen, Message& message) {
  const bool bound =
      std::any_of(route.variables.begin(), route.variables.end(),
                  [&name](const PathVariable& variable) { return variable.name == name; });
  const FieldPath path =
      route.has_body || bound ? FieldPath() : FindField(*message.GetDescriptor(), name);
  const bool settable =
      !path.empty() && !path.back()->is_map() &&
      (path.back()->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || IsTimestamp(*path.back()));
  if (!settable)
    return Error(Reason::kUnknownField, "there is no such query parameter", {.param = name});
  if (!seen.insert(name).second && !path.back()->is_repeated()) {
    return Error(Reason::kInvalidField, "is there twice", {.param = name});
  }
  return SetFromText(Parent(message, path), *path.back(), value, name);
}

}  // namespace

absl::Status ReadRequest(const Route& route, const Target& target, std::string_view body,
                         Message& message) {
  if (!body.empty()) {
    if (!route.has_body) return Error(Reason::kMalformedRequest, "this method takes no body");
    FLORIN_RETURN_IF_ERROR(ReadJson(body, message));
  }
  for (const PathVariable& variable : route.variables) {
    FLORIN_RETURN_IF_ERROR(ApplyVariable(variable, target.segments[variable.segment], message));
  }
  std::set<std::string> seen;
  for (const auto& [name, value] : target.query) {
    FLORIN_RETURN_IF_ERROR(ApplyParameter(route, name, value, seen, message));
  }
  return absl::OkStatus();
}

}  // namespace florin::gateway
