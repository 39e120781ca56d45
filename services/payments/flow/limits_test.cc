// Limits from the request to the ledger's chain and back, over the doubles of the peers.
#include <boost/asio/use_future.hpp>

#include "services/payments/domain/limit_chain.h"
#include "services/payments/flow/payments_fixture.h"

namespace florin::payments {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Currency kEur = *Currency::Parse("EUR");

class LimitsTest : public PaymentsFixture {
 protected:
  // A day's, of each user.
  Limit Daily(std::int64_t maximum) {
    return {.limit_id = SystemIds().NewId(),
            .scope = LimitScope::kUser,
            .currency = kEur,
            .measure = LimitMeasure::kAmount,
            .window = absl::Hours(24),
            .maxima = {maximum}};
  }
  Limit Make(Limit limit) {
    Change(LimitChange::Kind::kCreate, limit, 0);
    return limit;
  }
  void Set(const Limit& limit, std::int64_t maximum) {
    Change(LimitChange::Kind::kSetMaximum, limit, maximum);
  }
  void Change(LimitChange::Kind kind, const Limit& limit, std::int64_t maximum) {
    LimitChange change{.kind = kind,
                       .limit = limit,
                       .limit_id = limit.limit_id,
                       .maximum = maximum,
                       .user_id = user_,
                       .idempotency_key = std::to_string(++changes_),
                       .fingerprint = crypto::Sha256("change"),
                       .time = NowInMicroseconds(clock_)};
    ASSERT_THAT(runtime_.Run(limit_store_.ChangeLimit(std::move(change))), IsOk());
    ASSERT_THAT(runtime_.Run(limits_.Refresh()), IsOk());
  }
  // How a payment of this much ended: "succeeded", or why it failed.
  std::string Pay(std::int64_t minor_units) {
    return Ended(Create(Transfer(minor_units), std::to_string(++keys_)));
  }
  static std::string Ended(const absl::StatusOr<CreatePayment::Outcome>& made) {
    if (!made.ok()) return std::string(made.status().message());
    const Payment& payment = made->payment;
    if (payment.state != State::kFailed) return std::string(NameOf(payment.state));
    if (!payment.limit_refusal) return payment.failure_reason;
    return payment.failure_reason + " " + std::to_string(payment.limit_refusal->remaining);
  }
  std::int64_t HeldBy(const Limit& limit) {
    return ledger_double_.HeldOf(ControlAccountOf(limit, user_, a_, b_));
  }

  int changes_ = 0;
  int keys_ = 0;
};

TEST_F(LimitsTest, WithoutAnyNothingIsDifferent) {
  EXPECT_EQ(Pay(400), "succeeded");
  EXPECT_EQ(ledger_double_.committed(), 1);
  EXPECT_EQ(ledger_double_.open_calls(), 0);
  EXPECT_THAT(ledger_double_.all_requests(), Not(HasSubstr("linked")));
}

TEST_F(LimitsTest, AWindowAddsUpAndRollsOn) {
  const Limit day = Make(Daily(500));
  EXPECT_EQ(Pay(200), "succeeded");
  clock_.Advance(absl::Hours(12));
  EXPECT_EQ(Pay(301), "limit_exceeded 300");
  EXPECT_EQ(Pay(300), "succeeded");
  EXPECT_EQ(Pay(1), "limit_exceeded 0");
  EXPECT_EQ(HeldBy(day), 500);
  clock_.Advance(absl::Hours(12));
  EXPECT_EQ(Pay(201), "limit_exceeded 200");
  EXPECT_EQ(Pay(200), "succeeded");
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 700);
}

// B's customer lives in France; C's nobody knows where.
TEST_F(LimitsTest, ACountryIsOfWhoeverIsPaid) {
  AccountFacts facts{.account_id = b_, .owner_user_id = user_, .currency = kEur};
  facts.country = "FR";
  accounts_double_.Add(facts);
  Limit france = Daily(500);
  france.scope = LimitScope::kCountry;
  france.country = "FR";
  Make(france);
  Limit unknown = france;
  unknown.limit_id = SystemIds().NewId();
  unknown.country = std::string(kUnknownCountry);
  unknown.maxima = {30};
  Make(unknown);
  EXPECT_EQ(Pay(300), "succeeded");
  EXPECT_EQ(Pay(201), "limit_exceeded 200");
  PaymentRequest elsewhere = Transfer(31);
  elsewhere.destination_account_id = c_;
  EXPECT_EQ(Ended(Create(elsewhere, "unknown")), "limit_exceeded 30");
  elsewhere.amount.minor_units = 30;
  EXPECT_EQ(Ended(Create(elsewhere, "known")), "succeeded");
}

TEST_F(LimitsTest, ARefusalIsFinalUnderItsKey) {
  const Limit day = Make(Daily(100));
  const auto refused = Create(Transfer(101), "key");
  EXPECT_EQ(Ended(refused), "limit_exceeded 100");
  const absl::Status failure = FailureOf(refused->payment);
  EXPECT_EQ(DetailOf(failure).metadata.at("limit"), FormatId(IdKind::kLimit, day.limit_id));
  Set(day, 1000);
  const auto again = Create(Transfer(101), "key");
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->payment, refused->payment);
  EXPECT_EQ(Pay(101), "succeeded");
}

TEST_F(LimitsTest, WhatFailsUsesNothing) {
  const Limit day = Make(Daily(5000));
  EXPECT_EQ(Pay(1001), "insufficient_funds");
  EXPECT_EQ(HeldBy(day), 0);
  // Nor does it use of one limit what another refuses.
  Limit week = Daily(300);
  week.window = absl::Hours(7 * 24);
  Make(week);
  EXPECT_EQ(Pay(301), "limit_exceeded 300");
  EXPECT_EQ(HeldBy(day), 0);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 1000);
}

TEST_F(LimitsTest, WithoutAWindowTheLedgerIsNotAsked) {
  Limit each = Daily(100);
  each.window.reset();
  Make(each);
  EXPECT_EQ(Pay(101), "limit_exceeded 100");
  EXPECT_EQ(ledger_double_.all_requests(), "");
  EXPECT_EQ(Pay(100), "succeeded");
  EXPECT_EQ(Pay(100), "succeeded");
}

TEST_F(LimitsTest, CountsPayments) {
  Limit count = Daily(2);
  count.measure = LimitMeasure::kCount;
  Make(count);
  EXPECT_EQ(Pay(1), "succeeded");
  EXPECT_EQ(Pay(1), "succeeded");
  EXPECT_EQ(Pay(1), "limit_exceeded 0");
}

TEST_F(LimitsTest, AreForTheLevelOfTheAccountsCustomer) {
  Limit none = Daily(100);
  none.kyc_level = KycLevel::kNone;
  Make(none);
  Limit full = Daily(10);
  full.kyc_level = KycLevel::kFull;
  Make(full);
  EXPECT_EQ(Pay(11), "succeeded");
  EXPECT_EQ(Pay(101), "limit_exceeded 89");
}

TEST_F(LimitsTest, ARaiseIsThereAtOnce) {
  const Limit day = Make(Daily(100));
  EXPECT_EQ(Pay(100), "succeeded");
  Set(day, 150);
  EXPECT_EQ(Pay(51), "limit_exceeded 50");
  EXPECT_EQ(Pay(50), "succeeded");
}

TEST_F(LimitsTest, ALoweredLimitIsNeverPassedWhateverIsInUse) {
  const Limit day = Make(Daily(500));
  EXPECT_EQ(Pay(200), "succeeded");
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Pay(200), "succeeded");
  Set(day, 250);
  EXPECT_EQ(Pay(1), "limit_exceeded 0");
  // The first 200 are over: 200 in use, of 250.
  clock_.Advance(absl::Hours(23));
  EXPECT_EQ(Pay(51), "limit_exceeded 50");
  EXPECT_EQ(Pay(50), "succeeded");
  EXPECT_EQ(Pay(1), "limit_exceeded 0");
  // And raised again.
  Set(day, 260);
  EXPECT_EQ(Pay(11), "limit_exceeded 10");
  EXPECT_EQ(Pay(10), "succeeded");
  clock_.Advance(absl::Hours(24));
  EXPECT_EQ(Pay(261), "limit_exceeded 260");
  EXPECT_EQ(Pay(260), "succeeded");
}

TEST_F(LimitsTest, ARemovedOneIsNone) {
  const Limit day = Make(Daily(100));
  EXPECT_EQ(Pay(101), "limit_exceeded 100");
  Change(LimitChange::Kind::kRemove, day, 0);
  EXPECT_EQ(Pay(101), "succeeded");
}

// However long it takes: the removal lets nothing be forgotten that a payment still uses.
TEST_F(LimitsTest, APaymentEndsAfterItsLimitWasRemovedLongAgo) {
  const Limit day = Make(Daily(500));
  const Limit other = Make(Daily(150));
  ledger_double_.SetFault(Fault::kUnavailable);
  for (const std::int64_t amount : {100, 51}) {
    EXPECT_THAT(Create(Transfer(amount), std::to_string(amount)),
                StatusHasReason(Reason::kUnavailable));
  }
  ledger_double_.SetFault(Fault::kNone);
  Change(LimitChange::Kind::kRemove, day, 0);
  Change(LimitChange::Kind::kRemove, other, 0);
  clock_.Advance(kRemovedLimitsStay + absl::Seconds(1));
  ASSERT_THAT(runtime_.Run(limits_.Refresh()), IsOk());
  // A process that was started since then.
  LimitDirectory directory(limit_store_, clock_);
  LimitBuckets buckets(directory, ledger_, reader_, "main");
  Settlement young(runtime_.executor(), store_, ledger_, chart_, clock_, "main", &buckets);
  const auto settle = [&](std::int64_t amount) {
    for (const Payment& payment : Payments()) {
      if (payment.amount.minor_units != amount) continue;
      const absl::StatusOr<Payment> settled = runtime_.Run(young.Settle(payment));
      if (!settled.ok()) return std::string(settled.status().message());
      return Ended(CreatePayment::Outcome{.payment = *settled});
    }
    return std::string("none");
  };
  EXPECT_EQ(settle(100), "succeeded");
  EXPECT_EQ(settle(51), "limit_exceeded 50");
  EXPECT_EQ(HeldBy(day), 100);
  EXPECT_EQ(HeldBy(other), 100);
}

TEST_F(LimitsTest, DepositsAreNotLimited) {
  Limit none = Daily(0);
  Make(none);
  EXPECT_EQ(Pay(1), "limit_exceeded 0");
  EXPECT_EQ(Ended(Create(Deposit(400), "deposit")), "succeeded");
}

TEST_F(LimitsTest, AnAuthorizationIsLimitedAndAVoidGivesItBack) {
  const Limit day = Make(Daily(500));
  PaymentRequest request = Transfer(400);
  request.destination_account_id = c_;
  request.authorization_timeout = absl::Hours(2);
  const auto made = Create(request, "authorization");
  EXPECT_EQ(Ended(made), "requires_capture");
  EXPECT_EQ(HeldBy(day), 400);
  EXPECT_EQ(Pay(101), "limit_exceeded 100");
  Step step{.step_id = SystemIds().NewId(),
            .payment_id = made->payment.payment_id,
            .user_id = stranger_,
            .kind = StepKind::kVoid};
  const auto voided = runtime_.Run(steps_.Run(step, "void", {}));
  ASSERT_THAT(voided, IsOk());
  EXPECT_EQ(voided->charge.payment.state, State::kCanceled);
  EXPECT_EQ(HeldBy(day), 0);
  EXPECT_EQ(Pay(500), "succeeded");
}

TEST_F(LimitsTest, WhatIsCapturedStaysUsed) {
  const Limit day = Make(Daily(500));
  PaymentRequest request = Transfer(400);
  request.destination_account_id = c_;
  request.authorization_timeout = absl::Hours(2);
  const auto made = Create(request, "authorization");
  Step step{.step_id = SystemIds().NewId(),
            .payment_id = made->payment.payment_id,
            .user_id = stranger_,
            .kind = StepKind::kCapture,
            .amount_minor = 100};
  ASSERT_THAT(runtime_.Run(steps_.Run(step, "capture", {})), IsOk());
  step.kind = StepKind::kVoid;
  step.step_id = SystemIds().NewId();
  step.amount_minor = 0;
  ASSERT_THAT(runtime_.Run(steps_.Run(step, "void", {})), IsOk());
  EXPECT_EQ(HeldBy(day), 400);
}

TEST_F(LimitsTest, AnExpiredAuthorizationGivesItBack) {
  const Limit day = Make(Daily(500));
  PaymentRequest request = Transfer(400);
  request.destination_account_id = c_;
  request.authorization_timeout = absl::Hours(2);
  const auto made = Create(request, "authorization");
  clock_.Advance(absl::Hours(3));
  ASSERT_THAT(runtime_.Run(charge_recovery_.RunOnce()), IsOk());
  EXPECT_EQ(HeldBy(day), 0);
}

TEST_F(LimitsTest, AnAuthorizationThatExpiresDuringACaptureGivesItBack) {
  const Limit day = Make(Daily(500));
  PaymentRequest request = Transfer(400);
  request.destination_account_id = c_;
  request.authorization_timeout = absl::Hours(2);
  const auto made = Create(request, "authorization");
  Step capture{.step_id = SystemIds().NewId(),
               .payment_id = made->payment.payment_id,
               .user_id = stranger_,
               .kind = StepKind::kCapture,
               .amount_minor = 100};
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_THAT(runtime_.Run(steps_.Run(capture, "capture", {})),
              StatusHasReason(Reason::kUnavailable));
  ledger_double_.SetFault(Fault::kNone);
  clock_.Advance(absl::Hours(3));
  EXPECT_THAT(runtime_.Run(steps_.Expire(made->payment)), IsOk());
  EXPECT_EQ(HeldBy(day), 400) << "the capture might have been in time";
  ASSERT_THAT(runtime_.Run(charge_recovery_.RunOnce()), IsOk());
  EXPECT_EQ(runtime_.Run(store_.GetPayment(user_, made->payment.payment_id))->state,
            State::kCanceled);
  EXPECT_EQ(HeldBy(day), 0);
}

TEST_F(LimitsTest, WhatWasLoweredAndRaisedIsNotThereTwice) {
  const Limit day = Make(Daily(500));
  EXPECT_EQ(Pay(1), "succeeded");
  // Judged by the first maximum, and brought to the ledger under the third.
  ledger_double_.SetFault(Fault::kUnavailable);
  for (const std::int64_t amount : {499, 100}) {
    EXPECT_THAT(Create(Transfer(amount), std::to_string(amount)),
                StatusHasReason(Reason::kUnavailable));
  }
  ledger_double_.SetFault(Fault::kNone);
  Set(day, 300);
  Set(day, 400);
  EXPECT_THAT(Pay(400), HasSubstr("limit_exceeded"));
  ASSERT_THAT(Recover(), IsOk());
  EXPECT_EQ(HeldBy(day), 500);
}

// Another process judges and this one, which has read the limits before, brings it to the ledger.
TEST_F(LimitsTest, WhoeverHasReadTheLimitsBeforeReadsThemAgain) {
  const Limit day = Make(Daily(500));
  LimitDirectory behind(limit_store_, clock_);
  ASSERT_THAT(runtime_.Run(behind.Refresh()), IsOk());
  Set(day, 300);
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_THAT(Create(Transfer(100), "key"), StatusHasReason(Reason::kUnavailable));
  ledger_double_.SetFault(Fault::kNone);
  LimitBuckets buckets(behind, ledger_, reader_, "main");
  Settlement other(runtime_.executor(), store_, ledger_, chart_, clock_, "main", &buckets);
  const absl::StatusOr<Payment> settled = runtime_.Run(other.Settle(Payments().at(0)));
  ASSERT_THAT(settled, IsOk());
  EXPECT_EQ(settled->state, State::kSucceeded);
  EXPECT_EQ(HeldBy(day), 100);
}

TEST_F(LimitsTest, AfterACrashTheSameIsDecided) {
  const Limit day = Make(Daily(500));
  EXPECT_EQ(Pay(100), "succeeded");
  // The ledger has done it; the answer, or its record, was lost.
  for (const bool answer_lost : {true, false}) {
    ledger_double_.SetFault(answer_lost ? Fault::kAnswerLost : Fault::kNone);
    if (!answer_lost) store_.FailRecords(true);
    EXPECT_THAT(Create(Transfer(100), answer_lost ? "one" : "two"),
                StatusHasReason(Reason::kUnavailable));
    ledger_double_.SetFault(Fault::kNone);
    store_.FailRecords(false);
  }
  // Whatever limits are by now.
  Set(day, 50);
  Make(Daily(1));
  ASSERT_THAT(Recover(), IsOk());
  for (const char* key : {"one", "two"}) EXPECT_EQ(Ended(Create(Transfer(100), key)), "succeeded");
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 300);
  EXPECT_EQ(HeldBy(day), 300);
}

TEST_F(LimitsTest, AfterACrashARefusalStaysOne) {
  const Limit day = Make(Daily(100));
  EXPECT_EQ(Pay(60), "succeeded");
  store_.FailRecords(true);
  EXPECT_THAT(Create(Transfer(41), "key"), StatusHasReason(Reason::kUnavailable));
  store_.FailRecords(false);
  Set(day, 1000);
  ASSERT_THAT(Recover(), IsOk());
  const auto again = Create(Transfer(41), "key");
  EXPECT_THAT(Ended(again), HasSubstr("limit_exceeded"));
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 60);
}

TEST_F(LimitsTest, WhatIsLeftMustBeKnownToSay) {
  Make(Daily(100));
  reader_double_.SetAvailable(false);
  EXPECT_THAT(Create(Transfer(101), "key"), StatusHasReason(Reason::kUnavailable));
  reader_double_.SetAvailable(true);
  ASSERT_THAT(Recover(), IsOk());
  EXPECT_EQ(Ended(Create(Transfer(101), "key")), "limit_exceeded 100");
}

TEST_F(LimitsTest, RecoversManyInOneCall) {
  Make(Daily(100));
  Limit each = Daily(70);
  each.window.reset();
  Make(each);
  ledger_double_.SetFault(Fault::kUnavailable);
  for (const char* key : {"0", "1", "2"}) {
    EXPECT_THAT(Create(Transfer(40), key), StatusHasReason(Reason::kUnavailable));
  }
  store_.FailRecords(true);
  EXPECT_THAT(Create(Transfer(71), "3"), StatusHasReason(Reason::kUnavailable));
  store_.FailRecords(false);
  ledger_double_.SetFault(Fault::kNone);
  ASSERT_THAT(Recover(), IsOk());
  std::map<std::string, int> ends;
  for (int i = 0; i < 4; ++i) {
    ++ends[Ended(Create(Transfer(i == 3 ? 71 : 40), std::to_string(i)))];
  }
  EXPECT_EQ(ends["succeeded"], 2);
  EXPECT_EQ(ends["limit_exceeded 20"], 1);
  EXPECT_EQ(ends["limit_exceeded 70"], 1);
}

TEST_F(LimitsTest, OnePaymentOfAnUnknownLimitHoldsUpNoOther) {
  const Limit day = Make(Daily(100));
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_THAT(Create(Transfer(10), "one"), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(Create(Transfer(20), "two"), StatusHasReason(Reason::kUnavailable));
  ledger_double_.SetFault(Fault::kNone);
  for (const Payment& payment : Payments()) {
    if (payment.amount.minor_units != 10) continue;
    store_.Tamper(user_, payment.payment_id, [](Payment& tampered) {
      tampered.limit_uses.front().limit_id = SystemIds().NewId();
    });
  }
  ASSERT_THAT(Recover(), IsOk());
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 20);
  EXPECT_EQ(HeldBy(day), 20);
}

TEST_F(LimitsTest, ThatAreTooOldToKnowStopPayments) {
  EXPECT_EQ(Pay(1), "succeeded");
  limit_store_.FailReads(true);
  clock_.Advance(kLimitStaleness);
  EXPECT_EQ(Pay(1), "succeeded");
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(Create(Transfer(1), "key"), StatusHasReason(Reason::kUnavailable));
  limit_store_.FailReads(false);
  EXPECT_THAT(Create(Transfer(1), "key"), IsOk());
}

TEST_F(LimitsTest, BindEverybodyAtOnce) {
  Make(Daily(500));
  ledger_double_.Fund(a_, 100'000);
  std::vector<std::future<absl::StatusOr<CreatePayment::Outcome>>> payments;
  std::int64_t paid = 0;
  for (int i = 0; i < 64; ++i) {
    rpc::Outgoing context;
    payments.push_back(asio::co_spawn(
        runtime_.executor(),
        create_.Run(context, user_, "at once " + std::to_string(i), Transfer(10 + i)),
        asio::use_future));
  }
  int refused = 0;
  for (auto& payment : payments) {
    const auto made = payment.get();
    ASSERT_THAT(made, IsOk());
    if (made->payment.state == State::kSucceeded) {
      paid += made->payment.amount.minor_units;
    } else {
      EXPECT_EQ(made->payment.failure_reason, "limit_exceeded");
      ++refused;
    }
  }
  EXPECT_LE(paid, 500);
  EXPECT_GT(refused, 0);
  EXPECT_EQ(ledger_double_.BalanceOf(b_), paid);
}

TEST_F(LimitsTest, WhatALimitRefusesNobodyIsAskedToApprove) {
  Limit each = Daily(400);
  each.window.reset();
  Make(each);
  PaymentRequest request = Transfer(500);
  request.destination_account_id = c_;
  rpc::Outgoing context;
  EXPECT_EQ(Ended(runtime_.Run(judging_create_.Run(context, user_, "key", request))),
            "limit_exceeded 400");
}

}  // namespace
}  // namespace florin::payments
