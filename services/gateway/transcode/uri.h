// The request target of HTTP, read strictly (RFC 3986, RFC 9112 section 3.2.1).
//
// There is one reading of a path: nothing is normalised, and whatever another reader might
// normalise differently (dot segments, encoded slashes, stray percent signs, control characters) is
// refused. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/status/status.h"

namespace florin::gateway {

struct Target {
  // The path's segments, percent-decoded; UTF-8. "/v1/payments/pay_1:cancel" has ["v1", "payments",
  // "pay_1"].
  std::vector<std::string> segments;
  // What follows the last colon of the path's last segment (a custom method, AIP-136): "cancel".
  // Else empty. An encoded colon
  // (%3A) is none.
  std::string verb;
  // The query's parameters in their order, percent-decoded, with + for a space as HTML forms write
  // it; UTF-8.
  std::vector<std::pair<std::string, std::string>> query;
};

// Reads an origin-form target, e.g. "/v1/payments?page_size=10".
// Error: kMalformedRequest, for anything else: absolute or asterisk form, a fragment, characters
// that RFC 3986 does not allow, a bad percent-encoding, `.` and `..` segments, %2F, control
// characters, invalid UTF-8.
absl::StatusOr<Target> ParseTarget(std::string_view target);

// Reads what forms send (application/x-www-form-urlencoded, URL Standard section 5.1) by the rules
// of a query. Error: kMalformedRequest.
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ParseForm(std::string_view body);

}  // namespace florin::gateway
