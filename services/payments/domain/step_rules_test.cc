#include "services/payments/domain/step_rules.h"

#include <limits>
#include <random>

#include "gmock/gmock.h"
#include "services/payments/domain/request.h"

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
const absl::Time kNow = absl::FromUnixSeconds(200);
const LedgerAnswer kYes{.committed = true};
LedgerAnswer No(std::string reason) { return {.refusal_reason = std::move(reason), .final = true}; }

// A transfer of 1000, moved at once or authorized.
Payment Transfer(State state, bool manual) {
  PaymentRequest request{.kind = Kind::kTransfer,
                         .source_account_id = Id(10),
                         .destination_account_id = Id(11),
                         .amount = {.minor_units = 1000, .currency = kEur},
                         .reference = ""};
  if (manual) request.authorization_timeout = absl::Hours(1);
  Payment payment = NewPayment(Id(5), Id(1), request, absl::FromUnixSeconds(100));
  payment.state = state;
  if (state == State::kRequiresCapture) payment.authorization_expire_time = kNow + absl::Hours(1);
  return payment;
}
Charge Authorized() { return {.payment = Transfer(State::kRequiresCapture, true)}; }
Charge Moved() { return {.payment = Transfer(State::kSucceeded, false)}; }

Step Of(StepKind kind, std::int64_t amount = 0, bool final = false) {
  return {
      .step_id = Id(7), .payment_id = Id(5), .kind = kind, .amount_minor = amount, .final = final};
}
// Why it may not begin; kInternal if it may.
Reason WhyNot(Charge& charge, Step& step) {
  return Reserve(charge, step).value_or(Objection{Reason::kInternal}).reason;
}
// The step begun and answered.
Step Do(Charge& charge, Step step, const LedgerAnswer& answer) {
  EXPECT_THAT(Reserve(charge, step), Eq(std::nullopt));
  EXPECT_TRUE(ApplyAnswer(charge, step, answer, kNow));
  return step;
}

// Every state and kind of step that a payment can be in or get.
TEST(ReserveTest, EachStateAllowsItsSteps) {
  struct Case {
    Charge charge;
    StepKind kind;
    std::optional<Reason> reason;  // Nothing: allowed.
  };
  std::vector<Case> cases;
  for (const bool manual : {false, true}) {
    for (const State state : {State::kProcessing, State::kRequiresAction, State::kFailed,
                              State::kCanceled, State::kSucceeded, State::kRequiresCapture}) {
      if (state == State::kRequiresCapture && !manual) continue;
      Charge charge{.payment = Transfer(state, manual)};
      if (manual && state == State::kSucceeded) charge.payment.counters.captured_minor = 1000;
      const bool open = state == State::kRequiresCapture;
      const bool captured = state == State::kSucceeded;
      const auto unless = [](bool allowed, Reason reason) {
        return allowed ? std::nullopt : std::optional(reason);
      };
      cases.push_back({charge, StepKind::kCapture, unless(open, Reason::kPaymentNotCapturable)});
      cases.push_back({charge, StepKind::kVoid, unless(open, Reason::kPaymentNotCancelable)});
      cases.push_back({charge, StepKind::kExpiry, unless(open, Reason::kPaymentNotCancelable)});
      cases.push_back({charge, StepKind::kRefund, unless(captured, Reason::kPaymentNotRefundable)});
      cases.push_back(
          {charge, StepKind::kDispute, unless(captured, Reason::kPaymentNotDisputable)});
    }
  }
  for (const Case& c : cases) {
    Charge charge = c.charge;
    Step step = Of(c.kind, 10);
    const std::optional<Objection> objection = Reserve(charge, step);
    const std::string what =
        std::string(NameOf(c.charge.payment.state)) + " " + std::string(NameOf(c.kind));
    ASSERT_EQ(objection.has_value(), c.reason.has_value()) << what;
    if (!objection) continue;
    EXPECT_EQ(objection->reason, *c.reason) << what;
    EXPECT_EQ(charge, c.charge) << what;
  }
}

TEST(ReserveTest, ADepositIsNotRefundedOrDisputed) {
  Charge charge = Moved();
  charge.payment.kind = Kind::kDeposit;
  Step refund = Of(StepKind::kRefund, 1);
  EXPECT_EQ(WhyNot(charge, refund), Reason::kPaymentNotRefundable);
  Step dispute = Of(StepKind::kDispute, 1);
  EXPECT_EQ(WhyNot(charge, dispute), Reason::kPaymentNotDisputable);
}

// 700 to one payee, 300 to the other, of which `gone` went back already.
Charge Split(const PayeeCounters& gone) {
  Charge charge = Moved();
  charge.payment.pricing.emplace();
  charge.payment.pricing->splits = {{.destination_account_id = Id(11), .amount_minor = 700},
                                    {.destination_account_id = Id(12), .amount_minor = 300}};
  charge.payment.counters.refunded_minor = gone.refunded_minor;
  charge.payment.counters.disputed_minor = gone.disputed_minor;
  charge.of_payee = gone;
  return charge;
}
Step Of(StepKind kind, const Uuid& payee, std::int64_t amount) {
  Step step = Of(kind, amount);
  step.payee_account_id = payee;
  return step;
}

TEST(ReserveTest, OfSeveralPayeesEachGivesBackHisOwnShare) {
  Charge charge = Split({.refunded_minor = 50, .disputed_minor = 30, .upheld_minor = 20});
  Step more = Of(StepKind::kRefund, Id(12), 221);
  EXPECT_THAT(Reserve(charge, more), Optional(Objection{Reason::kRefundExceedsCaptured, 220}));
  Step disputed = Of(StepKind::kDispute, Id(12), 201);
  EXPECT_THAT(Reserve(charge, disputed), Optional(Objection{Reason::kPaymentNotDisputable, 200}));
  Step rest = Of(StepKind::kRefund, Id(12), 0);
  EXPECT_THAT(Reserve(charge, rest), Eq(std::nullopt));
  EXPECT_EQ(rest.amount_minor, 220);
  EXPECT_EQ(charge.payment.counters.refunded_minor, 270);
}

TEST(ReserveTest, OfSeveralPayeesOneIsNamed) {
  for (const Uuid& payee : {Uuid(), Id(13)}) {
    Charge charge = Split({});
    Step refund = Of(StepKind::kRefund, payee, 1);
    EXPECT_EQ(WhyNot(charge, refund), Reason::kPaymentNotRefundable);
    Step dispute = Of(StepKind::kDispute, payee, 1);
    EXPECT_EQ(WhyNot(charge, dispute), Reason::kPaymentNotDisputable);
  }
  Charge one = Moved();
  one.of_payee.emplace();
  Step refund = Of(StepKind::kRefund, Id(11), 1);
  EXPECT_EQ(WhyNot(one, refund), Reason::kPaymentNotRefundable) << "there are not several";
  Charge failed = Split({});
  failed.payment.state = State::kFailed;
  Step none = Of(StepKind::kRefund, Id(12), 1);
  EXPECT_EQ(WhyNot(failed, none), Reason::kPaymentNotRefundable);
}

TEST(ReserveTest, AFeeDoesNotKeepAPaymentFromBeingRefunded) {
  Charge with_fee = Moved();
  with_fee.payment.pricing.emplace();
  Step refund = Of(StepKind::kRefund, 1);
  EXPECT_THAT(Reserve(with_fee, refund), Eq(std::nullopt));
}

// 1000 EUR that were converted to 1100 USD, with a spread of 11.
Charge Sold() {
  Charge charge = Moved();
  charge.payment.pricing.emplace();
  charge.payment.pricing->conversion =
      Conversion{.destination = {.minor_units = 1100, .currency = Currency::Parse("USD").value()},
                 .spread_minor = 11};
  return charge;
}

TEST(ReserveTest, WhatAConversionBroughtIsReservedWithIt) {
  Charge charge = Sold();
  Step refund = Of(StepKind::kRefund, 333);
  EXPECT_THAT(Reserve(charge, refund), Eq(std::nullopt));
  EXPECT_EQ(refund.returned, (Returned{367, 3, 0}));
  EXPECT_EQ(charge.payment.counters.returned, refund.returned);
  Step dispute = Of(StepKind::kDispute, 667);
  EXPECT_THAT(Reserve(charge, dispute), Eq(std::nullopt));
  EXPECT_EQ(charge.payment.counters.returned, (Returned{1100, 11, 0}));
  // What was refused gives it back.
  EXPECT_TRUE(ApplyAnswer(charge, refund, No("insufficient_funds"), kNow));
  EXPECT_EQ(charge.payment.counters.returned, dispute.returned);
  EXPECT_TRUE(ApplyAnswer(charge, dispute, No("balance_overflow"), kNow));
  EXPECT_EQ(charge.payment.counters, Sold().payment.counters);
}

TEST(ReserveTest, ADisputeOfAConversionRemembersWhatItTook) {
  for (const bool won : {false, true}) {
    Charge charge = Sold();
    Step opening = Of(StepKind::kDispute, 100);
    opening.may_owe = true;
    Do(charge, opening, {.committed = true, .moved_minor = {111, 110, 111, 100, 1}});
    const Returned took = {110, 1, 0};
    ASSERT_TRUE(charge.dispute.has_value());
    EXPECT_EQ(charge.dispute->returned, took);
    Step decision{.step_id = Id(8),
                  .payment_id = Id(5),
                  .kind = won ? StepKind::kWithdraw : StepKind::kAccept,
                  .dispute_id = Id(7)};
    const Step decided =
        Do(charge, decision, {.committed = true, .moved_minor = {1, 110, 1, 100, 1}});
    EXPECT_EQ(decided.returned, took);
    EXPECT_EQ(charge.payment.counters.returned, won ? Returned() : took);
  }
}

TEST(ReserveTest, WhatIsInFlightCannotBeCapturedTwice) {
  Charge charge = Authorized();
  Step first = Of(StepKind::kCapture, 600);
  EXPECT_THAT(Reserve(charge, first), Eq(std::nullopt));
  Step second = Of(StepKind::kCapture, 401);
  EXPECT_THAT(Reserve(charge, second),
              Optional(Objection{Reason::kCaptureExceedsAuthorization, 400}));
  Step rest = Of(StepKind::kCapture);
  EXPECT_THAT(Reserve(charge, rest), Eq(std::nullopt));
  EXPECT_EQ(rest.amount_minor, 400);
  Step none = Of(StepKind::kCapture);
  EXPECT_THAT(Reserve(charge, none), Optional(Objection{Reason::kCaptureExceedsAuthorization, 0}));
}

TEST(ReserveTest, RefundsAndDisputesShareWhatWasCaptured) {
  Charge charge = Moved();
  Step refund = Of(StepKind::kRefund, 300);
  EXPECT_THAT(Reserve(charge, refund), Eq(std::nullopt));
  Step dispute = Of(StepKind::kDispute, 701);
  EXPECT_THAT(Reserve(charge, dispute), Optional(Objection{Reason::kPaymentNotDisputable, 700}));
  dispute = Of(StepKind::kDispute, 600);
  EXPECT_THAT(Reserve(charge, dispute), Eq(std::nullopt));
  Step more = Of(StepKind::kRefund, 101);
  EXPECT_THAT(Reserve(charge, more), Optional(Objection{Reason::kRefundExceedsCaptured, 100}));
  more = Of(StepKind::kRefund);
  EXPECT_THAT(Reserve(charge, more), Eq(std::nullopt));
  EXPECT_EQ(more.amount_minor, 100);
}

TEST(ReserveTest, ADebtMustBeCountable) {
  Charge charge = Moved();
  charge.payment.amount.minor_units = std::numeric_limits<std::int64_t>::max();
  Step refund = Of(StepKind::kRefund);
  refund.may_owe = true;
  EXPECT_EQ(WhyNot(charge, refund), Reason::kBalanceOverflow);
  EXPECT_EQ(charge.payment.counters.refunded_minor, 0);
}

TEST(ApplyAnswerTest, PartsAreCapturedUntilNothingIsLeft) {
  Charge charge = Authorized();
  Do(charge, Of(StepKind::kCapture, 400), kYes);
  EXPECT_EQ(charge.payment.state, State::kRequiresCapture);
  EXPECT_EQ(charge.payment.counters.captured_minor, 400);
  Do(charge, Of(StepKind::kCapture), kYes);
  EXPECT_EQ(charge.payment.state, State::kSucceeded);
  EXPECT_EQ(charge.payment.counters, (Counters{.captured_minor = 1000}));
  EXPECT_EQ(charge.payment.update_time, kNow);
}

TEST(ApplyAnswerTest, AFinalCaptureEndsIt) {
  Charge charge = Authorized();
  Do(charge, Of(StepKind::kCapture, 400, true), kYes);
  EXPECT_EQ(charge.payment.state, State::kSucceeded);
  EXPECT_EQ(charge.payment.failure_reason, "");
  Step more = Of(StepKind::kCapture, 1);
  EXPECT_EQ(WhyNot(charge, more), Reason::kPaymentNotCapturable);
}

TEST(ApplyAnswerTest, ARefusalGivesBackWhatWasReserved) {
  Charge charge = Authorized();
  const Step capture = Do(charge, Of(StepKind::kCapture, 400), No("balance_overflow"));
  EXPECT_EQ(capture.state, StepState::kFailed);
  EXPECT_EQ(capture.failure_reason, "balance_overflow");
  EXPECT_EQ(charge, Authorized());
  charge = Moved();
  Do(charge, Of(StepKind::kRefund, 400), No("insufficient_funds"));
  EXPECT_EQ(charge, Moved());
  Do(charge, Of(StepKind::kDispute, 400), No("balance_overflow"));
  EXPECT_EQ(charge, Moved());
}

TEST(ApplyAnswerTest, ARefusalThatTheLedgerForgetsDecidesNothing) {
  Charge charge = Authorized();
  Step step = Of(StepKind::kCapture, 400);
  ASSERT_THAT(Reserve(charge, step), Eq(std::nullopt));
  const Charge before = charge;
  EXPECT_FALSE(ApplyAnswer(charge, step, {.refusal_reason = "invalid_field"}, kNow));
  EXPECT_EQ(charge, before);
  EXPECT_EQ(step.state, StepState::kProcessing);
}

TEST(ApplyAnswerTest, AVoidReleasesWhatIsLeft) {
  Charge charge = Authorized();
  Do(charge, Of(StepKind::kVoid), kYes);
  EXPECT_EQ(charge.payment.state, State::kCanceled);
  EXPECT_EQ(charge.payment.failure_reason, "payment_canceled");
  charge = Authorized();
  Do(charge, Of(StepKind::kCapture, 1), kYes);
  Do(charge, Of(StepKind::kVoid), kYes);
  EXPECT_EQ(charge.payment.state, State::kSucceeded);
  EXPECT_EQ(charge.payment.failure_reason, "");
}

TEST(ApplyAnswerTest, TimeEndsIt) {
  // The hold is gone already, or the ledger's clock is behind.
  for (const LedgerAnswer& answer : {No("hold_expired"), kYes}) {
    Charge charge = Authorized();
    Do(charge, Of(StepKind::kExpiry), answer);
    EXPECT_EQ(charge.payment.state, State::kCanceled);
    EXPECT_EQ(charge.payment.failure_reason, "authorization_expired");
    Step late = Of(StepKind::kCapture, 1);
    EXPECT_EQ(WhyNot(charge, late), Reason::kAuthorizationExpired);
  }
}

TEST(ApplyAnswerTest, ACaptureThatComesTooLateEndsIt) {
  Charge charge = Authorized();
  const Step capture = Do(charge, Of(StepKind::kCapture, 400), No("hold_expired"));
  EXPECT_EQ(capture.failure_reason, "authorization_expired");
  EXPECT_EQ(charge.payment.state, State::kCanceled);
  EXPECT_EQ(charge.payment.failure_reason, "authorization_expired");
}

// The ledger has captured before it released, but the release is recorded first.
TEST(ApplyAnswerTest, NothingEndsWhileACaptureIsInFlight) {
  Charge charge = Authorized();
  Step capture = Of(StepKind::kCapture, 400);
  ASSERT_THAT(Reserve(charge, capture), Eq(std::nullopt));
  Do(charge, Of(StepKind::kVoid), kYes);
  EXPECT_EQ(charge.payment.state, State::kRequiresCapture);
  Step more = Of(StepKind::kCapture, 1);
  EXPECT_EQ(WhyNot(charge, more), Reason::kPaymentNotCapturable);
  Charge refused = charge;
  Step same = capture;
  EXPECT_TRUE(ApplyAnswer(charge, capture, kYes, kNow));
  EXPECT_EQ(charge.payment.state, State::kSucceeded);
  EXPECT_TRUE(ApplyAnswer(refused, same, No("hold_already_voided"), kNow));
  EXPECT_EQ(same.failure_reason, "payment_not_capturable");
  EXPECT_EQ(refused.payment.state, State::kCanceled);
}

// The other way round: the capture of all that was left is recorded first.
TEST(ApplyAnswerTest, AVoidThatComesAfterTheEndChangesNothing) {
  Charge charge = Authorized();
  Step release = Of(StepKind::kVoid);
  Step capture = Of(StepKind::kCapture);
  ASSERT_THAT(Reserve(charge, capture), Eq(std::nullopt));
  ASSERT_THAT(Reserve(charge, release), Eq(std::nullopt));
  EXPECT_TRUE(ApplyAnswer(charge, capture, kYes, kNow));
  EXPECT_EQ(charge.payment.state, State::kSucceeded);
  const Payment ended = charge.payment;
  EXPECT_TRUE(ApplyAnswer(charge, release, No("hold_already_captured"), kNow + absl::Seconds(1)));
  EXPECT_EQ(release.state, StepState::kFailed);
  EXPECT_EQ(charge.payment, ended);
}

// A dispute of 400 of 1000.
Charge Disputed() {
  Charge charge = Moved();
  Step step = Of(StepKind::kDispute, 400);
  step.note = "fraudulent";
  Do(charge, step, kYes);
  return charge;
}
Step Decision(StepKind kind, std::string_view outcome = "") {
  Step step = Of(kind);
  step.step_id = Id(8);
  step.dispute_id = Id(7);
  step.note = outcome;
  return step;
}
const LedgerAnswer kRepaid{.committed = true, .moved_minor = {1, 400, 1}};

TEST(DisputeRulesTest, OpensWithTimeToRespond) {
  const Charge charge = Disputed();
  ASSERT_TRUE(charge.dispute.has_value());
  EXPECT_EQ(charge.dispute->state, DisputeState::kNeedsResponse);
  EXPECT_EQ(charge.dispute->dispute_id, Id(7));
  EXPECT_EQ(charge.dispute->reason_code, "fraudulent");
  EXPECT_EQ(charge.dispute->respond_by, kNow + kResponseTime);
  EXPECT_EQ(charge.payment.counters.disputed_minor, 400);
}

TEST(DisputeRulesTest, WhatIsLostStaysCounted) {
  Charge charge = Disputed();
  Do(charge, Decision(StepKind::kAccept), kYes);
  EXPECT_EQ(charge.dispute->state, DisputeState::kLost);
  EXPECT_EQ(charge.payment.counters.disputed_minor, 400);
  Step refund = Of(StepKind::kRefund, 601);
  EXPECT_TRUE(Reserve(charge, refund).has_value());
}

TEST(DisputeRulesTest, WhatIsUpheldCanBeRefundedButNotDisputedAgain) {
  Charge charge = Disputed();
  charge.dispute->state = DisputeState::kUnderReview;
  Do(charge, Decision(StepKind::kResolve, kWon), kRepaid);
  EXPECT_EQ(charge.dispute->state, DisputeState::kWon);
  Step dispute = Of(StepKind::kDispute, 601);
  EXPECT_THAT(Reserve(charge, dispute), Optional(Objection{Reason::kPaymentNotDisputable, 600}));
  Step refund = Of(StepKind::kRefund, 1000);
  EXPECT_THAT(Reserve(charge, refund), Eq(std::nullopt));
}

TEST(DisputeRulesTest, WhatIsWithdrawnIsAsBefore) {
  Charge charge = Disputed();
  Do(charge, Decision(StepKind::kWithdraw), kRepaid);
  EXPECT_EQ(charge.dispute->state, DisputeState::kWithdrawn);
  EXPECT_EQ(charge.payment.counters, Counters());
}

TEST(DisputeRulesTest, IsDecidedOnceAndNotBeforeTheResponse) {
  Charge charge = Disputed();
  Step early = Decision(StepKind::kResolve, kLost);
  EXPECT_EQ(WhyNot(charge, early), Reason::kDisputeClosed);
  Step accept = Decision(StepKind::kAccept);
  ASSERT_THAT(Reserve(charge, accept), Eq(std::nullopt));
  Step withdraw = Decision(StepKind::kWithdraw);
  EXPECT_EQ(WhyNot(charge, withdraw), Reason::kDisputeClosed);
  // The ledger says no: somebody may decide it again.
  EXPECT_TRUE(ApplyAnswer(charge, accept, No("account_closed"), kNow));
  EXPECT_EQ(charge, Disputed());
  Do(charge, Decision(StepKind::kWithdraw), kRepaid);
  Step late = Decision(StepKind::kAccept);
  EXPECT_EQ(WhyNot(charge, late), Reason::kDisputeClosed);
}

// Any steps in any order, answered in any order: what the invariants say holds throughout, and all
// ends.
TEST(StepRulesProperty, NeverMoreThanThereIs) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::mt19937 random(seed);
    Charge charge = Authorized();
    std::vector<Step> in_flight;
    for (int i = 0; i < 40; ++i) {
      if (random() % 2 == 0 || in_flight.empty()) {
        const StepKind kinds[] = {StepKind::kCapture, StepKind::kCapture, StepKind::kRefund,
                                  StepKind::kDispute, StepKind::kVoid};
        Step step = Of(kinds[random() % 5], random() % 400, random() % 8 == 0);
        if (!Reserve(charge, step)) in_flight.push_back(step);
      } else {
        const std::size_t at = random() % in_flight.size();
        EXPECT_TRUE(ApplyAnswer(charge, in_flight[at],
                                random() % 3 == 0 ? No("balance_overflow") : kYes, kNow));
        in_flight.erase(in_flight.begin() + static_cast<std::ptrdiff_t>(at));
      }
      const Counters& counters = charge.payment.counters;
      ASSERT_GE(counters.capturing_minor, 0);
      ASSERT_LE(counters.captured_minor + counters.capturing_minor, 1000);
      ASSERT_LE(counters.refunded_minor + counters.disputed_minor, counters.captured_minor);
      ASSERT_EQ(charge.payment.state == State::kCanceled,
                charge.payment.state != State::kRequiresCapture && counters.captured_minor == 0);
    }
  }
}

TEST(FailureOfTest, IsTheSameForEveryReplay) {
  const Step refused = Refuse(Of(StepKind::kRefund, 5), {Reason::kRefundExceedsCaptured, 4});
  const absl::Status failure = FailureOf(refused);
  EXPECT_EQ(ReasonOf(failure), Reason::kRefundExceedsCaptured);
  EXPECT_EQ(DetailOf(failure).metadata.at("remaining_minor"), "4");
}

TEST(VisibleToPayeeTest, OnlyOnceMoneyIsTheirs) {
  for (const State state :
       {State::kProcessing, State::kRequiresAction, State::kFailed, State::kCanceled}) {
    EXPECT_FALSE(VisibleToPayee(Transfer(state, true))) << NameOf(state);
  }
  EXPECT_TRUE(VisibleToPayee(Transfer(State::kSucceeded, false)));
  EXPECT_TRUE(VisibleToPayee(Transfer(State::kRequiresCapture, true)));
}

}  // namespace
}  // namespace florin::payments
