// Where a rail's statement and what is kept of its payouts and deposits do not agree, and how much
// money that concerns at most.
//
// Every line of the statement is of one payout or deposit here, in a stage that says the same and
// of the same amount; and whatever is said here to have been executed has its line within
// kStatementWithin.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "services/payments/domain/discrepancy.h"
#include "services/payments/domain/payout.h"
#include "services/payments/domain/rail.h"
#include "services/payments/domain/rail_deposit.h"

namespace florin::payments {

// Lines that are younger are left to those who are at work on what they say.
inline constexpr absl::Duration kMatchAfter = absl::Minutes(10);
// What a rail has executed is on its statement by then.
inline constexpr absl::Duration kStatementWithin = absl::Hours(24);

// A payout as it is kept, without whom it pays.
struct PayoutAtUs {
  Uuid payment_id;
  Money amount;
  PayoutStage stage = PayoutStage::kCreated;
  absl::Time since;  // That it is in this stage.

  friend bool operator==(const PayoutAtUs&, const PayoutAtUs&) = default;
};

// A deposit as it is kept, without what its sender says.
struct DepositAtUs {
  std::string deposit_id;
  Money amount;
  DepositStage stage = DepositStage::kReceived;
  Uuid payment_id = {};  // Nil: nobody's.
  absl::Time since;      // That it is known.

  friend bool operator==(const DepositAtUs&, const DepositAtUs&) = default;
};

// All that is known of one payout, or one deposit, of a rail.
struct RailCase {
  std::string rail;
  Uuid payout_id = {};          // Nil for a deposit.
  std::string deposit_id = {};  // Empty for a payout.
  std::optional<PayoutAtUs> payout = {};
  std::optional<DepositAtUs> deposit = {};
  std::vector<RailEntry> lines = {};  // Of the statement, without references.

  friend bool operator==(const RailCase&, const RailCase&) = default;
};

// What of it does not agree at `now`; each kind once at most.
std::vector<Discrepancy> Match(const RailCase& one, absl::Time now);

// What the ledger's settlement account of a currency should have by what is kept of payouts and
// deposits, and what the rails' statements add up to.
struct SettlementSums {
  Currency currency;
  // Debits less credits. Between both, as long as what is being booked may or may not have been.
  std::int64_t least_minor = 0;
  std::int64_t most_minor = 0;
  std::int64_t statement_minor = 0;  // Deposits and returns, less what was paid.

  friend bool operator==(const SettlementSums&, const SettlementSums&) = default;
};

// Whether the ledger's settlement account, with `balance_minor` (debits less credits), differs
// from the statement by more than payouts and deposits explain, each of which is either on its way
// or a discrepancy of its own.
std::optional<Discrepancy> MatchSettlement(const SettlementSums& sums, std::int64_t balance_minor);

// Whether it is for this comparison to say that a discrepancy agrees.
bool IsOfRails(DiscrepancyKind kind);

}  // namespace florin::payments
