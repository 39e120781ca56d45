#include "services/auth/flow/proposal_payload.h"

#include <algorithm>
#include <boost/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/crypto/sha256.h"

namespace florin::auth {
namespace {

namespace json = boost::json;

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= 64 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == name.npos;
}

// Appends the canonical text of what has one. The depth is bounded by the parser.
bool Append(const json::value& value, std::string& text) {
  if (const json::object* object = value.if_object()) {
    std::vector<const json::key_value_pair*> members;
    for (const json::key_value_pair& member : *object) members.push_back(&member);
    // By octets, which for these names is the order of RFC 8785 section 3.2.3.
    std::sort(members.begin(), members.end(),
              [](const auto* a, const auto* b) { return a->key() < b->key(); });
    text += '{';
    for (const json::key_value_pair* member : members) {
      const json::string_view name = member->key();
      if (!IsName({name.data(), name.size()})) return false;
      if (text.back() != '{') text += ',';
      absl::StrAppend(&text, "\"", std::string(name.data(), name.size()), "\":");
      if (!Append(member->value(), text)) return false;
    }
    text += '}';
    return true;
  }
  if (const json::array* array = value.if_array()) {
    text += '[';
    for (std::size_t i = 0; i < array->size(); ++i) {
      if (i > 0) text += ',';
      if (!Append((*array)[i], text)) return false;
    }
    text += ']';
    return true;
  }
  // Whatever has a fraction or an exponent has more than one spelling.
  if (value.is_double()) return false;
  // Boost.JSON escapes exactly what RFC 8785 section 3.2.2.2 does, in the same way.
  text += json::serialize(value);
  return true;
}

}  // namespace

absl::Status CheckPayload(std::string_view payload) {
  const auto refused = [](const char* why) {
    return Error(Reason::kInvalidProposalPayload, why, {.param = "payload"});
  };
  if (payload.size() > kLargestPayload) return refused("larger than 8 KiB");
  json::parse_options options;
  options.max_depth = kDeepestPayload;
  json::error_code error;
  const json::value value = json::parse({payload.data(), payload.size()}, error, {}, options);
  if (error) return refused("no JSON document, or nested too deeply");
  if (!value.is_object()) return refused("no JSON object");
  // A member that stands twice is in the text twice, and once in what was read: so they differ.
  std::string canonical;
  if (!Append(value, canonical)) return refused("a number or a name without canonical form");
  if (canonical != payload) return refused("not in canonical form");
  return absl::OkStatus();
}

std::string PayloadDigest(std::string_view payload) {
  return crypto::Hex(crypto::AsOctets(crypto::Sha256(payload)));
}

std::string RolePayload(const Uuid& user_id, Role role) {
  return absl::StrCat(R"({"role":")", std::string(NameOf(role)), R"(","user_id":")",
                      FormatId(IdKind::kUser, user_id), R"("})");
}

}  // namespace florin::auth
