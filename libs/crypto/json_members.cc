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

  std::map<std::string, JsonMember> members;
  std::vector<std::set<std::string>> names;  // Of each open object, outermost first.
  int arrays = 0;                            // How many are open.
  std::string name;                          // The outermost object's latest.
  std::string text;                          // Parts of a name or a string so far.

  bool Refuse(json::error_code& error) {
    error = json::error::syntax;
    return false;
  }

  bool at_top() const { return names.size() == 1 && arrays == 0; }

  // A value ends here. The document itself may only be an object.
  bool Value(JsonMember value, json::error_code& error) {
    if (names.empty()) return Refuse(error);
    if (at_top()) members[name] = std::move(value);
    return true;
  }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }

  bool on_object_begin(json::error_code& error) {
    if (names.empty() && arrays > 0) return Refuse(error);
    if (at_top()) members[name] = Other();
    names.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, json::error_code&) {
    names.pop_back();
    return true;
  }
  bool on_array_begin(json::error_code& error) {
    if (!Value(Other(), error)) return false;
    ++arrays;
    return true;
  }
  bool on_array_end(std::size_t, json::error_code&) {
    --arrays;
    return true;
  }

  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    text.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code& error) {
    text.append(part.data(), part.size());
    if (at_top()) name = text;
    return names.back().insert(std::exchange(text, {})).second || Refuse(error);
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
  bool on_bool(bool, json::error_code& error) { return Value(Other(), error); }
  bool on_null(json::error_code& error) { return Value(Other(), error); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }
};

}  // namespace

absl::StatusOr<std::map<std::string, JsonMember>> ParseJsonMembers(std::string_view text) {
  json::parse_options options;
  options.max_depth = 8;
  json::basic_parser<MemberHandler> parser(options);
  json::error_code error;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
  if (error || read != text.size() || !parser.done()) {
    return Error(Reason::kMalformedJson, "not one JSON object with distinct members");
  }
  return std::move(parser.handler().members);
}

}  // namespace florin::crypto
