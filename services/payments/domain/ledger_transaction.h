// How a payment becomes a ledger transaction, and what the ledger's answer makes of the payment.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "services/payments/domain/payment.h"
#include "services/payments/domain/posting_template.h"

namespace florin::payments {

// What is posted for a payment: as its pricing says, or the template of its kind filled in.
//   transfer: debit the source (a liability shrinks), credit the destination
//   deposit:  debit the rail's clearing account (money is owed to us), credit the destination
//   payout:   set the source's money aside for the rail's clearing account, by a hold that lasts
//   between books: set aside for the clearing account between them (book_transfer.h)
std::vector<LedgerPosting> PostingsOf(const Payment& payment);

// The accounts of the house that these postings are on, each once.
std::vector<HouseAccount> HouseAccountsOf(const Payment& payment);

// The id of a payment's ledger transaction: follows from the payment's, so that every attempt uses
// the same one.
Uuid TransactionIdOf(const Uuid& payment_id);

// The ledger account that stands for what the sandbox rail owes in one currency.
Uuid SandboxRailAccount(const Currency& currency);

// The ledger's answer about one transaction.
struct LedgerAnswer {
  bool committed = false;
  std::string refusal_reason = {};  // Where not committed: the reason's name.
  bool final = false;               // Where not committed: the ledger keeps refusing this id.
  std::string refusal_param = {};   // Where not committed: the field that it blames.
  std::int64_t sequence = 0;        // Where final: the place in the book.
  std::optional<LimitRefusal> limit_refusal = {};  // Where a limit is why.
  std::optional<absl::Time> expire_time = {};      // Of a hold that committed.
  std::vector<std::int64_t> moved_minor = {};      // What each posting moved, where committed.
};

// Whether the ledger has refused the payment for the frozen debits of its source: it knows that
// they are, not why.
bool IsSourceFrozen(const Payment& payment, const LedgerAnswer& answer);
// The refusal of a payment whose source is dormant; IsSourceFrozen() must hold.
LedgerAnswer RefusedByDormancy(LedgerAnswer answer);

// The payment as the answer leaves it, or nothing where the answer decides nothing yet: a refusal
// that the ledger does not remember could turn into a commit at the next attempt, so the payment
// must stay in processing. `payment` must be in processing.
std::optional<Payment> ApplyAnswer(Payment payment, const LedgerAnswer& answer, absl::Time now);

// What the owner of a failed payment is told: the ledger's reason, with the payment's id in
// metadata `payment_id`, and `limit` and `remaining` where a limit is why. The same for every
// replay.
absl::Status FailureOf(const Payment& payment);

}  // namespace florin::payments
