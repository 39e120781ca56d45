// The store of sessions in PostgreSQL, schema `auth`.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/auth/store/session_store.h"

namespace florin::auth {

class PgSessionStore : public SessionStore {
 public:
  // `pool` was made with Statements() among its statements and outlives this.
  explicit PgSessionStore(pg::Pool& pool) : pool_(pool) {}
  static std::vector<pg::Statement> Statements();

  Task<absl::StatusOr<bool>> Insert(Session session, crypto::Digest secret,
                                    absl::Time forget_before, audit::Event event) override;
  Task<absl::StatusOr<std::optional<Session>>> Find(crypto::Digest secret) override;
  Task<absl::StatusOr<bool>> Renew(crypto::Digest current, crypto::Digest replacement,
                                   Session session) override;
  Task<absl::StatusOr<bool>> Touch(crypto::Digest secret, absl::Time now) override;
  Task<absl::StatusOr<std::vector<Session>>> List(Uuid user_id) override;
  Task<absl::StatusOr<bool>> End(Uuid user_id, Uuid session_id, audit::Event event) override;
  Task<absl::StatusOr<int>> EndOthers(Uuid user_id, std::optional<Uuid> but,
                                      audit::Event event) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::auth
