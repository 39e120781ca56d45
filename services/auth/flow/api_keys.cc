#include "services/auth/flow/api_keys.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/clock/microseconds.h"
#include "libs/identity/network.h"
#include "libs/telemetry/metrics.h"
#include "services/auth/domain/scope.h"

namespace florin::auth {
namespace {

// Each in its one form.
absl::StatusOr<std::vector<std::string>> CheckNetworks(const std::vector<std::string>& networks) {
  if (networks.size() > kMostNetworks) {
    return Error(Reason::kInvalidNetwork, "at most 32 networks", {.param = "allowed_networks"});
  }
  std::vector<std::string> checked;
  for (std::size_t i = 0; i < networks.size(); ++i) {
    const absl::StatusOr<identity::Network> network = identity::Network::Parse(networks[i]);
    if (!network.ok()) {
      return Error(Reason::kInvalidNetwork, "not a CIDR block",
                   {.param = absl::StrCat("allowed_networks[", i, "]")});
    }
    checked.push_back(network->ToString());
  }
  return checked;
}

absl::Status KeyReused() {
  return Error(Reason::kIdempotencyKeyReused, "the key came with another request");
}

// What was asked for, so that each text stands for one request: lengths come before what is free.
crypto::Digest Fingerprint(const ApiKeys::Wish& wish) {
  std::string text = absl::StrCat(
      "florin.auth.v1.ApiKeys/CreateApiKey\n", wish.display_name.size(), ":", wish.display_name,
      "\n", wish.expire_time ? absl::StrCat(absl::ToUnixMicros(*wish.expire_time)) : "-");
  for (const auto* list : {&wish.scopes, &wish.allowed_networks}) {
    absl::StrAppend(&text, "\n", list->size());
    for (const std::string& item : *list) absl::StrAppend(&text, " ", item.size(), ":", item);
  }
  return crypto::Sha256(text);
}

ApiKeys::Made MadeOf(StoredApiKey stored, std::string secret) {
  return {.key = std::move(stored.key), .secret = stored.made ? std::move(secret) : std::string()};
}

}  // namespace

// In whole microseconds, as the database keeps them.
absl::Time ApiKeys::Now() const { return InMicroseconds(clock_.Now()); }

std::pair<std::string, NewSecret> ApiKeys::MakeSecret(absl::Time now) const {
  std::string text = crypto::NewApiKey(mode_);
  NewSecret secret{.digest = crypto::Sha256(text),
                   .prefix = crypto::ApiKeyDisplayPrefix(text),
                   .create_time = now};
  return {std::move(text), std::move(secret)};
}

// A token says what its user had when it was signed.
Task<absl::StatusOr<Roles>> ApiKeys::RolesOfManager(Uuid user_id) {
  absl::StatusOr<Roles> roles = co_await roles_.RolesOf(user_id);
  if (roles.ok() && !HasScope(*roles, "api_keys:write")) {
    co_return Error(Reason::kScopeMissing, "the user has no role with this scope",
                    {.metadata = {{"scope", "api_keys:write"}}});
  }
  co_return roles;
}

Task<absl::StatusOr<ApiKeys::Made>> ApiKeys::Create(Wish wish) {
  const absl::Time now = Now();
  const crypto::Digest fingerprint = Fingerprint(wish);
  FLORIN_CO_RETURN_IF_ERROR(CheckKeyName(wish.display_name));
  const absl::StatusOr<Roles> roles = co_await RolesOfManager(wish.user_id);
  if (!roles.ok()) co_return roles.status();
  ApiKey key{.api_key_id = ids_.NewId(),
             .user_id = wish.user_id,
             .display_name = std::move(wish.display_name),
             .mode = std::string(crypto::NameOf(mode_)),
             .created_by = std::move(wish.created_by),
             .create_time = now,
             .expire_time = wish.expire_time};
  FLORIN_CO_ASSIGN_OR_RETURN(key.scopes, GrantKeyScopes(wish.scopes, *roles));
  FLORIN_CO_ASSIGN_OR_RETURN(key.allowed_networks, CheckNetworks(wish.allowed_networks));
  std::pair<std::string, NewSecret> fresh = MakeSecret(now);
  SecretRequest request{.idempotency_key = std::move(wish.idempotency_key),
                        .fingerprint = fingerprint,
                        .origin = std::move(wish.origin)};
  if (key.expire_time && *key.expire_time <= now) {
    co_return Error(Reason::kInvalidField, "not in the future", {.param = "expire_time"});
  }
  absl::StatusOr<StoredApiKey> stored =
      co_await store_.Create(std::move(key), std::move(fresh.second), std::move(request));
  if (!stored.ok()) co_return stored.status();
  if (!stored->same_request) co_return KeyReused();
  co_return MadeOf(*std::move(stored), std::move(fresh.first));
}

Task<absl::StatusOr<ApiKeys::Made>> ApiKeys::Rotate(Uuid user_id, Uuid api_key_id,
                                                    absl::Duration overlap,
                                                    std::string idempotency_key,
                                                    audit::Origin origin) {
  const absl::StatusOr<Roles> roles = co_await RolesOfManager(user_id);
  if (!roles.ok()) co_return roles.status();
  const absl::Time now = Now();
  std::pair<std::string, NewSecret> fresh = MakeSecret(now);
  SecretRequest request{.idempotency_key = std::move(idempotency_key),
                        .fingerprint = crypto::Sha256(absl::StrCat(
                            "florin.auth.v1.ApiKeys/RotateApiKey\n", api_key_id.ToString(), "\n",
                            absl::ToInt64Seconds(overlap))),
                        .origin = std::move(origin)};
  absl::StatusOr<StoredApiKey> stored = co_await store_.Rotate(
      user_id, api_key_id, std::move(fresh.second), now + overlap, std::move(request));
  if (!stored.ok()) co_return stored.status();
  if (!stored->same_request) co_return KeyReused();
  co_return MadeOf(*std::move(stored), std::move(fresh.first));
}

Task<absl::StatusOr<ApiKeys::Verdict>> ApiKeys::Verify(crypto::Digest secret, std::string mode) {
  // What the text says decides before anything is looked up: a key of the other mode is unknown
  // here.
  if (mode != crypto::NameOf(mode_)) {
    telemetry::Count("florin_auth_api_keys_total", {{"outcome", "wrong_mode"}});
    co_return Error(Reason::kApiKeyWrongMode, "a key of the other mode");
  }
  absl::StatusOr<std::optional<FoundApiKey>> found = co_await store_.FindBySecret(secret);
  if (!found.ok()) co_return found.status();
  const absl::Time now = Now();
  const absl::Status usable = found->has_value()
                                  ? CheckUse((*found)->key, (*found)->secret_expire_time, mode, now)
                                  : Error(Reason::kTokenInvalid, "no such API key");
  if (!usable.ok()) {
    telemetry::Count("florin_auth_api_keys_total", {{"outcome", "refused"}});
    co_return usable;
  }
  Verdict verdict;
  verdict.expire_time = UseExpiry((*found)->key, (*found)->secret_expire_time);
  verdict.key = std::move((*found)->key);
  const absl::StatusOr<Roles> roles = co_await roles_.RolesOf(verdict.key.user_id);
  if (!roles.ok()) co_return roles.status();
  verdict.scopes = PresentKeyScopes(verdict.key.scopes, *roles);
  const std::optional<absl::Time> last = verdict.key.last_use_time;
  if (!last || *last <= now - kUseResolution) {
    const absl::Status noted = co_await store_.NoteUse(verdict.key.api_key_id, now);
    if (!noted.ok()) telemetry::Count("florin_auth_api_key_uses_lost_total", {});
  }
  telemetry::Count("florin_auth_api_keys_total", {{"outcome", "accepted"}});
  co_return verdict;
}

Task<absl::StatusOr<ApiKey>> ApiKeys::Revoke(Uuid user_id, Uuid api_key_id, audit::Origin origin) {
  return store_.Revoke(user_id, api_key_id, Now(), std::move(origin));
}

}  // namespace florin::auth
