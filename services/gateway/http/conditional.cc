#include "services/gateway/http/conditional.h"

#include "absl/strings/str_cat.h"
#include "libs/crypto/sha256.h"

namespace florin::gateway {
namespace {

std::string_view SkipSpaceAndCommas(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t,");
  return start == std::string_view::npos ? std::string_view() : text.substr(start);
}

std::optional<std::string> FieldOf(const Response& response, std::string_view name) {
  for (const auto& [field, value] : response.headers) {
    if (field == name) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string EntityTag(std::string_view body) {
  const crypto::Digest digest = crypto::Sha256(body);
  return absl::StrCat("\"", crypto::Base64UrlEncode(crypto::AsOctets(digest).substr(0, 16)), "\"");
}

bool NamesTag(std::string_view if_none_match, std::string_view tag) {
  std::string_view rest = SkipSpaceAndCommas(if_none_match);
  if (rest == "*") return true;
  while (!rest.empty()) {
    if (rest.starts_with("W/")) rest.remove_prefix(2);
    if (!rest.starts_with('"')) return false;
    const std::size_t end = rest.find('"', 1);
    if (end == std::string_view::npos) return false;
    if (rest.substr(0, end + 1) == tag) return true;
    rest = SkipSpaceAndCommas(rest.substr(end + 1));
  }
  return false;
}

void AnswerConditionally(const std::optional<std::string>& if_none_match, Response& response) {
  if (FieldOf(response, "Cache-Control")) return;
  const std::optional<std::string> own = FieldOf(response, "ETag");
  const std::string tag = own ? *own : EntityTag(response.body);
  if (!own) response.headers.emplace_back("ETag", tag);
  response.headers.emplace_back("Cache-Control", "private, no-cache");
  if (!if_none_match || !NamesTag(*if_none_match, tag)) return;
  response.status = 304;
  response.body.clear();
  response.content_type.clear();
}

}  // namespace florin::gateway
