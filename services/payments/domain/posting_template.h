// What is posted when something happens to a payment, as data: one template for each event.
//
// A line is a (debit, credit, amount) pair in one currency, as a posting of the ledger is, so that
// every template balances by construction, in each of its currencies; what else a template must be
// is checked while compiling. Where accountants book a customer's money from available (2000) to
// held (2010), the ledger has a hold, so lines say hold, capture or void.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "services/payments/domain/chart_of_accounts.h"

namespace florin::payments {

// What happened. Closed.
enum class PostingEvent {
  kDeposit,
  kDepositSettled,
  kUnidentifiedCredit,
  kSuspenseIdentified,
  kSuspenseReturned,
  kSuspenseReturnSettled,
  kPullSent,
  kPullSettled,
  kPullReleased,
  kPullReturned,
  kPullReturnSettled,
  kDebtWrittenOff,
  kPayoutReserved,
  kPayoutSent,
  kPayoutSettled,
  kPayoutRejected,
  kPayoutReturned,
  kPayoutReturnSettledNet,
  kPayoutCanceled,
  kTransfer,
  kFee,
  kRailCharge,
  kCardAuthorized,
  kCardCleared,
  kInterchangeEarned,
  kIssuerSettled,
  kCardReleased,
  kCardOverCaptured,
  kCardRefunded,
  kDisputeOpened,
  kDisputeWon,
  kDisputeLost,
  kMerchantCapture,
  kMerchantFee,
  kSchemeFee,
  kAcquirerSettled,
  kMerchantPayoutSent,
  kMerchantPayoutSettled,
  kMerchantRefund,
  kMerchantDisputeLost,
  kMerchantShortfall,
  kMerchantDisputeWon,
  kFxSale,
  kFxSpread,
  kFxHedge,
  kFxSlippage,
  // Not of the reference, but of payments as they are.
  kFxTransfer,
  kFxRefund,
  kFxDisputed,
  kFxDisputeWon,
  kAuthorization,
  kCapture,
  kAuthorizationVoided,
  kRefund,
  kRefundShortfall,
  kTransferDisputed,
  kTransferDisputeLost,
  kTransferDisputeWon,
  kBookHeld,
  kBookCredited,
  kBookCaptured,
  kBookVoided,
  kBookDepositHeld,
  kBookDepositCaptured,
  kBookDepositVoided,
  kPayoutReturnedFeeBack,
};

// What becomes of a line's money.
enum class Movement {
  kNone,     // No line.
  kPost,     // Moves at once.
  kHold,     // Set aside for the credit side, by a hold of the ledger.
  kCapture,  // Of such a hold: moves.
  kVoid,     // Of such a hold: released.
};

// Whose account, where there are several of one role.
enum class Party { kHouse, kPayer, kPayee };

struct Leg {
  Role role = Role::kCustomer;
  Party party = Party::kHouse;

  friend bool operator==(const Leg&, const Leg&) = default;
};

// Which of an event's amounts. Each once in a template.
enum class Term {
  kAmount,     // What it is about.
  kFee,        // For the house.
  kRest,       // What is left of a hold.
  kExcess,     // Beyond a hold.
  kAvailable,  // What somebody who is short still has,
  kShortfall,  // and what is missing.
  kReserved,   // Kept back.
  kCharge,     // Taken by a bank.
  kSold,       // By a customer, or by the house in a hedge,
  kBought,     // and what was got for it.
  kSpread,     // Mid value less what the customer gets,
  kRounding,   // and less than a unit of that that is left.
};

struct TemplateLine {
  Movement movement = Movement::kNone;
  Leg debit;
  Leg credit;
  Term term = Term::kAmount;
  std::int64_t example_minor = 0;
  int currency = 0;  // 0: the event's, of the payer; 1: that of the payee.
};

inline constexpr std::size_t kMostLines = 5;

struct PostingTemplate {
  PostingEvent event;
  std::string_view code;  // As in docs/chart-of-accounts.md: "D1".
  std::string_view meaning;
  std::string_view currencies[2];        // Of the example; the second empty if there is one.
  TemplateLine padded[kMostLines] = {};  // The lines, then those without a movement.

  // The lines.
  std::span<const TemplateLine> lines() const;
};

// Every template, in the order of the documentation; each event once.
std::span<const PostingTemplate> PostingTemplates();
const PostingTemplate& TemplateOf(PostingEvent event);

// What a template looks like in the books of an accountant: sums for each currency, account and
// side, with holds as movements between 2000 and 2010.
struct ChartEntry {
  int currency = 0;
  Side side = Side::kDebit;
  Role role = Role::kCustomer;
  std::int64_t amount_minor = 0;

  friend bool operator==(const ChartEntry&, const ChartEntry&) = default;
};
using Amounts = std::map<Term, std::int64_t>;
std::vector<ChartEntry> EntriesOf(const PostingTemplate& posting_template, const Amounts& amounts);
// The amounts of the template's example.
Amounts ExampleOf(const PostingTemplate& posting_template);

// A movement in the ledger.
struct LedgerPosting {
  Uuid debit_account_id;
  Uuid credit_account_id;
  std::int64_t amount_minor = 0;

  friend bool operator==(const LedgerPosting&, const LedgerPosting&) = default;
};

// A payee and what he gets.
struct Credited {
  Uuid account_id;
  std::int64_t amount_minor = 0;
};

// Whom an event is about, and how much.
struct Filling {
  Uuid payer_account_id;         // Nil where there is none.
  std::vector<Credited> payees;  // A line that credits the payee is posted for each of them, with
                                 // his own amount.
  std::vector<Currency> currencies;  // One or two, as the template has.
  Amounts amounts;                   // Of all other lines. What is missing or 0 is not posted.
  Uuid clearing_account_id = {};     // Between books, where the template has it.
};

// The template filled in.
std::vector<LedgerPosting> Fill(const PostingTemplate& posting_template, const Filling& filling);

}  // namespace florin::payments
