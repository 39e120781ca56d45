#include "services/auth/pages/web.h"

#include <algorithm>

#include "services/auth/pages/assets.h"

namespace florin::auth {
namespace {

using Parameters = google::protobuf::RepeatedPtrField<http::v1::Parameter>;

constexpr std::size_t kLongestCookie = 128;

std::string OnlyOne(const Parameters& parameters, std::string_view name) {
  const http::v1::Parameter* found = nullptr;
  for (const http::v1::Parameter& parameter : parameters) {
    if (parameter.name() != name) continue;
    if (found != nullptr) return {};
    found = &parameter;
  }
  return found == nullptr ? std::string() : found->value();
}

bool IsBase64Url(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

void AddHeader(WebResponse& response, std::string_view name, std::string_view value) {
  http::v1::Parameter& header = *response.add_headers();
  header.set_name(std::string(name));
  header.set_value(std::string(value));
}

// On every answer that is not an asset.
void AddGuards(WebResponse& response, std::string_view form_target) {
  std::string policy =
      "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'";
  if (!form_target.empty()) policy += " " + std::string(form_target);
  policy += "; frame-ancestors 'none'; base-uri 'none'";
  AddHeader(response, "Content-Security-Policy", policy);
  AddHeader(response, "Referrer-Policy", "no-referrer");
  AddHeader(response, "Cache-Control", "no-store");
}

bool IsSchemeCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

bool IsAuthorityCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':' ||
         c == '[' || c == ']';
}

struct UriParts {
  std::string scheme;
  std::string authority;  // Empty for private-use schemes.
};

// Of lower-case URIs; nothing for what a redirect URI cannot be.
std::optional<UriParts> PartsOf(std::string_view uri) {
  const std::size_t colon = uri.find(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  UriParts parts;
  parts.scheme = uri.substr(0, colon);
  if (!std::all_of(parts.scheme.begin(), parts.scheme.end(), IsSchemeCharacter)) {
    return std::nullopt;
  }
  if (parts.scheme != "https" && parts.scheme != "http") return parts;
  uri.remove_prefix(colon + 1);
  if (!uri.starts_with("//")) return std::nullopt;
  uri.remove_prefix(2);
  parts.authority = uri.substr(0, uri.find_first_of("/?#"));
  if (parts.authority.empty() ||
      !std::all_of(parts.authority.begin(), parts.authority.end(), IsAuthorityCharacter)) {
    return std::nullopt;
  }
  return parts;
}

}  // namespace

std::string FormField(const WebRequest& request, std::string_view name) {
  return OnlyOne(request.form(), name);
}

std::string QueryParameter(const WebRequest& request, std::string_view name) {
  return OnlyOne(request.query(), name);
}

std::string CookieOf(const WebRequest& request, std::string_view name) {
  std::string value = OnlyOne(request.cookies(), name);
  if (value.size() > kLongestCookie || !std::all_of(value.begin(), value.end(), IsBase64Url)) {
    return {};
  }
  return value;
}

void SetCookie(WebResponse& response, std::string_view name, std::string_view value,
               std::optional<absl::Duration> max_age) {
  std::string cookie = std::string(name) + "=" + std::string(value) + "; Path=/";
  if (max_age) cookie += "; Max-Age=" + std::to_string(absl::ToInt64Seconds(*max_age));
  cookie += "; Secure; HttpOnly; SameSite=Lax";
  AddHeader(response, "Set-Cookie", cookie);
}

void ClearCookie(WebResponse& response, std::string_view name) {
  SetCookie(response, name, "", absl::ZeroDuration());
}

WebResponse PageResponse(int status, std::string document, std::string_view form_target) {
  WebResponse response;
  response.set_status(status);
  response.set_content_type("text/html; charset=utf-8");
  response.set_body(std::move(document));
  AddGuards(response, form_target);
  return response;
}

WebResponse SeeOther(Path path) { return SeeApp(path.text()); }

WebResponse SeeOther(Path path, std::string_view id) {
  return SeeApp(std::string(path.text()) + "?id=" + std::string(id));
}

WebResponse SeeApp(std::string_view url) {
  WebResponse response;
  response.set_status(303);
  AddHeader(response, "Location", url);
  AddGuards(response, {});
  return response;
}

WebResponse AssetResponse(std::string_view path) {
  const Asset* asset = Assets::Find(path);
  WebResponse response;
  if (asset == nullptr) {
    response.set_status(404);
    AddGuards(response, {});
    return response;
  }
  response.set_status(200);
  response.set_content_type(asset->content_type);
  response.set_body(std::string(asset->contents));
  AddHeader(response, "Cache-Control", "public, max-age=31536000, immutable");
  // An SVG can be opened by itself.
  AddHeader(response, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  AddHeader(response, "Referrer-Policy", "no-referrer");
  return response;
}

std::string FormTargetOf(std::string_view redirect_uri) {
  const std::optional<UriParts> parts = PartsOf(redirect_uri);
  if (!parts) return {};
  return parts->authority.empty() ? parts->scheme + ":" : parts->scheme + "://" + parts->authority;
}

std::string DestinationOf(std::string_view redirect_uri) {
  const std::optional<UriParts> parts = PartsOf(redirect_uri);
  if (!parts) return {};
  return parts->authority.empty() ? parts->scheme : parts->authority;
}

}  // namespace florin::auth
