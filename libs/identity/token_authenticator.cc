#include "libs/identity/token_authenticator.h"

#include <optional>
#include <utility>

#include "absl/strings/str_split.h"
#include "libs/crypto/sha256.h"
#include "libs/identity/key_set.h"
#include "libs/identity/token_cache.h"

namespace florin::identity {
namespace {

constexpr std::size_t kRememberedTokens = 10'000;

}  // namespace

class TokenAuthenticator::Impl {
 public:
  Impl(rpc::Channel& auth, Clock& clock, std::string issuer)
      : clock_(clock),
        issuer_(std::move(issuer)),
        cache_(kRememberedTokens),
        keys_(auth, clock, [this] { cache_.Clear(); }) {}

  Task<absl::StatusOr<rpc::Principal>> Authenticate(std::string token) {
    const crypto::Digest digest = crypto::Sha256(token);
    if (auto known = cache_.Find(digest, clock_.Now())) co_return *std::move(known);
    FLORIN_CO_ASSIGN_OR_RETURN(std::string kid, crypto::UnverifiedKeyId(token));
    const absl::StatusOr<crypto::VerificationKey> key = co_await keys_.Find(std::move(kid));
    if (!key.ok()) co_return key.status();
    co_return Verify(token, digest, *key);
  }

 private:
  absl::StatusOr<rpc::Principal> Verify(const std::string& token, const crypto::Digest& digest,
                                        const crypto::VerificationKey& key) {
    const crypto::KeyLookup lookup = [&key](std::string_view kid) {
      return kid == key.kid() ? std::make_optional(key) : std::nullopt;
    };
    const crypto::TokenExpectations expect = {.issuer = issuer_, .audience = kAudience};
    const absl::Time now = clock_.Now();
    FLORIN_ASSIGN_OR_RETURN(const crypto::AccessTokenClaims claims,
                            crypto::VerifyAccessToken(token, lookup, expect, now));
    rpc::Principal principal = {
        .user_id = claims.subject,
        .scopes = absl::StrSplit(claims.scope, ' ', absl::SkipEmpty()),
        .token_id = claims.token_id,
        .client_id = claims.client_id,
        .auth_time = claims.auth_time.value_or(absl::InfinitePast()),
        .acr = claims.acr,
        .amr = claims.amr,
        .key_thumbprint = claims.confirmation.key_thumbprint,
        .certificate_thumbprint = claims.confirmation.certificate_thumbprint,
        .session_id = claims.session_id,
    };
    cache_.Insert(digest, {.principal = principal, .expires_at = claims.expires_at}, now);
    return principal;
  }

  Clock& clock_;
  const std::string issuer_;
  TokenCache cache_;
  KeySet keys_;
};

TokenAuthenticator::TokenAuthenticator(rpc::Channel& auth, Clock& clock, std::string issuer)
    : impl_(std::make_unique<Impl>(auth, clock, std::move(issuer))) {}

TokenAuthenticator::~TokenAuthenticator() = default;

Task<absl::StatusOr<rpc::Principal>> TokenAuthenticator::Authenticate(std::string token) {
  return impl_->Authenticate(std::move(token));
}

}  // namespace florin::identity
