#include "services/payments/domain/discrepancy.h"

#include "gmock/gmock.h"
#include "services/payments/domain/ledger_transaction.h"
#include "services/payments/domain/recovery_failure.h"
#include "services/payments/domain/request.h"
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
const Currency kEur = *Currency::Parse("EUR");

Payment Transfer(State state) {
  PaymentRequest request{.kind = Kind::kTransfer,
                         .source_account_id = Id(10),
                         .destination_account_id = Id(11),
                         .amount = {.minor_units = 1000, .currency = kEur},
                         .reference = ""};
  Payment payment = NewPayment(Id(5), Id(1), request, absl::FromUnixSeconds(100));
  payment.state = state;
  return payment;
}
LedgerRecord Moved(const Payment& payment) {
  return {.transaction_id = payment.transaction_id,
          .committed = true,
          .postings = PostingsOf(payment),
          .payment_id = payment.payment_id};
}
LedgerRecord Refused(const Payment& payment) {
  return {.transaction_id = payment.transaction_id, .payment_id = payment.payment_id};
}
std::optional<DiscrepancyKind> KindOf(const std::optional<Discrepancy>& found) {
  if (!found) return std::nullopt;
  return found->kind;
}
std::optional<DiscrepancyKind> Compared(const Payment& payment, std::vector<LedgerRecord> records) {
  return KindOf(Compare(payment, LedgerRecords(std::move(records))));
}

TEST(DiscrepancyTest, WhatIsSaidIsWhatTheLedgerHasMoved) {
  const Payment succeeded = Transfer(State::kSucceeded);
  const LedgerRecord moved = Moved(succeeded);
  EXPECT_EQ(Compared(succeeded, {moved}), std::nullopt);
  EXPECT_THAT(Compared(succeeded, {}), Optional(DiscrepancyKind::kMissingInLedger));
  EXPECT_THAT(Compared(succeeded, {Refused(succeeded)}),
              Optional(DiscrepancyKind::kMissingInLedger));
  EXPECT_EQ(Compared(Transfer(State::kRequiresCapture), {moved}), std::nullopt);
  for (const State ended : {State::kFailed, State::kCanceled, State::kRequiresAction}) {
    EXPECT_EQ(Compared(Transfer(ended), {}), std::nullopt);
    EXPECT_EQ(Compared(Transfer(ended), {Refused(succeeded)}), std::nullopt);
    EXPECT_THAT(Compared(Transfer(ended), {moved}), Optional(DiscrepancyKind::kMovedAlthoughEnded));
  }
  EXPECT_THAT(Compared(Transfer(State::kProcessing), {}), Optional(DiscrepancyKind::kUnfinished));
  Payment released = Transfer(State::kCanceled);
  released.authorization_expire_time = absl::FromUnixSeconds(200);
  EXPECT_EQ(Compared(released, {moved}), std::nullopt);
  EXPECT_THAT(Compared(released, {}), Optional(DiscrepancyKind::kMissingInLedger));
}

TEST(DiscrepancyTest, TheLargerAmountIsAtRisk) {
  const Payment succeeded = Transfer(State::kSucceeded);
  for (const std::int64_t amount : {999, 1001}) {
    LedgerRecord moved = Moved(succeeded);
    moved.postings[0].amount_minor = amount;
    const std::optional<Discrepancy> found = Compare(succeeded, LedgerRecords({moved}));
    EXPECT_THAT(KindOf(found), Optional(DiscrepancyKind::kAmountDiffers));
    EXPECT_EQ(found->at_risk_minor, std::max<std::int64_t>(amount, 1000));
    EXPECT_THAT(found->currency, Optional(kEur));
  }
  LedgerRecord elsewhere = Moved(succeeded);
  elsewhere.postings[0].credit_account_id = Id(12);
  EXPECT_THAT(Compared(succeeded, {elsewhere}), Optional(DiscrepancyKind::kAmountDiffers));
}

TEST(DiscrepancyTest, StepsAreComparedUnderEitherOfTheirIds) {
  const Payment payment = Transfer(State::kSucceeded);
  Step refund{.step_id = Id(7),
              .payment_id = payment.payment_id,
              .kind = StepKind::kRefund,
              .state = StepState::kSucceeded,
              .amount_minor = 400};
  LedgerRecord moved{.transaction_id = TransactionIdOf(refund, 1), .committed = true};
  moved.postings = {{Id(11), Id(10), 400}};
  const auto compared = [&](std::vector<LedgerRecord> records) {
    return KindOf(Compare(payment, refund, LedgerRecords(std::move(records))));
  };
  EXPECT_EQ(compared({moved}), std::nullopt);
  EXPECT_THAT(compared({}), Optional(DiscrepancyKind::kMissingInLedger));
  LedgerRecord more = moved;
  more.postings[0].amount_minor = 401;
  EXPECT_THAT(compared({more}), Optional(DiscrepancyKind::kAmountDiffers));
  refund.state = StepState::kFailed;
  EXPECT_EQ(compared({}), std::nullopt);
  EXPECT_THAT(compared({moved}), Optional(DiscrepancyKind::kMovedAlthoughEnded));
  refund.state = StepState::kProcessing;
  EXPECT_THAT(compared({}), Optional(DiscrepancyKind::kUnfinished));

  // What is owed: balancing postings move at most what they say.
  refund.state = StepState::kSucceeded;
  refund.may_owe = true;
  const std::vector<StepPosting> said = TransactionOf(payment, refund, 1).postings;
  ASSERT_EQ(said.size(), 3U);
  moved.postings.clear();
  for (const StepPosting& one : said) {
    moved.postings.push_back({one.debit_account_id, one.credit_account_id, one.amount_minor});
  }
  moved.postings[2].amount_minor = 7;
  EXPECT_EQ(compared({moved}), std::nullopt);
  moved.postings[1].amount_minor = 7;
  EXPECT_THAT(compared({moved}), Optional(DiscrepancyKind::kAmountDiffers));
}

TEST(DiscrepancyTest, EveryTransactionOfTheLedgerIsAskedFor) {
  const WholePayment whole{.payment = Transfer(State::kSucceeded), .steps = {}};
  const LedgerRecord moved = Moved(whole.payment);
  EXPECT_EQ(KindOf(Explain(moved, whole)), std::nullopt);
  EXPECT_THAT(KindOf(Explain(moved, std::nullopt)), Optional(DiscrepancyKind::kUnknownTransaction));
  EXPECT_EQ(KindOf(Explain(Refused(whole.payment), std::nullopt)), std::nullopt);
  LedgerRecord other = moved;
  other.transaction_id = Id(99);
  const std::optional<Discrepancy> found = Explain(other, whole);
  EXPECT_THAT(KindOf(found), Optional(DiscrepancyKind::kUnknownTransaction));
  EXPECT_EQ(found->payment_id, whole.payment.payment_id);
  EXPECT_EQ(found->at_risk_minor, 1000);
  const WholePayment failed{.payment = Transfer(State::kFailed), .steps = {}};
  EXPECT_THAT(KindOf(Explain(moved, failed)), Optional(DiscrepancyKind::kMovedAlthoughEnded));
  // The newest of the ledger may not be recorded yet.
  const WholePayment processing{.payment = Transfer(State::kProcessing), .steps = {}};
  EXPECT_EQ(KindOf(Explain(moved, processing)), std::nullopt);
}

TEST(DiscrepancyTest, AStepsTransactionIsExplainedByTheStep) {
  WholePayment whole{.payment = Transfer(State::kSucceeded), .steps = {}};
  whole.steps.push_back({.step_id = Id(7),
                         .payment_id = whole.payment.payment_id,
                         .kind = StepKind::kRefund,
                         .state = StepState::kFailed,
                         .amount_minor = 400});
  const LedgerRecord moved{.transaction_id = TransactionIdOf(whole.steps[0], 1),
                           .committed = true,
                           .postings = {{Id(11), Id(10), 400}},
                           .payment_id = whole.payment.payment_id};
  const std::optional<Discrepancy> found = Explain(moved, whole);
  EXPECT_THAT(KindOf(found), Optional(DiscrepancyKind::kMovedAlthoughEnded));
  EXPECT_EQ(found->step_id, Id(7));
}

TEST(DiscrepancyTest, NamesAreReadAsTheyAreWritten) {
  for (const DiscrepancyKind kind :
       {DiscrepancyKind::kUnfinished, DiscrepancyKind::kParked, DiscrepancyKind::kMissingInLedger,
        DiscrepancyKind::kMovedAlthoughEnded, DiscrepancyKind::kAmountDiffers,
        DiscrepancyKind::kUnknownTransaction}) {
    EXPECT_EQ(ParseDiscrepancyKind(NameOf(kind)).value(), kind);
    EXPECT_NE(DiscrepancyIdOf(kind, Id(1)), DiscrepancyIdOf(kind, Id(2)));
  }
  EXPECT_FALSE(ParseDiscrepancyKind("").ok());
}

TEST(RecoveryFailureTest, RestsLongerEachTimeUntilItIsParked) {
  absl::Duration before;
  for (int failures = 1; failures < kMostFailures; ++failures) {
    const std::optional<absl::Duration> pause = RestAfter(failures);
    ASSERT_TRUE(pause.has_value()) << failures;
    EXPECT_GT(*pause, before);
    before = *pause;
  }
  EXPECT_THAT(RestAfter(1), Optional(Eq(absl::Seconds(3))));
  EXPECT_EQ(RestAfter(kMostFailures), std::nullopt);
  EXPECT_EQ(RestAfter(kMostFailures + 1), std::nullopt);
}

}  // namespace
}  // namespace florin::payments
