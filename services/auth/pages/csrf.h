// Whether a form came from the page that this browser was shown.
//
// Three things have to hold, each of which would do by itself in a perfect browser: the cookie is
// SameSite=Lax, so that another site's form does not bring it; the browser says that the form is of
// this origin; and the form has a token that only a page made for this cookie has. A login's forms
// are bound to its own cookie, so that nobody can be logged in to an account that is not theirs.
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "libs/status/status.h"
#include "services/auth/pages/web.h"

namespace florin::auth {

// The token for the forms of pages that belong to a cookie's secret: a one-way function of it. A
// new secret makes the old pages' tokens void.
std::string FormToken(std::string_view secret);

// Whether the browser says that the request comes from a page of `origin` ("https://bank.example"):
//   Sec-Fetch-Site   where it is sent, it is `same-origin`
//   Origin           is ours, or `null` or absent where Sec-Fetch-Site has vouched: with
//                    `Referrer-Policy: no-referrer` browsers send `null` with forms (Fetch
//                    standard, "append a request Origin header")
// So a browser that sends neither is refused. Error: kForgedForm.
absl::Status CheckOrigin(const WebRequest& request, std::string_view origin);

// The same, and that field `csrf` is the token of `secret`, which is not empty. Error: kForgedForm.
absl::Status CheckForm(const WebRequest& request, std::string_view origin, std::string_view secret);

// "https://bank.example:8443" of "https://bank.example:8443/base"; lower case as the issuer has it.
std::string OriginOf(std::string_view issuer);

}  // namespace florin::auth
