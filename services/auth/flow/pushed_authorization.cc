#include "services/auth/flow/pushed_authorization.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/clock/microseconds.h"

namespace florin::auth {
namespace {

constexpr char kUriPrefix[] = "urn:ietf:params:oauth:request_uri:";  // RFC 9126 section 2.2
constexpr std::size_t kSecretOctets = 32;
constexpr std::size_t kThumbprint = 43;

// The key that the code is for: that of the proof, and what the parameter says.
absl::StatusOr<std::string> CodeKey(const Parameters& parameters, std::string proven) {
  const auto named = parameters.find("dpop_jkt");
  if (named == parameters.end()) return proven;
  if (named->second.size() != kThumbprint || !crypto::Base64UrlDecode(named->second).ok()) {
    return Error(Reason::kInvalidRequest, "dpop_jkt is an RFC 7638 thumbprint");
  }
  if (!proven.empty() && proven != named->second) {
    return Error(Reason::kInvalidDpopProof, "dpop_jkt is not the key of the proof");
  }
  return named->second;
}

}  // namespace

crypto::Digest DigestOf(std::string_view secret) { return crypto::Sha256(secret); }

Task<absl::StatusOr<std::string>> PushedAuthorization::Push(Client client, Parameters parameters,
                                                            std::string key_thumbprint) {
  PushedRequest pushed;
  FLORIN_CO_ASSIGN_OR_RETURN(pushed.request, ReadAuthorizationRequest(client, parameters));
  FLORIN_CO_ASSIGN_OR_RETURN(pushed.key_thumbprint, CodeKey(parameters, std::move(key_thumbprint)));
  std::string uri =
      absl::StrCat(kUriPrefix, crypto::Base64UrlEncode(crypto::RandomOctets(kSecretOctets)));
  pushed.request_uri = DigestOf(uri);
  pushed.client_id = client.client_id;
  pushed.expires_at = InMicroseconds(clock_.Now() + kRequestLifetime);
  const absl::StatusOr<bool> kept = co_await store_.PushRequest(std::move(pushed));
  if (!kept.ok()) co_return kept.status();
  co_return uri;
}

}  // namespace florin::auth
