// Customers and accounts in PostgreSQL: schema `accounts`, see migrations/.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/accounts/store/store.h"

namespace florin::accounts {

class PgStore : public Store {
 public:
  // What the pool must prepare; it needs pg::KeyedAccessSettings, too.
  static std::vector<pg::Statement> Statements();

  // `pool` outlives this.
  explicit PgStore(pg::Pool& pool) : pool_(pool) {}

  Task<absl::StatusOr<StoredCustomer>> InsertCustomer(Customer customer,
                                                      RequestKey request) override;
  Task<absl::StatusOr<Customer>> GetCustomer(Uuid user_id, Uuid customer_id) override;
  Task<absl::StatusOr<StoredAccount>> InsertAccount(Account account, RequestKey request) override;
  Task<absl::Status> MarkOpen(Uuid account_id) override;
  Task<absl::StatusOr<std::vector<Account>>> ListOpening(absl::Time created, int limit) override;
  Task<absl::StatusOr<Account>> GetAccount(Uuid user_id, Uuid account_id) override;
  Task<absl::StatusOr<std::vector<Account>>> ListAccounts(Uuid user_id, std::optional<Uuid> after,
                                                          int limit) override;
  Task<absl::StatusOr<std::vector<HeldAccount>>> LookUp(std::vector<Uuid> account_ids) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::accounts
