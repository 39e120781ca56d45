// Customers and accounts in PostgreSQL: schema `accounts`, see migrations/. Names are sealed before
// they are written (personal_data.h), and rows from before that are read as they are.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/accounts/store/personal_data.h"
#include "services/accounts/store/store.h"

namespace florin::accounts {

class PgStore : public Store {
 public:
  // What the pool must prepare; it needs pg::KeyedAccessSettings, too.
  static std::vector<pg::Statement> Statements();

  // Both outlive this.
  PgStore(pg::Pool& pool, PersonalData& data) : pool_(pool), data_(data) {}

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
  PersonalData& data_;
};

}  // namespace florin::accounts
