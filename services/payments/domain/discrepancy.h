// Where what is kept of payments and what the ledger has decided, or a rail has executed, do not
// agree, and how much money that concerns at most. A discrepancy is opened once for what it is
// about, however often it is found.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/money/money.h"
#include "libs/status/status.h"
#include "services/payments/domain/payment.h"
#include "services/payments/domain/posting_template.h"
#include "services/payments/domain/step.h"

namespace florin::payments {

// Names are stored: "unfinished", …
enum class DiscrepancyKind {
  kUnfinished,          // Still in processing long after it was begun.
  kParked,              // Recovery has given up on it (recovery_failure.h): somebody must look.
  kMissingInLedger,     // Said to have moved or set aside money, and the ledger knows of none.
  kMovedAlthoughEnded,  // Said to have failed, and the ledger has moved money.
  kAmountDiffers,       // The ledger has moved something else than what is said.
  kClearingDiffers,     // What is between two books is not what is under way (book_clearing.h).
  kUnknownTransaction,  // The ledger has moved money for a payment, and nobody here asked for it.
  // Between a rail's statement and payouts and deposits (rail_match.h).
  kMissingHere,        // The rail has executed what nobody here knows.
  kMissingAtRail,      // Said to be executed, and not on the statement in time.
  kRailAmountDiffers,  // On the statement with another amount.
  kExecutedTwice,      // On the statement more than once.
  kStageDiffers,       // Executed by the rail, and said not to be.
  kSettlementDiffers,  // The ledger's settlement account has what nothing explains.
};
std::string_view NameOf(DiscrepancyKind kind);
// Error: kInternal for any other text.
absl::StatusOr<DiscrepancyKind> ParseDiscrepancyKind(std::string_view name);

// A transaction as the ledger has decided it.
struct LedgerRecord {
  Uuid transaction_id;
  bool committed = false;
  std::vector<LedgerPosting> postings = {};  // What moved, or was set aside, where committed.
  std::optional<Uuid> payment_id = {};       // That its metadata names.
  absl::Time commit_time = absl::InfinitePast();
};

struct Discrepancy {
  Uuid discrepancy_id;  // DiscrepancyIdOf()
  DiscrepancyKind kind = DiscrepancyKind::kUnfinished;
  // What it is about: a payment, or a step of it, or a transaction of the ledger. Others are nil.
  Uuid payment_id;
  Uuid step_id;
  Uuid transaction_id;
  // The most that can be in the wrong place, in minor units; the currency is not known of a
  // transaction whose payment is not.
  std::int64_t at_risk_minor = 0;
  std::optional<Currency> currency = {};
  // What is kept and what the ledger says, for a person. No personal data.
  std::string expected;
  std::string found;
  // Whose statement does not agree, and on which deposit; empty where it is not about a rail, or
  // not about a deposit.
  std::string rail = {};
  std::string deposit_id = {};

  friend bool operator==(const Discrepancy&, const Discrepancy&) = default;
};

// Follows from the kind and from what it is about.
Uuid DiscrepancyIdOf(DiscrepancyKind kind, const Uuid& subject_id);

// What the ledger has decided, by transaction.
class LedgerRecords {
 public:
  explicit LedgerRecords(std::vector<LedgerRecord> records);
  // Nothing: nothing was decided under this id.
  const LedgerRecord* Find(const Uuid& transaction_id) const;

 private:
  std::vector<LedgerRecord> records_;  // By id.
};

// The ids of the ledger's transactions that a payment or a step can have. No two books have one of
// the same id.
std::vector<Uuid> TransactionsOf(const Payment& payment);
std::vector<Uuid> TransactionsOf(const Step& step);

// A payment with its steps.
struct WholePayment {
  Payment payment;
  std::vector<Step> steps;
};
std::vector<Uuid> TransactionsOf(const WholePayment& whole);

// Whether `payment` is what the ledger has decided, as far as it is to have decided anything:
// `ledger` has all of TransactionsOf(payment). One in processing counts as unfinished: ask later
// than it should take.
std::optional<Discrepancy> Compare(const Payment& payment, const LedgerRecords& ledger);
// The same of a step of `payment`.
std::optional<Discrepancy> Compare(const Payment& payment, const Step& step,
                                   const LedgerRecords& ledger);

// What `record`, which names a payment, has to do with it; `whole` is that payment, nothing if
// there is none. The first of what does not agree.
std::optional<Discrepancy> Explain(const LedgerRecord& record,
                                   const std::optional<WholePayment>& whole);

// A payment or step that recovery has given up on, for the reason that the ledger (or our own
// check) gave last.
Discrepancy Parked(const Payment& payment, std::string reason);
Discrepancy Parked(const Payment& payment, const Step& step, std::string reason);

}  // namespace florin::payments
