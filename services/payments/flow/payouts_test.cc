// Payouts over the fake store, the sandbox's rail in memory and a real channel to the ledger's
// double: each behaviour of the rail, and a crash after each step.
#include "services/payments/flow/payouts.h"

#include <vector>

#include "services/payments/domain/approval.h"
#include "services/payments/flow/payee_check.h"
#include "services/payments/flow/payments_fixture.h"
#include "services/payments/flow/rail_deposits.h"
#include "services/payments/flow/sandbox_rail.h"
#include "services/payments/store/fake_deposit_store.h"
#include "services/payments/store/fake_sandbox_rail_store.h"

namespace florin::payments {
namespace {

using ::testing::AllOf;

constexpr char kAccepts[] = "DE97500105170600000000";
constexpr char kDelays[] = "DE55500105170600009001";
constexpr char kRejects[] = "DE28500105170600009002";
constexpr char kReturns[] = "DE98500105170600009003";
constexpr char kRepeats[] = "DE71500105170600009004";
constexpr char kSilent[] = "DE44500105170600009005";

// Counts, and fails as it is told.
class WatchedRail : public Rail {
 public:
  explicit WatchedRail(Rail& rail) : rail_(rail) {}

  Task<absl::StatusOr<RailStatus>> Submit(RailPayout payout) override {
    ++submissions;
    if (lose_submissions) co_return Error(Reason::kUnavailable, "told to fail");
    auto status = co_await rail_.Submit(std::move(payout));
    if (lose_answers) co_return Error(Reason::kUnavailable, "told to fail");
    co_return status;
  }
  Task<absl::StatusOr<RailStatus>> StatusOf(Uuid payout_id) override {
    co_return co_await rail_.StatusOf(payout_id);
  }
  Task<absl::StatusOr<std::vector<RailEntry>>> Notifications(int limit) override {
    co_return co_await rail_.Notifications(limit);
  }
  Task<absl::Status> Acknowledge(std::int64_t number) override {
    ++acknowledged;
    co_return co_await rail_.Acknowledge(number);
  }
  Task<absl::StatusOr<RailStatement>> Statement(std::string cursor, int limit) override {
    co_return co_await rail_.Statement(std::move(cursor), limit);
  }

  std::atomic<int> submissions = 0;
  std::atomic<int> acknowledged = 0;
  std::atomic<bool> lose_submissions = false;  // Before the rail hears of it.
  std::atomic<bool> lose_answers = false;      // After that.

 private:
  Rail& rail_;
};

class PayoutsTest : public PaymentsFixture {
 protected:
  PayoutRequest Request(const std::string& iban, std::int64_t minor_units = 250) const {
    return {.source_account_id = a_,
            .amount = {.minor_units = minor_units, .currency = *Currency::Parse("EUR")},
            .beneficiary = *CheckBeneficiary("Secret Name", iban, ""),
            .reference = "secret reference",
            .rail = "sandbox"};
  }
  absl::StatusOr<Payouts::Outcome> Create(const PayoutRequest& request,
                                          const std::string& key = "key") {
    rpc::Outgoing context;
    return runtime_.Run(payouts_.Create(context, user_, key, request));
  }
  Payout Made(const std::string& iban, std::int64_t minor_units = 250) {
    const auto made = Create(Request(iban, minor_units));
    EXPECT_THAT(made, IsOk());
    return made->payout;
  }
  Payout Kept(const Payout& payout) {
    return runtime_.Run(store_.FindPayout(payout.payment.payment_id)).value();
  }
  // What the worker does once so much time has passed.
  void Work(absl::Duration after = kLease) {
    clock_.Advance(after);
    EXPECT_THAT(runtime_.Run(inbox_.RunOnce()), IsOk());
    EXPECT_THAT(runtime_.Run(payouts_.RunOnce()), IsOk());
  }
  std::int64_t House(Role role) {
    return ledger_double_.BalanceOf(HouseAccountId({role, *Currency::Parse("EUR")}));
  }
  // A has this, nothing is held, and the clearing accounts have nothing.
  void ExpectAtRest(std::int64_t a) {
    EXPECT_EQ(ledger_double_.BalanceOf(a_), a);
    EXPECT_EQ(ledger_double_.HeldOf(a_), 0);
    EXPECT_EQ(House(Role::kOutboundClearing), 0);
    EXPECT_EQ(House(Role::kInboundClearing), 0);
  }
  static CreatePayment::Approving Approving(ApprovalStore& store, PaymentApprovals& approvals,
                                            const std::string& policy) {
    return {.store = store, .approvals = approvals, .policy = *ParseApprovalPolicy(policy)};
  }
  Payouts Over(Rail& rail, const std::string& policy, PayeeCheck* payees = nullptr) {
    return Payouts({.payments = store_,
                    .payouts = store_,
                    .accounts = directory_,
                    .settlement = settlement_,
                    .chart = chart_,
                    .confirm = confirm_,
                    .approving = Approving(store_, approvals_, policy),
                    .rails = {{"sandbox", &rail}},
                    .clock = clock_,
                    .ids = SystemIds(),
                    .limits = &limits_,
                    .pricing = &*pricing_,
                    .payees = payees});
  }
  // From now on, as after a restart.
  void UseSchedule(const std::string& text) { pricing_.emplace(*ParseFeeSchedule(text), store_); }
  void ExpectFee(const Payout& payout, FeeState state, std::int64_t income) {
    EXPECT_EQ(FeeStateOf(payout), state) << NameOf(FeeStateOf(payout));
    EXPECT_EQ(House(Role::kFeeIncome), income);
  }

  FakeSandboxRailStore rail_store_;
  FakeDepositStore deposit_store_;
  SandboxRail sandbox_{rail_store_, clock_};
  WatchedRail rail_{sandbox_};
  Payouts payouts_ = Over(rail_, "");
  Payouts judging_ = Over(rail_, "EUR:300:1000");
  RailDeposits deposits_{store_, deposit_store_, directory_, settlement_,
                         chart_, clock_,         SystemIds()};
  RailInbox inbox_{{{"sandbox", &rail_}}, payouts_, deposits_};
};

TEST_F(PayoutsTest, IsSettledAtOnce) {
  const Payout payout = Made(kAccepts);
  EXPECT_EQ(payout.stage, PayoutStage::kSettled);
  EXPECT_EQ(payout.payment.state, State::kSucceeded);
  ExpectAtRest(750);
  EXPECT_EQ(House(Role::kNostro), 250);
  const int moved = ledger_double_.committed();
  Work();
  EXPECT_EQ(rail_.acknowledged, 1) << "the notification is late, and changes nothing";
  EXPECT_EQ(ledger_double_.committed(), moved);
  EXPECT_EQ(rail_.submissions, 1);
}

TEST_F(PayoutsTest, TheLedgerHearsNothingOfTheBeneficiary) {
  Made(kAccepts);
  const std::string requests = ledger_double_.all_requests();
  EXPECT_NE(requests.find("payment_id"), std::string::npos);
  for (const char* secret : {"Secret", "secret", "0600000000"}) {
    EXPECT_EQ(requests.find(secret), std::string::npos) << secret;
  }
}

TEST_F(PayoutsTest, TheSameKeyIsTheSamePayout) {
  const Payout first = Made(kAccepts);
  const auto again = Create(Request(kAccepts));
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->payout, first);
  EXPECT_THAT(Create(Request(kRejects)), StatusHasReason(Reason::kIdempotencyKeyReused));
  PayoutRequest renamed = Request(kAccepts);
  renamed.beneficiary.name = "Another Name";
  EXPECT_THAT(Create(renamed), StatusHasReason(Reason::kIdempotencyKeyReused));
  ExpectAtRest(750);
  EXPECT_EQ(rail_.submissions, 1);
}

TEST_F(PayoutsTest, WaitsForADelayedSettlement) {
  const Payout payout = Made(kDelays);
  EXPECT_EQ(payout.stage, PayoutStage::kSent);
  EXPECT_EQ(payout.payment.state, State::kProcessing);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 750);
  EXPECT_EQ(House(Role::kOutboundClearing), 250);
  Work();
  Work(absl::Minutes(59) - kLease);
  EXPECT_EQ(Kept(payout).stage, PayoutStage::kSent);
  Work(absl::Minutes(1));
  EXPECT_EQ(Kept(payout).payment.state, State::kSucceeded);
  ExpectAtRest(750);
  EXPECT_EQ(rail_.submissions, 1);
}

TEST_F(PayoutsTest, ARejectionGivesTheMoneyBack) {
  const Payout payout = Made(kRejects);
  EXPECT_EQ(payout.stage, PayoutStage::kRejected);
  EXPECT_EQ(payout.payment.state, State::kFailed);
  EXPECT_EQ(payout.code, "AC01");
  EXPECT_THAT(FailureOf(payout), StatusHasReason(Reason::kRailRejected));
  ExpectAtRest(1000);
  Work();
  ExpectAtRest(1000);
  EXPECT_EQ(Create(Request(kRejects))->payout, payout);
}

TEST_F(PayoutsTest, AReturnGivesTheMoneyBackLater) {
  const Payout payout = Made(kReturns);
  EXPECT_EQ(payout.payment.state, State::kSucceeded);
  Work();
  ExpectAtRest(750);
  Work(absl::Hours(24));
  const Payout returned = Kept(payout);
  EXPECT_EQ(returned.payment.state, State::kReturned);
  EXPECT_EQ(returned.payment.failure_reason, "rail_returned");
  EXPECT_EQ(returned.code, "AC04");
  ExpectAtRest(1000);
  EXPECT_EQ(House(Role::kNostro), 0);
}

TEST_F(PayoutsTest, AReturnToAClosedAccountGoesToSuspense) {
  const Payout payout = Made(kReturns, 1000);
  ledger_double_.Close(a_);
  Work(absl::Hours(25));
  EXPECT_EQ(Kept(payout).payment.state, State::kReturned);
  EXPECT_EQ(House(Role::kSuspense), 1000);
  ExpectAtRest(0);
}

TEST_F(PayoutsTest, ManyNotificationsAreOne) {
  Made(kRepeats);
  const int moved = ledger_double_.committed();
  for (int i = 0; i < 5; ++i) Work();
  EXPECT_EQ(rail_.acknowledged, 3);
  EXPECT_EQ(ledger_double_.committed(), moved);
  ExpectAtRest(750);
}

TEST_F(PayoutsTest, SilenceIsAskedAboutAndNeverSubmittedAgain) {
  const Payout payout = Made(kSilent);
  EXPECT_EQ(payout.payment.state, State::kProcessing);
  for (int i = 0; i < 20; ++i) Work(absl::Minutes(2));
  EXPECT_EQ(Kept(payout).stage, PayoutStage::kSent);
  EXPECT_GT(Kept(payout).asked, 3);
  Work(absl::Minutes(30));
  EXPECT_EQ(Kept(payout).payment.state, State::kSucceeded);
  EXPECT_EQ(rail_.submissions, 1);
  ExpectAtRest(750);
}

TEST_F(PayoutsTest, TheWorkerAsksLessAndLessOften) {
  const Payout payout = Made(kSilent);
  Work(absl::Seconds(2));
  EXPECT_EQ(Kept(payout).asked, 2);
  Work(absl::Seconds(3));
  EXPECT_EQ(Kept(payout).asked, 2) << "the second pause is four seconds";
  Work(absl::Seconds(1));
  EXPECT_EQ(Kept(payout).asked, 3);
}

// The rail never heard of it: only then it is submitted again.
TEST_F(PayoutsTest, WhatNeverReachedTheRailIsSubmittedAgain) {
  rail_.lose_submissions = true;
  const Payout payout = Made(kAccepts);
  EXPECT_EQ(payout.stage, PayoutStage::kSent);
  rail_.lose_submissions = false;
  Work();
  EXPECT_EQ(Kept(payout).payment.state, State::kSucceeded);
  EXPECT_EQ(rail_.submissions, 2);
  ExpectAtRest(750);
}

TEST_F(PayoutsTest, ALostAnswerOfTheRailIsFoundOut) {
  rail_.lose_answers = true;
  const Payout payout = Made(kAccepts);
  EXPECT_EQ(payout.stage, PayoutStage::kSent);
  Work();
  EXPECT_EQ(Kept(payout).payment.state, State::kSucceeded);
  EXPECT_EQ(rail_.submissions, 1);
  ExpectAtRest(750);
}

TEST_F(PayoutsTest, TheLedgersRefusalEndsIt) {
  const Payout payout = Made(kAccepts, 1001);
  EXPECT_EQ(payout.stage, PayoutStage::kRefused);
  EXPECT_EQ(payout.payment.state, State::kFailed);
  EXPECT_THAT(FailureOf(payout), StatusHasReason(Reason::kInsufficientFunds));
  EXPECT_EQ(rail_.submissions, 0);
  ExpectAtRest(1000);
}

TEST_F(PayoutsTest, ABadRequestLeavesNoTrace) {
  PayoutRequest foreign = Request(kAccepts);
  foreign.source_account_id = c_;
  EXPECT_THAT(Create(foreign), AllOf(StatusHasReason(Reason::kAccountNotFound),
                                     StatusHasParam("source_account_id")));
  PayoutRequest dollars = Request(kAccepts);
  dollars.source_account_id = d_;
  EXPECT_THAT(Create(dollars), StatusHasReason(Reason::kCurrencyMismatch));
  PayoutRequest elsewhere = Request(kAccepts);
  elsewhere.rail = "pigeon";
  EXPECT_THAT(Create(elsewhere),
              AllOf(StatusHasReason(Reason::kRailNotFound), StatusHasParam("rail")));
  PayoutRequest wordy = Request(kAccepts);
  wordy.reference = std::string(141, 'x');
  EXPECT_THAT(Create(wordy), StatusHasReason(Reason::kInvalidReference));
  EXPECT_TRUE(Payments().empty());
}

// The ledger or the database is gone at each step in turn: the worker ends what was begun, as if
// nothing had happened.
TEST_F(PayoutsTest, EveryLossIsMadeUpFor) {
  int key = 0;
  std::int64_t balance = 1000;
  for (const Fault fault : {Fault::kUnavailable, Fault::kAnswerLost, Fault::kNotFinal}) {
    ledger_double_.SetFault(fault);
    EXPECT_FALSE(Create(Request(kAccepts, 10), std::to_string(++key)).ok());
    Work();
    ledger_double_.SetFault(Fault::kNone);
    // With the answers lost, each round of the worker does one more step unseen.
    for (int i = 0; i < 3; ++i) Work();
    balance -= 10;
    ExpectAtRest(balance);
    EXPECT_EQ(rail_.submissions, key);
  }
  store_.FailRecords(true);
  EXPECT_FALSE(Create(Request(kAccepts, 10), "database").ok());
  Work();
  store_.FailRecords(false);
  Work();
  ExpectAtRest(balance - 10);
  for (const Payment& payment : Payments()) EXPECT_EQ(payment.state, State::kSucceeded);
}

TEST_F(PayoutsTest, TheAnswersOfEveryStepMayGetLost) {
  ledger_double_.SetFault(Fault::kAnswerLost);
  EXPECT_FALSE(Create(Request(kReturns)).ok());
  ledger_double_.SetFault(Fault::kNone);
  const Payout payout = Create(Request(kReturns))->payout;
  EXPECT_EQ(payout.payment.state, State::kSucceeded);
  ledger_double_.SetFault(Fault::kAnswerLost);
  Work(absl::Hours(25));
  EXPECT_EQ(Kept(payout).stage, PayoutStage::kReturning);
  ledger_double_.SetFault(Fault::kNone);
  Work();
  EXPECT_EQ(Kept(payout).payment.state, State::kReturned);
  ExpectAtRest(1000);
  EXPECT_EQ(rail_.submissions, 1);
}

TEST_F(PayoutsTest, WhatIsNotSentCanBeCanceled) {
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_FALSE(Create(Request(kAccepts)).ok());
  ledger_double_.SetFault(Fault::kNone);
  const Uuid id = Payments().front().payment_id;
  EXPECT_THAT(runtime_.Run(payouts_.Cancel(user_, id)),
              StatusHasReason(Reason::kPaymentNotCancelable))
      << "the ledger may be setting the money aside";
  // As if the process had ended right after that.
  EXPECT_THAT(runtime_.Run(settlement_.Settle(Payments().front())), IsOk());
  EXPECT_THAT(runtime_.Run(store_.Advance(id, PayoutStage::kCreated, PayoutStage::kReserved, "",
                                          clock_.Now())),
              IsOk());
  EXPECT_EQ(ledger_double_.HeldOf(a_), 250);
  EXPECT_THAT(runtime_.Run(payouts_.Cancel(stranger_, id)),
              StatusHasReason(Reason::kPaymentNotFound));
  const auto canceled = runtime_.Run(payouts_.Cancel(user_, id));
  ASSERT_THAT(canceled, IsOk());
  EXPECT_EQ(canceled->payment.state, State::kCanceled);
  EXPECT_EQ(canceled->payment.failure_reason, "payment_canceled");
  EXPECT_EQ(runtime_.Run(payouts_.Cancel(user_, id)).value(), *canceled);
  ExpectAtRest(1000);
  Work();
  EXPECT_EQ(rail_.submissions, 0);
}

TEST_F(PayoutsTest, WhatIsSentCannotBeCanceled) {
  for (const char* iban : {kAccepts, kDelays, kRejects}) {
    const auto made = Create(Request(iban), iban);
    ASSERT_THAT(made, IsOk());
    EXPECT_THAT(runtime_.Run(payouts_.Cancel(user_, made->payout.payment.payment_id)),
                StatusHasReason(Reason::kPaymentNotCancelable));
  }
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 500);
}

// Whoever is first, sending or canceling, decides.
TEST_F(PayoutsTest, CancelingAndSendingExcludeEachOther) {
  const Payout payout = Made(kDelays);
  const Uuid id = payout.payment.payment_id;
  const auto late = runtime_.Run(
      store_.Advance(id, PayoutStage::kReserved, PayoutStage::kCanceling, "", clock_.Now()));
  ASSERT_THAT(late, IsOk());
  EXPECT_EQ(late->stage, PayoutStage::kSent);
}

TEST_F(PayoutsTest, ThePolicyOfTransfersAsksForAnApproval) {
  rpc::Outgoing context;
  const auto small = runtime_.Run(judging_.Create(context, user_, "small", Request(kAccepts, 10)));
  ASSERT_THAT(small, IsOk());
  EXPECT_EQ(small->payout.payment.state, State::kSucceeded) << "exempt as a low value";
  const auto made = runtime_.Run(judging_.Create(context, user_, "key", Request(kAccepts, 400)));
  ASSERT_THAT(made, IsOk());
  const Payment& payment = made->payout.payment;
  EXPECT_EQ(payment.state, State::kRequiresAction);
  ASSERT_TRUE(payment.approval.has_value());
  EXPECT_EQ(payment.approval->payee_name, "Secret Name (DE97500105170600000000)");
  EXPECT_EQ(payment.approval->approval_id, ApprovalIdOf(payment.payment_id));
  Work();
  EXPECT_EQ(rail_.submissions, 1) << "the small one's";
  const auto canceled = runtime_.Run(judging_.Cancel(user_, payment.payment_id));
  ASSERT_THAT(canceled, IsOk());
  EXPECT_EQ(canceled->payment.state, State::kCanceled);
  EXPECT_EQ(canceled->stage, PayoutStage::kCanceled);
  ExpectAtRest(990);
}

TEST_F(PayoutsTest, AnApprovedPayoutIsSentByTheWorker) {
  rpc::Outgoing context;
  const auto made = runtime_.Run(judging_.Create(context, user_, "key", Request(kAccepts, 400)));
  ASSERT_THAT(made, IsOk());
  const Payment& payment = made->payout.payment;
  EXPECT_THAT(runtime_.Run(confirm_.Run(context, user_, payment.payment_id)),
              StatusHasReason(Reason::kApprovalPending));
  approvals_double_.SetState(FormatId(IdKind::kApproval, payment.approval->approval_id),
                             auth::v1::Approval::APPROVED);
  const auto confirmed = runtime_.Run(confirm_.Run(context, user_, payment.payment_id));
  ASSERT_THAT(confirmed, IsOk());
  EXPECT_EQ(confirmed->state, State::kProcessing);
  EXPECT_EQ(ledger_double_.HeldOf(a_), 400);
  EXPECT_EQ(rail_.submissions, 0);
  Work();
  EXPECT_EQ(Kept(made->payout).payment.state, State::kSucceeded);
  ExpectAtRest(600);
}

TEST_F(PayoutsTest, AFeeIsTakenWithTheAmount) {
  UseSchedule("payout EUR payer fixed=10 basis_points=100 min=11 max=20");
  const Payout small = Made(kAccepts, 50);
  ExpectFee(small, FeeState::kTaken, 11);
  ExpectAtRest(939);
  EXPECT_EQ(DebitedOf(small.payment).minor_units, 61);
  EXPECT_EQ(CreditedOf(small.payment).minor_units, 50);
  EXPECT_EQ(House(Role::kNostro), 50) << "the rail never hears of the fee";
  // Whatever the schedule is by then, the key stands for what it cost.
  UseSchedule("payout EUR payer fixed=500");
  EXPECT_EQ(Create(Request(kAccepts, 50))->payout, small);
  const auto dear = Create(Request(kAccepts, 440), "dear");
  ASSERT_THAT(dear, IsOk());
  EXPECT_THAT(FailureOf(dear->payout), StatusHasReason(Reason::kInsufficientFunds))
      << "the fee is no longer covered";
  ExpectFee(dear->payout, FeeState::kNotTaken, 11);
  ExpectAtRest(939);
}

TEST_F(PayoutsTest, NothingIsTakenOfWhatIsRejected) {
  UseSchedule("payout EUR payer fixed=10");
  const Payout payout = Made(kRejects);
  ExpectFee(payout, FeeState::kGivenBack, 0);
  ExpectAtRest(1000);
  Work();
  ExpectAtRest(1000);
}

TEST_F(PayoutsTest, TheFeeOfWhatIsReturnedIsKeptOrNotAsTheScheduleSaid) {
  for (const bool back : {false, true}) {
    UseSchedule(back ? "payout EUR payer fixed=10 returned=give_back"
                     : "payout EUR payer fixed=10 returned=keep");
    const auto made = Create(Request(kReturns, 100), back ? "back" : "kept");
    ASSERT_THAT(made, IsOk());
    ExpectFee(made->payout, FeeState::kTaken, back ? 20 : 10);
    // What it says later is nothing to those that were made.
    UseSchedule(back ? "" : "payout EUR payer fixed=10 returned=give_back");
    Work(absl::Hours(25));
    const Payout returned = Kept(made->payout);
    EXPECT_EQ(returned.payment.state, State::kReturned);
    ExpectFee(returned, back ? FeeState::kGivenBack : FeeState::kTaken, 10);
    ExpectAtRest(990);
    EXPECT_EQ(House(Role::kNostro), 0);
  }
}

TEST_F(PayoutsTest, AFeeThatAClosedAccountDoesNotTakeBackGoesToSuspense) {
  UseSchedule("payout EUR payer fixed=10 returned=give_back");
  const Payout payout = Made(kReturns, 900);
  ledger_double_.Close(a_);
  Work(absl::Hours(25));
  ExpectFee(Kept(payout), FeeState::kGivenBack, 0);
  EXPECT_EQ(House(Role::kSuspense), 910);
}

TEST_F(PayoutsTest, TheFeeIsReleasedWithWhatIsCanceled) {
  UseSchedule("payout EUR payer fixed=10");
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_FALSE(Create(Request(kAccepts)).ok());
  ledger_double_.SetFault(Fault::kNone);
  const Uuid id = Payments().front().payment_id;
  EXPECT_THAT(runtime_.Run(settlement_.Settle(Payments().front())), IsOk());
  EXPECT_THAT(runtime_.Run(store_.Advance(id, PayoutStage::kCreated, PayoutStage::kReserved, "",
                                          clock_.Now())),
              IsOk());
  EXPECT_EQ(ledger_double_.HeldOf(a_), 260);
  const auto canceled = runtime_.Run(payouts_.Cancel(user_, id));
  ASSERT_THAT(canceled, IsOk());
  ExpectFee(*canceled, FeeState::kNotTaken, 0);
  ExpectAtRest(1000);
}

// Also before it is kept on the payout that the ledger has refused it.
TEST_F(PayoutsTest, TheFeeOfWhatHasFailedIsNotHeld) {
  UseSchedule("payout EUR payer fixed=10");
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_FALSE(Create(Request(kAccepts, 1000)).ok());
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_THAT(runtime_.Run(settlement_.Settle(Payments().front())), IsOk());
  const Payout failed = runtime_.Run(payouts_.Get(user_, Payments().front().payment_id)).value();
  EXPECT_EQ(failed.stage, PayoutStage::kCreated);
  EXPECT_EQ(failed.payment.state, State::kFailed);
  ExpectFee(failed, FeeState::kNotTaken, 0);
  Work();
  ExpectFee(Kept(failed), FeeState::kNotTaken, 0);
}

// A crash, or a lost answer, at each call of the ledger and each write in turn.
TEST_F(PayoutsTest, AFeeIsTakenOnceWhateverIsLost) {
  UseSchedule("payout EUR payer fixed=10");
  std::int64_t balance = 1000;
  for (int call = 1; call <= 5; ++call) {
    const std::string key = std::to_string(call);
    ledger_double_.LoseAnswer(call);
    (void)Create(Request(kAccepts, 10), key);
    for (int i = 0; i < 5; ++i) Work();
    ledger_double_.LoseAnswer(0);
    balance -= 20;
    ExpectAtRest(balance);
    EXPECT_EQ(House(Role::kFeeIncome), 10 * call);
    ledger_double_.LoseAnswer(call);
    (void)Create(Request(kRejects, 10), "r" + key);
    for (int i = 0; i < 5; ++i) Work();
    ledger_double_.LoseAnswer(0);
    ExpectAtRest(balance);
    EXPECT_EQ(House(Role::kFeeIncome), 10 * call);
  }
  store_.FailRecords(true);
  EXPECT_FALSE(Create(Request(kAccepts, 10), "database").ok());
  Work();
  store_.FailRecords(false);
  Work();
  ExpectAtRest(balance - 20);
  EXPECT_EQ(House(Role::kFeeIncome), 60);
}

TEST_F(PayoutsTest, AFeeThatDoesNotFitLeavesNoTrace) {
  UseSchedule("payout EUR payer fixed=10");
  EXPECT_THAT(Create(Request(kAccepts, INT64_MAX - 5)),
              AllOf(StatusHasReason(Reason::kInvalidAmount), StatusHasParam("amount.minor_units")));
  EXPECT_TRUE(Payments().empty());
  UseSchedule("");
  EXPECT_THAT(Create(Request(kAccepts, INT64_MAX - 5)), IsOk()) << "refused by the ledger";
  UseSchedule("payout EUR payer fixed=10");
  const auto again = Create(Request(kAccepts, INT64_MAX - 5));
  ASSERT_THAT(again, IsOk()) << "the key stands for what it was";
  EXPECT_TRUE(again->replayed);
}

// What the payer approves is all that he is debited, and none of it can be changed since.
TEST_F(PayoutsTest, ThePayerApprovesTheFee) {
  UseSchedule("payout EUR payer fixed=10");
  rpc::Outgoing context;
  const auto small = runtime_.Run(judging_.Create(context, user_, "key", Request(kAccepts, 295)));
  ASSERT_THAT(small, IsOk());
  EXPECT_EQ(small->payout.payment.state, State::kRequiresAction)
      << "300 are exempt, and 305 are debited";
  const Payment& payment = small->payout.payment;
  approvals_double_.SetState(FormatId(IdKind::kApproval, payment.approval->approval_id),
                             auth::v1::Approval::APPROVED);
  ASSERT_THAT(runtime_.Run(confirm_.Run(context, user_, payment.payment_id)), IsOk());
  EXPECT_EQ(ledger_double_.HeldOf(a_), 305);
  Work();
  ExpectFee(Kept(small->payout), FeeState::kTaken, 10);
  ExpectAtRest(695);
}

TEST_F(PayoutsTest, LimitsCountTheFee) {
  UseSchedule("payout EUR payer fixed=10");
  LimitChange change{.kind = LimitChange::Kind::kCreate,
                     .limit = Limit{.limit_id = SystemIds().NewId(),
                                    .scope = LimitScope::kUser,
                                    .currency = *Currency::Parse("EUR"),
                                    .measure = LimitMeasure::kAmount,
                                    .maxima = {100}},
                     .user_id = user_,
                     .idempotency_key = "limit",
                     .fingerprint = crypto::Sha256("limit"),
                     .time = clock_.Now()};
  ASSERT_THAT(runtime_.Run(limit_store_.ChangeLimit(std::move(change))), IsOk());
  ASSERT_THAT(runtime_.Run(limits_.Refresh()), IsOk());
  const auto above = Create(Request(kAccepts, 91), "above");
  ASSERT_THAT(above, IsOk());
  EXPECT_THAT(FailureOf(above->payout), StatusHasReason(Reason::kLimitExceeded));
  EXPECT_EQ(Create(Request(kAccepts, 90), "below")->payout.payment.state, State::kSucceeded);
  ExpectFee(above->payout, FeeState::kNotTaken, 10);
  ExpectAtRest(900);
}

// Whom payouts may go to: only saved payees, or anybody else with an approval.
class PayoutPayeesTest : public PayoutsTest {
 protected:
  PayeePolicy PolicyOf(PayoutPayees payouts) const {
    return {.payouts = payouts, .while_cooling_off = {{*Currency::Parse("EUR"), 100}}};
  }
  static absl::StatusOr<Payouts::Outcome> Make(async::Runtime& runtime, Payouts& payouts,
                                               const Uuid& user, const PayoutRequest& request,
                                               const std::string& key) {
    rpc::Outgoing context;
    return runtime.Run(payouts.Create(context, user, key, request));
  }

  accounts::v1::PayeesClient payees_{&accounts_channel_};
  PayeeCheck saved_check_{payees_, PolicyOf(PayoutPayees::kSaved), clock_};
  PayeeCheck approved_check_{payees_, PolicyOf(PayoutPayees::kApproved), clock_};
  Payouts saved_ = Over(rail_, "", &saved_check_);
  Payouts approved_ = Over(rail_, "EUR:300:1000", &approved_check_);
};

TEST_F(PayoutPayeesTest, OnlyWhoWasSavedIsPaid) {
  EXPECT_THAT(Make(runtime_, saved_, user_, Request(kAccepts, 10), "1"),
              AllOf(StatusHasReason(Reason::kPayeeRequired), StatusHasParam("beneficiary")));
  payees_double_.Save(stranger_, kAccepts, clock_.Now());
  EXPECT_THAT(Make(runtime_, saved_, user_, Request(kAccepts, 10), "1"),
              StatusHasReason(Reason::kPayeeRequired))
      << "somebody else has saved it";
  EXPECT_TRUE(Payments().empty());
  payees_double_.Save(user_, kAccepts, clock_.Now() + absl::Hours(1));
  EXPECT_THAT(Make(runtime_, saved_, user_, Request(kAccepts, 100), "1"), IsOk());
  const auto early = Make(runtime_, saved_, user_, Request(kAccepts, 101), "2");
  EXPECT_THAT(early, StatusHasReason(Reason::kPayeeCoolingOff));
  EXPECT_TRUE(DetailOf(early.status()).metadata.contains("usable_time"));
  clock_.Advance(absl::Hours(1));
  const auto made = Make(runtime_, saved_, user_, Request(kAccepts, 101), "2");
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->payout.payment.state, State::kSucceeded);
  // A retry is answered as the first time, whatever became of the payee.
  payees_double_.Clear();
  const auto again = Make(runtime_, saved_, user_, Request(kAccepts, 101), "2");
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->payout, made->payout);
  EXPECT_THAT(Make(runtime_, saved_, user_, Request(kAccepts, 10), "3"),
              StatusHasReason(Reason::kPayeeRequired));
  PayoutRequest elsewhere = Request(kAccepts, 10);
  elsewhere.beneficiary = *CheckBeneficiary("Jo", "", "12-34-56");
  EXPECT_THAT(Make(runtime_, saved_, user_, elsewhere, "4"),
              StatusHasReason(Reason::kPayeeRequired))
      << "who has no IBAN cannot be saved";
  ExpectAtRest(799);
}

TEST_F(PayoutPayeesTest, OthersAreApprovedWhateverExemptsThem) {
  const auto small = Make(runtime_, approved_, user_, Request(kAccepts, 10), "1");
  ASSERT_THAT(small, IsOk());
  EXPECT_EQ(small->payout.payment.state, State::kRequiresAction) << "though it is a low value";
  payees_double_.Save(user_, kAccepts, clock_.Now() + absl::Hours(1));
  EXPECT_EQ(Make(runtime_, approved_, user_, Request(kAccepts, 101), "2")->payout.payment.state,
            State::kRequiresAction);
  EXPECT_EQ(Make(runtime_, approved_, user_, Request(kAccepts, 100), "3")->payout.payment.state,
            State::kSucceeded);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Make(runtime_, approved_, user_, Request(kAccepts, 101), "4")->payout.payment.state,
            State::kSucceeded);
  EXPECT_EQ(Make(runtime_, approved_, user_, Request(kAccepts, 400), "5")->payout.payment.state,
            State::kRequiresAction)
      << "the policy still asks";
  EXPECT_EQ(rail_.submissions, 2);
}

TEST_F(PayoutsTest, ARailMayNotifyOfWhatNobodyMade) {
  EXPECT_THAT(runtime_.Run(payouts_.Notified(stranger_)), IsOk());
}

TEST_F(PayoutsTest, TheStatementHasWhatWasBooked) {
  Made(kReturns, 100);
  EXPECT_THAT(Create(Request(kRejects, 20), "rejected"), IsOk());
  EXPECT_TRUE(runtime_.Run(sandbox_.Statement("", 10))->entries.empty());
  clock_.Advance(kStatementDelay);
  const auto first = runtime_.Run(sandbox_.Statement("", 10));
  ASSERT_THAT(first, IsOk());
  ASSERT_EQ(first->entries.size(), 1u);
  EXPECT_EQ(first->entries[0].event, RailEvent::kSettled);
  EXPECT_EQ(first->entries[0].amount.minor_units, 100);
  clock_.Advance(absl::Hours(24));
  const auto second = runtime_.Run(sandbox_.Statement(first->next_cursor, 10));
  ASSERT_EQ(second->entries.size(), 1u);
  EXPECT_EQ(second->entries[0].event, RailEvent::kReturned);
  const auto none = runtime_.Run(sandbox_.Statement(second->next_cursor, 10));
  EXPECT_TRUE(none->entries.empty());
  EXPECT_EQ(none->next_cursor, second->next_cursor);
  EXPECT_THAT(runtime_.Run(sandbox_.Statement("nonsense", 10)),
              StatusHasReason(Reason::kInvalidField));
}

}  // namespace
}  // namespace florin::payments
