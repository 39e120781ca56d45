#include "libs/identity/api_key_authenticator.h"

#include <algorithm>
#include <utility>

#include "libs/crypto/api_key.h"
#include "libs/rpc/timestamp.h"

namespace florin::identity {
namespace {

// Whether auth has judged the key, and not merely failed to answer.
bool IsRefusal(const absl::Status& status) {
  const std::optional<Reason> reason = ReasonOf(status);
  return reason == Reason::kTokenInvalid || reason == Reason::kTokenExpired ||
         reason == Reason::kApiKeyWrongMode;
}

}  // namespace

std::optional<absl::StatusOr<rpc::Principal>> ApiKeyVerdicts::Find(const crypto::Digest& key,
                                                                   absl::Time now) const {
  const std::lock_guard lock(mutex_);
  for (const Memory* memory : {&accepted_, &refused_}) {
    const auto known = memory->known.find(key);
    if (known != memory->known.end() && now < known->second.until) return known->second.verdict;
  }
  return std::nullopt;
}

void ApiKeyVerdicts::Insert(const crypto::Digest& key, absl::StatusOr<rpc::Principal> verdict,
                            absl::Time until) {
  const std::lock_guard lock(mutex_);
  Memory& memory = verdict.ok() ? accepted_ : refused_;
  Memory& other = verdict.ok() ? refused_ : accepted_;
  // Two calls may have asked at once: what came last is what counts.
  if (const auto old = other.known.find(key); old != other.known.end()) {
    old->second.until = absl::InfinitePast();
  }
  const auto known = memory.known.find(key);
  if (known != memory.known.end()) {
    known->second = {std::move(verdict), until};
    return;
  }
  while (memory.by_age.size() >= capacity_) {
    memory.known.erase(memory.by_age.front());
    memory.by_age.pop_front();
  }
  memory.by_age.push_back(key);
  memory.known.insert({key, Known{std::move(verdict), until}});
}

std::size_t ApiKeyVerdicts::size() const {
  const std::lock_guard lock(mutex_);
  return accepted_.known.size() + refused_.known.size();
}

Task<absl::StatusOr<rpc::Principal>> ApiKeyAuthenticator::Authenticate(std::string key) {
  FLORIN_CO_ASSIGN_OR_RETURN(const crypto::ApiKeyMode mode, crypto::ParseApiKey(key));
  const crypto::Digest digest = crypto::Sha256(key);
  // From before the question: what is revoked while auth answers is not remembered any longer.
  const absl::Time now = clock_.Now();
  if (auto known = verdicts_.Find(digest, now)) co_return *std::move(known);
  auth::v1::VerifyApiKeyRequest request;
  request.set_secret_digest(std::string(crypto::AsOctets(digest)));
  request.set_mode(std::string(crypto::NameOf(mode)));
  rpc::Outgoing context;
  const absl::StatusOr<auth::v1::VerifyApiKeyResponse> answer =
      co_await auth_.VerifyApiKey(std::move(context), request);
  if (!answer.ok()) {
    if (IsRefusal(answer.status())) {
      verdicts_.Insert(digest, answer.status(), now + std::min(memory_, kApiKeyRefusalRemembered));
    }
    co_return answer.status();
  }
  rpc::Principal principal = PrincipalOf(*answer);
  absl::Time until = now + std::min(memory_, kApiKeyRemembered);
  if (answer->has_expire_time()) until = std::min(until, TimeOf(answer->expire_time()));
  verdicts_.Insert(digest, principal, until);
  co_return principal;
}

rpc::Principal PrincipalOf(const auth::v1::VerifyApiKeyResponse& key) {
  rpc::Principal principal;
  principal.user_id = key.user_id();
  principal.scopes.assign(key.scopes().begin(), key.scopes().end());
  principal.token_id = key.api_key_id();
  principal.client_id = "api_key:" + key.api_key_id();
  principal.allowed_networks.assign(key.allowed_networks().begin(), key.allowed_networks().end());
  return principal;
}

}  // namespace florin::identity
