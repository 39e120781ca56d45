#include "services/gateway/http/cors.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace florin::gateway {
namespace {

// Sorted. What a page may send beside the fields that are always allowed; grpc-timeout, x-grpc-web
// and x-user-agent are gRPC-Web's.
constexpr std::array<absl::string_view, 10> kRequestFields = {
    "authorization",   "content-type",  "dpop",        "florin-retry-attempt", "grpc-timeout",
    "idempotency-key", "if-none-match", "traceparent", "x-grpc-web",           "x-user-agent"};

// What a page may read beside the fields that are always readable.
constexpr char kExposed[] =
    "DPoP-Nonce, ETag, grpc-message, grpc-status, Idempotency-Replayed, Location, RateLimit, "
    "RateLimit-Policy, Retry-After, traceparent, WWW-Authenticate, X-Request-Id";

constexpr char kVary[] = "Origin";

bool MayBeSent(absl::string_view field) {
  const std::string name = absl::AsciiStrToLower(absl::StripAsciiWhitespace(field));
  return std::find(kRequestFields.begin(), kRequestFields.end(), name) != kRequestFields.end();
}

}  // namespace

absl::StatusOr<Fields> AnswerPreflight(const Preflight& preflight,
                                       const std::vector<std::string>& methods,
                                       const OriginPolicy& origins) {
  if (!origins.Allows(preflight.origin))
    return Error(Reason::kOriginNotAllowed, "no client has registered the origin");
  if (std::find(methods.begin(), methods.end(), preflight.method) == methods.end())
    return Error(Reason::kMethodNotAllowed, "the path does not have this method");
  for (const absl::string_view field :
       absl::StrSplit(preflight.headers, ',', absl::SkipWhitespace())) {
    if (!MayBeSent(field))
      return Error(Reason::kOriginNotAllowed, "pages may not send a field that the API ignores");
  }
  return Fields{{"Access-Control-Allow-Origin", preflight.origin},
                {"Access-Control-Allow-Methods", absl::StrJoin(methods, ", ")},
                {"Access-Control-Allow-Headers", absl::StrJoin(kRequestFields, ", ")},
                {"Access-Control-Max-Age", "600"},
                {"Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}};
}

Fields CorsFields(const std::optional<std::string>& origin, const OriginPolicy& origins) {
  if (!origin || !origins.Allows(*origin)) return {{"Vary", kVary}};
  return {{"Access-Control-Allow-Origin", *origin},
          {"Access-Control-Expose-Headers", kExposed},
          {"Vary", kVary}};
}

}  // namespace florin::gateway
