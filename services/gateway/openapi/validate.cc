#include "services/gateway/openapi/validate.h"

#include <algorithm>
#include <regex>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace florin::gateway {
namespace {

namespace json = boost::json;

absl::Status Unfit(const std::string& where, const std::string& why) {
  return Error(Reason::kInvalidField, absl::StrCat(where.empty() ? "/" : where, ": ", why),
               {.param = where});
}

std::string Text(const json::value& value) {
  return std::string(value.as_string().data(), value.as_string().size());
}

// The member at "#/a/b", which is there: the document is our own.
const json::value& Resolve(const json::object& document, const std::string& reference) {
  const json::object* object = &document;
  const std::vector<std::string> names = absl::StrSplit(reference.substr(2), '/');
  for (std::size_t i = 0; i + 1 < names.size(); ++i) object = &object->at(names[i]).as_object();
  return object->at(names.back());
}

bool IsOfType(const json::value& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_bool();
  return type == "integer" && (value.is_int64() || value.is_uint64());
}

absl::Status CheckType(const json::object& schema, const json::value& value,
                       const std::string& where) {
  const json::value* type = schema.if_contains("type");
  if (type == nullptr) return absl::OkStatus();
  const json::array types = type->is_array() ? type->as_array() : json::array{*type};
  const bool fits = std::any_of(types.begin(), types.end(), [&value](const json::value& one) {
    return IsOfType(value, Text(one));
  });
  return fits ? absl::OkStatus() : Unfit(where, "has another type");
}

absl::Status CheckScalar(const json::object& schema, const json::value& value,
                         const std::string& where) {
  if (const json::value* names = schema.if_contains("enum")) {
    const json::array& all = names->as_array();
    if (std::find(all.begin(), all.end(), value) == all.end())
      return Unfit(where, "is none of the values");
  }
  if (const json::value* pattern = schema.if_contains("pattern"); pattern && value.is_string()) {
    if (!std::regex_search(Text(value), std::regex(Text(*pattern))))
      return Unfit(where, "does not match the pattern");
  }
  if (!value.is_int64()) return absl::OkStatus();
  const json::value* minimum = schema.if_contains("minimum");
  const json::value* maximum = schema.if_contains("maximum");
  if ((minimum != nullptr && value.as_int64() < minimum->as_int64()) ||
      (maximum != nullptr && value.as_int64() > maximum->as_int64())) {
    return Unfit(where, "is out of range");
  }
  return absl::OkStatus();
}

absl::Status CheckObject(const json::object& document, const json::object& schema,
                         const json::object& object, const std::string& where) {
  if (const json::value* required = schema.if_contains("required")) {
    for (const json::value& name : required->as_array()) {
      if (!object.contains(name.as_string())) return Unfit(where, "lacks " + Text(name));
    }
  }
  const json::value* properties = schema.if_contains("properties");
  const json::value* others = schema.if_contains("additionalProperties");
  for (const auto& [name, member] : object) {
    const std::string at = absl::StrCat(where, "/", std::string(name));
    const json::value* known =
        properties == nullptr ? nullptr : properties->as_object().if_contains(name);
    if (known != nullptr) {
      FLORIN_RETURN_IF_ERROR(ValidateValue(document, known->as_object(), member, at));
    } else if (others != nullptr && others->is_object()) {
      FLORIN_RETURN_IF_ERROR(ValidateValue(document, others->as_object(), member, at));
    } else if (others != nullptr && !others->as_bool()) {
      return Unfit(at, "is not declared");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckReason(const json::object& response, const json::value& body) {
  const json::value* reasons = response.if_contains("x-reasons");
  if (reasons == nullptr) return absl::OkStatus();
  const json::array& all = reasons->as_array();
  const json::value& reason = body.as_object().at("reason");
  if (std::find(all.begin(), all.end(), reason) != all.end()) return absl::OkStatus();
  return Unfit("/reason", absl::StrCat(Text(reason), " is not declared for this status"));
}

absl::Status CheckBody(const json::object& document, const json::object& response,
                       const std::string& content_type, const std::string& body) {
  const json::value* contents = response.if_contains("content");
  if (contents == nullptr)
    return body.empty() ? absl::OkStatus() : Unfit("", "no body is declared");
  if (contents->as_object().contains("*/*")) return absl::OkStatus();
  const json::value* content = contents->as_object().if_contains(content_type);
  if (content == nullptr) return Unfit("", content_type + " is not declared");
  const json::object& schema = content->as_object().at("schema").as_object();
  const json::value* format = schema.if_contains("format");
  if (format != nullptr && Text(*format) == "binary") return absl::OkStatus();
  boost::system::error_code ec;
  const json::value value = json::parse(body, ec);
  if (ec) return Unfit("", "the body is no JSON");
  FLORIN_RETURN_IF_ERROR(ValidateValue(document, schema, value));
  return CheckReason(response, value);
}

}  // namespace

absl::Status ValidateValue(const json::object& document, const json::object& schema,
                           const json::value& value, const std::string& where) {
  if (const json::value* reference = schema.if_contains("$ref")) {
    return ValidateValue(document, Resolve(document, Text(*reference)).as_object(), value, where);
  }
  FLORIN_RETURN_IF_ERROR(CheckType(schema, value, where));
  FLORIN_RETURN_IF_ERROR(CheckScalar(schema, value, where));
  if (value.is_object()) return CheckObject(document, schema, value.as_object(), where);
  const json::value* items = schema.if_contains("items");
  if (!value.is_array() || items == nullptr) return absl::OkStatus();
  for (std::size_t i = 0; i < value.as_array().size(); ++i) {
    FLORIN_RETURN_IF_ERROR(ValidateValue(document, items->as_object(), value.as_array()[i],
                                         absl::StrCat(where, "/", i)));
  }
  return absl::OkStatus();
}

absl::Status ValidateResponse(const json::object& document, const std::string& http_method,
                              const std::string& path, int status, const std::string& content_type,
                              const std::string& body) {
  const auto refused = [&](const std::string& why) {
    return Error(Reason::kInvalidField,
                 absl::StrCat(http_method, " ", path, ", ", status, ": ", why));
  };
  const json::value* item = document.at("paths").as_object().if_contains(path);
  if (item == nullptr) return refused("no such path");
  const json::value* operation = item->as_object().if_contains(absl::AsciiStrToLower(http_method));
  if (operation == nullptr) return refused("no such method");
  const json::value* response =
      operation->as_object().at("responses").as_object().if_contains(std::to_string(status));
  if (response == nullptr) return refused("the status is not declared");
  const absl::Status fits = CheckBody(document, response->as_object(), content_type, body);
  return fits.ok() ? fits : refused(std::string(fits.message()));
}

}  // namespace florin::gateway
