// Customers as they change: profiles, verifications, and their end.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "services/accounts/domain/account.h"
#include "services/accounts/domain/verification.h"
#include "services/accounts/store/store.h"

namespace florin::accounts {

// A customer with everything that decides what may happen to it.
struct CustomerRecord {
  Customer customer;
  Profile profile = {};
  // Set while it is being closed or erased: what it becomes, and when a worker looks after it.
  std::optional<CustomerState> leaving_to = {};
  absl::Time next_attempt_time = absl::InfinitePast();
  int leaving_attempt = 0;  // How often that was begun.
  // Of its other rows; not to be changed here.
  bool verification_pending = false;
  bool account_opening = false;  // Or is being closed by itself.

  friend bool operator==(const CustomerRecord&, const CustomerRecord&) = default;
};

// Whose customer: without a user, anybody's (an operator's or a worker's call).
struct CustomerRef {
  std::optional<Uuid> user_id;
  Uuid customer_id;
};

// What becomes of a customer, decided under the lock of its row. May be asked several times. Its
// kind becomes that of its profile.
struct Decided {
  CustomerRecord after;
  std::map<std::string, std::string> details = {};  // Of the event. No personal data.
};
using Decide = std::function<absl::StatusOr<Decided>(const CustomerRecord& before)>;

struct StoredVerification {
  Verification verification;
  bool same_request = false;  // Whether it was made with the same fingerprint.
};

// A verification that its verifier is to be asked about, and what to ask.
struct DueVerification {
  Verification verification;
  Profile profile;
};

// Thread-safe. Every method is idempotent, so that it may be repeated after kUnavailable. Errors
// besides those named: kUnavailable, kInternal. Events are recorded in the transaction of what they
// describe. Erased customers are kCustomerErased to Get and InsertVerification; Change shows them
// to `decide`, without any data.
class CustomerStore {
 public:
  virtual ~CustomerStore() = default;

  // Error: kCustomerNotFound, also for another user's.
  virtual Task<absl::StatusOr<CustomerRecord>> Get(CustomerRef ref) = 0;
  // Gives the customer as it is afterwards. Its accounts are suspended with it, and with it no
  // more (account_state_store.h). `event` (with the details of `decide`) is recorded if
  // something changes. Errors: kCustomerNotFound; those of `decide`, and nothing changes then.
  virtual Task<absl::StatusOr<CustomerRecord>> Change(CustomerRef ref, Decide decide,
                                                      audit::Event event) = 0;
  // Customers of anybody with that normalized e-mail address, or phone number, at most 100, in the
  // order of their ids.
  virtual Task<absl::StatusOr<std::vector<Customer>>> FindByEmail(std::string email) = 0;
  virtual Task<absl::StatusOr<std::vector<Customer>>> FindByPhone(std::string phone) = 0;
  // All of its accounts, in whatever state, oldest first.
  virtual Task<absl::StatusOr<std::vector<Account>>> ListAccountsOf(Uuid user_id,
                                                                    Uuid customer_id) = 0;

  // Inserts the verification, as pending, unless the key is known, and gives what is kept under it
  // afterwards. `decide` is asked first, what it gives as `after` is ignored. A new one is in the
  // trail as accounts.verification.request. Errors: kCustomerNotFound; those of `decide`.
  virtual Task<absl::StatusOr<StoredVerification>> InsertVerification(Verification verification,
                                                                      RequestKey request,
                                                                      absl::Time next_attempt_time,
                                                                      Decide decide) = 0;
  // Error: kVerificationNotFound, also for another user's or another customer's.
  virtual Task<absl::StatusOr<Verification>> GetVerification(CustomerRef ref,
                                                             Uuid verification_id) = 0;
  // Anybody's. Error: kVerificationNotFound.
  virtual Task<absl::StatusOr<Verification>> FindVerification(Uuid verification_id) = 0;
  // Oldest first.
  virtual Task<absl::StatusOr<std::vector<Verification>>> ListVerifications(Uuid user_id,
                                                                            Uuid customer_id) = 0;
  // Pending verifications whose attempt is due at `now`, at most `limit`; they are due again at
  // `next_attempt_time`. What one caller has claimed no other one is given before that.
  virtual Task<absl::StatusOr<std::vector<DueVerification>>> ClaimVerifications(
      absl::Time now, absl::Time next_attempt_time, int limit) = 0;
  // What the event makes of the verification (customer_machine.h), and of the customer's level if
  // it approves; gives it as it is afterwards. An event without effect changes and records nothing.
  // `event` is recorded with `level` and `kyc_level` as details. Error: kVerificationNotFound.
  virtual Task<absl::StatusOr<Verification>> EndVerification(Uuid verification_id,
                                                             VerificationEvent what, Cause cause,
                                                             std::string reason,
                                                             audit::Event event) = 0;

  // Customers that are being closed or erased and due at `now`, as ClaimVerifications.
  virtual Task<absl::StatusOr<std::vector<CustomerRecord>>> ClaimLeaving(
      absl::Time now, absl::Time next_attempt_time, int limit) = 0;
  // Closes or erases a customer that is leaving, as it said, with its accounts and what is pending.
  // Erasing destroys its key, names, profile, indexes, and the fingerprints and reasons that say
  // something about it. Has no effect on a customer that is not leaving any more, or by another
  // attempt. Gives the customer as it is afterwards. Events: accounts.customer.close or .erase, and
  // accounts.account.close for each account. Error: kCustomerNotFound.
  virtual Task<absl::StatusOr<Customer>> FinishLeaving(CustomerRef ref, int attempt, absl::Time now,
                                                       audit::Origin origin) = 0;
};

}  // namespace florin::accounts
