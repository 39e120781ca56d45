#include "services/gateway/transcode/web_exchange.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace florin::gateway {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kHostPrefix = "__Host-";
constexpr std::size_t kMaxUserAgent = 200;
constexpr int kStatuses[] = {200, 201, 302, 303, 400, 401, 403, 404, 405, 413, 429, 503};
constexpr std::string_view kFields[] = {
    "Cache-Control",   "Content-Security-Policy", "DPoP-Nonce",  "ETag",
    "Location",        "Referrer-Policy",         "Retry-After", "Set-Cookie",
    "WWW-Authenticate"};

void Add(const Pairs& pairs, google::protobuf::RepeatedPtrField<http::v1::Parameter>& parameters) {
  for (const auto& [name, value] : pairs) {
    http::v1::Parameter& parameter = *parameters.Add();
    parameter.set_name(name);
    parameter.set_value(value);
  }
}

bool IsFieldValue(const std::string& value) {
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

absl::Status Fault(std::string_view what) { return Error(Reason::kInternal, what); }

}  // namespace

absl::StatusOr<Pairs> ReadCookies(std::string_view cookie_field) {
  Pairs cookies;
  while (!cookie_field.empty()) {
    std::string_view pair = cookie_field.substr(0, cookie_field.find(';'));
    cookie_field.remove_prefix(std::min(pair.size() + 1, cookie_field.size()));
    pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
    if (!pair.starts_with(kHostPrefix)) continue;
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = pair.substr(0, equals);
    const auto same_name = [name](const auto& cookie) { return cookie.first == name; };
    if (std::any_of(cookies.begin(), cookies.end(), same_name))
      return Error(Reason::kMalformedRequest, "a cookie is there twice");
    cookies.emplace_back(name, pair.substr(equals + 1));
  }
  return cookies;
}

absl::Status ReadParameters(const Target& target, const std::optional<std::string>& content_type,
                            std::string_view body, http::v1::WebRequest& request) {
  Add(target.query, *request.mutable_query());
  if (body.empty()) return absl::OkStatus();
  if (request.method() != "POST")
    return Error(Reason::kMalformedRequest, "this method takes no body");
  const std::string type = absl::AsciiStrToLower(content_type.value_or(""));
  if (type != "application/x-www-form-urlencoded" &&
      type != "application/x-www-form-urlencoded;charset=utf-8" &&
      type != "application/x-www-form-urlencoded; charset=utf-8") {
    return Error(Reason::kUnsupportedMediaType,
                 "the Content-Type is not application/x-www-form-urlencoded");
  }
  FLORIN_ASSIGN_OR_RETURN(const Pairs form, ParseForm(body));
  Add(form, *request.mutable_form());
  return absl::OkStatus();
}

std::string PrintableUserAgent(std::string_view user_agent) {
  std::string printable(user_agent.substr(0, kMaxUserAgent));
  std::replace_if(
      printable.begin(), printable.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return printable;
}

absl::Status CheckWebResponse(const http::v1::WebResponse& response) {
  if (std::find(std::begin(kStatuses), std::end(kStatuses), response.status()) ==
      std::end(kStatuses)) {
    return Fault(absl::StrCat("a web method may not answer with ", response.status()));
  }
  if (response.content_type().empty() && !response.body().empty())
    return Fault("a web method's body has no content type");
  if (!IsFieldValue(response.content_type()))
    return Fault("a web method's content type is no value");
  for (const http::v1::Parameter& field : response.headers()) {
    if (std::find(std::begin(kFields), std::end(kFields), field.name()) == std::end(kFields))
      return Fault("a web method may not set this field: " + field.name());
    if (!IsFieldValue(field.value()))
      return Fault("a web method's value of " + field.name() + " has a control character");
  }
  return absl::OkStatus();
}

}  // namespace florin::gateway
