#include "libs/identity/bearer_authenticator.h"

#include <utility>

#include "libs/crypto/api_key.h"

namespace florin::identity {

Task<absl::StatusOr<rpc::Principal>> BearerAuthenticator::Authenticate(std::string credential) {
  if (crypto::LooksLikeApiKey(credential)) return keys_.Authenticate(std::move(credential));
  return tokens_.Authenticate(std::move(credential));
}

}  // namespace florin::identity
