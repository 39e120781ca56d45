// Verifications of customers' identities, so that a crash anywhere is finished later.
//
//   1. the row is committed as pending, under (user, idempotency key)
//   2. the verifier is asked (idempotent by the verification's id)
//   3. a result ends the row and raises the customer's level, in one transaction; what comes twice
//      or late has no effect
//
// The worker asks again about what has had no answer, and expires what has had none for a week.
// Without a verifier step 2 is left out: an operator decides.
#pragma once

#include <string>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "services/accounts/flow/identity_verifier.h"
#include "services/accounts/store/customer_store.h"

namespace florin::accounts {

// Thread-safe.
class Verifications {
 public:
  struct Request {
    Uuid user_id;
    Uuid customer_id;
    KycLevel level = KycLevel::kBasic;
    std::string idempotency_key;
    audit::Origin origin = {};
  };
  struct Outcome {
    Verification verification;
    bool replayed = false;  // An earlier request made it.
  };
  // What an operator says.
  struct Decision {
    Uuid operator_id;
    Uuid verification_id;
    VerificationResult result;
    audit::Origin origin = {};
  };

  // References outlive this; so does `verifier`, which may be null.
  Verifications(CustomerStore& store, IdentityVerifier* verifier, Clock& clock, IdSource& ids)
      : store_(store), verifier_(verifier), clock_(clock), ids_(ids) {}

  // Errors: kCustomerNotFound, kInvalidPersonalData and kInvalidField (CheckComplete), those of
  // NextState (customer_machine.h), kIdempotencyKeyReused, kUnavailable.
  Task<absl::StatusOr<Outcome>> Run(Request request);

  // A result of the verifier's. One for a verification that is unknown is logged and dropped.
  // Errors: kUnavailable.
  Task<absl::Status> Deliver(IdentityVerifier::Result result);

  // Errors: kSelfApproval, kVerificationNotFound, kInvalidField for a reason that is no code.
  Task<absl::StatusOr<Verification>> DecideBy(Decision decision);

  // One round of an async::Worker: takes what results there are, then asks again, or expires, what
  // is due. Gives how many results and due ones there were. Errors: those of the store and of
  // Collect(); logged, too.
  Task<absl::StatusOr<int>> RunOnce();

 private:
  Task<absl::Status> Ask(const Verification& verification, Profile profile);
  Task<absl::StatusOr<int>> DeliverAll();
  Task<absl::StatusOr<int>> AskAgain();

  CustomerStore& store_;
  IdentityVerifier* const verifier_;
  Clock& clock_;
  IdSource& ids_;
};

}  // namespace florin::accounts
