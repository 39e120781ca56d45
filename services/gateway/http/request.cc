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

absl::Status HeaderTooLarge(std::size_t limit) {
  return Error(Reason::kHeaderTooLarge, absl::StrCat("the headers exceed ", limit, " bytes"));
}

absl::Status BodyTooLarge(std::uint64_t limit) {
  return Error(Reason::kBodyTooLarge, absl::StrCat("the body is larger than ", limit, " bytes"),
               {.metadata = {{"limit_bytes", absl::StrCat(limit)}}});
}

void ForEachField(const Response& response, const std::string& date,
                  const std::function<void(std::string_view name, std::string_view value)>& each) {
  each("Date", date);
  // RFC 9110 section 8.6: never with 204; with 304 it would be that of the answer spared. Where
  // trailers follow, there is none: a gRPC message bears its own.
  if (response.status != 204 && response.status != 304 && response.trailers.empty())
    each("Content-Length", absl::StrCat(response.body.size()));
  each("Strict-Transport-Security", "max-age=31536000");
  each("X-Content-Type-Options", "nosniff");
  if (!response.content_type.empty()) each("Content-Type", response.content_type);
  bool says_how_to_cache = false;
  for (const auto& [name, value] : response.headers) {
    each(name, value);
    says_how_to_cache |= name == "Cache-Control";
  }
  if (!says_how_to_cache) each("Cache-Control", "no-store");
}

std::string Serialize(const Response& response, const std::string& date, bool keep_alive,
                      bool is_head) {
  std::string bytes;
  bytes.reserve(640 + response.body.size());
  absl::StrAppend(&bytes, "HTTP/1.1 ", response.status, " ", ReasonPhrase(response.status), "\r\n");
  ForEachField(response, date, [&bytes](std::string_view name, std::string_view value) {
    bytes.append(name).append(": ").append(value).append("\r\n");
  });
  if (!keep_alive) absl::StrAppend(&bytes, "Connection: close\r\n");
  absl::StrAppend(&bytes, "\r\n");
  if (!is_head) bytes += response.body;
  return bytes;
}

}  // namespace florin::gateway
