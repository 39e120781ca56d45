// The way of a payout (domain/payout.h has its stages):
//
//   1. the request and the account are checked; a refusal here leaves no trace. What the payout
//      uses of limits is noted on it, and given back if the money comes back before it was paid
//   2. the intent is committed under (user, kind, idempotency key), with whom it pays; the approval
//      policy judges it in that transaction, as it does a transfer to somebody else
//   3. if it requires its payer's approval, that is all until it is confirmed (confirm_payment.h)
//   4. the ledger sets the money aside (Settlement), then moves it to the rail's clearing account;
//      then the rail is asked whether it knows the payout, and it is submitted if not
//   5. what the rail says, then or later, when asked or by notifying, is booked and ends the
//   payment
//
// A crash, a lost connection or a silent rail anywhere leaves the payout in its stage, from where
// the worker goes on: it asks the rail, with growing pauses, and submits only what the rail denies
// to know.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/rpc/context.h"
#include "services/payments/domain/payout.h"
#include "services/payments/flow/confirm_payment.h"
#include "services/payments/flow/create_payment.h"
#include "services/payments/flow/limit_directory.h"
#include "services/payments/flow/rail.h"
#include "services/payments/store/payout_store.h"
#include "services/payments/store/suspense_store.h"

namespace florin::payments {

// By name.
using Rails = std::map<std::string, Rail*>;

// Thread-safe. Outlives the calls under way.
class Payouts {
 public:
  // References outlive this.
  struct Parts {
    Store& payments;
    PayoutStore& payouts;
    AccountDirectory& accounts;
    Settlement& settlement;
    ChartAccounts& chart;
    ConfirmPayment& confirm;
    CreatePayment::Approving approving;
    Rails rails;
    Clock& clock;
    IdSource& ids;
    LimitDirectory* limits = nullptr;   // Nothing: nobody's payouts are limited.
    PaymentPricing* pricing = nullptr;  // Nothing: they are free.
    PayeeCheck* payees = nullptr;       // Nothing: they go to anybody.
    // Is told of what goes to suspense, and how payouts from there end. Nothing: nobody keeps it.
    SuspenseStore* suspense = nullptr;
  };
  struct Outcome {
    Payout payout;
    bool replayed = false;  // An earlier request made it.
  };

  explicit Payouts(Parts parts) : parts_(std::move(parts)) {}

  // Makes the payout, or gives the one that the key already stands for, and drives it as far as it
  // goes now. One that was refused is an Outcome, not an error (FailureOf()). Errors:
  // kRailNotFound; kInvalidReference; kAccountNotFound with param `source_account_id`;
  // kCurrencyMismatch; those of PricePayout() and PayeeCheck::CheckPayout(); kIdempotencyKeyReused;
  // those of PaymentApprovals::Ask(), kUnavailable, kDeadlineExceeded, kOverloaded, kInternal:
  // repeat with the same key.
  Task<absl::StatusOr<Outcome>> Create(rpc::Outgoing context, Uuid user_id,
                                       std::string idempotency_key, PayoutRequest request,
                                       audit::Origin origin = {});

  // Drives a payout whose intent is kept as far as it goes now. Errors: kPaymentNotFound; as of
  // Create().
  Task<absl::StatusOr<Payout>> Run(Uuid payment_id);

  // Error: kPaymentNotFound, also for a payout of another user and for what is none.
  Task<absl::StatusOr<Payout>> Get(Uuid user_id, Uuid payment_id);

  // Gives up a payout that was not sent, and gives it as canceled; also one that was canceled
  // before. Errors: kPaymentNotFound, kPaymentNotCancelable; as of Create().
  Task<absl::StatusOr<Payout>> Cancel(Uuid user_id, Uuid payment_id, audit::Origin origin = {});

  // The rail says that something has happened to a payout. Idempotent, in any order, for payouts
  // that nobody knows, too. An error: not done yet, notify again.
  Task<absl::Status> Notified(Uuid payment_id);

  // One round of the worker: claims what is due, and drives it as far as it goes now. Gives how
  // many were claimed. Error: that of ClaimPayouts().
  Task<absl::StatusOr<int>> RunOnce();

 private:
  using Next = absl::StatusOr<std::optional<Payout>>;  // Nothing: it waits, or has ended.

  Task<absl::StatusOr<StoredIntent>> Judge(rpc::Outgoing context, Intent intent,
                                           const PayoutRequest& request, KycLevel payer_level);
  Task<absl::StatusOr<StoredIntent>> Refuse(Intent intent, absl::Status why);
  // `approve`: whatever exempts it.
  Task<absl::StatusOr<StoredIntent>> Keep(Intent intent, const Beneficiary& beneficiary,
                                          bool approve);
  Task<absl::StatusOr<Payout>> Drive(Payout payout);
  Task<Next> Step(const Payout& payout);
  Task<Next> Reserve(const Payout& payout);
  Task<Next> Book(const Payout& payout);
  Task<Next> AskRail(const Payout& payout);
  Task<absl::StatusOr<RailStatus>> AskOrSubmit(const Payout& payout);
  Task<Next> Advance(const Payout& payout, PayoutStage to, std::string code);
  // Before it advances: until then it is repeated.
  Task<absl::Status> TellSuspense(const Payout& payout, PayoutStage to, const std::string& why);

  const Parts parts_;
};

}  // namespace florin::payments
