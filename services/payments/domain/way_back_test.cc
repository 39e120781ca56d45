#include "services/payments/domain/way_back.h"

#include <map>
#include <random>

#include "gmock/gmock.h"
#include "services/payments/domain/ledger_transaction.h"
#include "services/payments/domain/price_payment.h"
#include "services/payments/domain/step_rules.h"
#include "services/payments/domain/step_transaction.h"

namespace florin::payments {
namespace {

using ::testing::Eq;
using ::testing::Optional;

Uuid Id(std::uint8_t number) {
  std::array<std::uint8_t, 16> bytes = {};
  bytes[15] = number;
  return Uuid(bytes);
}
const Uuid kPayer = Id(10);
const Uuid kPayee = Id(11);
const Currency kEur = *Currency::Parse("EUR");
const Currency kUsd = *Currency::Parse("USD");
const absl::Time kNow = absl::FromUnixSeconds(200);

// A payment that was converted, and moved.
Payment Converted(const florin::payments::Converted& converted) {
  const Quote quote{
      .quote_id = Id(20), .user_id = Id(1), .converted = converted, .rate = {1}, .mid_rate = {2}};
  const PaymentRequest request{.kind = Kind::kTransfer,
                               .source_account_id = kPayer,
                               .destination_account_id = kPayee,
                               .amount = converted.source,
                               .reference = "",
                               .quote_id = quote.quote_id};
  Payment payment = NewPayment(Id(5), Id(1), request, absl::UnixEpoch());
  payment.pricing = *PricePayment(request, FeeSchedule(), quote);
  payment.state = State::kSucceeded;
  return payment;
}

TEST(WayBackTest, OfAConversionAPartAtItsRate) {
  const Payment payment = Converted({{10000, kEur}, {10890, kUsd}, 109, 1});
  EXPECT_EQ(ReturnedAt(payment, 0), Returned());
  EXPECT_EQ(ReturnedAt(payment, 1), (Returned{2, 0, 0})) << "1.089 is rounded up";
  EXPECT_EQ(ReturnedAt(payment, 5000), (Returned{5445, 54, 0}));
  EXPECT_EQ(ReturnedAt(payment, 10000), (Returned{10890, 109, 1}));
}

TEST(WayBackTest, OfSeveralPayeesEachHasAShare) {
  Payment payment = Converted({{10000, kEur}, {10890, kUsd}, 109, 1});
  EXPECT_THAT(ShareOf(payment, kPayee), Eq(std::nullopt));
  payment.pricing = Pricing();
  payment.pricing->splits = {{.destination_account_id = Id(12), .amount_minor = 70},
                             {.destination_account_id = Id(13), .amount_minor = 30}};
  EXPECT_THAT(ShareOf(payment, Id(12)), Optional(70));
  EXPECT_THAT(ShareOf(payment, Id(13)), Optional(30));
  EXPECT_THAT(ShareOf(payment, kPayee), Eq(std::nullopt));
}

// The accounts that the payment and its steps move money between, and what the payee owes.
class Accounts {
 public:
  void Move(const std::vector<LedgerPosting>& postings) {
    for (const LedgerPosting& posting : postings) Move(posting);
  }
  void Move(const LedgerPosting& posting) {
    balances_[posting.debit_account_id] -= posting.amount_minor;
    balances_[posting.credit_account_id] += posting.amount_minor;
  }
  // As the ledger decides it. Gives its answer.
  LedgerAnswer Move(const std::vector<StepPosting>& postings) {
    LedgerAnswer answer{.committed = true};
    for (const StepPosting& posting : postings) {
      std::int64_t amount = posting.amount_minor;
      if (posting.balancing_debit) amount = std::min(amount, Of(posting.debit_account_id));
      if (posting.balancing_credit) amount = std::min(amount, -Of(posting.credit_account_id));
      EXPECT_GT(amount, 0);
      answer.moved_minor.push_back(amount);
      Move(LedgerPosting{posting.debit_account_id, posting.credit_account_id, amount});
    }
    return answer;
  }
  std::int64_t Of(const Uuid& account) { return balances_[account]; }
  // But for those of zero.
  std::map<Uuid, std::int64_t> All() const {
    std::map<Uuid, std::int64_t> all = balances_;
    std::erase_if(all, [](const auto& entry) { return entry.second == 0; });
    return all;
  }

 private:
  std::map<Uuid, std::int64_t> balances_;
};

Step RandomStep(std::mt19937& random, std::int64_t sold) {
  Step step{.step_id = Id(7),
            .payment_id = Id(5),
            .kind = random() % 2 == 0 ? StepKind::kRefund : StepKind::kDispute,
            .amount_minor = static_cast<std::int64_t>(random() % 3 * random() % (sold / 2 + 2)),
            .may_owe = true};
  return step;
}

// A step, to its end: refused by the ledger, or not; a dispute then decided either way.
void RunToItsEnd(Charge& charge, Step step, Accounts& accounts, std::mt19937& random) {
  if (Reserve(charge, step)) return;
  if (random() % 3 == 0) {
    ASSERT_TRUE(
        ApplyAnswer(charge, step, {.refusal_reason = "balance_overflow", .final = true}, kNow));
    return;
  }
  const StepTransaction opening = TransactionOf(charge.payment, step, 1);
  ASSERT_TRUE(ApplyAnswer(charge, step, accounts.Move(opening.postings), kNow));
  if (step.kind == StepKind::kRefund) return;
  Step decision{.step_id = Id(8),
                .payment_id = Id(5),
                .kind = random() % 2 == 0 ? StepKind::kAccept : StepKind::kWithdraw,
                .dispute_id = step.step_id};
  ASSERT_THAT(Reserve(charge, decision), Eq(std::nullopt));
  const StepTransaction decided = TransactionOf(charge.payment, decision, 1);
  ASSERT_TRUE(ApplyAnswer(charge, decision, accounts.Move(decided.postings), kNow));
  charge.dispute.reset();
}

// What the parts of a conversion brought back, one after another.
void ExpectExact(const Payment& payment, Accounts& accounts) {
  const Conversion& conversion = *payment.pricing->conversion;
  const std::int64_t back = payment.counters.refunded_minor + payment.counters.disputed_minor;
  const Returned& returned = payment.counters.returned;
  EXPECT_EQ(accounts.Of(kPayer), back - payment.amount.minor_units) << "the payer has it";
  const std::int64_t kept = accounts.Of(kPayee) + accounts.Of(ReceivableAccount(kPayee));
  EXPECT_EQ(kept, conversion.destination.minor_units - returned.payee_minor);
  // Never less than the part of what the payee got, but for the unit that one refused in flight
  // may have left to the next.
  const __int128 part = static_cast<__int128>(conversion.destination.minor_units) * back;
  EXPECT_GE(static_cast<__int128>(returned.payee_minor) * payment.amount.minor_units, part);
  EXPECT_EQ(accounts.Of(DisputesAccount(payment.amount.currency)), 0);
}

// Over currencies with 0, 2, 3 and 4 decimals: parts in any order, some refused, some disputed and
// decided either way. Nothing is made or lost; once all is back, the house has what it had before.
TEST(WayBackProperty, AllPartsAreTheWholeExactly) {
  std::mt19937 random(1);
  const char* const codes[] = {"JPY", "EUR", "BHD", "CLF", "USD"};
  for (int round = 0; round < 2000; ++round) {
    const Currency source = *Currency::Parse(codes[random() % 5]);
    Currency destination = *Currency::Parse(codes[random() % 5]);
    if (source == destination) continue;
    const std::int64_t mid = 1 + static_cast<std::int64_t>(random()) * 1000;
    const auto converted =
        ConvertSource({static_cast<std::int64_t>(1 + random() % 5000), source}, destination,
                      Rate{mid}, WithSpread(Rate{mid}, static_cast<int>(random() % 500)));
    if (!converted.ok()) continue;
    Charge charge{.payment = Converted(*converted)};
    Accounts accounts;
    accounts.Move(PostingsOf(charge.payment));
    for (int i = 0; i < 20; ++i) {
      RunToItsEnd(charge, RandomStep(random, converted->source.minor_units), accounts, random);
      ASSERT_NO_FATAL_FAILURE(ExpectExact(charge.payment, accounts)) << "round " << round;
    }
    // What is left at once; the payee may have spent what he got.
    Step rest{.step_id = Id(9), .payment_id = Id(5), .kind = StepKind::kRefund, .may_owe = true};
    if (!Reserve(charge, rest)) {
      const StepTransaction all = TransactionOf(charge.payment, rest, 1);
      ASSERT_TRUE(ApplyAnswer(charge, rest, accounts.Move(all.postings), kNow));
    }
    ASSERT_EQ(accounts.All(), (std::map<Uuid, std::int64_t>())) << "round " << round;
  }
}

// Row upon row of the smallest refunds costs the house nothing.
TEST(WayBackTest, SmallRefundsAreNotAtTheHousesCost) {
  // One yen is a fraction of a cent.
  Charge charge{.payment = Converted({{10000, *Currency::Parse("JPY")}, {65, kUsd}, 1, 0})};
  std::int64_t taken = 0;
  for (int i = 0; i < 9999; ++i) {
    Step step{.step_id = Id(7), .payment_id = Id(5), .kind = StepKind::kRefund, .amount_minor = 1};
    ASSERT_THAT(Reserve(charge, step), Eq(std::nullopt));
    taken += step.returned.payee_minor;
    ASSERT_GE(taken * 10000, (i + 1) * 65);
  }
  EXPECT_EQ(taken, 65);
}

}  // namespace
}  // namespace florin::payments
