// Saves whom users pay, after comparing the name they gave with that of the account's holder.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "services/accounts/store/payee_store.h"

namespace florin::accounts {

// Thread-safe.
class Payees {
 public:
  struct Checked {
    NameMatch match = NameMatch::kNoMatch;
    std::string holder_name;  // Of a close match only. Personal data.
  };
  struct Request {
    Uuid user_id;
    Uuid customer_id;
    std::optional<Uuid> account_id;  // Or an IBAN.
    std::string iban;                // As the user wrote it.
    std::string name;
    bool accept_name = false;
    std::string idempotency_key;
    audit::Origin origin = {};
  };
  struct Outcome {
    Payee payee;
    bool replayed = false;  // An earlier request has saved it.
  };

  // `cooling_off`: how long a new payee waits before it may be paid any amount. References outlive
  // this.
  Payees(Store& accounts, PayeeStore& payees, absl::Duration cooling_off, Clock& clock,
         IdSource& ids)
      : accounts_(accounts), payees_(payees), cooling_off_(cooling_off), clock_(clock), ids_(ids) {}

  // Errors: kInvalidDisplayName with param `name`; kAccountNotFound with param `account_id`.
  Task<absl::StatusOr<Checked>> Check(Uuid account_id, std::string name);
  // Errors: those of Check(), CanonicalIban(), CheckAccepted() and PayeeStore::InsertPayee();
  // kInvalidField with param `account_id` unless it has either; kIdempotencyKeyReused.
  Task<absl::StatusOr<Outcome>> Create(Request request);
  // Error: kPayeeNotFound.
  Task<absl::StatusOr<Payee>> Delete(Uuid user_id, Uuid payee_id, audit::Origin origin);

 private:
  audit::Event EventOf(const std::string& verb, const Uuid& user_id, const Uuid& payee_id,
                       const audit::Origin& origin);

  Store& accounts_;
  PayeeStore& payees_;
  const absl::Duration cooling_off_;
  Clock& clock_;
  IdSource& ids_;
};

}  // namespace florin::accounts
