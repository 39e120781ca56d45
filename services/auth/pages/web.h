// What a page reads of a request and how it answers: the only makers of WebResponse, so that no
// answer goes out without its security headers. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "florin/http/v1/exchange.pb.h"
#include "services/auth/pages/html.h"

namespace florin::auth {

using http::v1::WebRequest;
using http::v1::WebResponse;

// Cookies of the pages; proto/florin/auth/v1/pages.proto says what each is.
inline constexpr std::string_view kSessionCookie = "__Host-florin-session";
inline constexpr std::string_view kLoginCookie = "__Host-florin-login";
inline constexpr std::string_view kDeviceCookie = "__Host-florin-device";
inline constexpr std::string_view kResetCookie = "__Host-florin-reset";
inline constexpr std::string_view kVerifyCookie = "__Host-florin-verify";
inline constexpr std::string_view kApprovalCookie = "__Host-florin-approval";

// The value of the only field of this name; empty if there is none, or more than one.
std::string FormField(const WebRequest& request, std::string_view name);
std::string QueryParameter(const WebRequest& request, std::string_view name);
// Empty if there is none, or if it is not 1 to 128 characters of base64url, as all of ours are.
std::string CookieOf(const WebRequest& request, std::string_view name);

// For how long: with a duration the browser keeps it over its own restart.
void SetCookie(WebResponse& response, std::string_view name, std::string_view value,
               std::optional<absl::Duration> max_age = std::nullopt);
void ClearCookie(WebResponse& response, std::string_view name);

// A page. `form_target`: a source of CSP beside 'self' that its forms may lead to, as
// FormTargetOf() gives it; empty: none.
WebResponse PageResponse(int status, std::string document, std::string_view form_target = {});
// 303 (RFC 9700 section 4.12: never 307, which would send a password on).
WebResponse SeeOther(Path path);
// The same to PATH?id=ID. `id` is one that FormatId() gave.
WebResponse SeeOther(Path path, std::string_view id);
// The same to an app. `url` comes from AuthorizationRequests.
WebResponse SeeApp(std::string_view url);
WebResponse AssetResponse(std::string_view path);

// The source for `form-action` that allows a form's answer to redirect to `redirect_uri`: Chromium
// holds redirects to the directive (CSP Level 3 section 6.4.1). "https://app.example:8443", or
// "com.example.app:" for a private-use scheme. Empty for anything that does not look like one.
std::string FormTargetOf(std::string_view redirect_uri);
// The host of an https or http URI, or the scheme of another: what a person is shown.
std::string DestinationOf(std::string_view redirect_uri);

}  // namespace florin::auth
