// Payments that wait for their payer's approval: what the Store (store.h) keeps, seen from there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/crypto/sha256.h"
#include "libs/sca/payment_binding.h"
#include "libs/status/check.h"
#include "services/payments/domain/approval_policy.h"
#include "services/payments/store/store.h"

namespace florin::payments {

// See BindingOf().
inline std::string NonceOf(const Payment& payment) {
  const std::string& random = payment.approval->nonce;
  if (!payment.pricing) return random;
  const crypto::Digest digest =
      crypto::Sha256("florin.payments.pricing.v1" + random + TextOf(*payment.pricing));
  return std::string(crypto::AsOctets(digest));
}

// What the payer of `payment`, which has terms, approves: made of what is kept, never of what a
// request says. Pure.
//
// The amount is what he is debited in total, his share of the fee included. Of a payment that has a
// pricing the nonce is a digest of the random one and of that pricing, so that nothing of it can
// change after the approval, neither payees nor rates nor postings; auth needs to know none of it,
// and what is approved without a pricing is as it always was.
inline sca::PaymentBinding BindingOf(const Payment& payment) {
  FLORIN_CHECK(payment.approval.has_value(), "only payments with terms are approved");
  return {.payment_id = payment.payment_id,
          .amount = DebitedOf(payment),
          .payee_account_id = payment.destination_account_id,
          .payee_name = payment.approval->payee_name,
          .expire_time = payment.approval->expire_time,
          .nonce = NonceOf(payment)};
}

// What became of an intent that was judged.
struct Judged {
  StoredIntent stored;
  std::optional<Verdict> verdict;  // Nothing: the key was known before, and nothing was judged.
};

// Payments that are made, started and given up are in the audit trail, by the same transaction, as
// payments.payment.create, confirm and cancel. Thread-safe. Every method is idempotent, so that it
// may be repeated after kUnavailable. Errors besides those named: kUnavailable (the outcome of a
// write is then unknown), kInternal.
class ApprovalStore {
 public:
  virtual ~ApprovalStore() = default;

  // Store::InsertIntents() of one transfer to somebody else, judged by `policy` and by what its
  // payer had exempted before, in one transaction: it is inserted in processing and counts as used
  // exemption (of what he is debited in total), or, with `terms`, as one that requires action. A
  // conversion uses its quote up, with the errors of QuoteStore::InsertWithQuote(). Of transfers
  // judged at once each sees the use of those before it.
  virtual Task<absl::StatusOr<Judged>> InsertJudged(Intent intent, ApprovalTerms terms,
                                                    ApprovalPolicy policy) = 0;

  // Gives the payment, and lets the recovery worker look after it from `now` + kLease on, if it
  // requires action: its approval is about to be redeemed. Error: kPaymentNotFound, also for a
  // payment of another user.
  virtual Task<absl::StatusOr<Payment>> BeginConfirm(Uuid user_id, Uuid payment_id,
                                                     absl::Time now) = 0;

  // The executing step: moves a payment that requires action to processing if what was `redeemed`
  // is what is kept of it, compared in the same transaction, and sets back its payer's use of
  // exemptions. Gives the payment as it is kept afterwards: in any other state as it was before.
  // Errors: kPaymentNotFound; kApprovalMismatch, and then nothing has changed.
  virtual Task<absl::StatusOr<Payment>> Start(Uuid user_id, Uuid payment_id,
                                              crypto::Digest redeemed, absl::Time now,
                                              audit::Origin origin) = 0;

  // Gives up a payment that requires action (GiveUp()), and gives it as it is kept afterwards: in
  // any other state as it was before. Error: kPaymentNotFound.
  virtual Task<absl::StatusOr<Payment>> GiveUp(Uuid user_id, Uuid payment_id, Reason reason,
                                               absl::Time now, audit::Origin origin) = 0;

  // Takes up to `limit` payments that require action and whose time to be looked after has come:
  // kLease after BeginConfirm(), or when they expire. Holds them back from other claims until `now`
  // + kLease; whoever finds that there is nothing to do yet begins a confirmation that is later.
  virtual Task<absl::StatusOr<std::vector<Payment>>> ClaimAwaiting(absl::Time now, int limit) = 0;
};

}  // namespace florin::payments
