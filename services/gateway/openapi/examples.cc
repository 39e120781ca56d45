#include "services/gateway/openapi/examples.h"

#include <map>
#include <regex>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "absl/strings/str_cat.h"
#include "services/gateway/transcode/field_text.h"

namespace florin::gateway {
namespace {

namespace json = boost::json;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

std::string CommentOf(const FieldDescriptor& field, const Comments& comments) {
  const auto found = comments.find(field.full_name());
  return found == comments.end() ? "" : found->second;
}

std::string TextExample(const FieldDescriptor& field, const Comments& comments) {
  static const std::map<std::string, std::string> by_name = {
      {"email", "ann@example.com"},
      {"password", "a sentence that only Ann knows"},
      {"currency", "EUR"},
      {"source_currency", "EUR"},
      {"destination_currency", "USD"},
      {"reference", "Invoice 2025-17"},
      {"display_name", "Ann"},
      {"token_type", "Bearer"},
      {"scope", "accounts:read payments:write"},
      {"page_token", ""},
      {"next_page_token", ""},
      {"failure_reason", ""},
      {"kty", "EC"},
      {"crv", "P-256"},
      {"alg", "ES256"},
      {"use", "sig"}};
  if (const auto known = by_name.find(field.name()); known != by_name.end()) return known->second;
  static const std::regex prefix("([a-z]{3})_…");
  const std::string comment = CommentOf(field, comments);
  std::smatch match;
  if (std::regex_search(comment, match, prefix))
    return absl::StrCat(match[1].str(), "_01jd8x5t4wf6n8k2v7r3m9q0ze");
  static const std::map<std::string, std::string> by_end = {
      {"user_id", "usr"},    {"customer_id", "cus"},    {"account_id", "acc"},
      {"payment_id", "pay"}, {"transaction_id", "txn"}, {"request_id", "req"}};
  for (const auto& [end, kind] : by_end) {
    if (std::string_view(field.name()).ends_with(end))
      return absl::StrCat(kind, "_01jd8x5t4wf6n8k2v7r3m9q0ze");
  }
  return "text";
}

json::value Example(const Descriptor& message, const Comments& comments, int depth);

json::value Example(const FieldDescriptor& field, const Comments& comments, int depth) {
  if (IsTimestamp(field)) return "2025-01-31T12:00:00Z";
  if (field.is_map()) return json::object{{"key", "value"}};
  switch (field.type()) {
    case FieldDescriptor::TYPE_STRING:
      return json::string(TextExample(field, comments));
    case FieldDescriptor::TYPE_INT64:
      return "1250";
    case FieldDescriptor::TYPE_INT32:
      return field.name() == "expires_in" ? 600 : 50;
    case FieldDescriptor::TYPE_BOOL:
      return true;
    case FieldDescriptor::TYPE_ENUM:
      return json::string(
          field.enum_type()->value(field.enum_type()->value_count() > 1 ? 1 : 0)->name());
    default:
      return Example(*field.message_type(), comments, depth + 1);
  }
}

json::value Example(const Descriptor& message, const Comments& comments, int depth) {
  json::object example;
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const bool nests = field.type() == FieldDescriptor::TYPE_MESSAGE && !field.is_map();
    if (field.real_containing_oneof() != nullptr && field.index_in_oneof() > 0) continue;
    if (nests && depth > 5) continue;  // A type that contains itself.
    json::value value = Example(field, comments, depth);
    if (field.is_repeated() && !field.is_map()) value = json::array{std::move(value)};
    example[field.name()] = std::move(value);
  }
  return example;
}

}  // namespace

json::value ExampleOf(const Descriptor& message, const Comments& comments) {
  return Example(message, comments, 0);
}

json::value ExampleOf(const FieldDescriptor& field, const Comments& comments) {
  return Example(field, comments, 0);
}

}  // namespace florin::gateway
