// Customers and accounts in memory, for tests of what uses a Store.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "services/accounts/store/store.h"

namespace florin::accounts {

// Thread-safe.
class FakeStore : public Store {
 public:
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
  using Key = std::pair<Uuid, std::string>;  // user, idempotency key
  struct Made {
    Uuid id;
    crypto::Digest fingerprint;
  };

  std::mutex mutex_;
  std::map<Uuid, Customer> customers_;  // Guarded by mutex_.
  std::map<Uuid, Account> accounts_;    // Guarded by mutex_.
  std::map<Key, Made> customer_keys_;   // Guarded by mutex_.
  std::map<Key, Made> account_keys_;    // Guarded by mutex_.
};

}  // namespace florin::accounts
