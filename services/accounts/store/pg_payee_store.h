// Payees in PostgreSQL (schema `accounts`).
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/accounts/store/payee_store.h"
#include "services/accounts/store/personal_data.h"

namespace florin::accounts {

class PgPayeeStore : public PayeeStore {
 public:
  // What the pool's connections must have prepared, besides audit::InsertStatements() and those of
  // PgStore.
  static std::vector<pg::Statement> Statements();

  // Both outlive this.
  PgPayeeStore(pg::Pool& pool, PersonalData& data) : pool_(pool), data_(data) {}

  Task<absl::StatusOr<StoredPayee>> InsertPayee(Payee payee, RequestKey request,
                                                audit::Event event) override;
  Task<absl::StatusOr<std::optional<StoredPayee>>> FindPayeeOfKey(Uuid user_id,
                                                                  RequestKey request) override;
  Task<absl::StatusOr<Payee>> GetPayee(Uuid user_id, Uuid payee_id) override;
  Task<absl::StatusOr<std::vector<Payee>>> ListPayees(Uuid user_id, std::optional<Uuid> after,
                                                      int limit) override;
  Task<absl::StatusOr<Payee>> DeletePayee(Uuid user_id, Uuid payee_id, audit::Event event) override;
  Task<absl::StatusOr<std::vector<SavedAccount>>> FindSaved(Uuid user_id,
                                                            std::vector<Uuid> account_ids) override;
  Task<absl::StatusOr<std::vector<Payee>>> PayeesOf(Uuid user_id, Uuid customer_id) override;

 private:
  pg::Pool& pool_;
  PersonalData& data_;
};

}  // namespace florin::accounts
