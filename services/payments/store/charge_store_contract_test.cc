// What every ChargeStore promises, held against PostgreSQL and the fake; and what the database
// refuses whatever the program does.
#include "services/payments/store/charge_store.h"
#include "services/payments/store/store_test_values.h"

#include <cstdlib>
#include <fstream>
#include <future>
#include <memory>
#include <sstream>

#include <boost/asio/use_future.hpp>
#include <pqxx/pqxx>

#include "libs/async/runtime.h"
#include "libs/audit/pg_audit.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/payments/domain/ledger_transaction.h"
#include "services/payments/domain/request.h"
#include "services/payments/domain/way_back.h"
#include "services/payments/store/fake_store.h"
#include "services/payments/store/pg_charge_store.h"
#include "services/payments/store/pg_store.h"

namespace florin::payments {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const LedgerAnswer kYes{.committed = true};
const LedgerAnswer kRepaid{.committed = true, .moved_minor = {1, 400, 101}};
const LedgerAnswer kOwing{.committed = true, .moved_minor = {401, 400, 301}};
LedgerAnswer No(std::string reason) { return {.refusal_reason = std::move(reason), .final = true}; }

// Each test works for payments of its own.

std::vector<pg::Statement> ChargeStatements() {
  std::vector<pg::Statement> all = PgStore::Statements();
  for (pg::Statement& statement : audit::InsertStatements()) all.push_back(std::move(statement));
  for (pg::Statement& statement : PgChargeStore::Statements()) all.push_back(std::move(statement));
  return all;
}

struct FakeChargeSubject {
  FakeStore store;
  Store& payments() { return store; }
  ChargeStore& charges() { return store; }
};

struct PgChargeSubject {
  pg::Pool pool{{.conninfo = Server().conninfo("payments"),
                 .connections = 4,
                 .statements = ChargeStatements(),
                 .settings = pg::KeyedAccessSettings()}};
  PgStore store{pool};
  PgChargeStore charge_store{pool};
  Store& payments() { return store; }
  ChargeStore& charges() { return charge_store; }
};

template <class S>
class ChargeStoreContractTest : public ::testing::Test {
 protected:
  template <class Result, class... Parameters, class... Arguments>
  Result Call(Task<Result> (ChargeStore::*method)(Parameters...), Arguments&&... arguments) {
    return runtime_.Run((subject_.charges().*method)(std::forward<Arguments>(arguments)...));
  }

  // A transfer of 1000 in processing.
  Payment Begun(bool manual, const std::optional<Pricing>& pricing = std::nullopt) {
    PaymentRequest request{.kind = Kind::kTransfer,
                           .source_account_id = SystemIds().NewId(),
                           .destination_account_id = SystemIds().NewId(),
                           .amount = {.minor_units = 1000, .currency = *Currency::Parse("EUR")},
                           .reference = "Café"};
    if (manual) request.authorization_timeout = absl::Hours(1);
    Payment payment = NewPayment(SystemIds().NewId(), user_, request, kStart);
    payment.pricing = pricing;
    const Intent intent{.payment = payment,
                        .idempotency_key = FormatId(IdKind::kPayment, payment.payment_id),
                        .fingerprint = crypto::Sha256(CanonicalRequest(request))};
    EXPECT_THAT(runtime_.Run(subject_.payments().InsertIntents({intent})), IsOk());
    return payment;
  }
  // The same moved, or authorized until kStart + 1 h.
  Payment Made(bool manual, const std::optional<Pricing>& pricing = std::nullopt) {
    const Payment payment = Begun(manual, pricing);
    const LedgerAnswer answer{.committed = true, .expire_time = kStart + absl::Hours(1)};
    const Payment ended = *ApplyAnswer(payment, answer, kStart + absl::Seconds(1));
    EXPECT_THAT(runtime_.Run(subject_.payments().RecordResults({ended})), IsOk());
    EXPECT_EQ(Kept(ended), ended);
    return ended;
  }
  Payment Kept(const Payment& payment) {
    return Call(&ChargeStore::FindPayment, payment.payment_id).value();
  }
  Step Of(const Payment& payment, StepKind kind, std::int64_t amount = 0) {
    return {.step_id = SystemIds().NewId(),
            .payment_id = payment.payment_id,
            .user_id = user_,
            .kind = kind,
            .amount_minor = amount,
            .may_owe = kind == StepKind::kDispute,
            .note = kind == StepKind::kDispute ? "fraudulent" : "Zoë's \"reason\" \\ {NULL}",
            .create_time = kStart,
            .update_time = kStart,
            .trace_id = kind == StepKind::kRefund ? std::string(32, 'a') : ""};
  }
  static StepIntent IntentOf(const Step& step, const std::string& key) {
    return {
        .step = step, .idempotency_key = key, .fingerprint = crypto::Sha256(CanonicalStep(step))};
  }
  StoredStep Begin(const Step& step, const std::string& key) {
    auto stored = Call(&ChargeStore::BeginStep, IntentOf(step, key));
    EXPECT_THAT(stored, IsOk());
    return *std::move(stored);
  }
  StoredStep Record(const Step& step, const LedgerAnswer& answer) {
    const StepResult result{.step = step, .answer = answer, .time = kStart + absl::Seconds(2)};
    auto recorded = Call(&ChargeStore::RecordSteps, std::vector{result});
    EXPECT_THAT(recorded, IsOk());
    return recorded->front();
  }
  // A dispute of 400 that needs a response.
  Dispute Opened(const Payment& payment, const std::string& key = "dispute") {
    const StoredStep begun = Begin(Of(payment, StepKind::kDispute, 400), key);
    return *Record(begun.step, kOwing).charge.dispute;
  }
  EvidenceIntent Response(const Dispute& dispute, const std::string& key, int texts = 1) {
    return {.dispute_id = dispute.dispute_id,
            .user_id = user_,
            .idempotency_key = key,
            .fingerprint = crypto::Sha256(std::to_string(texts)),
            .texts = std::vector<std::string>(static_cast<std::size_t>(texts), "Line\n\"é\"")};
  }

  async::Runtime runtime_{2};
  S subject_;
  const Uuid user_ = SystemIds().NewId();
};

using ChargeSubjects = ::testing::Types<FakeChargeSubject, PgChargeSubject>;
TYPED_TEST_SUITE(ChargeStoreContractTest, ChargeSubjects);

TYPED_TEST(ChargeStoreContractTest, AStepReservesAndIsKeptWhole) {
  const Payment payment = this->Made(true);
  Step step = this->Of(payment, StepKind::kCapture);
  step.final = true;
  const StoredStep begun = this->Begin(step, "key");
  step.amount_minor = 1000;  // All that was left.
  EXPECT_EQ(begun.step, step);
  EXPECT_TRUE(begun.same_request);
  EXPECT_EQ(begun.charge.payment.counters.capturing_minor, 1000);
  EXPECT_EQ(this->Kept(payment), begun.charge.payment);
  EXPECT_EQ(this->Call(&ChargeStore::GetStep, payment.payment_id, StepKind::kCapture, step.step_id)
                .value(),
            step);
  EXPECT_THAT(
      this->Call(&ChargeStore::GetStep, payment.payment_id, StepKind::kRefund, step.step_id),
      StatusHasReason(Reason::kRefundNotFound));
  EXPECT_THAT(
      this->Call(&ChargeStore::GetStep, SystemIds().NewId(), StepKind::kCapture, step.step_id),
      StatusHasReason(Reason::kRefundNotFound));
}

TYPED_TEST(ChargeStoreContractTest, AKnownKeyGivesItsStepAndReservesNothing) {
  const Payment payment = this->Made(true);
  const Payment other = this->Made(true);
  const StoredStep first = this->Begin(this->Of(payment, StepKind::kCapture, 100), "key");
  const StoredStep again = this->Begin(this->Of(payment, StepKind::kCapture, 100), "key");
  EXPECT_EQ(again.step, first.step);
  EXPECT_TRUE(again.same_request);
  EXPECT_FALSE(this->Begin(this->Of(payment, StepKind::kCapture, 101), "key").same_request);
  const StoredStep elsewhere = this->Begin(this->Of(other, StepKind::kCapture, 100), "key");
  EXPECT_FALSE(elsewhere.same_request);
  EXPECT_EQ(elsewhere.step, first.step);
  EXPECT_EQ(this->Kept(payment).counters.capturing_minor, 100);
  EXPECT_EQ(this->Kept(other).counters.capturing_minor, 0);
  // The scope of a key is its kind, and its user.
  EXPECT_EQ(this->Begin(this->Of(payment, StepKind::kVoid), "key").step.kind, StepKind::kVoid);
  Step foreign = this->Of(payment, StepKind::kVoid);
  foreign.user_id = SystemIds().NewId();
  EXPECT_EQ(this->Begin(foreign, "key").step.step_id, foreign.step_id);
}

TYPED_TEST(ChargeStoreContractTest, WhatMayNotBeginIsKeptAsRefused) {
  const Payment payment = this->Made(false);
  const StoredStep refused = this->Begin(this->Of(payment, StepKind::kRefund, 1001), "key");
  EXPECT_EQ(refused.step.state, StepState::kFailed);
  EXPECT_EQ(refused.step.failure_reason, "refund_exceeds_captured");
  EXPECT_EQ(refused.step.remaining_minor, 1000);
  EXPECT_EQ(this->Kept(payment), payment);
  EXPECT_EQ(this->Begin(this->Of(payment, StepKind::kRefund, 1001), "key").step, refused.step);
}

TYPED_TEST(ChargeStoreContractTest, AResultMovesStepAndPaymentOnce) {
  const Payment payment = this->Made(true);
  const Step capture = this->Begin(this->Of(payment, StepKind::kCapture, 400), "1").step;
  const Step rest = this->Begin(this->Of(payment, StepKind::kCapture), "2").step;
  const StoredStep recorded = this->Record(capture, kYes);
  EXPECT_EQ(recorded.step.state, StepState::kSucceeded);
  EXPECT_EQ(recorded.step.update_time, kStart + absl::Seconds(2));
  EXPECT_EQ(recorded.charge.payment.counters.captured_minor, 400);
  // The first result stays.
  EXPECT_EQ(this->Record(capture, No("balance_overflow")).step, recorded.step);
  EXPECT_EQ(this->Kept(payment), recorded.charge.payment);
  const StoredStep ended = this->Record(rest, kYes);
  EXPECT_EQ(ended.charge.payment.state, State::kSucceeded);
  EXPECT_EQ(this->Kept(payment), ended.charge.payment);
}

TYPED_TEST(ChargeStoreContractTest, ARefusalGivesBack) {
  const Payment payment = this->Made(false);
  const Step refund = this->Begin(this->Of(payment, StepKind::kRefund, 700), "1").step;
  EXPECT_EQ(this->Begin(this->Of(payment, StepKind::kRefund, 301), "2").step.state,
            StepState::kFailed);
  EXPECT_EQ(this->Record(refund, No("insufficient_funds")).step.failure_reason,
            "insufficient_funds");
  EXPECT_EQ(this->Kept(payment), payment);
}

TYPED_TEST(ChargeStoreContractTest, SeveralResultsOfOneCallAreRecordedInOrder) {
  const Payment one = this->Made(true);
  const Payment two = this->Made(true);
  std::vector<StepResult> results;
  for (int i = 0; i < 4; ++i) {
    const Payment& payment = i % 2 == 0 ? two : one;
    const Step step =
        this->Begin(this->Of(payment, StepKind::kCapture, 10 + i), std::to_string(i)).step;
    results.push_back({.step = step, .answer = kYes, .time = kStart});
  }
  const auto recorded = this->Call(&ChargeStore::RecordSteps, results);
  ASSERT_THAT(recorded, IsOk());
  ASSERT_THAT(*recorded, SizeIs(4));
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ((*recorded)[i].step.step_id, results[i].step.step_id);
  }
  EXPECT_EQ(this->Kept(two).counters.captured_minor, 22);
  EXPECT_EQ(this->Kept(one).counters.captured_minor, 24);
}

TYPED_TEST(ChargeStoreContractTest, AVoidEndsTheAuthorization) {
  const Payment payment = this->Made(true);
  const Step step = this->Begin(this->Of(payment, StepKind::kVoid), "key").step;
  EXPECT_EQ(step.amount_minor, 1000);
  EXPECT_EQ(this->Record(step, kYes).charge.payment.state, State::kCanceled);
  EXPECT_EQ(this->Kept(payment).failure_reason, "payment_canceled");
  EXPECT_EQ(this->Kept(payment).counters.release_reason, "payment_canceled");
}

// The ledger has captured all before it was to release, and says so.
TYPED_TEST(ChargeStoreContractTest, AVoidThatComesAfterTheLastCaptureChangesNothing) {
  const Payment payment = this->Made(true);
  const StoredStep capture = this->Begin(this->Of(payment, StepKind::kCapture), "key");
  const StoredStep late = this->Begin(this->Of(payment, StepKind::kVoid), "key");
  EXPECT_EQ(this->Record(capture.step, {.committed = true}).charge.payment.state,
            State::kSucceeded);
  const Payment ended = this->Kept(payment);
  const StoredStep recorded =
      this->Record(late.step, {.refusal_reason = "hold_already_captured", .final = true});
  EXPECT_EQ(recorded.step.state, StepState::kFailed);
  EXPECT_EQ(this->Kept(payment), ended);
}

TYPED_TEST(ChargeStoreContractTest, RefundsAtOnceNeverReserveMoreThanThereIs) {
  const Payment payment = this->Made(false);
  std::vector<std::future<absl::StatusOr<StoredStep>>> all;
  for (int i = 0; i < 30; ++i) {
    all.push_back(asio::co_spawn(this->runtime_.executor(),
                                 this->subject_.charges().BeginStep(this->IntentOf(
                                     this->Of(payment, StepKind::kRefund, 90), std::to_string(i))),
                                 asio::use_future));
  }
  int begun = 0;
  for (auto& one : all) {
    const auto stored = one.get();
    ASSERT_THAT(stored, IsOk());
    begun += stored->step.state == StepState::kProcessing;
  }
  EXPECT_EQ(begun, 11);
  EXPECT_EQ(this->Kept(payment).counters.refunded_minor, 990);
}

TYPED_TEST(ChargeStoreContractTest, OneKeyAtOnceBeginsOneStep) {
  const Payment payment = this->Made(false);
  std::vector<std::future<absl::StatusOr<StoredStep>>> all;
  for (int i = 0; i < 10; ++i) {
    all.push_back(asio::co_spawn(this->runtime_.executor(),
                                 this->subject_.charges().BeginStep(this->IntentOf(
                                     this->Of(payment, StepKind::kRefund, 90), "key")),
                                 asio::use_future));
  }
  for (auto& one : all) EXPECT_TRUE(one.get()->same_request);
  EXPECT_EQ(this->Kept(payment).counters.refunded_minor, 90);
}

TYPED_TEST(ChargeStoreContractTest, StepsInProcessingAreClaimedOnceALease) {
  const Payment payment = this->Made(false);
  const StoredStep open = this->Begin(this->Of(payment, StepKind::kRefund, 10), "1");
  this->Record(this->Begin(this->Of(payment, StepKind::kRefund, 20), "2").step, kYes);
  const auto claim = [this, &payment](absl::Time now) {
    std::vector<Uuid> mine;
    const auto claimed = this->Call(&ChargeStore::ClaimSteps, now, 1000);
    for (const StoredStep& stored : *claimed) {
      if (stored.step.payment_id != payment.payment_id) continue;
      EXPECT_EQ(stored.charge.payment, this->Kept(payment));
      mine.push_back(stored.step.step_id);
    }
    return mine;
  };
  EXPECT_THAT(claim(kStart + kLease - absl::Microseconds(1)), IsEmpty());
  EXPECT_THAT(claim(kStart + kLease), ElementsAre(open.step.step_id));
  EXPECT_THAT(claim(kStart + kLease), IsEmpty());
  EXPECT_THAT(claim(kStart + 2 * kLease), ElementsAre(open.step.step_id));
}

TYPED_TEST(ChargeStoreContractTest, AuthorizationsAreClaimedWhenTheirTimeIsOver) {
  const Payment payment = this->Made(true);
  this->Made(false);
  const auto claim = [this](absl::Time now) {
    std::vector<Payment> mine;
    const auto claimed = this->Call(&ChargeStore::ClaimExpired, now, 1000);
    for (const Payment& one : *claimed) {
      if (one.user_id == this->user_) mine.push_back(one);
    }
    return mine;
  };
  const absl::Time end = kStart + absl::Hours(1);
  EXPECT_THAT(claim(end - absl::Microseconds(1)), IsEmpty());
  EXPECT_THAT(claim(end), ElementsAre(payment));
  EXPECT_THAT(claim(end), IsEmpty());
  EXPECT_THAT(claim(end + kLease), ElementsAre(payment));
}

TYPED_TEST(ChargeStoreContractTest, CountsOfSeveralPayeesForEach) {
  const Uuid one = SystemIds().NewId();
  const Uuid two = SystemIds().NewId();
  Pricing pricing;
  pricing.splits = {{.destination_account_id = one, .amount_minor = 600},
                    {.destination_account_id = two, .amount_minor = 400}};
  const Payment payment = this->Made(false, pricing);
  int keys = 0;
  const auto begin = [&](StepKind kind, const Uuid& payee, std::int64_t amount) {
    Step step = this->Of(payment, kind, amount);
    step.payee_account_id = payee;
    return this->Begin(step, std::to_string(++keys)).step;
  };
  const Step refunded = begin(StepKind::kRefund, one, 100);
  EXPECT_EQ(refunded.payee_account_id, one);
  this->Record(refunded, kYes);
  begin(StepKind::kRefund, one, 50);
  this->Record(begin(StepKind::kRefund, one, 25), No("insufficient_funds"));
  EXPECT_EQ(begin(StepKind::kRefund, one, 451).remaining_minor, 450);
  // What is disputed counts in flight, while it lasts, and where it is lost.
  const Step opening = begin(StepKind::kDispute, two, 400);
  EXPECT_EQ(begin(StepKind::kRefund, two, 1).remaining_minor, 0);
  const Dispute dispute = *this->Record(opening, kOwing).charge.dispute;
  EXPECT_EQ(dispute.payee_account_id, two);
  EXPECT_EQ(this->Call(&ChargeStore::GetDispute, dispute.dispute_id).value(), dispute);
  EXPECT_EQ(begin(StepKind::kRefund, two, 1).remaining_minor, 0);
  Step withdrawal = this->Of(payment, StepKind::kWithdraw);
  withdrawal.dispute_id = dispute.dispute_id;
  const Step withdrawn = this->Begin(withdrawal, "withdraw").step;
  EXPECT_EQ(withdrawn.payee_account_id, two);
  this->Record(withdrawn, kRepaid);
  EXPECT_EQ(begin(StepKind::kRefund, two, 401).remaining_minor, 400);
  EXPECT_EQ(this->Kept(payment).counters.refunded_minor, 150);
}

TYPED_TEST(ChargeStoreContractTest, ListsTheRefundsOfSomePayees) {
  const Uuid one = SystemIds().NewId();
  const Uuid two = SystemIds().NewId();
  Pricing pricing;
  pricing.splits = {{.destination_account_id = one, .amount_minor = 600},
                    {.destination_account_id = two, .amount_minor = 400}};
  const Payment payment = this->Made(false, pricing);
  Step first = this->Of(payment, StepKind::kRefund, 1);
  first.payee_account_id = one;
  first = this->Begin(first, "1").step;
  Step second = this->Of(payment, StepKind::kRefund, 1);
  second.payee_account_id = two;
  second = this->Begin(second, "2").step;
  const auto list = [this, &payment](const std::vector<Uuid>& payees) {
    return this
        ->Call(&ChargeStore::ListSteps, payment.payment_id, StepKind::kRefund, payees, std::nullopt,
               10)
        .value();
  };
  EXPECT_THAT(list({}), ElementsAre(second, first));
  EXPECT_THAT(list({one}), ElementsAre(first));
  EXPECT_THAT(list({two, one}), ElementsAre(second, first));
  EXPECT_THAT(list({SystemIds().NewId()}), IsEmpty());
}

TYPED_TEST(ChargeStoreContractTest, KeepsWhatComesBackOfAConversion) {
  Pricing pricing;
  pricing.conversion =
      Conversion{.quote_id = SystemIds().NewId(),
                 .destination = {.minor_units = 1100, .currency = *Currency::Parse("USD")},
                 .spread_minor = 11,
                 .rounding_minor = 2};
  const Payment payment = this->Made(false, pricing);
  const Returned all = {.payee_minor = 1100, .spread_minor = 11, .rounding_minor = 2};
  const Returned most = {.payee_minor = 660, .spread_minor = 6, .rounding_minor = 1};
  const Step refund = this->Begin(this->Of(payment, StepKind::kRefund, 600), "1").step;
  EXPECT_EQ(refund.returned, most);
  const Dispute dispute = this->Opened(payment);
  EXPECT_EQ(this->Kept(payment).counters.returned, all);
  EXPECT_EQ(Sum(dispute.returned, most), all);
  EXPECT_EQ(this->Call(&ChargeStore::GetDispute, dispute.dispute_id).value(), dispute);
  this->Record(refund, No("insufficient_funds"));
  EXPECT_EQ(this->Kept(payment).counters.returned, dispute.returned);
  EXPECT_EQ(this->Call(&ChargeStore::GetStep, payment.payment_id, StepKind::kRefund, refund.step_id)
                ->returned,
            most);
  Step withdrawal = this->Of(payment, StepKind::kWithdraw);
  withdrawal.dispute_id = dispute.dispute_id;
  this->Record(this->Begin(withdrawal, "withdraw").step, kRepaid);
  EXPECT_EQ(this->Kept(payment).counters.returned, Returned());
}

TYPED_TEST(ChargeStoreContractTest, ListsThePaymentsRefundsNewestFirst) {
  const Payment payment = this->Made(false);
  const Uuid one = this->Begin(this->Of(payment, StepKind::kRefund, 1), "1").step.step_id;
  const Uuid two = this->Begin(this->Of(payment, StepKind::kRefund, 2), "2").step.step_id;
  this->Begin(this->Of(payment, StepKind::kDispute, 2), "2");
  const auto list = [this, &payment](std::optional<Uuid> before, int limit) {
    std::vector<Uuid> ids;
    const auto listed = this->Call(&ChargeStore::ListSteps, payment.payment_id, StepKind::kRefund,
                                   std::vector<Uuid>(), before, limit);
    for (const Step& step : *listed) {
      ids.push_back(step.step_id);
    }
    return ids;
  };
  EXPECT_THAT(list(std::nullopt, 10), ElementsAre(two, one));
  EXPECT_THAT(list(std::nullopt, 1), ElementsAre(two));
  EXPECT_THAT(list(two, 10), ElementsAre(one));
}

TYPED_TEST(ChargeStoreContractTest, ADisputeIsOpenedByItsStepAndDecidedOnce) {
  const Payment payment = this->Made(false);
  const Dispute dispute = this->Opened(payment);
  EXPECT_EQ(this->Call(&ChargeStore::GetDispute, dispute.dispute_id).value(), dispute);
  EXPECT_THAT(this->Call(&ChargeStore::ListDisputes, payment.payment_id).value(),
              ElementsAre(dispute));
  EXPECT_THAT(this->Call(&ChargeStore::GetDispute, SystemIds().NewId()),
              StatusHasReason(Reason::kDisputeNotFound));
  EXPECT_EQ(this->Begin(this->Of(payment, StepKind::kDispute, 400), "dispute").charge.dispute,
            dispute);
  Step withdraw = this->Of(payment, StepKind::kWithdraw);
  withdraw.dispute_id = dispute.dispute_id;
  const StoredStep begun = this->Begin(withdraw, "withdraw");
  EXPECT_EQ(begun.charge.dispute->deciding_step_id, withdraw.step_id);
  Step accept = this->Of(payment, StepKind::kAccept);
  accept.dispute_id = dispute.dispute_id;
  EXPECT_EQ(this->Begin(accept, "accept").step.failure_reason, "dispute_closed");
  const StoredStep decided = this->Record(begun.step, kRepaid);
  EXPECT_EQ(decided.step.owed_minor, -100);
  EXPECT_EQ(decided.charge.dispute->state, DisputeState::kWithdrawn);
  EXPECT_EQ(this->Call(&ChargeStore::GetDispute, dispute.dispute_id).value(),
            *decided.charge.dispute);
  EXPECT_EQ(this->Kept(payment), payment);
}

TYPED_TEST(ChargeStoreContractTest, EvidencePutsADisputeUnderReview) {
  const Dispute dispute = this->Opened(this->Made(false));
  const absl::Time now = kStart + absl::Hours(1);
  const auto responded =
      this->Call(&ChargeStore::AddEvidence, this->Response(dispute, "key", 2), now);
  ASSERT_THAT(responded, IsOk());
  EXPECT_EQ(responded->state, DisputeState::kUnderReview);
  EXPECT_EQ(responded->update_time, now);
  EXPECT_THAT(this->Call(&ChargeStore::AddEvidence, this->Response(dispute, "key", 2), now),
              IsOk());
  EXPECT_THAT(this->Call(&ChargeStore::AddEvidence, this->Response(dispute, "key", 3), now),
              StatusHasReason(Reason::kIdempotencyKeyReused));
  EXPECT_THAT(this->Call(&ChargeStore::AddEvidence, this->Response(dispute, "more", 19), now),
              StatusHasReason(Reason::kInvalidEvidence));
  EXPECT_THAT(
      this->Call(&ChargeStore::AddEvidence, this->Response(dispute, "late"), dispute.respond_by),
      StatusHasReason(Reason::kDisputeClosed));
  const auto texts = this->Call(&ChargeStore::ListEvidence, dispute.dispute_id);
  EXPECT_THAT(*texts, ElementsAre(Evidence{"Line\n\"é\"", now}, Evidence{"Line\n\"é\"", now}));
}

TYPED_TEST(ChargeStoreContractTest, AnOverdueResponsePutsADisputeUnderReview) {
  const Dispute dispute = this->Opened(this->Made(false));
  ASSERT_THAT(
      this->Call(&ChargeStore::EndResponseTimes, dispute.respond_by - absl::Microseconds(1)),
      IsOk());
  EXPECT_EQ(this->Call(&ChargeStore::GetDispute, dispute.dispute_id)->state,
            DisputeState::kNeedsResponse);
  EXPECT_GE(this->Call(&ChargeStore::EndResponseTimes, dispute.respond_by).value(), 1);
  EXPECT_EQ(this->Call(&ChargeStore::GetDispute, dispute.dispute_id)->state,
            DisputeState::kUnderReview);
}

// The second line of defence, in the database itself, and the trail.
class ChargeGrantsTest : public ChargeStoreContractTest<PgChargeSubject> {
 protected:
  // Runs one statement as the runtime role on the row of `payment`; {ID} stands for its id.
  absl::Status Change(const Payment& payment, const std::string& change,
                      const std::string& table = "payments") {
    const std::string sql = "UPDATE " + table + " SET " + change + " WHERE payment_id = '" +
                            payment.payment_id.ToString() + "'";
    std::function<absl::StatusOr<int>(pqxx::work&)> work = [&sql](pqxx::work& transaction) {
      transaction.exec(sql);
      return absl::StatusOr<int>(0);
    };
    return runtime_.Run(subject_.pool.Transact(std::move(work))).status();
  }
  int Events(const std::string& action, const std::string& subject) {
    pqxx::connection connection(Server().conninfo("payments"));
    pqxx::work transaction(connection);
    return transaction
        .exec_params("SELECT count(*) FROM audit_events WHERE action = $1 AND subject = $2", action,
                     subject)[0][0]
        .as<int>();
  }
};

TEST_F(ChargeGrantsTest, NoMoreIsCapturedOrGivenBackThanThereIs) {
  const Payment open = Made(true);
  EXPECT_THAT(Change(open, "captured_minor = 1001"), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(Change(open, "captured_minor = 600, capturing_minor = 401"),
              StatusHasReason(Reason::kInternal));
  EXPECT_THAT(Change(open, "refunded_minor = 1"), StatusHasReason(Reason::kInternal));
  const Payment moved = Made(false);
  EXPECT_THAT(Change(moved, "refunded_minor = 1001"), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(Change(moved, "refunded_minor = 600, disputed_minor = 401"),
              StatusHasReason(Reason::kInternal));
  EXPECT_THAT(Change(moved, "refunded_minor = 600, disputed_minor = 400"), IsOk());
}

TEST_F(ChargeGrantsTest, TheStateMachineHolds) {
  const Payment open = Made(true);
  for (const char* change :
       {"state = 'processing'", "state = 'requires_action'", "state = 'succeeded'",
        "state = 'failed', failure_reason = 'x'", "state = 'canceled', failure_reason = 'x'",
        "state = 'canceled', failure_reason = 'x', release_reason = 'x', captured_minor = 1",
        "state = 'succeeded', captured_minor = 1000, capturing_minor = 0, "
        "authorization_expire_time = now()",
        "authorization_expire_time = now()",
        // Also once its hold is released.
        "state = 'processing', release_reason = 'x'",
        "state = 'failed', failure_reason = 'x', release_reason = 'x'",
        "state = 'succeeded', release_reason = 'captured', captured_minor = 1, capturing_minor = "
        "1"}) {
    EXPECT_THAT(Change(open, change), StatusHasReason(Reason::kInternal)) << change;
  }
  EXPECT_THAT(Change(open, "captured_minor = 10"), IsOk());
  const Payment released = Made(true);
  EXPECT_THAT(Change(released, "release_reason = 'x'"), IsOk());
  EXPECT_THAT(Change(released, "release_reason = 'y'"), StatusHasReason(Reason::kInternal));
  const Payment begun = Begun(true);
  EXPECT_THAT(Change(begun, "state = 'succeeded'"), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(Change(begun, "captured_minor = 1"), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(Change(begun, "capturing_minor = 1"), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(Change(begun, "state = 'failed', failure_reason = 'x'"), IsOk());
  EXPECT_THAT(Change(open, "captured_minor = 9"), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(Change(open, "state = 'succeeded'"), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(Change(open, "state = 'succeeded', release_reason = 'captured'"), IsOk());
  EXPECT_THAT(Change(open, "captured_minor = 11"), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(Change(Made(false), "captured_minor = 1"), StatusHasReason(Reason::kInternal));
}

TEST_F(ChargeGrantsTest, StepsAndDisputesEndOnce) {
  const Payment payment = Made(false);
  const Dispute dispute = Opened(payment);
  EXPECT_THAT(Change(payment, "state = 'processing'", "payment_steps"),
              StatusHasReason(Reason::kInternal));
  EXPECT_THAT(Change(payment, "amount_minor = 1", "payment_steps"),
              StatusHasReason(Reason::kInternal));
  const Payment other = Made(false);
  Begin(Of(other, StepKind::kRefund, 10), "in processing");
  for (const char* change : {"amount_minor = 1", "kind = 'void'", "note = ''", "may_owe = true"}) {
    EXPECT_THAT(Change(other, change, "payment_steps"), StatusHasReason(Reason::kInternal));
  }
  EXPECT_THAT(Change(payment, "state = 'won'", "disputes"), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(Change(payment, "amount_minor = 1", "disputes"), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(Change(payment, "state = 'lost'", "disputes"), IsOk());
  EXPECT_THAT(Change(payment, "state = 'under_review'", "disputes"),
              StatusHasReason(Reason::kInternal));
}

TEST_F(ChargeGrantsTest, EachStepIsInTheTrailOnce) {
  const Payment payment = Made(false);
  const Step refund = Of(payment, StepKind::kRefund, 100);
  for (int i = 0; i < 2; ++i) Begin(refund, "key");
  Begin(Of(payment, StepKind::kRefund, 100), "key");
  EXPECT_EQ(Events("payments.refund.create", FormatId(IdKind::kRefund, refund.step_id)), 1);
  const Dispute dispute = Opened(payment);
  const std::string id = FormatId(IdKind::kDispute, dispute.dispute_id);
  EXPECT_EQ(Events("payments.dispute.open", id), 1);
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Call(&ChargeStore::AddEvidence, Response(dispute, "key"), kStart), IsOk());
  }
  EXPECT_EQ(Events("payments.dispute.respond", id), 1);
}

// The text of a migration.
std::string Migration(const std::string& name) {
  const char* root = std::getenv("FLORIN_SOURCE_DIR");
  const std::string path =
      std::string(root == nullptr ? "." : root) + "/services/payments/store/migrations/" + name;
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_FALSE(text.str().empty()) << path;
  return text.str();
}

// Rows from before there were captures and refunds are taken, and can be refunded.
TEST(ChargeMigrationTest, TakesExistingRows) {
  testing::Postgres postgres;
  postgres.CreateSchema("payments");
  {
    pqxx::connection owner(postgres.conninfo("payments_owner"));
    pqxx::work before(owner);
    for (const char* name : {"0001_payments.sql", "0002_approvals.sql", "0003_audit.sql"}) {
      before.exec(Migration(name));
    }
    for (const char* row :
         {"'deposit', NULL, 'succeeded', '', NULL, NULL, NULL, NULL, NULL",
          "'transfer', gen_random_uuid(), 'processing', '', NULL, NULL, NULL, NULL, NULL",
          "'transfer', gen_random_uuid(), 'succeeded', '', NULL, NULL, NULL, NULL, NULL",
          "'transfer', gen_random_uuid(), 'failed', 'x', NULL, NULL, NULL, NULL, NULL",
          "'transfer', gen_random_uuid(), 'requires_action', '', gen_random_uuid(), 'Ben', "
          "sha256('n'), now(), NULL",
          "'transfer', gen_random_uuid(), 'canceled', 'x', gen_random_uuid(), 'Ben', sha256('n'), "
          "now(), NULL",
          "'transfer', gen_random_uuid(), 'succeeded', '', gen_random_uuid(), 'Ben', sha256('n'), "
          "now(), sha256('b')"}) {
      before.exec(
          "INSERT INTO payments (user_id, payment_id, idempotency_key, fingerprint, "
          "destination_account_id, currency, amount_minor, reference, transaction_id, create_time, "
          "update_time, next_attempt_time, kind, source_account_id, state, failure_reason, "
          "approval_id, payee_name, approval_nonce, approval_expire_time, approved_binding) VALUES "
          "(gen_random_uuid(), gen_random_uuid(), gen_random_uuid()::text, sha256('x'), "
          "gen_random_uuid(), 'EUR', 5, '', gen_random_uuid(), now(), now(), now(), " +
          std::string(row) + ")");
    }
    before.commit();
    pqxx::work migration(owner);
    migration.exec(Migration("0004_charges.sql"));
    migration.commit();
  }
  pqxx::connection runtime(postgres.conninfo("payments"));
  pqxx::work after(runtime);
  EXPECT_EQ(after.exec("SELECT count(*) FROM payments")[0][0].as<int>(), 7);
  EXPECT_EQ(after
                .exec("UPDATE payments SET refunded_minor = 5 WHERE kind = 'transfer' "
                      "AND state = 'succeeded'")
                .affected_rows(),
            2u);
  EXPECT_EQ(after.exec("UPDATE payments SET state = 'succeeded' WHERE state = 'processing'")
                .affected_rows(),
            1u);
}

}  // namespace
}  // namespace florin::payments
