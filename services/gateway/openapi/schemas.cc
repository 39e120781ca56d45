#include "services/gateway/openapi/schemas.h"

#include <boost/json/array.hpp>

#include "absl/strings/str_cat.h"
#include "services/gateway/transcode/field_text.h"

namespace florin::gateway {
namespace {

namespace json = boost::json;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// "Payment", "Outer.Inner": the name without its package, as OpenAPI allows it. A request's bears
// `Input`: its schema differs from a response's of the same message.
std::string NameOf(const Descriptor& message, Direction direction) {
  const std::string& package = message.file()->package();
  std::string name =
      package.empty() ? message.full_name() : message.full_name().substr(package.size() + 1);
  if (direction == Direction::kRequest && !std::string_view(name).ends_with("Request"))
    name += "Input";
  return name;
}

void Describe(const std::string& full_name, const Comments& comments, json::object& schema) {
  if (const auto comment = comments.find(full_name); comment != comments.end())
    schema["description"] = comment->second;
}

}  // namespace

json::object Schemas::OfElement(const FieldDescriptor& field, Direction direction) {
  if (IsTimestamp(field)) return {{"type", "string"}, {"format", "date-time"}};
  switch (field.type()) {
    case FieldDescriptor::TYPE_INT64: {
      json::object schema{{"type", "string"}, {"pattern", "^-?[0-9]{1,19}$"}};
      // Whole JSON numbers are read, too, and never written: many readers cannot hold them.
      if (direction == Direction::kRequest) schema["type"] = json::array{"string", "integer"};
      return schema;
    }
    case FieldDescriptor::TYPE_INT32:
      return {{"type", "integer"}, {"format", "int32"}};
    case FieldDescriptor::TYPE_BOOL:
      return {{"type", "boolean"}};
    case FieldDescriptor::TYPE_ENUM: {
      json::array names;
      for (int i = 0; i < field.enum_type()->value_count(); ++i)
        names.emplace_back(field.enum_type()->value(i)->name());
      return {{"type", "string"}, {"enum", std::move(names)}};
    }
    case FieldDescriptor::TYPE_MESSAGE:
      return Reference(*field.message_type(), direction);
    default:
      return {{"type", "string"}};
  }
}

json::object Schemas::OfField(const FieldDescriptor& field, Direction direction) {
  if (field.is_map()) return {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}};
  json::object element = OfElement(field, direction);
  if (!field.is_repeated()) return element;
  return {{"type", "array"}, {"items", std::move(element)}};
}

json::object Schemas::OfMessage(const Descriptor& message, Direction direction) {
  json::object properties;
  json::array required;
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    json::object schema = OfField(field, direction);
    Describe(field.full_name(), comments_, schema);
    properties[field.name()] = std::move(schema);
    if (direction == Direction::kResponse && !field.has_presence())
      required.emplace_back(field.name());
  }
  json::object schema{{"type", "object"}};
  Describe(message.full_name(), comments_, schema);
  schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  if (direction == Direction::kRequest) schema["additionalProperties"] = false;
  return schema;
}

json::object Schemas::Reference(const Descriptor& message, Direction direction) {
  const std::string name = NameOf(message, direction);
  // Known before its fields are, which may contain it.
  if (schemas_.try_emplace(name).second) schemas_[name] = OfMessage(message, direction);
  return {{"$ref", absl::StrCat("#/components/schemas/", name)}};
}

}  // namespace florin::gateway
