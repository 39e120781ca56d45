// What payments cost: the schedule, as it is read from a file, and what it makes of one payment.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "libs/money/money.h"
#include "libs/status/status.h"

namespace florin::payments {

// What has a price of its own.
enum class FeeKind {
  kTransfer,  // To one or several payees in one currency.
  kDeposit,   // From a rail: the payee bears its fee.
  kFx,        // With a quote: the payer bears its fee, in the currency that he pays in.
  kPayout,    // Over a rail: the payer bears its fee, beyond what is sent.
};

enum class Bearer { kPayer, kPayee, kSplit };
// "payer", "payee", "split". Parsing gives kInternal for any other text.
std::string_view NameOf(Bearer bearer);
absl::StatusOr<Bearer> ParseBearer(std::string_view name);

// The fee of amounts from `from_minor` on, as far as no later tier begins: a part that is fixed and
// one in proportion to the whole amount.
struct FeeTier {
  std::int64_t from_minor = 0;
  std::int64_t fixed_minor = 0;
  int basis_points = 0;

  friend bool operator==(const FeeTier&, const FeeTier&) = default;
};

struct FeeRule {
  FeeKind kind = FeeKind::kTransfer;
  Currency currency;
  Bearer bearer = Bearer::kPayer;
  int payer_basis_points = 0;  // The payer's share of the fee, where it is split.
  std::vector<FeeTier> tiers;  // Ascending, the first from 0.
  std::int64_t least_minor = 0;
  std::optional<std::int64_t> most_minor;
  bool back_if_returned = false;  // Of a payout: as of Fee.

  friend bool operator==(const FeeRule&, const FeeRule&) = default;
};

// At most one rule for each kind and currency; what has none is free.
struct FeeSchedule {
  std::vector<FeeRule> rules;

  const FeeRule* Find(FeeKind kind, const Currency& currency) const;
};

// From the text of a file. A line is a rule, `#` begins a comment:
//
//   KIND CURRENCY BEARER TERM…
//
//   transfer EUR payer fixed=25 basis_points=10 min=30 max=1000
//   transfer USD split:2500 tier=0:100:0 tier=100000:0:20
//   deposit  GBP payee basis_points=5
//   fx       EUR payer basis_points=50
//   payout   EUR payer fixed=50 returned=keep
//
// KIND is transfer, deposit, fx or payout; BEARER is payer, payee or split:BP with the payer's
// share in basis points. Amounts are minor units. `tier=FROM:FIXED:BP` for each tier, or `fixed`
// and `basis_points` for all amounts. No rate is above 10000 basis points. `returned`, only of
// payouts: whether the house keeps the fee of one that comes back after it was paid (`keep`, also
// where it is not said) or gives it back (`give_back`). Error: kInvalidField, naming the line that
// is wrong.
absl::StatusOr<FeeSchedule> ParseFeeSchedule(std::string_view text);

// A fee, in the currency of the payment's amount.
struct Fee {
  Bearer bearer = Bearer::kPayer;
  std::int64_t payer_minor = 0;  // Beyond the amount.
  std::int64_t payee_minor = 0;  // Out of the amount.
  // Of a payout: given back with what is returned after it was paid. Of one that the rail rejects
  // it always is.
  bool back_if_returned = false;

  friend bool operator==(const Fee&, const Fee&) = default;
};

// What `rule` makes of an amount. The proportional part is rounded down to the minor unit: no fee
// is ever more than its published rate of the amount, whoever bears it, and the house gives the
// rest up (nobody's balance is short of it, so it needs no posting). Then the least and the most
// hold. Of a fee that is split the payer's share is rounded down and the payee bears the rest, so
// that the shares are the fee. Error: kInvalidAmount (param `amount.minor_units`) where a fee or
// what the payer is debited does not fit.
absl::StatusOr<Fee> FeeOf(const FeeRule& rule, std::int64_t amount_minor);

// Cuts `total` in proportion to `weights`, whose sum is more than zero: each part rounded down, and
// what is left one unit each for the first ones whose part was rounded. The sum is `total`, and no
// part is more than its weight if `total` is no more than their sum.
std::vector<std::int64_t> Allocate(std::int64_t total, const std::vector<std::int64_t>& weights);

}  // namespace florin::payments
