#include "services/payments/domain/rail_match.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace florin::payments {
namespace {

using K = DiscrepancyKind;

// Of the lines of one event.
struct Side {
  std::int64_t count = 0;
  std::int64_t sum_minor = 0;
  bool due = false;  // One of them is old enough to be asked about.
};

std::int64_t Plus(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

Side SideOf(const RailCase& one, RailEvent event, absl::Time now) {
  Side side;
  for (const RailEntry& line : one.lines) {
    if (line.event != event) continue;
    ++side.count;
    side.sum_minor = Plus(side.sum_minor, line.amount.minor_units);
    side.due = side.due || line.book_time <= now - kMatchAfter;
  }
  return side;
}

bool Executed(PayoutStage stage) {
  return stage == PayoutStage::kSettling || stage == PayoutStage::kSettled ||
         stage == PayoutStage::kReturning || stage == PayoutStage::kReturned;
}

bool HasReturned(PayoutStage stage) {
  return stage == PayoutStage::kReturning || stage == PayoutStage::kReturned;
}

// What every discrepancy of a case has in common.
class Finder {
 public:
  Finder(const RailCase& one, absl::Time now) : one_(one), now_(now) {}

  std::vector<Discrepancy> Payout() {
    const Side paid = SideOf(one_, RailEvent::kSettled, now_);
    const Side back = SideOf(one_, RailEvent::kReturned, now_);
    if (!one_.payout) {
      if (!paid.due && !back.due) return {};
      Add(K::kMissingHere, std::max(paid.sum_minor, back.sum_minor), "there is no such payout",
          Told(paid, back));
      return std::move(found_);
    }
    const PayoutAtUs& ours = *one_.payout;
    const std::string said =
        absl::StrCat("the payout is ", std::string(NameOf(ours.stage)), ", ", TextOf(ours.amount));
    const std::int64_t amount = ours.amount.minor_units;
    const bool overdue = ours.since <= now_ - kStatementWithin;
    if (paid.count > 1 && paid.due) {
      Add(K::kExecutedTwice, SurplusOf(RailEvent::kSettled), said, Told(paid, back));
    }
    if ((paid.due && !Executed(ours.stage)) || (back.due && !HasReturned(ours.stage))) {
      Add(K::kStageDiffers, std::max(amount, std::max(paid.sum_minor, back.sum_minor)), said,
          Told(paid, back));
    }
    const bool no_payment = Executed(ours.stage) && paid.count == 0;
    const bool no_return = HasReturned(ours.stage) && back.count == 0;
    if (overdue && (no_payment || no_return))
      Add(K::kMissingAtRail, amount, said, Told(paid, back));
    Amounts(ours.amount, said);
    return std::move(found_);
  }

  std::vector<Discrepancy> Deposit() {
    const Side got = SideOf(one_, RailEvent::kDeposit, now_);
    const std::string told = absl::StrCat(got.count, " on the statement");
    if (!one_.deposit) {
      if (got.due) Add(K::kMissingHere, got.sum_minor, "there is no such deposit", told);
      return std::move(found_);
    }
    const DepositAtUs& ours = *one_.deposit;
    const std::string said =
        absl::StrCat("the deposit is ", std::string(NameOf(ours.stage)), ", ", TextOf(ours.amount));
    if (got.count > 1 && got.due) {
      Add(K::kExecutedTwice, SurplusOf(RailEvent::kDeposit), said, told);
    }
    const bool ended =
        ours.stage == DepositStage::kCredited || ours.stage == DepositStage::kUnmatched;
    if (got.due && !ended) Add(K::kStageDiffers, ours.amount.minor_units, said, told);
    if (got.count == 0 && ours.since <= now_ - kStatementWithin) {
      Add(K::kMissingAtRail, ours.amount.minor_units, said, told);
    }
    Amounts(ours.amount, said);
    return std::move(found_);
  }

 private:
  static std::string TextOf(const Money& money) {
    return absl::StrCat(money.minor_units, " ", std::string(money.currency.code()));
  }
  static std::string Told(const Side& paid, const Side& back) {
    return absl::StrCat(paid.count, " paid and ", back.count, " returned on the statement");
  }

  // Of all lines of an event but the first.
  std::int64_t SurplusOf(RailEvent event) const {
    std::int64_t sum = 0;
    bool first = true;
    for (const RailEntry& line : one_.lines) {
      if (line.event != event) continue;
      if (!first) sum = Plus(sum, line.amount.minor_units);
      first = false;
    }
    return sum;
  }

  // Lines of another amount: as much as the worst of them is off.
  void Amounts(const Money& ours, const std::string& said) {
    std::int64_t worst = 0;
    std::string what;
    for (const RailEntry& line : one_.lines) {
      if (line.amount == ours || line.book_time > now_ - kMatchAfter) continue;
      const std::int64_t theirs = line.amount.minor_units;
      const bool comparable = line.amount.currency == ours.currency;
      const std::int64_t off =
          comparable ? std::abs(theirs - ours.minor_units) : std::max(theirs, ours.minor_units);
      if (off <= worst) continue;
      worst = off;
      what = absl::StrCat(std::string(NameOf(line.event)), ", ", TextOf(line.amount));
    }
    if (worst > 0) Add(K::kRailAmountDiffers, worst, said, what);
  }

  void Add(K kind, std::int64_t at_risk_minor, std::string expected, std::string found) {
    const bool payout = one_.deposit_id.empty();
    const Uuid payment_id = payout         ? one_.payout_id
                            : one_.deposit ? one_.deposit->payment_id
                                           : Uuid();
    const Uuid subject =
        payout ? one_.payout_id
               : DeriveId("florin.payments.rail.deposit", one_.rail + ":" + one_.deposit_id);
    found_.push_back({.discrepancy_id = DiscrepancyIdOf(kind, subject),
                      .kind = kind,
                      .payment_id = payment_id,
                      .step_id = {},
                      .transaction_id = {},
                      .at_risk_minor = at_risk_minor,
                      .currency = CurrencyOf(),
                      .expected = std::move(expected),
                      .found = std::move(found),
                      .rail = one_.rail,
                      .deposit_id = one_.deposit_id});
  }
  std::optional<Currency> CurrencyOf() const {
    if (one_.payout) return one_.payout->amount.currency;
    if (one_.deposit) return one_.deposit->amount.currency;
    if (one_.lines.empty()) return std::nullopt;
    return one_.lines[0].amount.currency;
  }

  const RailCase& one_;
  const absl::Time now_;
  std::vector<Discrepancy> found_;
};

}  // namespace

std::vector<Discrepancy> Match(const RailCase& one, absl::Time now) {
  Finder finder(one, now);
  return one.deposit_id.empty() ? finder.Payout() : finder.Deposit();
}

std::optional<Discrepancy> MatchSettlement(const SettlementSums& sums, std::int64_t balance_minor) {
  std::int64_t off = 0;
  if (balance_minor < sums.least_minor) off = sums.least_minor - balance_minor;
  if (balance_minor > sums.most_minor) off = balance_minor - sums.most_minor;
  if (off == 0) return std::nullopt;
  const Uuid account = HouseAccountId({Role::kNostro, sums.currency});
  return Discrepancy{
      .discrepancy_id = DiscrepancyIdOf(K::kSettlementDiffers, account),
      .kind = K::kSettlementDiffers,
      .payment_id = {},
      .step_id = {},
      .transaction_id = {},
      .at_risk_minor = off,
      .currency = sums.currency,
      .expected = absl::StrCat("statements say ", sums.statement_minor, ", payouts and deposits ",
                               sums.least_minor, " to ", sums.most_minor),
      .found = absl::StrCat("the ledger's settlement account has ", balance_minor),
      .rail = {},
      .deposit_id = {}};
}

bool IsOfRails(DiscrepancyKind kind) {
  return kind == K::kMissingHere || kind == K::kMissingAtRail || kind == K::kRailAmountDiffers ||
         kind == K::kExecutedTwice || kind == K::kStageDiffers || kind == K::kSettlementDiffers;
}

}  // namespace florin::payments
