#include "services/gateway/transcode/grpc_frame.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "libs/rpc/status_wire.h"

namespace florin::gateway {
namespace {

constexpr std::size_t kPrefixBytes = 5;
constexpr char kCompressed = 0x01;
constexpr char kTrailers = static_cast<char>(0x80);

absl::Status Malformed(const std::string& message) {
  return Error(Reason::kMalformedRequest, message);
}

void AppendFrame(char flags, std::string_view content, std::string& bytes) {
  bytes += flags;
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes += static_cast<char>(content.size() >> shift & 0xff);
  bytes += content;
}

// Base64 of RFC 4648 section 4. A client may have encoded piece by piece, each with its padding.
absl::StatusOr<std::string> DecodePieces(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  while (!text.empty()) {
    // Up to the end of the piece: the first padding, or everything.
    const std::size_t padding = text.find('=');
    std::size_t size = padding == std::string_view::npos ? text.size() : (padding / 4 + 1) * 4;
    size = std::min(size, text.size());
    std::string piece;
    // Abseil forgives white space and missing padding; nobody who encodes makes them.
    const bool whole = size % 4 == 0 &&
                       text.substr(0, size).find_first_of(" \t\r\n\v\f") == std::string_view::npos;
    if (!whole || !absl::Base64Unescape(absl::string_view(text.data(), size), &piece))
      return Malformed("the body is not base64");
    bytes += piece;
    text.remove_prefix(size);
  }
  return bytes;
}

// Printable ASCII but '%' stays; octets otherwise become %XX.
std::string PercentEncode(std::string_view text) {
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (c >= 0x20 && c <= 0x7e && c != '%') {
      encoded += c;
    } else {
      constexpr char kHex[] = "0123456789ABCDEF";
      const auto octet = static_cast<unsigned char>(c);
      encoded += {'%', kHex[octet >> 4], kHex[octet & 0xf]};
    }
  }
  return encoded;
}

}  // namespace

std::optional<GrpcForm> GrpcFormOf(std::string_view content_type) {
  std::string type =
      absl::AsciiStrToLower(absl::string_view(content_type.data(), content_type.size()));
  constexpr std::string_view kProto = "+proto";
  if (type.ends_with(kProto)) type.resize(type.size() - kProto.size());
  if (type == "application/grpc") return GrpcForm::kHttp2;
  if (type == "application/grpc-web") return GrpcForm::kWeb;
  if (type == "application/grpc-web-text") return GrpcForm::kWebText;
  return std::nullopt;
}

std::string_view ContentTypeOf(GrpcForm form) {
  switch (form) {
    case GrpcForm::kHttp2:
      return "application/grpc+proto";
    case GrpcForm::kWeb:
      return "application/grpc-web+proto";
    case GrpcForm::kWebText:
      return "application/grpc-web-text+proto";
  }
  return "";
}

absl::StatusOr<std::string> ReadGrpcMessage(GrpcForm form, std::string_view body) {
  std::string decoded;
  if (form == GrpcForm::kWebText) {
    FLORIN_ASSIGN_OR_RETURN(decoded, DecodePieces(body));
    body = decoded;
  }
  if (body.size() < kPrefixBytes) return Malformed("the body has no message");
  const char flags = body[0];
  if (flags == kCompressed) {
    return Error(Reason::kCompressionNotSupported, "a compressed message is not accepted");
  }
  if (flags != 0) return Malformed("the message's flags are unknown");
  std::uint32_t size = 0;
  for (std::size_t i = 1; i < kPrefixBytes; ++i)
    size = size << 8 | static_cast<unsigned char>(body[i]);
  body.remove_prefix(kPrefixBytes);
  if (body.size() != size) return Malformed("the body is not exactly one message");
  return std::string(body);
}

GrpcTrailers MakeGrpcTrailers(const absl::Status& status) {
  const grpc::Status wire = rpc::ToGrpc(status);
  GrpcTrailers trailers;
  trailers.emplace_back("grpc-status", absl::StrCat(static_cast<int>(wire.error_code())));
  if (wire.ok()) return trailers;
  trailers.emplace_back("grpc-message", PercentEncode(wire.error_message()));
  std::string details = absl::Base64Escape(wire.error_details());
  while (details.ends_with('=')) details.pop_back();  // Padding is optional, and not to be sent.
  trailers.emplace_back("grpc-status-details-bin", std::move(details));
  return trailers;
}

std::string MakeGrpcBody(GrpcForm form, const std::optional<std::string>& message,
                         const GrpcTrailers& trailers) {
  std::string body;
  if (message) AppendFrame(0, *message, body);
  if (form == GrpcForm::kHttp2) return body;
  std::string fields;
  for (const auto& [name, value] : trailers) absl::StrAppend(&fields, name, ": ", value, "\r\n");
  AppendFrame(kTrailers, fields, body);
  return form == GrpcForm::kWebText ? absl::Base64Escape(body) : body;
}

absl::StatusOr<absl::Duration> ParseGrpcTimeout(std::string_view text) {
  const bool plausible = text.size() >= 2 && text.size() <= 9 &&
                         text.find_first_not_of("0123456789") == text.size() - 1;
  std::int64_t count = 0;
  if (!plausible || !absl::SimpleAtoi(absl::string_view(text.data(), text.size() - 1), &count))
    return Malformed("grpc-timeout is not a number of at most eight digits with its unit");
  switch (text.back()) {
    case 'H':
      return absl::Hours(count);
    case 'M':
      return absl::Minutes(count);
    case 'S':
      return absl::Seconds(count);
    case 'm':
      return absl::Milliseconds(count);
    case 'u':
      return absl::Microseconds(count);
    case 'n':
      return absl::Nanoseconds(count);
    default:
      return Malformed("grpc-timeout has none of the units H, M, S, m, u and n");
  }
}

}  // namespace florin::gateway
