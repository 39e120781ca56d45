// Whether a step may begin, and what the ledger's answer makes of it and of its payment. Both
// stores run these functions in the transaction that holds the payment's row, so that what they
// reserve can't be reserved twice.
//
// Invariants:
//   captured + capturing <= authorized
//   refunded + disputed <= captured, with what is in flight; of several payees for each of them
//   what went back of a conversion is that of refunded + disputed, rounded against the payee, and
//   all of it once they are all of the amount
#pragma once

#include <optional>

#include "services/payments/domain/ledger_transaction.h"
#include "services/payments/domain/step.h"

namespace florin::payments {

// Why a step may not begin.
struct Objection {
  Reason reason;
  std::optional<std::int64_t> remaining_minor = {};  // What is left, where that is too little.

  friend bool operator==(const Objection&, const Objection&) = default;
};

// Reserves what `step` is about in `charge`, and says in it how much that is if it asked for all;
// or objects and leaves both as they are:
//
//   capture   kPaymentNotCapturable, kAuthorizationExpired, kCaptureExceedsAuthorization
//   void, expiry  kPaymentNotCancelable
//   refund    kPaymentNotRefundable, kRefundExceedsCaptured, kBalanceOverflow
//   dispute   kPaymentNotDisputable, kBalanceOverflow
//   accept, withdraw, resolve  kDisputeClosed, also while another step decides it
std::optional<Objection> Reserve(Charge& charge, Step& step);

// The step that was never begun because of `objection`.
Step Refuse(Step step, const Objection& objection);

// Ends `step`, which is in processing, by the ledger's answer, and moves its payment and dispute;
// gives back what was reserved if the ledger refuses. False, and nothing has changed, where the
// answer decides nothing yet: a refusal that the ledger does not remember.
bool ApplyAnswer(Charge& charge, Step& step, const LedgerAnswer& answer, absl::Time now);

}  // namespace florin::payments
