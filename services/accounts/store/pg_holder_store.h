// Who holds which account, in PostgreSQL (schema `accounts`).
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/accounts/store/holder_store.h"
#include "services/accounts/store/personal_data.h"

namespace florin::accounts {

class PgHolderStore : public HolderStore {
 public:
  // What the pool's connections must have prepared, besides audit::InsertStatements().
  static std::vector<pg::Statement> Statements();

  // Both outlive this.
  PgHolderStore(pg::Pool& pool, PersonalData& data) : pool_(pool), data_(data) {}

  Task<absl::StatusOr<StoredHolder>> InsertHolder(Holder holder, RequestKey request,
                                                  DecideHolder decide, audit::Event event) override;
  Task<absl::StatusOr<Holder>> ChangeHolder(HolderChange change, DecideHolder decide,
                                            audit::Event event) override;
  Task<absl::StatusOr<SeenAccount>> SeeAccount(Uuid user_id, Uuid account_id) override;
  Task<absl::StatusOr<std::vector<SeenAccount>>> ListSeenAccounts(Uuid user_id,
                                                                  std::optional<Uuid> after,
                                                                  int limit) override;
  Task<absl::StatusOr<std::vector<NamedHolder>>> ListHolders(Uuid account_id) override;
  Task<absl::StatusOr<std::vector<Holder>>> HoldersOf(std::vector<Uuid> account_ids) override;
  Task<absl::StatusOr<std::vector<SeenHolding>>> ListHoldings(Uuid user_id) override;
  Task<absl::StatusOr<std::vector<Holder>>> HoldingsOf(Uuid user_id, Uuid customer_id) override;

 private:
  pg::Pool& pool_;
  PersonalData& data_;
};

}  // namespace florin::accounts
