// What the ledger is asked to do for limits, beside a payment's own transaction.
//
// A bucket of a limit is three accounts, all of whose ids follow from the first:
//
//   control   a liability that may not be negative: what is available in it may still be used
//   granted   its other side: Dr granted | Cr control funds the bucket with each rise of a maximum
//   excess    what a lower maximum is below the one before, until it can be taken:
//             Dr excess | Cr granted notes it, Dr control | Cr excess takes it; a rise after that
//             takes what it adds from the excess first, so that control and excess together never
//             have more than the greatest maximum that somebody may have been judged by
//
// A payment is the last of a chain of linked transactions: of lowered limits what there is too much
// is taken, then what it uses is held for the window (Dr control | Cr granted), one hold for each
// window, then the money moves. All of it commits, or nothing.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "services/payments/domain/ledger_transaction.h"
#include "services/payments/domain/step_transaction.h"

namespace florin::payments {

struct LimitTransaction {
  Uuid transaction_id;
  std::vector<StepPosting> postings = {};
  std::optional<absl::Duration> hold_for = {};  // Nothing: a post.
  std::vector<LimitUse> uses = {};              // Of a hold: one for each posting.
};

Uuid GrantedAccountOf(const Uuid& control_account_id);
Uuid ExcessAccountOf(const Uuid& control_account_id);

// What makes a bucket that has had the first `done` of `limit`'s maxima have all of them, in their
// order. Each has an id that follows from the bucket and its place, so that it happens once,
// whoever sends it how often.
std::vector<LimitTransaction> FundingsOf(const Limit& limit, const Uuid& control_account_id,
                                         std::size_t done);

// What goes before the payment's own transaction, in order. Follows from what was kept with its
// intent, so that every attempt sends the same. Empty for one that uses nothing of any limit.
std::vector<LimitTransaction> LimitChainOf(const Payment& payment);

// What voids the holds of the chain, which is no chain itself: some may have expired.
struct LimitRelease {
  Uuid transaction_id;
  Uuid hold_id;
};
std::vector<LimitRelease> ReleasesOf(const Payment& payment);

// What the answers to the chain and the payment's own transaction, in order, say of the payment.
struct ChainAnswer {
  LedgerAnswer answer;
  // The payment is refused by this limit; the answer is final, and lacks what remains.
  std::optional<LimitUse> refused_by = {};
};
ChainAnswer AnswerOf(std::span<const LimitTransaction> chain,
                     std::span<const LedgerAnswer> answers);

// What is left of a limit's maximum, given what the bucket's control account holds for payments.
std::int64_t RemainingOf(const Limit& limit, std::int64_t held_minor);

}  // namespace florin::payments
