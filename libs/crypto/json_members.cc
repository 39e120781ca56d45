#include "libs/crypto/json_members.h"

#include <boost/json/basic_parser_impl.hpp>
#include <set>
#include <utility>
#include <vector>

namespace florin::crypto {
namespace {

namespace json = boost::json;

// The callbacks of Boost.JSON's basic_parser. Those that return false have set `error` to stop it.
struct MemberHandler {
  static constexpr std::size_t max_object_size = 64;
  static constexpr std::size_t max_array_size = 64;
  static constexpr std::size_t max_key_size = 64;
  static constexpr std::size_t max_string_size = 4096;

  // An object or an array that is open.
  struct Open {
    bool is_object = true;
    JsonMembers members;               // Of an object.
    std::set<std::string> names;       // Of an object: all, also before their values are complete.
    std::string name;                  // Of an object: the latest.
    std::vector<JsonMember> elements;  // Of an array.
  };

  std::vector<Open> open;  // Outermost first.
  JsonMembers document;
  std::string text;  // Parts of a name or a string so far.

  bool Refuse(json::error_code& error) {
    error = json::error::syntax;
    return false;
  }

  // A value ends here. The document itself may only be an object.
  bool Value(JsonMember value, json::error_code& error) {
    if (open.empty()) return Refuse(error);
    Open& parent = open.back();
    if (parent.is_object) {
      parent.members[parent.name] = std::move(value);
    } else {
      parent.elements.push_back(std::move(value));
    }
    return true;
  }

  // An array of one kind, or Other.
  template <class T>
  static JsonMember Uniform(const std::vector<JsonMember>& elements) {
    std::vector<T> values;
    for (const JsonMember& element : elements) {
      const T* value = std::get_if<T>(&element);
      if (value == nullptr) return Other();
      values.push_back(*value);
    }
    return values;
  }
  static JsonMember ArrayOf(const std::vector<JsonMember>& elements) {
    using Object = std::shared_ptr<const JsonObject>;
    const bool of_objects = !elements.empty() && std::holds_alternative<Object>(elements.front());
    return of_objects ? Uniform<Object>(elements) : Uniform<std::string>(elements);
  }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }

  bool on_object_begin(json::error_code&) {
    open.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, json::error_code& error) {
    JsonMembers members = std::move(open.back().members);
    open.pop_back();
    if (!open.empty()) {
      return Value(std::make_shared<const JsonObject>(JsonObject{std::move(members)}), error);
    }
    document = std::move(members);
    return true;
  }
  bool on_array_begin(json::error_code& error) {
    if (open.empty()) return Refuse(error);
    open.push_back({.is_object = false});
    return true;
  }
  bool on_array_end(std::size_t, json::error_code& error) {
    JsonMember value = ArrayOf(open.back().elements);
    open.pop_back();
    return Value(std::move(value), error);
  }

  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    text.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code& error) {
    text.append(part.data(), part.size());
    open.back().name = std::exchange(text, {});
    return open.back().names.insert(open.back().name).second || Refuse(error);
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    text.append(part.data(), part.size());
    return true;
  }
  bool on_string(json::string_view part, std::size_t, json::error_code& error) {
    text.append(part.data(), part.size());
    return Value(std::exchange(text, {}), error);
  }

  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t value, json::string_view, json::error_code& error) {
    return Value(value, error);
  }
  bool on_uint64(std::uint64_t, json::string_view, json::error_code& error) {
    return Value(Other(), error);
  }
  bool on_double(double, json::string_view, json::error_code& error) {
    return Value(Other(), error);
  }
  bool on_bool(bool value, json::error_code& error) { return Value(value, error); }
  bool on_null(json::error_code& error) { return Value(Other(), error); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }
};

}  // namespace

absl::StatusOr<JsonMembers> ParseJsonMembers(std::string_view text) {
  json::parse_options options;
  options.max_depth = 8;
  json::basic_parser<MemberHandler> parser(options);
  json::error_code error;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
  if (error || read != text.size() || !parser.done()) {
    return Error(Reason::kMalformedJson, "not one JSON object with distinct members");
  }
  return std::move(parser.handler().document);
}

}  // namespace florin::crypto
