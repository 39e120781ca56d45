#include "libs/identity/token_authenticator.h"

#include <mutex>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_split.h"
#include "florin/auth/v1/oauth.rpc.h"
#include "libs/async/runtime.h"
#include "libs/crypto/sha256.h"
#include "libs/identity/key_set.h"
#include "libs/identity/token_cache.h"
#include "libs/telemetry/metrics.h"

namespace florin::identity {
namespace {

constexpr std::size_t kRememberedTokens = 10'000;
constexpr absl::Duration kBetweenRevocations = absl::Seconds(1);

}  // namespace

class TokenAuthenticator::Impl {
 public:
  Impl(rpc::Channel& auth, Clock& clock, std::string issuer)
      : oauth_(&auth),
        clock_(clock),
        issuer_(std::move(issuer)),
        cache_(kRememberedTokens),
        keys_(auth, clock, [this] { cache_.Clear(); }) {}

  Task<absl::StatusOr<rpc::Principal>> Authenticate(std::string token) {
    const crypto::Digest digest = crypto::Sha256(token);
    if (auto known = cache_.Find(digest, clock_.Now())) {
      co_return Unrevoked(*std::move(known));
    }
    FLORIN_CO_ASSIGN_OR_RETURN(std::string kid, crypto::UnverifiedKeyId(token));
    const absl::StatusOr<crypto::VerificationKey> key = co_await keys_.Find(std::move(kid));
    if (!key.ok()) co_return key.status();
    absl::StatusOr<rpc::Principal> principal = Verify(token, digest, *key);
    if (!principal.ok()) co_return principal;
    co_return Unrevoked(*std::move(principal));
  }

  Task<absl::Status> LearnRevocations() {
    const auth::v1::ListRevokedTokensRequest request;
    rpc::Outgoing context;
    const auto response = co_await oauth_.ListRevokedTokens(std::move(context), request);
    if (!response.ok()) co_return response.status();
    absl::flat_hash_set<std::string> revoked(response->token_ids().begin(),
                                             response->token_ids().end());
    const std::lock_guard lock(mutex_);
    revoked_.swap(revoked);
    co_return absl::OkStatus();
  }

 private:
  absl::StatusOr<rpc::Principal> Unrevoked(rpc::Principal principal) const {
    const std::lock_guard lock(mutex_);
    if (revoked_.contains(principal.token_id)) {
      return Error(Reason::kTokenInvalid, "the token was taken back");
    }
    return principal;
  }

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

  const auth::v1::OAuthClient oauth_;
  Clock& clock_;
  const std::string issuer_;
  TokenCache cache_;
  KeySet keys_;
  mutable std::mutex mutex_;
  absl::flat_hash_set<std::string> revoked_;  // By jti. Guarded by mutex_.
};

TokenAuthenticator::TokenAuthenticator(rpc::Channel& auth, Clock& clock, std::string issuer)
    : impl_(std::make_unique<Impl>(auth, clock, std::move(issuer))) {}

TokenAuthenticator::~TokenAuthenticator() = default;

Task<absl::StatusOr<rpc::Principal>> TokenAuthenticator::Authenticate(std::string token) {
  return impl_->Authenticate(std::move(token));
}

Task<absl::Status> TokenAuthenticator::LearnRevocations() { return impl_->LearnRevocations(); }

Task<void> TokenAuthenticator::WatchRevocations() {
  while (true) {
    const absl::Status learned = co_await impl_->LearnRevocations();
    telemetry::SetGauge("florin_identity_revocations_known", {}, learned.ok() ? 1 : 0);
    co_await async::Sleep(kBetweenRevocations);
  }
}

}  // namespace florin::identity
