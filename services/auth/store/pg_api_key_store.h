// API keys in PostgreSQL, schema `auth`.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/auth/store/api_key_store.h"

namespace florin::auth {

class PgApiKeyStore : public ApiKeyStore {
 public:
  // `pool` was made with Statements() and outlives this.
  explicit PgApiKeyStore(pg::Pool& pool) : pool_(pool) {}
  static std::vector<pg::Statement> Statements();

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
  pg::Pool& pool_;
};

}  // namespace florin::auth
