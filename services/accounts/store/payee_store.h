// Where payees are kept.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "services/accounts/domain/payee.h"
#include "services/accounts/store/store.h"

namespace florin::accounts {

// What is kept under a request's key: its own payee if the ids agree, otherwise an earlier one's.
struct StoredPayee {
  Payee payee;
  bool same_request = false;
};

// An account that a user has saved, and from when on it may be paid any amount.
struct SavedAccount {
  Uuid account_id;
  absl::Time usable_time;

  friend bool operator==(const SavedAccount&, const SavedAccount&) = default;
};

// Thread-safe. Every method is idempotent, so that it may be repeated after kUnavailable. Errors
// besides those named: kUnavailable, kInternal. Events are recorded in the transaction of what they
// describe.
class PayeeStore {
 public:
  virtual ~PayeeStore() = default;

  // Inserts the payee unless the user has used the key, and gives what is kept under it afterwards.
  // `event` is recorded for a new one. Errors: kCustomerNotFound, kCustomerNotActive,
  // kCustomerErased of its customer, as of one that opens an account; kTooManyItems beyond
  // kMostPayees.
  virtual Task<absl::StatusOr<StoredPayee>> InsertPayee(Payee payee, RequestKey request,
                                                        audit::Event event) = 0;
  // What the user has made under that key, if anything.
  virtual Task<absl::StatusOr<std::optional<StoredPayee>>> FindPayeeOfKey(Uuid user_id,
                                                                          RequestKey request) = 0;
  // Error: kPayeeNotFound, also for another user's and a deleted one.
  virtual Task<absl::StatusOr<Payee>> GetPayee(Uuid user_id, Uuid payee_id) = 0;
  // The user's that are not deleted, oldest first, at most `limit`; only those after `after`, if
  // given.
  virtual Task<absl::StatusOr<std::vector<Payee>>> ListPayees(Uuid user_id,
                                                              std::optional<Uuid> after,
                                                              int limit) = 0;
  // Destroys its details. `event` is recorded if it was not deleted before. Error: kPayeeNotFound.
  virtual Task<absl::StatusOr<Payee>> DeletePayee(Uuid user_id, Uuid payee_id,
                                                  audit::Event event) = 0;
  // Which of the accounts the user has saved, each once, with its earliest time.
  virtual Task<absl::StatusOr<std::vector<SavedAccount>>> FindSaved(
      Uuid user_id, std::vector<Uuid> account_ids) = 0;
  // Of one customer, oldest first, without deleted ones.
  virtual Task<absl::StatusOr<std::vector<Payee>>> PayeesOf(Uuid user_id, Uuid customer_id) = 0;
};

}  // namespace florin::accounts
