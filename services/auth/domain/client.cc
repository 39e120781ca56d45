#include "services/auth/domain/client.h"

#include <algorithm>
#include <cstddef>
#include <set>

#include "libs/text/text.h"
#include "services/auth/domain/scope.h"

namespace florin::auth {
namespace {

constexpr std::size_t kMaxName = 140;
constexpr std::size_t kMaxUri = 500;
constexpr std::size_t kMaxUris = 10;
constexpr std::size_t kMaxJwks = 8192;
constexpr std::size_t kThumbprint = 43;  // 32 octets in base64url.

absl::Status Invalid(std::string_view param, std::string_view why) {
  return Error(Reason::kInvalidClientMetadata, why, {.param = std::string(param)});
}

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsBase64Url(char c) {
  return IsLower(c) || IsDigit(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

bool IsClientId(std::string_view id) {
  return id.size() >= 3 && id.size() <= 64 && IsLower(id.front()) &&
         std::all_of(id.begin(), id.end(),
                     [](char c) { return IsLower(c) || IsDigit(c) || c == '-'; });
}

template <class T>
bool HasRepetition(const std::vector<T>& values) {
  return std::set<T>(values.begin(), values.end()).size() != values.size();
}

// 1 to 5 digits without a leading zero, at most 65535.
bool IsPort(std::string_view text) {
  if (text.empty() || text.size() > 5 || text.front() == '0') return false;
  int port = 0;
  for (const char c : text) {
    if (!IsDigit(c)) return false;
    port = port * 10 + (c - '0');
  }
  return port <= 65535;
}

// A DNS name of two labels or more, or `localhost`, in lower case; with a port or without.
bool IsHostAndPort(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != text.npos && !IsPort(text.substr(colon + 1))) return false;
  const std::string_view host = text.substr(0, colon);
  if (host == "localhost") return true;
  if (host.empty() || host.size() > 253 || host.find('.') == host.npos) return false;
  char before = '.';
  for (const char c : host) {
    const bool sound = IsLower(c) || IsDigit(c) || (c == '-' && before != '.') ||
                       (c == '.' && before != '.' && before != '-');
    if (!sound) return false;
    before = c;
  }
  return before != '.' && before != '-';
}

bool IsLoopback(std::string_view authority) {
  for (const std::string_view host : {"127.0.0.1:", "[::1]:"}) {
    if (authority.substr(0, host.size()) == host) return IsPort(authority.substr(host.size()));
  }
  return false;
}

// RFC 8252 section 7.1: a reversed domain name, so with a dot. The schemes of the web and those
// that run scripts have none.
bool IsPrivateScheme(std::string_view scheme) {
  return scheme.size() <= 100 && scheme.find('.') != scheme.npos && IsLower(scheme.front()) &&
         std::all_of(scheme.begin(), scheme.end(), [](char c) {
           return IsLower(c) || IsDigit(c) || c == '.' || c == '-' || c == '+';
         });
}

// Characters of RFC 3986 without those that begin a fragment. No backslash and no space: browsers
// repair them, each in its way.
bool HasOnlyUriCharacters(std::string_view text) {
  static constexpr std::string_view kOthers = "-._~:/?[]@!$&'()*+,;=%";
  return std::all_of(text.begin(), text.end(), [](char c) {
    return IsLower(c) || IsDigit(c) || (c >= 'A' && c <= 'Z') || kOthers.find(c) != kOthers.npos;
  });
}

absl::Status CheckAuthentication(const Client& client) {
  const bool is_public = client.type == ClientType::kPublic;
  if (is_public != (client.auth_method == ClientAuthMethod::kNone)) {
    return Invalid("token_endpoint_auth_method",
                   "none for public clients, another for confidential ones");
  }
  const bool has_jwks = client.auth_method == ClientAuthMethod::kPrivateKeyJwt;
  if (client.jwks.empty() == has_jwks || client.jwks.size() > kMaxJwks) {
    return Invalid("jwks", "for private_key_jwt and only then, at most 8192 octets");
  }
  const bool has_certificate = client.auth_method == ClientAuthMethod::kSelfSignedTlsClientAuth;
  const std::string& thumbprint = client.certificate_thumbprint;
  if (thumbprint.empty() == has_certificate ||
      (has_certificate && (thumbprint.size() != kThumbprint ||
                           !std::all_of(thumbprint.begin(), thumbprint.end(), IsBase64Url)))) {
    return Invalid("certificate_thumbprint",
                   "for self_signed_tls_client_auth and only then, 43 characters of base64url");
  }
  if (client.dpop_bound_access_tokens && client.require_mtls) {
    return Invalid("require_mtls", "a token is bound to one key");
  }
  if (is_public && client.require_mtls) return Invalid("require_mtls", "for confidential clients");
  // FAPI 2.0 Security Profile section 5.3.2.1: sender-constrained access tokens only.
  if (!is_public && !client.dpop_bound_access_tokens && !client.require_mtls) {
    return Invalid("dpop_bound_access_tokens", "a confidential client's tokens are bound to a key");
  }
  return absl::OkStatus();
}

absl::Status CheckGrants(const Client& client) {
  if (client.grant_types.empty() || HasRepetition(client.grant_types)) {
    return Invalid("grant_types", "one or more, each once");
  }
  for (const std::string& type : client.grant_types) {
    if (std::find(std::begin(kGrantTypes), std::end(kGrantTypes), type) == std::end(kGrantTypes)) {
      return Invalid("grant_types", "there is no such grant type");
    }
  }
  const bool codes = client.Grants(kAuthorizationCode);
  if (client.Grants(kRefreshToken) && !codes) {
    return Invalid("grant_types", "refresh_token comes with authorization_code");
  }
  if (client.Grants(kClientCredentials) && client.type == ClientType::kPublic) {
    return Invalid("grant_types", "client_credentials is for confidential clients");
  }
  if (codes == client.redirect_uris.empty()) {
    return Invalid("redirect_uris", "with authorization_code and only then");
  }
  if (client.scopes.empty() || HasRepetition(client.scopes) ||
      !std::all_of(client.scopes.begin(), client.scopes.end(), IsScope)) {
    return Invalid("scopes", "one or more, each once, of those that there are");
  }
  return absl::OkStatus();
}

absl::Status CheckUris(const Client& client) {
  if (client.redirect_uris.size() > kMaxUris || HasRepetition(client.redirect_uris)) {
    return Invalid("redirect_uris", "at most 10, each once");
  }
  for (const std::string& uri : client.redirect_uris) {
    if (!IsRedirectUri(uri)) {
      return Error(Reason::kInvalidRedirectUri,
                   "https, a private-use scheme with a dot, or http on a loopback address",
                   {.param = "redirect_uris"});
    }
  }
  if (client.cors_origins.size() > kMaxUris || HasRepetition(client.cors_origins)) {
    return Invalid("cors_origins", "at most 10, each once");
  }
  for (const std::string_view origin : client.cors_origins) {
    constexpr std::string_view kHttps = "https://";
    if (origin.substr(0, kHttps.size()) != kHttps || !IsHostAndPort(origin.substr(kHttps.size()))) {
      return Invalid("cors_origins", "https://HOST or https://HOST:PORT in lower case");
    }
  }
  return absl::OkStatus();
}

}  // namespace

bool Client::Grants(std::string_view grant_type) const {
  return std::find(grant_types.begin(), grant_types.end(), grant_type) != grant_types.end();
}

bool Client::MayAsk(std::string_view scope) const {
  return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
}

std::string_view NameOf(ClientAuthMethod method) {
  std::string_view found;
  for (const AuthMethodName& one : kAuthMethods) {
    if (one.method == method) found = one.name;
  }
  return found;
}

std::optional<ClientAuthMethod> AuthMethodNamed(std::string_view name) {
  for (const AuthMethodName& one : kAuthMethods) {
    if (one.name == name) return one.method;
  }
  return std::nullopt;
}

bool IsRedirectUri(std::string_view uri) {
  const std::size_t colon = uri.find(':');
  if (colon == uri.npos || colon == 0 || uri.size() > kMaxUri || !HasOnlyUriCharacters(uri)) {
    return false;
  }
  const std::string_view scheme = uri.substr(0, colon);
  const std::string_view rest = uri.substr(colon + 1);
  if (scheme != "https" && scheme != "http") {
    // One slash, so that nothing in it is taken for a host.
    return IsPrivateScheme(scheme) && rest.substr(0, 1) == "/" && rest.substr(0, 2) != "//";
  }
  if (rest.substr(0, 2) != "//") return false;
  const std::string_view after = rest.substr(2);
  const std::string_view authority = after.substr(0, after.find_first_of("/?"));
  // A slash before all else, so that it is clear where the host ends.
  if (after.substr(authority.size(), 1) != "/") return false;
  return scheme == "https" ? IsHostAndPort(authority) : IsLoopback(authority);
}

absl::Status CheckClient(const Client& client) {
  if (!IsClientId(client.client_id) || client.client_id == kFirstPartyClient) {
    return Invalid("client_id", "3 to 64 characters of [a-z0-9-], the first a letter");
  }
  const auto length = CountPlainCharacters(client.client_name);
  if (!length || *length == 0 || *length > kMaxName) {
    return Invalid("client_name", "1 to 140 characters");
  }
  FLORIN_RETURN_IF_ERROR(CheckAuthentication(client));
  FLORIN_RETURN_IF_ERROR(CheckGrants(client));
  return CheckUris(client);
}

}  // namespace florin::auth
