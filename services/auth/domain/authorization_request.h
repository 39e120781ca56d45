// What a client asks a user for (RFC 6749 section 4.1.1, RFC 7636, OpenID Connect Core 3.1.2.1).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "libs/status/status.h"
#include "services/auth/domain/client.h"

namespace florin::auth {

// The parameters of a request, each once.
using Parameters = std::map<std::string, std::string>;

// Error: kInvalidRequest if a name occurs twice (RFC 6749 section 3.2), or there are more than 32,
// or one is longer than 4096 octets. A parameter without a value counts as absent. Pure.
absl::StatusOr<Parameters> OneOfEach(
    const std::vector<std::pair<std::string, std::string>>& parameters);

struct AuthorizationRequest {
  std::string redirect_uri;
  std::vector<std::string> scopes;
  std::string state;           // Empty: none.
  std::string nonce;           // Empty: none.
  std::string code_challenge;  // S256, 43 characters
  std::vector<std::string> prompt;
  std::optional<absl::Duration> max_age;
  std::string login_hint;
  std::vector<std::string> acr_values;

  friend bool operator==(const AuthorizationRequest&, const AuthorizationRequest&) = default;
};

// Reads a pushed request of `client`, which is authenticated. Errors (the names are those of RFC
// 6749 section 4.1.2.1): kInvalidRequest, kUnsupportedResponseType, kUnauthorizedClient,
// kInvalidScope; also kInvalidRequest for `request`, `request_uri` and modes other than `query`,
// which this server does not have. Pure.
absl::StatusOr<AuthorizationRequest> ReadAuthorizationRequest(const Client& client,
                                                              const Parameters& parameters);

// Whether `text` has the form of a code verifier, 43 to 128 unreserved characters (RFC 7636 section
// 4.1). Pure.
bool IsCodeVerifier(std::string_view text);

}  // namespace florin::auth
