// An HTTP request as the gateway sees it, and the response that it makes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/status/status.h"

namespace florin::gateway {

// Who is at the other end of a connection, as the connection itself shows it.
struct Peer {
  std::string address = {};  // IP address; empty if the peer is gone.
  // `x5t#S256` of the certificate whose key the peer proved to have (tls.h); empty without one.
  std::string certificate_thumbprint = {};
};

// The fields that mean something here; every other field is dropped when it has been parsed, and
// none is passed on.
struct Request {
  std::string method;
  std::string target;  // As it was sent.
  std::optional<std::string> authorization;
  std::optional<std::string> content_type;
  std::optional<std::string> idempotency_key;
  std::optional<std::string> traceparent;
  std::optional<std::string> retry_attempt;  // Florin-Retry-Attempt
  std::optional<std::string> if_none_match;
  std::optional<std::string> preflight_method;   // Access-Control-Request-Method
  std::optional<std::string> preflight_headers;  // Access-Control-Request-Headers
  std::optional<std::string> grpc_timeout;
  // What only methods whose contract is HTTP itself are given (transcode/web_exchange.h).
  std::optional<std::string> dpop;
  std::optional<std::string> cookie;  // Several fields are joined by "; " (RFC 9113 8.2.3).
  std::optional<std::string> origin;
  std::optional<std::string> fetch_site;  // Sec-Fetch-Site
  std::optional<std::string> user_agent;
  std::string body;
  Peer peer;              // Of the connection, never from a field.
  bool is_http2 = false;  // Otherwise HTTP/1.1, which has no trailers here.
};

struct Response {
  int status = 200;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  // Sent after the body, to HTTP/2 only. Names are lower-case.
  std::vector<std::pair<std::string, std::string>> trailers;
};

// Adds, where the response does not say it itself, what every response tells a browser:
// Referrer-Policy: no-referrer and Cross-Origin-Resource-Policy: same-origin. There is no Server.
void AddStandardFields(Response& response);

// What every version of HTTP refuses. Sizes are in bytes.
absl::Status HeaderTooLarge(std::size_t limit);
absl::Status BodyTooLarge(std::uint64_t limit);

// Gives each field of `response` to `each`, with those that every response bears. `date` is an
// IMF-fixdate. Names are as HTTP/1.1 is used to them.
void ForEachField(const Response& response, const std::string& date,
                  const std::function<void(std::string_view name, std::string_view value)>& each);

// The bytes of `response` in HTTP/1.1. A HEAD request gets no body.
std::string Serialize(const Response& response, const std::string& date, bool keep_alive,
                      bool is_head);

}  // namespace florin::gateway
