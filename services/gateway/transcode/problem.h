// Errors as HTTP shows them: problem documents of RFC 9457. The one place where a reason becomes an
// HTTP response. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/status/status.h"

namespace florin::gateway {

inline constexpr char kProblemContentType[] = "application/problem+json";

struct Problem {
  int http_status;
  std::string reason;
  std::string body;  // JSON
  // WWW-Authenticate with 401 and with a missing scope (RFC 9110 section 11.6.1, RFC 6750 section
  // 3; of scheme DPoP where a proof was wrong, RFC 9449 section 7.1); Retry-After with 429 and 503:
  // the error's metadata `retry_after_seconds`, or 1.
  std::vector<std::pair<std::string, std::string>> headers;
};

// What the outside may know of an error. Faults of ours (kInternal, kUnavailable,
// kDeadlineExceeded, kCallerNotAllowed as kInternal, kCanceled as kUnavailable, anything without a
// reason) say nothing of their cause: that is for our logs.
absl::Status PublicError(const absl::Status& error);

// `error` is not OK; what it says of it is its PublicError. The document has type
// (urn:florin:reason:REASON), title, status, reason, detail, param and metadata where there are
// any, request_id and advice.
Problem MakeProblem(const absl::Status& error, std::string_view request_id);

}  // namespace florin::gateway
