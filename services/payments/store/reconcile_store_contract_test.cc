// What every ReconcileStore promises, held against PostgreSQL and the fake; and what the database
// refuses whatever the program does.
#include "services/payments/store/reconcile_store.h"

#include <pqxx/pqxx>

#include "libs/async/runtime.h"
#include "libs/status/matchers.h"
#include "services/payments/domain/request.h"
#include "services/payments/store/store_subjects.h"

namespace florin::payments {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// Each test works at a time of its own, in which nobody else makes payments.
absl::Time NextStart() {
  static int tests = 0;
  return absl::FromUnixSeconds(1'890'000'000 + 100'000 * ++tests);
}

template <class S>
class ReconcileStoreContractTest : public ::testing::Test {
 protected:
  ~ReconcileStoreContractTest() override { runtime_.Stop(); }

  ReconcileStore& store() { return subject_.reconcile(); }
  template <class T>
  T Run(Task<absl::StatusOr<T>> task) {
    absl::StatusOr<T> result = runtime_.Run(std::move(task));
    EXPECT_THAT(result, IsOk());
    return *std::move(result);
  }

  Payment Begun(absl::Duration after = {}) {
    PaymentRequest request{.kind = Kind::kTransfer,
                           .source_account_id = SystemIds().NewId(),
                           .destination_account_id = SystemIds().NewId(),
                           .amount = {.minor_units = 1000, .currency = *Currency::Parse("EUR")},
                           .reference = ""};
    const Payment payment = NewPayment(SystemIds().NewId(), user_, request, start_ + after);
    const Intent intent{.payment = payment,
                        .idempotency_key = FormatId(IdKind::kPayment, payment.payment_id),
                        .fingerprint = crypto::Sha256(CanonicalRequest(request))};
    std::vector<Intent> intents = {intent};
    Run(subject_.payments().InsertIntents(std::move(intents)));
    return payment;
  }
  Payment Ended(Payment payment) {
    payment.state = State::kSucceeded;
    payment.update_time = start_ + absl::Seconds(1);
    std::vector<Payment> ended = {payment};
    return Run(subject_.payments().RecordResults(std::move(ended)))[0];
  }
  Step Refund(const Payment& payment, const std::string& key) {
    StepIntent intent{.step = {.step_id = SystemIds().NewId(),
                               .payment_id = payment.payment_id,
                               .user_id = user_,
                               .kind = StepKind::kRefund,
                               .amount_minor = 400,
                               .create_time = start_,
                               .update_time = start_},
                      .idempotency_key = key};
    intent.fingerprint = crypto::Sha256(CanonicalStep(intent.step));
    return Run(subject_.charges().BeginStep(std::move(intent))).step;
  }
  std::vector<Discrepancy> Fail(const Payment& payment, std::optional<Step> step, int second) {
    std::vector<VainAttempt> attempts = {
        {.payment = payment, .step = std::move(step), .reason = "account_not_found"}};
    return Run(store().RecordFailures(std::move(attempts), start_ + absl::Seconds(second)));
  }
  bool IsClaimed(const Payment& payment, absl::Time now) {
    const std::vector<Payment> claimed = Run(subject_.payments().ClaimUnfinished(now, 10'000));
    return std::ranges::count(claimed, payment.payment_id, &Payment::payment_id) > 0;
  }
  Discrepancy Found(const Payment& payment) {
    return *Compare(payment, LedgerRecords(std::vector<LedgerRecord>()));
  }
  KeptDiscrepancy Kept(const Discrepancy& discrepancy) {
    return Run(store().GetDiscrepancy(discrepancy.discrepancy_id));
  }
  void Walked(std::vector<Discrepancy> found, int second) {
    Run(store().RecordWalk(Walk::kPayments, 1, std::move(found), start_ + absl::Seconds(second)));
  }

  const absl::Time start_ = NextStart();
  async::Runtime runtime_{2};
  S subject_;
  const Uuid user_ = SystemIds().NewId();
};

using ReconcileSubjects = ::testing::Types<FakeSubject, PgSubject>;
TYPED_TEST_SUITE(ReconcileStoreContractTest, ReconcileSubjects);

TYPED_TEST(ReconcileStoreContractTest, WhatFailsRestsAndIsParkedInTheEnd) {
  const Payment payment = this->Begun();
  for (int i = 1; i < kMostFailures; ++i) {
    EXPECT_THAT(this->Fail(payment, std::nullopt, i), IsEmpty());
    const absl::Time next = this->start_ + absl::Seconds(i) + *RestAfter(i);
    EXPECT_FALSE(this->IsClaimed(payment, next - absl::Microseconds(1))) << i;
    EXPECT_TRUE(this->IsClaimed(payment, next)) << i;
  }
  const std::vector<Discrepancy> parked = this->Fail(payment, std::nullopt, 50);
  ASSERT_THAT(parked, SizeIs(1));
  EXPECT_EQ(parked[0], Parked(payment, "account_not_found"));
  EXPECT_FALSE(this->IsClaimed(payment, this->start_ + absl::Hours(20)));
  EXPECT_EQ(this->Kept(parked[0]).state, DiscrepancyState::kOpen);

  const std::vector<RecoveryFailure> failures =
      this->Run(this->store().ListFailures(payment.payment_id));
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_EQ(failures[0], (RecoveryFailure{.payment_id = payment.payment_id,
                                          .step_id = {},
                                          .failures = kMostFailures,
                                          .reason = "account_not_found",
                                          .parked = true,
                                          .first_time = this->start_ + absl::Seconds(1),
                                          .last_time = this->start_ + absl::Seconds(50)}));
}

TYPED_TEST(ReconcileStoreContractTest, WhatIsParkedIsTakenUpAgain) {
  const Payment payment = this->Begun();
  for (int i = 1; i <= kMostFailures; ++i) this->Fail(payment, std::nullopt, i);
  const Uuid somebody = SystemIds().NewId();
  const absl::Time now = this->start_ + absl::Hours(1);
  const auto again = [&] {
    return this->Run(this->store().TakeUpAgain(payment.payment_id, somebody, now, audit::Origin()));
  };
  EXPECT_EQ(again(), 1);
  EXPECT_TRUE(this->IsClaimed(payment, now));
  EXPECT_EQ(this->Kept(Parked(payment, "")).state, DiscrepancyState::kAgreed);
  EXPECT_EQ(again(), 0);
  // Its failures are counted anew, and it is parked again under the same discrepancy.
  for (int i = 1; i <= kMostFailures; ++i) this->Fail(payment, std::nullopt, 4000 + i);
  EXPECT_EQ(this->Kept(Parked(payment, "")).state, DiscrepancyState::kOpen);
}

TYPED_TEST(ReconcileStoreContractTest, WhatHasEndedMeanwhileIsNotParked) {
  const Payment payment = this->Begun();
  for (int i = 1; i < kMostFailures; ++i) this->Fail(payment, std::nullopt, i);
  this->Ended(payment);
  EXPECT_THAT(this->Fail(payment, std::nullopt, 50), IsEmpty());
  EXPECT_FALSE(this->Run(this->store().ListFailures(payment.payment_id))[0].parked);
}

TYPED_TEST(ReconcileStoreContractTest, StepsAreParkedByThemselves) {
  const Payment payment = this->Ended(this->Begun());
  const Step refund = this->Refund(payment, "1");
  for (int i = 1; i < kMostFailures; ++i) this->Fail(payment, refund, i);
  const std::vector<Discrepancy> parked = this->Fail(payment, refund, 50);
  ASSERT_THAT(parked, SizeIs(1));
  EXPECT_EQ(parked[0].step_id, refund.step_id);
  EXPECT_EQ(parked[0].at_risk_minor, 400);
  const absl::Time late = this->start_ + absl::Hours(20);
  const auto is_claimed = [&] {
    const auto claimed = this->Run(this->subject_.charges().ClaimSteps(late, 10'000));
    return std::ranges::any_of(
        claimed, [&](const StoredStep& stored) { return stored.step.step_id == refund.step_id; });
  };
  EXPECT_FALSE(is_claimed());
  EXPECT_EQ(
      this->Run(this->store().TakeUpAgain(payment.payment_id, this->user_, late, audit::Origin())),
      1);
  EXPECT_TRUE(is_claimed());
}

TYPED_TEST(ReconcileStoreContractTest, PaymentsAndStepsByTheTimeTheyWereMade) {
  const Payment first = this->Begun();
  const Payment second = this->Ended(this->Begun(absl::Seconds(10)));
  const Step refund = this->Refund(second, "1");
  const auto made = [&](int from, int until, int limit = 100) {
    std::vector<Uuid> ids;
    const auto payments = this->Run(this->store().PaymentsMade(
        this->start_ + absl::Seconds(from), this->start_ + absl::Seconds(until), limit));
    for (const Payment& payment : payments) ids.push_back(payment.payment_id);
    return ids;
  };
  EXPECT_THAT(made(0, 10), ElementsAre(first.payment_id));
  EXPECT_THAT(made(1, 11), ElementsAre(second.payment_id));
  EXPECT_THAT(made(0, 11), SizeIs(2));
  EXPECT_THAT(made(0, 11, 1), SizeIs(1));
  const auto steps =
      this->Run(this->store().StepsMade(this->start_, this->start_ + absl::Microseconds(1), 100));
  ASSERT_THAT(steps, SizeIs(1));
  EXPECT_THAT(steps[0].steps, ElementsAre(refund));
  EXPECT_EQ(steps[0].payment.payment_id, second.payment_id);

  std::vector<Uuid> ids = {first.payment_id, SystemIds().NewId(), second.payment_id};
  const auto whole = this->Run(this->store().WholePayments(std::move(ids)));
  ASSERT_THAT(whole, SizeIs(2));
  for (const WholePayment& one : whole) {
    const bool refunded = one.payment.payment_id == second.payment_id;
    EXPECT_THAT(one.steps, SizeIs(refunded ? 1 : 0));
  }
}

TYPED_TEST(ReconcileStoreContractTest, AWalkNeverGoesBack) {
  const std::int64_t before = this->Run(this->store().PositionOf(Walk::kSteps));
  const auto move = [&](std::int64_t position) {
    this->Run(this->store().RecordWalk(Walk::kSteps, position, {}, this->start_));
    return this->Run(this->store().PositionOf(Walk::kSteps));
  };
  EXPECT_EQ(move(before + 7), before + 7);
  EXPECT_EQ(move(before + 3), before + 7);
}

TYPED_TEST(ReconcileStoreContractTest, ADiscrepancyIsOpenedOnce) {
  const Payment payment = this->Begun();
  const Discrepancy found = this->Found(payment);
  this->Walked({found}, 1);
  this->Walked({found}, 2);
  const KeptDiscrepancy kept = this->Kept(found);
  EXPECT_EQ(kept, (KeptDiscrepancy{.discrepancy = found,
                                   .create_time = this->start_ + absl::Seconds(1),
                                   .update_time = this->start_ + absl::Seconds(1)}));
  EXPECT_THAT(this->Run(this->store().DiscrepanciesOf(payment.payment_id)), ElementsAre(kept));

  std::vector<Uuid> ids = {found.discrepancy_id};
  EXPECT_EQ(this->Run(this->store().Agree(ids, this->start_ + absl::Seconds(3))), 1);
  EXPECT_EQ(this->Run(this->store().Agree(ids, this->start_ + absl::Seconds(4))), 0);
  EXPECT_EQ(this->Kept(found).state, DiscrepancyState::kAgreed);
  this->Walked({found}, 5);
  EXPECT_EQ(this->Kept(found).state, DiscrepancyState::kOpen);
}

// Of every kind there is, with the rail and the deposit that it is about.
TYPED_TEST(ReconcileStoreContractTest, DiscrepanciesOfRailsAreOpenedWithoutAWalk) {
  std::vector<Discrepancy> found;
  for (const DiscrepancyKind kind :
       {DiscrepancyKind::kMissingHere, DiscrepancyKind::kMissingAtRail,
        DiscrepancyKind::kRailAmountDiffers, DiscrepancyKind::kExecutedTwice,
        DiscrepancyKind::kStageDiffers, DiscrepancyKind::kSettlementDiffers}) {
    Discrepancy one = this->Found(this->Begun());
    one.kind = kind;
    one.discrepancy_id = DiscrepancyIdOf(kind, one.payment_id);
    one.rail = "sandbox";
    one.deposit_id = "d'1";
    found.push_back(one);
  }
  for (int i = 0; i < 2; ++i) {
    std::vector<Discrepancy> again = found;
    EXPECT_EQ(this->Run(this->store().OpenDiscrepancies(std::move(again), this->start_)), 6);
  }
  for (const Discrepancy& one : found) {
    EXPECT_EQ(this->Kept(one).discrepancy, one);
    EXPECT_EQ(this->Kept(one).state, DiscrepancyState::kOpen);
  }
}

TYPED_TEST(ReconcileStoreContractTest, APersonResolvesOnce) {
  const Discrepancy found = this->Found(this->Begun());
  this->Walked({found}, 1);
  const absl::Time now = this->start_ + absl::Seconds(2);
  Resolution resolution{
      .discrepancy_id = found.discrepancy_id, .user_id = this->user_, .note = "repaid by hand"};
  const KeptDiscrepancy resolved = this->Run(this->store().Resolve(resolution, now));
  EXPECT_EQ(resolved.state, DiscrepancyState::kResolved);
  EXPECT_EQ(resolved.note, "repaid by hand");
  EXPECT_EQ(this->Run(this->store().Resolve(resolution, now + absl::Seconds(9))), resolved);
  EXPECT_EQ(this->Kept(found), resolved);
  // It stays, whatever is found.
  this->Walked({found}, 5);
  std::vector<Uuid> ids = {found.discrepancy_id};
  EXPECT_EQ(this->Run(this->store().Agree(std::move(ids), now)), 0);
  EXPECT_EQ(this->Kept(found), resolved);
  resolution.note = "another";
  EXPECT_THAT(this->runtime_.Run(this->store().Resolve(resolution, now)),
              StatusHasReason(Reason::kDiscrepancyClosed));
  resolution.discrepancy_id = SystemIds().NewId();
  EXPECT_THAT(this->runtime_.Run(this->store().Resolve(resolution, now)),
              StatusHasReason(Reason::kDiscrepancyNotFound));
  EXPECT_THAT(this->runtime_.Run(this->store().GetDiscrepancy(resolution.discrepancy_id)),
              StatusHasReason(Reason::kDiscrepancyNotFound));
}

TYPED_TEST(ReconcileStoreContractTest, ListsByStateInPagesAndSums) {
  const auto sum = [this] {
    std::int64_t at_risk = 0;
    for (const Exposure& one : this->Run(this->store().ListExposure())) {
      if (one.currency == "EUR") at_risk = std::stoll(one.at_risk_minor);
    }
    return at_risk;
  };
  const std::int64_t before = sum();
  const Discrepancy first = this->Found(this->Begun());
  const Discrepancy second = this->Found(this->Begun());
  this->Walked({first, second}, 1);
  EXPECT_EQ(sum(), before + 2000);
  std::vector<Uuid> ids = {first.discrepancy_id};
  this->Run(this->store().Agree(std::move(ids), this->start_));
  EXPECT_EQ(sum(), before + 1000);

  std::vector<Uuid> open;
  std::optional<Uuid> last;
  while (true) {
    const auto page = this->Run(this->store().ListDiscrepancies(DiscrepancyState::kOpen, last, 1));
    if (page.empty()) break;
    last = page[0].discrepancy.discrepancy_id;
    EXPECT_TRUE(open.empty() || *last < open.back());
    open.push_back(*last);
  }
  EXPECT_THAT(open, Contains(second.discrepancy_id));
  EXPECT_THAT(open, Not(Contains(first.discrepancy_id)));
  const auto all = this->Run(this->store().ListDiscrepancies(std::nullopt, std::nullopt, 10'000));
  EXPECT_GT(all.size(), open.size());
}

TEST(DiscrepanciesInTheDatabase, DoNotChangeOnceAPersonHasResolvedThem) {
  pqxx::connection owner(Server().conninfo("payments_owner"));
  pqxx::work work(owner);
  work.exec(
      "INSERT INTO payments.discrepancies (discrepancy_id, kind, at_risk_minor, expected, found, "
      "state, resolved_by, note, create_time, update_time) VALUES (gen_random_uuid(), 'parked', 1, "
      "'', '', 'resolved', gen_random_uuid(), '', now(), now())");
  EXPECT_THROW(work.exec("UPDATE payments.discrepancies SET state = 'open', resolved_by = NULL "
                         "WHERE state = 'resolved'"),
               pqxx::sql_error);
}

}  // namespace
}  // namespace florin::payments
