// API keys in memory, for tests of what is built on them. Passes the same contract test as the real
// store.
#pragma once

#include <map>
#include <mutex>
#include <tuple>

#include "services/auth/store/api_key_store.h"

namespace florin::auth {

class FakeApiKeyStore : public ApiKeyStore {
 public:
  Task<absl::StatusOr<StoredApiKey>> Create(ApiKey key, NewSecret secret,
                                            SecretRequest request) override;
  Task<absl::StatusOr<StoredApiKey>> Rotate(Uuid user_id, Uuid api_key_id, NewSecret secret,
                                            absl::Time others_expire_time,
                                            SecretRequest request) override;
  Task<absl::StatusOr<std::vector<ApiKey>>> List(Uuid user_id, std::optional<Uuid> after,
                                                 int limit) override;
  Task<absl::StatusOr<ApiKey>> Revoke(Uuid user_id, Uuid api_key_id, absl::Time now,
                                      audit::Origin origin) override;
  Task<absl::StatusOr<std::optional<FoundApiKey>>> FindBySecret(crypto::Digest digest) override;
  Task<absl::Status> NoteUse(Uuid api_key_id, absl::Time now) override;

 private:
  struct Secret {
    Uuid api_key_id;
    crypto::Digest digest;
    ApiKeySecret secret;
  };
  struct Request {
    crypto::Digest fingerprint;
    crypto::Digest digest;
  };
  using RequestId = std::tuple<Uuid, std::string, std::string>;  // User, method, key.

  // With mutex_ held.
  ApiKey Whole(const ApiKey& key) const;
  std::optional<StoredApiKey> Find(const RequestId& id, const NewSecret& secret,
                                   const SecretRequest& request) const;
  StoredApiKey Add(const RequestId& id, const Uuid& api_key_id, const NewSecret& secret,
                   const SecretRequest& request);
  ApiKey* Owned(const Uuid& user_id, const Uuid& api_key_id);

  std::mutex mutex_;
  std::map<Uuid, ApiKey> keys_;            // Without their secrets. Guarded by mutex_.
  std::vector<Secret> secrets_;            // Oldest first. Guarded by mutex_.
  std::map<RequestId, Request> requests_;  // Guarded by mutex_.
};

}  // namespace florin::auth
