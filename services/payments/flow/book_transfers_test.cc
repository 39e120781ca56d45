// Payments between books over the doubles of the peers, with a crash after every stage.
#include "services/payments/flow/book_transfers.h"

#include "services/payments/domain/limit_chain.h"
#include "services/payments/flow/clearing_check.h"
#include "services/payments/flow/payments_fixture.h"
#include "services/payments/flow/reconcile.h"

namespace florin::payments {
namespace {

using S = TransferStage;
using ::testing::AllOf;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Currency kEur = *Currency::Parse("EUR");

// The transfers of a FakeStore; fails once on the way from a stage, before or after it is kept, as
// if the process had crashed there.
class CrashingTransfers : public BookTransferStore {
 public:
  explicit CrashingTransfers(BookTransferStore& store) : store_(store) {}
  void CrashAt(S stage, bool after) {
    crash_ = stage;
    after_ = after;
  }
  bool has_crashed() const { return !crash_.has_value(); }

  Task<absl::StatusOr<BookTransfer>> FindTransfer(Uuid payment_id) override {
    co_return co_await store_.FindTransfer(payment_id);
  }
  Task<absl::StatusOr<BookTransfer>> AdvanceTransfer(TransferStage from, BookTransfer to,
                                                     std::optional<Payment> ended) override {
    const bool crashes = crash_ == from;
    if (crashes) crash_.reset();
    if (crashes && !after_) co_return Error(Reason::kUnavailable, "told to fail");
    absl::StatusOr<BookTransfer> kept =
        co_await store_.AdvanceTransfer(from, std::move(to), std::move(ended));
    if (crashes) co_return Error(Reason::kUnavailable, "told to fail");
    co_return kept;
  }
  Task<absl::StatusOr<std::vector<BookPair>>> ListPairs() override {
    co_return co_await store_.ListPairs();
  }
  Task<absl::StatusOr<std::vector<BookTransfer>>> ListUnderWay(BookPair pair,
                                                               absl::Time since) override {
    co_return co_await store_.ListUnderWay(std::move(pair), since);
  }

 private:
  BookTransferStore& store_;
  std::optional<S> crash_;
  bool after_ = false;
};

// Besides the fixture's accounts: O (EUR) of the stranger and P (EUR, 1000 in it) of the user, both
// in the book `other`.
class BookTransfersTest : public PaymentsFixture {
 protected:
  BookTransfersTest() {
    accounts_double_.Add({.account_id = o_,
                          .owner_user_id = stranger_,
                          .currency = kEur,
                          .holder_name = "Zoë Strange",
                          .book = "other"});
    accounts_double_.Add(
        {.account_id = p_, .owner_user_id = user_, .currency = kEur, .book = "other"});
    ledger_double_.FundIn("other", o_, 0);
    ledger_double_.FundIn("other", p_, 1000);
    reader_double_.KnowAll();
  }

  PaymentRequest Across(std::int64_t minor_units) const {
    PaymentRequest request = Transfer(minor_units);
    request.destination_account_id = o_;
    return request;
  }
  std::int64_t Payer() { return ledger_double_.BalanceOf(a_); }
  std::int64_t Payee() { return ledger_double_.BalanceIn("other", o_); }
  std::int64_t ClearingIn(const std::string& book, const Books& books) {
    return ledger_double_.BalanceIn(book, ClearingAccountOf(books, kEur));
  }
  // That exactly `paid` has gone over, and nothing is held or between the books.
  void ExpectPaid(std::int64_t paid) {
    EXPECT_EQ(Payer(), 1000 - paid);
    EXPECT_EQ(Payee(), paid);
    EXPECT_EQ(ledger_double_.HeldOf(a_), 0);
    EXPECT_EQ(ClearingIn("main", kThere), paid);
    EXPECT_EQ(ClearingIn("other", kThere), -paid);
    const auto clearings = runtime_.Run(check_.Run());
    ASSERT_THAT(clearings, IsOk());
    for (const Clearing& clearing : *clearings) {
      EXPECT_EQ(clearing.under_way_minor, 0);
      EXPECT_EQ(clearing.owed_minor, clearing.due_minor);
    }
  }
  S StageOf(const Payment& payment) {
    return runtime_.Run(store_.FindTransfer(payment.payment_id))->stage;
  }

  const Books kThere{.source = "main", .target = "other"};
  const Uuid o_ = SystemIds().NewId();
  const Uuid p_ = SystemIds().NewId();
  CrashingTransfers crashing_{store_};
  // Takes the place of the fixture's.
  BookTransfers transfers_{{.transfers = crashing_,
                            .store = store_,
                            .settlement = settlement_,
                            .ledger = ledger_,
                            .reader = reader_,
                            .limits = &limits_,
                            .clock = clock_}};
  ClearingCheck check_{store_, reader_, clock_};
};

TEST_F(BookTransfersTest, MoneyGoesFromOneBookToTheOther) {
  const auto made = Create(Across(400), "key");
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->payment.state, State::kSucceeded);
  EXPECT_EQ(made->payment.books, kThere);
  EXPECT_EQ(StageOf(made->payment), S::kCaptured);
  ExpectPaid(400);
  const auto again = Create(Across(400), "key");
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->replayed);
  ExpectPaid(400);
}

TEST_F(BookTransfersTest, BackAgainGoesByAnAccountOfItsOwn) {
  ASSERT_THAT(Create(Across(400), "key"), IsOk());
  PaymentRequest back = Transfer(150);
  back.source_account_id = p_;
  back.destination_account_id = a_;
  EXPECT_EQ(Create(back, "back")->payment.state, State::kSucceeded);
  EXPECT_EQ(ledger_double_.BalanceIn("other", p_), 850);
  EXPECT_EQ(Payer(), 750);
  const Books here{.source = "other", .target = "main"};
  EXPECT_EQ(ClearingIn("other", here), 150);
  EXPECT_EQ(ClearingIn("main", here), -150);
  EXPECT_THAT(runtime_.Run(check_.Run()).value(), SizeIs(2));
}

TEST_F(BookTransfersTest, WhatThePayerLacksFails) {
  const auto made = Create(Across(1001), "key");
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->payment.state, State::kFailed);
  EXPECT_EQ(made->payment.failure_reason, "insufficient_funds");
  EXPECT_EQ(StageOf(made->payment), S::kRefused);
  ExpectPaid(0);
}

TEST_F(BookTransfersTest, ADormantSourceIsToldAsSuch) {
  ledger_double_.FreezeDebits(a_, true);
  accounts_double_.SetDormant(a_, true);
  EXPECT_EQ(Create(Across(1), "key")->payment.failure_reason, "account_dormant");
  ledger_double_.FreezeDebits(a_, false);
  ExpectPaid(0);
}

TEST_F(BookTransfersTest, ARefusedCreditGivesTheMoneyBack) {
  ledger_double_.CloseIn("other", o_);
  const auto made = Create(Across(400), "key");
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->payment.state, State::kFailed);
  EXPECT_EQ(made->payment.failure_reason, "account_closed");
  EXPECT_EQ(StageOf(made->payment), S::kVoided);
  ExpectPaid(0);
}

// Whatever is lost, at whatever stage: the payment ends once, and the money is where it says.
TEST_F(BookTransfersTest, ACrashAtAnyStageIsFinishedByTheWorker) {
  std::int64_t paid = 0;
  int key = 0;
  for (const S stage : {S::kHolding, S::kCrediting, S::kCapturing}) {
    for (const bool after : {false, true}) {
      crashing_.CrashAt(stage, after);
      EXPECT_THAT(Create(Across(10), std::to_string(++key)), StatusHasReason(Reason::kUnavailable));
      ASSERT_TRUE(crashing_.has_crashed());
      const bool over = stage == S::kCapturing && after;
      EXPECT_EQ(Recover().value(), over ? 0 : 1) << NameOf(stage);
      paid += 10;
      EXPECT_EQ(Payments().front().state, State::kSucceeded) << NameOf(stage);
      ExpectPaid(paid);
    }
  }
}

TEST_F(BookTransfersTest, ACrashOnTheWayBackIsFinishedByTheWorker) {
  ledger_double_.CloseIn("other", o_);
  int key = 0;
  for (const S stage : {S::kHolding, S::kCrediting, S::kVoiding}) {
    for (const bool after : {false, true}) {
      crashing_.CrashAt(stage, after);
      EXPECT_THAT(Create(Across(10), std::to_string(++key)), StatusHasReason(Reason::kUnavailable));
      ASSERT_TRUE(crashing_.has_crashed());
      EXPECT_THAT(Recover(), IsOk());
      EXPECT_EQ(Payments().front().failure_reason, "account_closed") << NameOf(stage);
      ExpectPaid(0);
    }
  }
}

TEST_F(BookTransfersTest, ALostReplyOfTheLedgerIsAskedForAgain) {
  std::int64_t paid = 0;
  for (const int call : {1, 2, 3}) {
    ledger_double_.LoseAnswer(call);
    EXPECT_THAT(Create(Across(10), std::to_string(call)), StatusHasReason(Reason::kUnavailable));
    // The same request finishes it, too.
    EXPECT_EQ(Create(Across(10), std::to_string(call))->payment.state, State::kSucceeded);
    ExpectPaid(paid += 10);
  }
  ledger_double_.CloseIn("other", o_);
  for (const int call : {4, 5, 6}) {
    ledger_double_.LoseAnswer(call - 3);
    EXPECT_THAT(Create(Across(10), std::to_string(call)), StatusHasReason(Reason::kUnavailable));
    EXPECT_EQ(Create(Across(10), std::to_string(call))->payment.failure_reason, "account_closed");
    ExpectPaid(paid);
  }
}

// Between the credit and the capture the check tells what is under way, and no more.
TEST_F(BookTransfersTest, TheCheckKnowsWhatIsUnderWay) {
  crashing_.CrashAt(S::kCrediting, false);
  EXPECT_FALSE(Create(Across(10), "1").ok());
  crashing_.CrashAt(S::kCrediting, true);
  EXPECT_FALSE(Create(Across(20), "2").ok());
  crashing_.CrashAt(S::kCapturing, false);
  EXPECT_FALSE(Create(Across(40), "3").ok());
  crashing_.CrashAt(S::kHolding, true);
  EXPECT_FALSE(Create(Across(80), "4").ok());
  const auto clearings = runtime_.Run(check_.Run());
  ASSERT_THAT(clearings, IsOk());
  ASSERT_THAT(*clearings, SizeIs(1));
  EXPECT_EQ(clearings->front().owed_minor, 40);
  EXPECT_EQ(clearings->front().due_minor, 70);
  EXPECT_EQ(clearings->front().under_way_minor, 30);
  EXPECT_TRUE(clearings->front().Agrees());
  EXPECT_EQ(Recover().value(), 4);
  ExpectPaid(150);
}

TEST_F(BookTransfersTest, WhatIsWrongBetweenBooksBecomesADiscrepancy) {
  Reconcile reconcile(store_, reader_, clock_, "main");
  reconcile.CheckClearing(check_);
  ASSERT_THAT(Create(Across(100), "key"), IsOk());
  EXPECT_THAT(runtime_.Run(reconcile.RunOnce()), IsOk());
  const auto open = [this] {
    return runtime_.Run(store_.ListDiscrepancies(DiscrepancyState::kOpen, std::nullopt, 10))
        .value();
  };
  EXPECT_THAT(open(), IsEmpty());
  ledger_double_.FundIn("main", ClearingAccountOf(kThere, kEur), 7);
  EXPECT_EQ(runtime_.Run(reconcile.RunOnce())->found, 1);
  ASSERT_THAT(open(), SizeIs(1));
  EXPECT_EQ(open()[0].discrepancy.kind, DiscrepancyKind::kClearingDiffers);
  EXPECT_EQ(open()[0].discrepancy.at_risk_minor, 7);
  // Found again it is the same; mended, it agrees.
  EXPECT_THAT(runtime_.Run(reconcile.RunOnce()), IsOk());
  EXPECT_THAT(open(), SizeIs(1));
  ledger_double_.FundIn("main", ClearingAccountOf(kThere, kEur), -7);
  EXPECT_EQ(runtime_.Run(reconcile.RunOnce())->agreed, 1);
  EXPECT_THAT(open(), IsEmpty());
}

TEST_F(BookTransfersTest, ADepositForAnotherBookGoesTheSameWay) {
  PaymentRequest deposit = Deposit(70);
  deposit.destination_account_id = p_;
  const auto made = Create(deposit, "key");
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->payment.state, State::kSucceeded);
  EXPECT_EQ(ledger_double_.BalanceIn("other", p_), 1070);
  EXPECT_EQ(ledger_double_.BalanceOf(SandboxRailAccount(kEur)), -70);
  EXPECT_EQ(ClearingIn("main", kThere), 70);
}

TEST_F(BookTransfersTest, AFeeStaysInThePayersBook) {
  pricing_.emplace(*ParseFeeSchedule("transfer EUR split:5000 fixed=30"), store_);
  EXPECT_EQ(Create(Across(100), "key")->payment.state, State::kSucceeded);
  EXPECT_EQ(Payer(), 885);
  EXPECT_EQ(Payee(), 85);
  EXPECT_EQ(ledger_double_.BalanceOf(HouseAccountId({Role::kFeeIncome, kEur})), 30);
  EXPECT_EQ(ledger_double_.HeldOf(a_), 0);
  EXPECT_EQ(ClearingIn("main", kThere), 85);
  // With the fee on top the payer has too little.
  EXPECT_EQ(Create(Across(880), "2")->payment.failure_reason, "insufficient_funds");
}

TEST_F(BookTransfersTest, WithinAnotherBookAllIsAsInTheUsualOne) {
  PaymentRequest within = Transfer(300);
  within.source_account_id = p_;
  within.destination_account_id = o_;
  const auto made = Create(within, "key");
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->payment.state, State::kSucceeded);
  EXPECT_EQ(ledger_double_.BalanceIn("other", p_), 700);
  EXPECT_EQ(Payee(), 300);
  within.amount.minor_units = 701;
  EXPECT_EQ(Create(within, "2")->payment.failure_reason, "insufficient_funds");
  EXPECT_THAT(runtime_.Run(store_.FindTransfer(made->payment.payment_id)),
              StatusHasReason(Reason::kPaymentNotFound));
  // A refund goes back there, too.
  Step refund{.step_id = SystemIds().NewId(),
              .payment_id = made->payment.payment_id,
              .user_id = stranger_,
              .kind = StepKind::kRefund,
              .amount_minor = 100};
  const auto refunded = runtime_.Run(steps_.Run(refund, "refund"));
  ASSERT_THAT(refunded, IsOk());
  EXPECT_EQ(refunded->step.state, StepState::kSucceeded) << refunded->step.failure_reason;
  EXPECT_EQ(ledger_double_.BalanceIn("other", p_), 800);
  // The ledger was away after the intent: the worker settles it there.
  ledger_double_.SetFault(Fault::kUnavailable);
  within.amount.minor_units = 50;
  EXPECT_FALSE(Create(within, "3").ok());
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_EQ(Recover().value(), 1);
  EXPECT_EQ(Payee(), 250);
}

TEST_F(BookTransfersTest, WhatWentToAnotherBookIsNotRefundedOrDisputed) {
  const auto made = Create(Across(400), "key");
  ASSERT_THAT(made, IsOk());
  for (const StepKind kind : {StepKind::kRefund, StepKind::kDispute}) {
    Step step{.step_id = SystemIds().NewId(),
              .payment_id = made->payment.payment_id,
              .user_id = kind == StepKind::kRefund ? stranger_ : user_,
              .kind = kind,
              .amount_minor = 1};
    const auto tried = runtime_.Run(steps_.Run(step, "step"));
    ASSERT_THAT(tried, IsOk());
    EXPECT_EQ(tried->step.failure_reason,
              kind == StepKind::kRefund ? "payment_not_refundable" : "payment_not_disputable");
  }
  ExpectPaid(400);
}

TEST_F(BookTransfersTest, WhatIsRefusedLeavesNoTrace) {
  PaymentRequest manual = Across(10);
  manual.authorization_timeout = absl::Hours(1);
  EXPECT_THAT(Create(manual, "key").status(),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("capture_method")));
  EXPECT_THAT(Payments(), IsEmpty());
}

TEST_F(BookTransfersTest, ItsPayerApprovesItAsAnyOther) {
  rpc::Outgoing context;
  const auto asked = runtime_.Run(judging_create_.Run(context, user_, "key", Across(400)));
  ASSERT_THAT(asked, IsOk());
  EXPECT_EQ(asked->payment.state, State::kRequiresAction);
  EXPECT_EQ(asked->payment.approval->payee_name, "Zoë Strange");
  EXPECT_EQ(ledger_double_.HeldOf(a_), 0);
  approvals_double_.SetState(FormatId(IdKind::kApproval, asked->payment.approval->approval_id),
                             auth::v1::Approval::APPROVED);
  crashing_.CrashAt(S::kCrediting, true);
  EXPECT_FALSE(runtime_.Run(confirm_.Run(context, user_, asked->payment.payment_id)).ok());
  EXPECT_EQ(Recover().value(), 1);
  EXPECT_EQ(Payments().front().state, State::kSucceeded);
  ExpectPaid(400);
}

TEST_F(BookTransfersTest, OneThatTheLedgerDoesNotDecideHoldsUpNoOther) {
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_FALSE(Create(Transfer(5), "1").ok());
  const Uuid unknown = SystemIds().NewId();
  accounts_double_.Add(
      {.account_id = unknown, .owner_user_id = user_, .currency = kEur, .book = "other"});
  PaymentRequest stuck = Across(10);
  stuck.destination_account_id = unknown;
  EXPECT_FALSE(Create(stuck, "2").ok());
  EXPECT_FALSE(Create(Across(20), "3").ok());
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_EQ(Recover().value(), 3);
  EXPECT_EQ(Payee(), 20);
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 5);
  EXPECT_EQ(ledger_double_.HeldOf(a_), 10);  // Set aside for as long as it takes.
}

class LimitedBookTransfersTest : public BookTransfersTest {
 protected:
  void SetUp() override {
    Limit day{.limit_id = SystemIds().NewId(),
              .scope = LimitScope::kUser,
              .currency = kEur,
              .measure = LimitMeasure::kAmount,
              .window = absl::Hours(24),
              .maxima = {500}};
    LimitChange change{.kind = LimitChange::Kind::kCreate,
                       .limit = day,
                       .limit_id = day.limit_id,
                       .user_id = user_,
                       .idempotency_key = "limit",
                       .fingerprint = crypto::Sha256("change"),
                       .time = NowInMicroseconds(clock_)};
    ASSERT_THAT(runtime_.Run(limit_store_.ChangeLimit(std::move(change))), IsOk());
    ASSERT_THAT(runtime_.Run(limits_.Refresh()), IsOk());
  }
};

TEST_F(LimitedBookTransfersTest, LimitsBindWhereTheMoneyLeaves) {
  EXPECT_EQ(Create(Transfer(200), "1")->payment.state, State::kSucceeded);
  const auto refused = Create(Across(301), "2");
  ASSERT_THAT(refused, IsOk());
  EXPECT_EQ(refused->payment.failure_reason, "limit_exceeded");
  EXPECT_EQ(refused->payment.limit_refusal->remaining, 300);
  EXPECT_EQ(Create(Across(300), "3")->payment.state, State::kSucceeded);
  EXPECT_EQ(Create(Across(1), "4")->payment.failure_reason, "limit_exceeded");
  EXPECT_EQ(Payee(), 300);
}

// What is held of a limit is in the book of the account that the money leaves.
TEST_F(LimitedBookTransfersTest, WhatIsVoidedInAnotherBookGivesTheLimitBack) {
  PaymentRequest request = Transfer(400);
  request.source_account_id = p_;
  request.destination_account_id = o_;
  request.authorization_timeout = absl::Hours(2);
  const auto made = Create(request, "authorization");
  ASSERT_THAT(made, IsOk());
  const Uuid& bucket = made->payment.limit_uses.at(0).control_account_id;
  EXPECT_EQ(ledger_double_.HeldIn("other", bucket), 400);
  Step step{.step_id = SystemIds().NewId(),
            .payment_id = made->payment.payment_id,
            .user_id = stranger_,
            .kind = StepKind::kVoid};
  const auto voided = runtime_.Run(steps_.Run(step, "void", {}));
  ASSERT_THAT(voided, IsOk());
  EXPECT_EQ(voided->charge.payment.state, State::kCanceled);
  EXPECT_EQ(ledger_double_.HeldIn("other", bucket), 0);
}

// Nothing has moved, so nothing is used, however often the release is repeated.
TEST_F(LimitedBookTransfersTest, ARefusedCreditGivesTheLimitBack) {
  ledger_double_.CloseIn("other", o_);
  crashing_.CrashAt(S::kVoiding, false);
  EXPECT_FALSE(Create(Across(500), "1").ok());
  EXPECT_EQ(Recover().value(), 1);
  EXPECT_EQ(Payments().front().failure_reason, "account_closed");
  EXPECT_EQ(Create(Transfer(500), "2")->payment.state, State::kSucceeded);
}

}  // namespace
}  // namespace florin::payments
