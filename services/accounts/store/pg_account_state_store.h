// How accounts stand, in PostgreSQL. Expects the migrations in `migrations/`.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/accounts/store/account_state_store.h"
#include "services/accounts/store/personal_data.h"

namespace florin::accounts {

// Thread-safe. `pool` has these statements, and audit::InsertStatements(); both outlive this.
class PgAccountStateStore : public AccountStateStore {
 public:
  static std::vector<pg::Statement> Statements();

  PgAccountStateStore(pg::Pool& pool, PersonalData& data) : pool_(pool), data_(data) {}

  Task<absl::StatusOr<AccountRecord>> FindAccount(AccountRef ref) override;
  Task<absl::StatusOr<AccountRecord>> ChangeAccount(AccountRef ref, DecideAccount decide,
                                                    audit::Event event) override;
  Task<absl::StatusOr<std::vector<FreezeRevision>>> ListUntold(FreezesOf of, int limit) override;
  Task<absl::Status> MarkTold(std::vector<FreezeRevision> revisions) override;
  Task<absl::StatusOr<std::vector<AccountRecord>>> ClaimClosing(absl::Time now,
                                                                absl::Time next_attempt_time,
                                                                int limit) override;
  Task<absl::StatusOr<std::vector<AccountRecord>>> ListAwake(std::optional<Uuid> after,
                                                             absl::Time created,
                                                             int limit) override;

 private:
  pg::Pool& pool_;
  PersonalData& data_;
};

}  // namespace florin::accounts
