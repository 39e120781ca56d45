#include "services/payments/domain/timeline.h"

#include "gmock/gmock.h"
#include "services/payments/domain/ledger_transaction.h"
#include "services/payments/domain/request.h"
#include "services/payments/domain/step_transaction.h"

namespace florin::payments {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Uuid Id(std::uint8_t number) {
  std::array<std::uint8_t, 16> bytes = {};
  bytes[15] = number;
  return Uuid(bytes);
}
absl::Time At(int seconds) { return absl::FromUnixSeconds(1000 + seconds); }

// Approved, moved at 5, refunded in part at 20 after recovery has tried in vain.
PaymentHistory Refunded() {
  PaymentRequest request{.kind = Kind::kTransfer,
                         .source_account_id = Id(10),
                         .destination_account_id = Id(11),
                         .amount = {.minor_units = 1000, .currency = *Currency::Parse("EUR")},
                         .reference = "secret"};
  Payment payment = NewPayment(Id(5), Id(1), request, At(0));
  payment.state = State::kSucceeded;
  payment.update_time = At(6);
  payment.approval = ApprovalTerms{.approval_id = Id(3), .payee_name = "Zoë", .expire_time = At(9)};
  Step refund{.step_id = Id(7),
              .payment_id = payment.payment_id,
              .kind = StepKind::kRefund,
              .state = StepState::kSucceeded,
              .amount_minor = 400,
              .note = "secret reason",
              .create_time = At(10),
              .update_time = At(21)};
  std::vector<LedgerRecord> records = {{.transaction_id = payment.transaction_id,
                                        .committed = true,
                                        .postings = PostingsOf(payment),
                                        .commit_time = At(5)},
                                       {.transaction_id = TransactionIdOf(refund, 1),
                                        .committed = true,
                                        .postings = {{Id(11), Id(10), 400}},
                                        .commit_time = At(20)}};
  return {.payment = payment,
          .steps = {refund},
          .disputes = {},
          .failures = {{.payment_id = payment.payment_id,
                        .step_id = refund.step_id,
                        .failures = 2,
                        .reason = "internal",
                        .first_time = At(13),
                        .last_time = At(16)}},
          .ledger = LedgerRecords(std::move(records))};
}

std::vector<std::string> EventsOf(const std::vector<TimelineEntry>& timeline) {
  std::vector<std::string> events;
  for (const TimelineEntry& entry : timeline) events.push_back(entry.event);
  return events;
}

TEST(TimelineTest, TellsWhatHappenedInOrder) {
  const std::vector<TimelineEntry> timeline = TimelineOf(Refunded());
  EXPECT_THAT(EventsOf(timeline), ElementsAre("created", "approval_requested", "ledger_moved",
                                              "succeeded", "refund_requested", "attempts_failed",
                                              "ledger_moved", "refund_succeeded"));
  EXPECT_EQ(timeline[0].inputs.at("amount_minor"), "1000");
  EXPECT_EQ(timeline[1].inputs.at("expire_time"), "1970-01-01T00:16:49+00:00");
  EXPECT_THAT(timeline[2].postings, ElementsAre(LedgerPosting{Id(10), Id(11), 1000}));
  EXPECT_EQ(timeline[5].inputs.at("attempts"), "2");
  EXPECT_EQ(timeline[5].reason, "internal");
  EXPECT_EQ(timeline[6].step_id, Id(7));
}

// A trace is told to whoever's request belonged to it, and to nobody else.
TEST(TimelineTest, TracesAreTheViewersOwn) {
  const std::string payers(32, 'a');
  const std::string payees(32, 'b');
  PaymentHistory history = Refunded();
  history.origin.trace_id = payers;
  history.steps[0].user_id = Id(2);
  history.steps[0].trace_id = payees;
  const auto told = [&](const Uuid& viewer, std::size_t entry) {
    history.viewer = viewer;
    const TimelineEntry at = TimelineOf(history).at(entry);
    const auto trace = at.inputs.find("trace_id");
    return at.event + " " + (trace == at.inputs.end() ? "" : trace->second);
  };
  EXPECT_EQ(told(Id(1), 0), "created " + payers);
  EXPECT_EQ(told(Id(1), 4), "refund_requested ");
  EXPECT_EQ(told(Id(2), 0), "created ");
  EXPECT_EQ(told(Id(2), 4), "refund_requested " + payees);
  history.origin.trace_id.clear();
  EXPECT_EQ(told(Id(1), 0), "created ");
}

// Invariant 9: a timeline is not another way to what is personal.
TEST(TimelineTest, HasNoPersonalData) {
  for (const TimelineEntry& entry : TimelineOf(Refunded())) {
    for (const auto& [name, value] : entry.inputs) {
      EXPECT_EQ(value.find("secret"), std::string::npos);
      EXPECT_EQ(value.find("Zoë"), std::string::npos);
    }
  }
}

TEST(TimelineTest, ThePayeeIsToldWhatConcernsThem) {
  const PaymentHistory history = Refunded();
  const std::vector<TimelineEntry> timeline = TimelineForPayee(history, {Id(11)});
  EXPECT_THAT(EventsOf(timeline), ElementsAre("ledger_moved", "succeeded", "refund_requested",
                                              "ledger_moved", "refund_succeeded"));
  EXPECT_THAT(timeline[0].postings, ElementsAre(LedgerPosting{Uuid(), Id(11), 1000}));
  EXPECT_THAT(timeline[3].postings, ElementsAre(LedgerPosting{Id(11), Uuid(), 400}));
}

TEST(TimelineTest, APayeeOfSeveralIsToldNothingOfOthers) {
  PaymentHistory history = Refunded();
  history.steps.front().payee_account_id = Id(12);
  const std::vector<TimelineEntry> timeline = TimelineForPayee(history, {Id(11)});
  EXPECT_THAT(EventsOf(timeline), ElementsAre("ledger_moved", "succeeded"));
  EXPECT_THAT(EventsOf(TimelineForPayee(history, {Id(11), Id(12)})), Contains("refund_succeeded"));
}

TEST(TimelineTest, OfAFailedPaymentTheReason) {
  PaymentHistory history = Refunded();
  history.payment.state = State::kFailed;
  history.payment.failure_reason = "insufficient_funds";
  history.payment.approval.reset();
  history.steps.clear();
  history.failures.clear();
  history.ledger = LedgerRecords({{.transaction_id = history.payment.transaction_id}});
  const std::vector<TimelineEntry> timeline = TimelineOf(history);
  EXPECT_THAT(EventsOf(timeline), ElementsAre("created", "failed"));
  EXPECT_EQ(timeline[1].reason, "insufficient_funds");
  EXPECT_THAT(timeline[1].postings, IsEmpty());
}

// A payment that uses 30 of a bucket of 100 in which 50 were used, and one payment of 5.
Payment Limited() {
  Payment payment = Refunded().payment;
  payment.limit_uses = {
      {.limit_id = Id(40), .control_account_id = Id(41), .units = 30, .window = absl::Hours(24)},
      {.limit_id = Id(42), .control_account_id = Id(43), .units = 1, .window = absl::Hours(48)}};
  return payment;
}

TEST(TimelineTest, WhatThereWasOfALimit) {
  const BucketCounters after{.credits_posted = 130, .debits_posted = 30, .debits_pending = 80};
  const JudgedLimit used = UsedLimit(Limited().limit_uses[0], after, At(5));
  EXPECT_EQ(used.outcome, JudgedLimit::Outcome::kUsed);
  EXPECT_EQ(used.asked, 30);
  EXPECT_EQ(used.maximum, 100);
  EXPECT_EQ(used.remaining, 50);
  PaymentHistory history = Refunded();
  history.limits = {used};
  const std::vector<TimelineEntry> timeline = TimelineOf(history);
  ASSERT_EQ(timeline[2].event, "limit_used") << "before the money moved";
  const std::map<std::string, std::string> inputs = {
      {"asked", "30"},    {"limit_id", FormatId(IdKind::kLimit, Id(40))},
      {"maximum", "100"}, {"remaining", "50"},
      {"used", "50"},     {"window_seconds", "86400"}};
  EXPECT_EQ(timeline[2].inputs, inputs);
  for (const TimelineEntry& entry : TimelineForPayee(history, {Id(11)})) {
    EXPECT_NE(entry.event, "limit_used") << "the payer's own";
  }
}

TEST(TimelineTest, WhatALimitHasRefused) {
  Payment payment = Limited();
  EXPECT_EQ(RefusedLimit(payment), std::nullopt);
  payment.limit_refusal = LimitRefusal{.limit_id = Id(42), .remaining = 0};
  std::optional<JudgedLimit> refused = RefusedLimit(payment);
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->outcome, JudgedLimit::Outcome::kRefused);
  EXPECT_EQ(refused->asked, 1) << "payments are counted";
  EXPECT_EQ(refused->window, absl::Hours(48));
  EXPECT_EQ(refused->maximum, std::nullopt);
  // Of each payment for itself.
  payment.limit_uses.clear();
  payment.limit_refusal = LimitRefusal{.limit_id = Id(44), .remaining = 999};
  refused = RefusedLimit(payment);
  EXPECT_EQ(refused->asked, 1000);
  EXPECT_EQ(refused->maximum, 999);
}

TEST(TimelineTest, HowAPayoutWentOverItsRail) {
  PaymentHistory history = Refunded();
  history.steps.clear();
  history.failures.clear();
  history.payment.approval.reset();
  history.payment.kind = Kind::kPayout;
  history.payment.state = State::kReturned;
  history.payment.update_time = At(30);
  history.payment.pricing = Pricing{.fee = Fee{.payer_minor = 7}, .postings = {}};
  history.origin = {.request_id = "req_1",
                    .payout = PayoutOnRail{"sandbox", PayoutStage::kReturned, "AC04"}};
  std::vector<LedgerRecord> records;
  const std::vector<Uuid> ids = LedgerIdsOf(history.payment, history.origin);
  int second = 5;
  for (const PayoutStage stage :
       {PayoutStage::kSending, PayoutStage::kSettling, PayoutStage::kReturning}) {
    const Payout payout{
        .payment = history.payment, .beneficiary = {}, .rail = "sandbox", .stage = stage};
    const Uuid id = BookingOf(payout, 1).transaction_id;
    EXPECT_EQ(std::ranges::count(ids, id), 1) << NameOf(stage);
    records.push_back({.transaction_id = id, .committed = true, .commit_time = At(second += 5)});
  }
  history.ledger = LedgerRecords(std::move(records));
  const std::vector<TimelineEntry> timeline = TimelineOf(history);
  EXPECT_THAT(EventsOf(timeline), ElementsAre("created", "payout_sent", "payout_settled",
                                              "payout_returned", "returned"));
  EXPECT_EQ(timeline[0].inputs.at("request_id"), "req_1");
  EXPECT_EQ(timeline[0].inputs.at("rail"), "sandbox");
  EXPECT_EQ(timeline[3].inputs.at("rail_code"), "AC04");
  EXPECT_FALSE(timeline[2].inputs.contains("rail_code"));
  EXPECT_EQ(timeline[0].inputs.at("fee_minor"), "7");
  EXPECT_EQ(timeline[1].inputs.at("fee"), "taken");
  EXPECT_EQ(timeline[3].inputs.at("fee"), "taken") << "and kept";
}

TEST(TimelineTest, WhereADepositCameFrom) {
  PaymentHistory history = Refunded();
  history.steps.clear();
  history.failures.clear();
  history.payment.approval.reset();
  RailDeposit deposit{.rail = "sandbox",
                      .deposit_id = "d1",
                      .amount = history.payment.amount,
                      .account_reference = "secret",
                      .reference = "secret",
                      .stage = DepositStage::kCredited,
                      .create_time = At(-1)};
  history.origin.deposit = deposit;
  deposit.stage = DepositStage::kCrediting;
  history.ledger = LedgerRecords({{.transaction_id = BookingOf(deposit).transaction_id,
                                   .committed = true,
                                   .commit_time = At(8)}});
  const std::vector<TimelineEntry> timeline = TimelineOf(history);
  EXPECT_THAT(EventsOf(timeline),
              ElementsAre("deposit_received", "created", "succeeded", "deposit_settled"));
  const std::map<std::string, std::string> inputs = {{"deposit_id", "d1"}, {"rail", "sandbox"}};
  EXPECT_EQ(timeline[0].inputs, inputs);
}

}  // namespace
}  // namespace florin::payments
