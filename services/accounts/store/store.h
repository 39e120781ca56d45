// Where customers and accounts are kept.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/crypto/sha256.h"
#include "services/accounts/domain/account.h"

namespace florin::accounts {

// The request that makes a resource. The key is unique for each user and kind of resource.
struct RequestKey {
  std::string idempotency_key;
  crypto::Digest fingerprint;
  audit::Origin origin = {};
};

// What is kept under a request's key. It is the request's own resource if the ids agree, otherwise
// an earlier one's.
struct StoredCustomer {
  Customer customer;
  bool same_request = false;  // Whether it was made with the same fingerprint.
};
struct StoredAccount {
  Account account;
  bool same_request = false;
};

// An account, whether it is dormant, and the display name, the level and the country
// (ResidenceOf()) of its customer.
struct HeldAccount {
  Account account;
  std::string holder_name;
  KycLevel kyc_level = KycLevel::kNone;
  std::string country = {};
  bool dormant = false;

  friend bool operator==(const HeldAccount&, const HeldAccount&) = default;
};

// Thread-safe. Every method is idempotent, so that it may be repeated after kUnavailable. Errors
// besides those named: kUnavailable (the outcome of a write is then unknown), kInternal.
class Store {
 public:
  virtual ~Store() = default;

  // Inserts the customer unless the key is known, and gives what is kept under it afterwards. A new
  // one is in the audit trail by the same transaction, as accounts.customer.create. Error:
  // kCustomerErased, for the key of one that was erased since.
  virtual Task<absl::StatusOr<StoredCustomer>> InsertCustomer(Customer customer,
                                                              RequestKey request) = 0;
  // Errors: kCustomerNotFound, also for a customer of another user; kCustomerErased.
  virtual Task<absl::StatusOr<Customer>> GetCustomer(Uuid user_id, Uuid customer_id) = 0;

  // Inserts the account, as opening, unless the key is known, and gives what is kept under it
  // afterwards. A new one is in the audit trail by the same transaction, as accounts.account.open.
  // Errors: kCustomerNotFound with param `customer_id` unless its customer is the user's;
  // kCustomerNotActive unless it may open accounts; kCustomerErased, for a known key, too.
  virtual Task<absl::StatusOr<StoredAccount>> InsertAccount(Account account,
                                                            RequestKey request) = 0;
  // The ledger has the account.
  virtual Task<absl::Status> MarkOpen(Uuid account_id) = 0;
  // Accounts still opening that were created at or before `created`, oldest first, at most `limit`.
  virtual Task<absl::StatusOr<std::vector<Account>>> ListOpening(absl::Time created, int limit) = 0;

  // The following know open accounts, and those that were closed while their customer was not.

  // Error: kAccountNotFound, also for an account of another user.
  virtual Task<absl::StatusOr<Account>> GetAccount(Uuid user_id, Uuid account_id) = 0;
  // The user's accounts that are open, oldest (least id) first, at most `limit`; only those after
  // `after`, if given.
  virtual Task<absl::StatusOr<std::vector<Account>>> ListAccounts(Uuid user_id,
                                                                  std::optional<Uuid> after,
                                                                  int limit) = 0;
  // Accounts of anybody, in no order; unknown ids are left out.
  virtual Task<absl::StatusOr<std::vector<HeldAccount>>> LookUp(std::vector<Uuid> account_ids) = 0;
};

}  // namespace florin::accounts
