// HTTP exchanges as messages, for methods whose contract is HTTP itself
// (proto/florin/http/v1/exchange.proto). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "florin/http/v1/exchange.pb.h"
#include "libs/status/status.h"
#include "services/gateway/transcode/uri.h"

namespace florin::gateway {

// The cookies of one request whose name begins with `__Host-`, in their order: browsers let nobody
// but this very host set them. Values are taken as they are (RFC 6265 section 4.1.1; quotes are
// part of the value). Error: kMalformedRequest for a name that occurs twice.
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ReadCookies(
    std::string_view cookie_field);

// Adds the parameters of `query` and, for a POST, those of `body` to `request`. Errors:
// kMalformedRequest; kUnsupportedMediaType for a body of another type than
// application/x-www-form-urlencoded.
absl::Status ReadParameters(const Target& target, const std::optional<std::string>& content_type,
                            std::string_view body, http::v1::WebRequest& request);

// `user_agent` as WebRequest has it: at most 200 characters, printable ASCII.
std::string PrintableUserAgent(std::string_view user_agent);

// Whether a response may go out: a status and header fields of those that exchange.proto lists,
// values without control characters, a content type wherever there is a body. Error: kInternal.
absl::Status CheckWebResponse(const http::v1::WebResponse& response);

}  // namespace florin::gateway
