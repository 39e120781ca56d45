#include "services/auth/store/fake_api_key_store.h"

#include <algorithm>
#include <utility>

namespace florin::auth {
namespace {

absl::Status NotFound() {
  return Error(Reason::kApiKeyNotFound, "no such API key", {.param = "api_key_id"});
}

}  // namespace

ApiKey FakeApiKeyStore::Whole(const ApiKey& key) const {
  ApiKey whole = key;
  whole.secrets.clear();
  for (auto secret = secrets_.rbegin(); secret != secrets_.rend(); ++secret) {
    if (secret->api_key_id == key.api_key_id) whole.secrets.push_back(secret->secret);
  }
  return whole;
}

std::optional<StoredApiKey> FakeApiKeyStore::Find(const RequestId& id, const NewSecret& secret,
                                                  const SecretRequest& request) const {
  const auto known = requests_.find(id);
  if (known == requests_.end()) return std::nullopt;
  const auto made = std::find_if(secrets_.begin(), secrets_.end(), [&](const Secret& kept) {
    return kept.digest == known->second.digest;
  });
  return StoredApiKey{.key = Whole(keys_.at(made->api_key_id)),
                      .same_request = known->second.fingerprint == request.fingerprint,
                      .made = known->second.digest == secret.digest};
}

StoredApiKey FakeApiKeyStore::Add(const RequestId& id, const Uuid& api_key_id,
                                  const NewSecret& secret, const SecretRequest& request) {
  secrets_.push_back({.api_key_id = api_key_id,
                      .digest = secret.digest,
                      .secret = {.prefix = secret.prefix, .create_time = secret.create_time}});
  requests_.emplace(id, Request{request.fingerprint, secret.digest});
  return *Find(id, secret, request);
}

ApiKey* FakeApiKeyStore::Owned(const Uuid& user_id, const Uuid& api_key_id) {
  const auto key = keys_.find(api_key_id);
  return key == keys_.end() || key->second.user_id != user_id ? nullptr : &key->second;
}

Task<absl::StatusOr<StoredApiKey>> FakeApiKeyStore::Create(ApiKey key, NewSecret secret,
                                                           SecretRequest request) {
  const std::lock_guard lock(mutex_);
  const RequestId id(key.user_id, "create", request.idempotency_key);
  if (auto known = Find(id, secret, request)) co_return *std::move(known);
  const Uuid api_key_id = key.api_key_id;
  keys_.emplace(api_key_id, std::move(key));
  co_return Add(id, api_key_id, secret, request);
}

Task<absl::StatusOr<StoredApiKey>> FakeApiKeyStore::Rotate(Uuid user_id, Uuid api_key_id,
                                                           NewSecret secret,
                                                           absl::Time others_expire_time,
                                                           SecretRequest request) {
  const std::lock_guard lock(mutex_);
  const ApiKey* key = Owned(user_id, api_key_id);
  if (key == nullptr) co_return NotFound();
  const RequestId id(user_id, "rotate", request.idempotency_key);
  if (auto known = Find(id, secret, request)) co_return *std::move(known);
  if (HasEnded(*key, secret.create_time)) {
    co_return Error(Reason::kApiKeyRevoked, "the API key has ended", {.param = "api_key_id"});
  }
  for (Secret& other : secrets_) {
    if (other.api_key_id != api_key_id) continue;
    std::optional<absl::Time>& end = other.secret.expire_time;
    end = end ? std::min(*end, others_expire_time) : others_expire_time;
  }
  co_return Add(id, api_key_id, secret, request);
}

Task<absl::StatusOr<std::vector<ApiKey>>> FakeApiKeyStore::List(Uuid user_id,
                                                                std::optional<Uuid> after,
                                                                int limit) {
  const std::lock_guard lock(mutex_);
  std::vector<ApiKey> keys;
  for (auto key = keys_.upper_bound(after.value_or(Uuid())); key != keys_.end(); ++key) {
    if (std::ssize(keys) == limit) break;
    if (key->second.user_id == user_id) keys.push_back(Whole(key->second));
  }
  co_return keys;
}

Task<absl::StatusOr<ApiKey>> FakeApiKeyStore::Revoke(Uuid user_id, Uuid api_key_id, absl::Time now,
                                                     audit::Origin) {
  const std::lock_guard lock(mutex_);
  ApiKey* key = Owned(user_id, api_key_id);
  if (key == nullptr) co_return NotFound();
  if (!key->revoke_time) key->revoke_time = now;
  co_return Whole(*key);
}

Task<absl::StatusOr<std::optional<FoundApiKey>>> FakeApiKeyStore::FindBySecret(
    crypto::Digest digest) {
  const std::lock_guard lock(mutex_);
  std::optional<FoundApiKey> found;
  for (const Secret& secret : secrets_) {
    if (secret.digest != digest) continue;
    found = FoundApiKey{.key = Whole(keys_.at(secret.api_key_id)),
                        .secret_expire_time = secret.secret.expire_time};
  }
  co_return found;
}

Task<absl::Status> FakeApiKeyStore::NoteUse(Uuid api_key_id, absl::Time now) {
  const std::lock_guard lock(mutex_);
  const auto key = keys_.find(api_key_id);
  if (key == keys_.end()) co_return absl::OkStatus();
  std::optional<absl::Time>& last = key->second.last_use_time;
  if (!last || *last <= now - kUseResolution) last = now;
  co_return absl::OkStatus();
}

}  // namespace florin::auth
