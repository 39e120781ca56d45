#include "libs/identity/bearer_authenticator.h"

#include <utility>

#include "absl/flags/flag.h"
#include "libs/crypto/api_key.h"

ABSL_FLAG(absl::Duration, api_key_memory, florin::identity::kApiKeyRemembered,
          "For how long auth's verdict on an API key is remembered: at most 30s, after which a key "
          "that was revoked is refused.");

namespace florin::identity {

BearerAuthenticator::BearerAuthenticator(rpc::Channel& auth, Clock& clock, std::string issuer)
    : tokens_(auth, clock, std::move(issuer)),
      keys_(auth, clock, absl::GetFlag(FLAGS_api_key_memory)) {}

Task<absl::StatusOr<rpc::Principal>> BearerAuthenticator::Authenticate(std::string credential) {
  if (crypto::LooksLikeApiKey(credential)) return keys_.Authenticate(std::move(credential));
  return tokens_.Authenticate(std::move(credential));
}

}  // namespace florin::identity
