// OAuth clients: what they are, and the rules that their registration keeps.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/status/status.h"

namespace florin::auth {

enum class ClientType { kPublic, kConfidential };

// How a client proves who it is at the token endpoint (RFC 7591 section 2).
enum class ClientAuthMethod {
  kNone,                     // none: a public client
  kPrivateKeyJwt,            // private_key_jwt
  kSelfSignedTlsClientAuth,  // self_signed_tls_client_auth
};

// See ClientMetadata in clients.proto, which has the same fields.
struct Client {
  std::string client_id;
  ClientType type = ClientType::kPublic;
  std::string client_name;
  std::vector<std::string> redirect_uris;
  ClientAuthMethod auth_method = ClientAuthMethod::kNone;
  std::string jwks;                    // JSON; empty unless kPrivateKeyJwt.
  std::string certificate_thumbprint;  // base64url; empty unless kSelfSignedTlsClientAuth.
  std::vector<std::string> grant_types;
  std::vector<std::string> scopes;
  bool dpop_bound_access_tokens = false;
  bool require_mtls = false;
  std::vector<std::string> cors_origins;
  bool first_party = false;
  absl::Time create_time;                  // Whole microseconds.
  std::optional<absl::Time> disable_time;  // Refused since then.

  bool Grants(std::string_view grant_type) const;
  bool MayAsk(std::string_view scope) const;
  friend bool operator==(const Client&, const Client&) = default;
};

// The client of tokens from POST /v1/login. Nobody can register it.
inline constexpr char kFirstPartyClient[] = "florin-first-party";

// The names of the protocol, in tables that registration and the server's metadata share.
struct AuthMethodName {
  ClientAuthMethod method;
  std::string_view name;
};
inline constexpr AuthMethodName kAuthMethods[] = {
    {ClientAuthMethod::kNone, "none"},
    {ClientAuthMethod::kPrivateKeyJwt, "private_key_jwt"},
    {ClientAuthMethod::kSelfSignedTlsClientAuth, "self_signed_tls_client_auth"},
};
inline constexpr std::string_view kAuthorizationCode = "authorization_code";
inline constexpr std::string_view kRefreshToken = "refresh_token";
inline constexpr std::string_view kClientCredentials = "client_credentials";
inline constexpr std::string_view kGrantTypes[] = {kAuthorizationCode, kRefreshToken,
                                                   kClientCredentials};

std::string_view NameOf(ClientAuthMethod method);
std::optional<ClientAuthMethod> AuthMethodNamed(std::string_view name);

// Whether `client` may be registered: every rule of clients.proto except that jwks are keys, which
// needs libs/crypto (flow/register_client.h). Errors with param: kInvalidClientMetadata,
// kInvalidRedirectUri. Pure.
absl::Status CheckClient(const Client& client);

// Whether `uri` may be a redirect URI: RFC 6749 section 3.1.2, RFC 8252 sections 7.1 and 7.3. Pure.
bool IsRedirectUri(std::string_view uri);

}  // namespace florin::auth
