#include "services/gateway/http/request.h"

#include <boost/beast/http/status.hpp>

#include "absl/strings/str_cat.h"

namespace florin::gateway {
namespace {

std::string ReasonPhrase(int status) {
  const auto phrase =
      boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
  return std::string(phrase.data(), phrase.size());
}

void AddIfAbsent(Response& response, const char* name, const char* value) {
  for (const auto& [field, said] : response.headers) {
    if (field == name) return;
  }
  response.headers.emplace_back(name, value);
}

}  // namespace

void AddStandardFields(Response& response) {
  AddIfAbsent(response, "Referrer-Policy", "no-referrer");
  AddIfAbsent(response, "Cross-Origin-Resource-Policy", "same-origin");
}

std::string Serialize(const Response& response, const std::string& date, bool keep_alive,
                      bool is_head) {
  std::string bytes;
  bytes.reserve(640 + response.body.size());
  absl::StrAppend(&bytes, "HTTP/1.1 ", response.status, " ", ReasonPhrase(response.status),
                  "\r\nDate: ", date,
                  "\r\nStrict-Transport-Security: max-age=31536000"
                  "\r\nX-Content-Type-Options: nosniff\r\n");
  // RFC 9110 section 8.6: never with 204; with 304 it would be that of the answer spared.
  if (response.status != 204 && response.status != 304)
    absl::StrAppend(&bytes, "Content-Length: ", response.body.size(), "\r\n");
  if (!response.content_type.empty())
    absl::StrAppend(&bytes, "Content-Type: ", response.content_type, "\r\n");
  bool says_how_to_cache = false;
  for (const auto& [name, value] : response.headers) {
    absl::StrAppend(&bytes, name, ": ", value, "\r\n");
    says_how_to_cache |= name == "Cache-Control";
  }
  if (!says_how_to_cache) absl::StrAppend(&bytes, "Cache-Control: no-store\r\n");
  if (!keep_alive) absl::StrAppend(&bytes, "Connection: close\r\n");
  absl::StrAppend(&bytes, "\r\n");
  if (!is_head) bytes += response.body;
  return bytes;
}

}  // namespace florin::gateway
