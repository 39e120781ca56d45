// The throttles in PostgreSQL, schema `auth`.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/auth/store/throttle_store.h"

namespace florin::auth {

class PgThrottleStore : public ThrottleStore {
 public:
  // `pool` was made with Statements() and outlives this.
  explicit PgThrottleStore(pg::Pool& pool) : pool_(pool) {}
  static std::vector<pg::Statement> Statements();

  Task<absl::StatusOr<bool>> Admit(std::vector<Lane> lanes, absl::Time now) override;
  Task<absl::StatusOr<bool>> Succeed(std::vector<Lane> lanes) override;
  Task<absl::StatusOr<bool>> AddDevice(Uuid user_id, crypto::Digest device_hash,
                                       absl::Time now) override;
  Task<absl::StatusOr<bool>> KnowsDevice(std::string email, crypto::Digest device_hash) override;
  Task<absl::StatusOr<bool>> NoteNetwork(Uuid user_id, crypto::Digest network_hash,
                                         absl::Time now) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::auth
