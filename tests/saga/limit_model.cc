#include "tests/saga/limit_model.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "services/payments/domain/limit_chain.h"

namespace florin::saga {
namespace {

using payments::LimitMeasure;
using payments::LimitScope;
using payments::Payment;

// How late a change may be known, by clocks that differ and go back.
constexpr absl::Duration kKnownLate = absl::Seconds(20);
// A payment's hold on a limit is committed just before the payment.
constexpr absl::Duration kJustBefore = absl::Milliseconds(1);

// A payment in the time that it counts.
struct Counted {
  const Payment* payment;
  absl::Time from;
  absl::Time until;
  std::int64_t units;
};
// In which book, whose, to whom, and where to.
using Bucket = std::tuple<std::string, Uuid, Uuid, std::string>;

// What was debited, by payee, as the ledger has it. A payout goes to nobody here.
std::map<Uuid, std::int64_t> PaidBy(const Payment& payment, const ledger::Decision& decision) {
  std::map<Uuid, std::int64_t> paid;
  std::int64_t all = 0;
  for (const ledger::Posting& posting : decision.commitment()->postings) {
    if (posting.debit_account_id != payment.source_account_id) continue;
    all += posting.amount_minor;
    paid[posting.credit_account_id] += posting.amount_minor;
  }
  if (payment.kind == payments::Kind::kPayout) return {};
  if (payment.pricing && !payment.pricing->splits.empty()) {
    std::erase_if(paid, [&payment](const auto& row) {
      return std::ranges::none_of(payment.pricing->splits, [&row](const payments::Split& split) {
        return split.destination_account_id == row.first;
      });
    });
    return paid;
  }
  return {{payment.destination_account_id, all}};
}

std::int64_t DebitedBy(const Payment& payment, const ledger::Decision& decision) {
  std::int64_t all = 0;
  for (const ledger::Posting& posting : decision.commitment()->postings) {
    if (posting.debit_account_id == payment.source_account_id) all += posting.amount_minor;
  }
  return all;
}

// When what the payment has used of a limit with this window was given back.
absl::Time ReleaseTime(const View& view, const Payment& payment, absl::Duration window) {
  absl::Time released = absl::InfiniteFuture();
  std::size_t number = 0;
  const std::vector<payments::LimitRelease> releases = payments::ReleasesOf(payment);
  for (const payments::LimitTransaction& part : payments::LimitChainOf(payment)) {
    if (!part.hold_for) continue;
    const ledger::Decision* const decision = DecisionOf(view, releases.at(number++).transaction_id);
    const bool given_back = decision != nullptr && decision->commitment() != nullptr;
    if (given_back && *part.hold_for == window) released = decision->commit_time;
  }
  return released;
}

// What goes to each country: of what the payer is debited; of a payout to its beneficiary's bank.
std::map<std::string, std::int64_t> PaidToCountries(const World& world, const View& view,
                                                    const Payment& payment,
                                                    const ledger::Decision& decision) {
  const auto payout = view.payouts.find(payment.payment_id);
  if (payout != view.payouts.end()) {
    const std::string country = payout->second.beneficiary.account.substr(0, 2);
    return {{country, DebitedBy(payment, decision)}};
  }
  std::map<std::string, std::int64_t> paid;
  for (const auto& [payee, amount] : PaidBy(payment, decision)) {
    paid[world.CountryOf(payee)] += amount;
  }
  return paid;
}

void AddPayment(const World& world, const KnownLimit& known, const View& view,
                const Payment& payment, std::map<Bucket, std::vector<Counted>>& buckets) {
  const ledger::Decision* const decision = DecisionOf(view, payment.transaction_id);
  if (decision == nullptr || decision->commitment() == nullptr) return;
  const payments::Limit& limit = known.limit;
  const bool amount = limit.measure == LimitMeasure::kAmount;
  Counted counted{.payment = &payment,
                  .from = decision->commit_time,
                  .until = decision->commit_time,
                  .units = amount ? DebitedBy(payment, *decision) : 1};
  if (limit.window) {
    counted.until = std::min(counted.from + *limit.window - kJustBefore,
                             ReleaseTime(view, payment, *limit.window));
  }
  const std::string book = SourceBookOf(payment);
  if (limit.scope == LimitScope::kCountry) {
    for (const auto& [country, paid] : PaidToCountries(world, view, payment, *decision)) {
      if (!limit.country.empty() && limit.country != country) continue;
      if (amount) counted.units = paid;
      buckets[{book, Uuid(), Uuid(), country}].push_back(counted);
    }
    return;
  }
  if (limit.scope != LimitScope::kPayee) {
    const bool account = limit.scope == LimitScope::kAccount;
    buckets[{book, account ? payment.source_account_id : payment.user_id, Uuid(), ""}].push_back(
        counted);
    return;
  }
  for (const auto& [payee, paid] : PaidBy(payment, *decision)) {
    if (amount) counted.units = paid;
    buckets[{book, payment.user_id, payee, ""}].push_back(counted);
  }
}

}  // namespace

std::int64_t MostAt(const KnownLimit& known, absl::Time asked, absl::Time committed) {
  std::int64_t most = 0;
  for (std::size_t i = 0; i < known.maxima.size(); ++i) {
    const bool begun = known.maxima[i].first - kKnownLate <= committed;
    const bool last = i + 1 == known.maxima.size();
    const bool over = !last && known.maxima[i + 1].first + kKnownLate < asked;
    if (begun && !over) most = std::max(most, known.maxima[i].second);
  }
  return most;
}

void CheckLimits(const World& world, const std::deque<KnownLimit>& limits, const View& view,
                 const std::function<void(const std::string&)>& complain) {
  for (const KnownLimit& known : limits) {
    std::map<Bucket, std::vector<Counted>> buckets;
    for (const Payment& payment : view.payments) {
      const bool limited =
          !payment.source_account_id.is_nil() && payment.amount.currency == known.limit.currency;
      if (limited) AddPayment(world, known, view, payment, buckets);
    }
    for (const auto& [bucket, counted] : buckets) {
      for (const Counted& one : counted) {
        std::int64_t sum = 0;
        for (const Counted& other : counted) {
          const bool counts = &other == &one || (other.from <= one.from && one.from < other.until);
          if (counts) sum += other.units;
        }
        const std::int64_t most = MostAt(known, one.payment->create_time, one.from);
        if (sum <= most) continue;
        complain(absl::StrCat(FormatId(IdKind::kPayment, one.payment->payment_id), " makes it ",
                              sum, " of ", most));
      }
    }
  }
}

}  // namespace florin::saga
