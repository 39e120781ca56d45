#include "services/gateway/http/request_fields.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace florin::gateway {
namespace {

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase(absl::string_view(a.data(), a.size()),
                                absl::string_view(b.data(), b.size()));
}

// The fields that may be there once, and where they go.
struct Single {
  std::string_view name;
  std::optional<std::string> Request::*field;
};
constexpr Single kSingles[] = {
    {"Access-Control-Request-Headers", &Request::preflight_headers},
    {"Access-Control-Request-Method", &Request::preflight_method},
    {"Authorization", &Request::authorization},
    {"Content-Type", &Request::content_type},
    {"DPoP", &Request::dpop},
    {"Florin-Retry-Attempt", &Request::retry_attempt},
    {"Grpc-Timeout", &Request::grpc_timeout},
    {"Idempotency-Key", &Request::idempotency_key},
    {"If-None-Match", &Request::if_none_match},
    {"Origin", &Request::origin},
    {"Sec-Fetch-Site", &Request::fetch_site},
    {"User-Agent", &Request::user_agent},
};

}  // namespace

absl::Status RequestFields::Take(std::string_view name, std::string_view value) {
  for (const Single& single : kSingles) {
    if (!EqualsIgnoreCase(name, single.name)) continue;
    std::optional<std::string>& field = request_.*single.field;
    if (field)
      return Error(Reason::kMalformedRequest, absl::StrCat("more than one ", std::string(name)));
    field.emplace(value);
    return absl::OkStatus();
  }
  if (EqualsIgnoreCase(name, "Cookie")) {
    if (request_.cookie) {
      request_.cookie->append("; ").append(value);
    } else {
      request_.cookie.emplace(value);
    }
  } else if (EqualsIgnoreCase(name, "Content-Encoding")) {
    if (!EqualsIgnoreCase(value, "identity"))
      return Error(Reason::kUnsupportedMediaType, "a Content-Encoding is not accepted");
  } else if (EqualsIgnoreCase(name, "Expect")) {
    expects_continue_ = EqualsIgnoreCase(value, "100-continue");
    if (!expects_continue_)
      return Error(Reason::kMalformedRequest, "the only expectation is 100-continue");
  } else if (EqualsIgnoreCase(name, "traceparent")) {
    // W3C Trace Context section 3.2.2.5: several are as none, and that is no error of the request.
    const bool first = !std::exchange(saw_traceparent_, true);
    request_.traceparent = first ? std::optional<std::string>(value) : std::nullopt;
  }
  return absl::OkStatus();
}

}  // namespace florin::gateway
