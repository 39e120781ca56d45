// The way of a payment: intent first, ledger decides.
//
//   1. the request and the accounts are checked, and the payment is priced; a refusal here leaves
//      no trace; and what it uses of limits is noted
//   2. the intent is committed under (user, kind, idempotency key), or an earlier one found
//      there; a transfer to somebody else is judged by the approval policy in that transaction
//   3. if it requires its payer's approval, auth is asked for one, and that is all:
//   confirm_payment.h
//      has the rest. Otherwise
//   4. Settlement: the ledger moves the money under an id that follows from the payment's, and the
//   result is recorded
//
// A crash, a lost connection or a caller who hangs up after 2 leaves a payment in processing, which
// the recovery worker or a retry with the same key settles.
#pragma once

#include <string>

#include "libs/async/batcher.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/rpc/context.h"
#include "services/payments/domain/approval_policy.h"
#include "services/payments/domain/request.h"
#include "services/payments/flow/account_directory.h"
#include "services/payments/flow/limit_directory.h"
#include "services/payments/flow/payee_check.h"
#include "services/payments/flow/payment_approvals.h"
#include "services/payments/flow/payment_pricing.h"
#include "services/payments/flow/settlement.h"
#include "services/payments/store/approval_store.h"
#include "services/payments/store/store.h"

namespace florin::payments {

// Thread-safe. Outlives the calls under way: destroy it after the Runtime has stopped
// (async::Batcher).
class CreatePayment {
 public:
  // Which transfers their payers must approve, and what that takes. References outlive this.
  struct Approving {
    ApprovalStore& store;
    PaymentApprovals& approvals;
    ApprovalPolicy policy;
  };

  struct Outcome {
    Payment payment;        // Ended, or it requires action.
    bool replayed = false;  // An earlier request made it.
  };

  // References outlive this. Without `limits` there are none.
  CreatePayment(AccountDirectory& accounts, Settlement& settlement, Clock& clock, IdSource& ids,
                Approving approving, PaymentPricing& pricing, LimitDirectory* limits = nullptr);

  // From now on accounts of others are paid as `check` lets, which outlives this. Before the first
  // Run().
  void RequirePayees(PayeeCheck& check) { payee_check_ = &check; }
  // Null: anybody is paid.
  PayeeCheck* payee_check() const { return payee_check_; }

  // What stands for the approval of a payment that its payer would have to approve.
  enum class Approval {
    kAsk,     // The payment waits for it.
    kGiven,   // That of a schedule or a bulk, as its payer has approved it (IsApproved()).
    kRefuse,  // Nothing, since nobody is there to ask: kApprovalPending, and no payment.
  };

  // Makes the payment that `request` asks for, or gives the one that the key already stands for,
  // also where it would be refused by now, whoever may pay from the account and by whichever rules.
  // `context` is for the calls made as this service. Errors: those of CheckRequest,
  // CheckAccounts, AccountDirectory::PayerFrom, CheckPockets, BooksOf, PayeeCheck::Check,
  // PaymentPricing::Price and Settlement::Settle; kQuoteUsed, kQuoteExpired; kInvalidSplit for
  // payees who do not fit the approval (docs/fees-and-fx.md); kIdempotencyKeyReused; those of
  // PaymentApprovals::Ask() with the payment's id in metadata `payment_id`; kUnavailable also where
  // it is unknown whether the intent was kept: repeat with the same key.
  Task<absl::StatusOr<Outcome>> Run(rpc::Outgoing context, Uuid user_id,
                                    std::string idempotency_key, PaymentRequest request,
                                    audit::Origin origin = {}, Approval approval = Approval::kAsk);

 private:
  // All of a payment's payees at once.
  struct Payees {
    Currency currency;
    KycLevel payer_level = KycLevel::kNone;
    PayeeCountries countries;
    bool are_the_payer = true;  // All of them.
    // The first who is not him, or the first of all; and the names of all who are not, as he is
    // shown them.
    Uuid account_id;
    std::string name;
    std::vector<PayeeCheck::Paid> others;  // Those who are not.
    std::optional<Books> books = {};       // As of Payment.
  };

  // Errors: those of CheckAccounts(), for each of several payees, and what follows it.
  Task<absl::StatusOr<Payees>> CheckParties(rpc::Outgoing context, Uuid user_id,
                                            const PaymentRequest& request);
  // Judges and keeps what is between parties that may pay each other.
  Task<absl::StatusOr<StoredIntent>> Accept(rpc::Outgoing context, PaymentRequest request,
                                            Intent intent, Payees payees, Approval approval);
  Task<absl::StatusOr<StoredIntent>> Keep(Intent intent, Payees payees, Approval approval);
  // The answer to a request that is refused now: a key that is known stands for what it stood for.
  Task<absl::StatusOr<StoredIntent>> Refuse(Intent intent, absl::Status why);

  AccountDirectory& accounts_;
  Settlement& settlement_;
  Clock& clock_;
  IdSource& ids_;
  const Approving approving_;
  PaymentPricing& pricing_;
  LimitDirectory* const limits_;
  PayeeCheck* payee_check_ = nullptr;  // Null: anybody is paid.
};

}  // namespace florin::payments
