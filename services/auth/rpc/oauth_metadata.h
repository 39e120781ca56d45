// What the authorization server says of itself (RFC 8414, OpenID Connect Discovery 1.0).
#pragma once

#include <string>

namespace florin::auth {

// Paths below the issuer.
inline constexpr char kAuthorizePath[] = "/oauth/authorize";
inline constexpr char kPushPath[] = "/oauth/par";
inline constexpr char kTokenPath[] = "/oauth/token";
inline constexpr char kRevokePath[] = "/oauth/revoke";
inline constexpr char kIntrospectPath[] = "/oauth/introspect";
inline constexpr char kJwksPath[] = "/.well-known/jwks.json";

// The document, JSON, from the tables that decide: kGrantTypes, kAuthMethods, AllScopes(),
// crypto::kJwsAlgorithms. `mtls_base_url` is where clients connect with a certificate if that is
// another place than the issuer (RFC 8705 section 5), else empty. Pure.
std::string OAuthMetadata(const std::string& issuer, const std::string& mtls_base_url);

}  // namespace florin::auth
