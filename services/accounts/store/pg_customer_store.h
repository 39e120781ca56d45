// Customers as they change, in PostgreSQL: schema `accounts`, see migrations/.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/accounts/store/customer_store.h"
#include "services/accounts/store/personal_data.h"

namespace florin::accounts {

class PgCustomerStore : public CustomerStore {
 public:
  // What the pool must prepare besides PgStore's and audit::InsertStatements; it needs
  // pg::KeyedAccessSettings, too.
  static std::vector<pg::Statement> Statements();

  // Both outlive this.
  PgCustomerStore(pg::Pool& pool, PersonalData& data) : pool_(pool), data_(data) {}

  Task<absl::StatusOr<CustomerRecord>> Get(CustomerRef ref) override;
  Task<absl::StatusOr<CustomerRecord>> Change(CustomerRef ref, Decide decide,
                                              audit::Event event) override;
  Task<absl::StatusOr<std::vector<Customer>>> FindByEmail(std::string email) override;
  Task<absl::StatusOr<std::vector<Customer>>> FindByPhone(std::string phone) override;
  Task<absl::StatusOr<std::vector<Account>>> ListAccountsOf(Uuid user_id,
                                                            Uuid customer_id) override;
  Task<absl::StatusOr<StoredVerification>> InsertVerification(Verification verification,
                                                              RequestKey request,
                                                              absl::Time next_attempt_time,
                                                              Decide decide) override;
  Task<absl::StatusOr<Verification>> GetVerification(CustomerRef ref,
                                                     Uuid verification_id) override;
  Task<absl::StatusOr<Verification>> FindVerification(Uuid verification_id) override;
  Task<absl::StatusOr<std::vector<Verification>>> ListVerifications(Uuid user_id,
                                                                    Uuid customer_id) override;
  Task<absl::StatusOr<std::vector<DueVerification>>> ClaimVerifications(
      absl::Time now, absl::Time next_attempt_time, int limit) override;
  Task<absl::StatusOr<Verification>> EndVerification(Uuid verification_id, VerificationEvent what,
                                                     Cause cause, std::string reason,
                                                     audit::Event event) override;
  Task<absl::StatusOr<std::vector<CustomerRecord>>> ClaimLeaving(absl::Time now,
                                                                 absl::Time next_attempt_time,
                                                                 int limit) override;
  Task<absl::StatusOr<Customer>> FinishLeaving(CustomerRef ref, int attempt, absl::Time now,
                                               audit::Origin origin) override;

 private:
  Task<absl::StatusOr<std::vector<Customer>>> Find(const char* statement, std::string index);

  pg::Pool& pool_;
  PersonalData& data_;
};

}  // namespace florin::accounts
