// What every RailReconcileStore promises, held against PostgreSQL and the fake; and what the
// database refuses whatever the program does.
#include "services/payments/store/rail_reconcile_store.h"

#include <pqxx/pqxx>

#include "libs/async/runtime.h"
#include "libs/status/matchers.h"
#include "services/payments/store/store_subjects.h"

namespace florin::payments {
namespace {

using S = PayoutStage;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Of no other test's.
const Currency kNok = *Currency::Parse("NOK");
Money Kroner(std::int64_t minor_units) { return {.minor_units = minor_units, .currency = kNok}; }

template <class T>
class RailReconcileStoreTest : public ::testing::Test {
 protected:
  ~RailReconcileStoreTest() override { runtime_.Stop(); }

  RailReconcileStore& lines() { return kept_.lines(); }
  template <class R>
  R Run(Task<absl::StatusOr<R>> task) {
    absl::StatusOr<R> result = runtime_.Run(std::move(task));
    EXPECT_THAT(result, IsOk());
    return *std::move(result);
  }

  // A payout that has gone this way, a second for each stage.
  Uuid Payout(const std::vector<S>& way, absl::Time now = kStart, std::int64_t amount = 250) {
    const PayoutRequest request{.source_account_id = SystemIds().NewId(),
                                .amount = Kroner(amount),
                                .beneficiary = {.name = "Secret", .account = "1"},
                                .reference = "secret",
                                .rail = rail_};
    const Uuid id = SystemIds().NewId();
    const Intent intent{.payment = NewPayout(id, SystemIds().NewId(), request, now),
                        .idempotency_key = "key",
                        .fingerprint = crypto::Sha256("x"),
                        .payout = PayoutTerms{request.beneficiary, request.rail}};
    std::vector<Intent> one = {intent};
    Run(kept_.payments().InsertIntents(std::move(one)));
    S from = S::kCreated;
    for (const S to : way) {
      now += absl::Seconds(1);
      EXPECT_EQ(Run(kept_.payouts().Advance(id, from, to, "", now)).stage, to);
      from = to;
    }
    return id;
  }
  void Deposit(const std::string& id, std::optional<DepositStage> stage, absl::Time time = kStart) {
    RailDeposit deposit{.rail = rail_,
                        .deposit_id = id,
                        .amount = Kroner(70),
                        .account_reference = "XF",
                        .reference = "secret",
                        .create_time = time};
    Run(kept_.deposits().ReceiveDeposit(deposit));
    if (!stage) return;
    deposit.stage = DepositStage::kSuspending;
    Run(kept_.deposits().AdvanceDeposit(DepositStage::kReceived, deposit));
    if (*stage == DepositStage::kSuspending) return;
    deposit.stage = *stage;
    Run(kept_.deposits().AdvanceDeposit(DepositStage::kSuspending, deposit));
  }
  RailEntry Line(RailEvent event, const Uuid& payout, const std::string& deposit,
                 std::int64_t amount) {
    const std::int64_t number = ++number_;
    return {.number = number,
            .event = event,
            .payout_id = payout,
            .deposit_id = deposit,
            .amount = Kroner(amount),
            .code = event == RailEvent::kReturned ? "AC04" : "",
            .book_time = kStart + absl::Seconds(number)};
  }
  RailProgress Keep(const std::string& cursor, std::vector<RailEntry> entries,
                    const std::string& next) {
    RailStatement page{.entries = std::move(entries), .next_cursor = next};
    return Run(lines().KeepStatement(rail_, cursor, std::move(page)));
  }
  SettlementSums Sums() {
    for (const SettlementSums& one : Run(lines().SettlementSumsOf())) {
      if (one.currency == kNok) return one;
    }
    return {.currency = kNok};
  }

  const std::vector<S> settled_ = {S::kReserved, S::kSending, S::kSent, S::kSettling, S::kSettled};
  async::Runtime runtime_{1};
  T kept_;
  const std::string rail_ = SystemIds().NewId().ToString();  // Of this test alone.
  std::int64_t number_ = 0;
};

using RailReconcileStores = ::testing::Types<FakeSubject, PgSubject>;
TYPED_TEST_SUITE(RailReconcileStoreTest, RailReconcileStores);

TYPED_TEST(RailReconcileStoreTest, AStatementIsKeptOnceInItsOrder) {
  const Uuid payout = SystemIds().NewId();
  EXPECT_EQ(this->Run(this->lines().ProgressOf(this->rail_)), RailProgress());
  const RailEntry paid = this->Line(RailEvent::kSettled, payout, "", 250);
  const RailEntry got = this->Line(RailEvent::kDeposit, Uuid(), "d'1", 70);
  const RailEntry back = this->Line(RailEvent::kReturned, payout, "", 249);
  RailProgress progress = this->Keep("", {paid, got}, "two");
  EXPECT_EQ(progress.cursor, "two");
  EXPECT_EQ(progress.kept_lines, 2);
  EXPECT_EQ(this->Keep("", {paid, got}, "two"), progress) << "read again";
  progress = this->Keep("two", {back}, "three");
  EXPECT_EQ(progress.kept_lines, 3);
  EXPECT_EQ(this->Keep("", {paid}, "one"), progress) << "somebody else is further";
  EXPECT_EQ(this->Run(this->lines().ProgressOf(this->rail_)), progress);

  const RailSubject first{.payout_id = payout, .time = paid.book_time};
  const RailSubject second{.deposit_id = "d'1", .time = got.book_time};
  const RailSubject third{.payout_id = payout, .time = back.book_time};
  EXPECT_THAT(this->Run(this->lines().LinesAfter(this->rail_, 0, 10)),
              ElementsAre(first, second, third));
  EXPECT_THAT(this->Run(this->lines().LinesAfter(this->rail_, 0, 2)), ElementsAre(first, second));
  EXPECT_THAT(this->Run(this->lines().LinesAfter(this->rail_, 1, 10)), ElementsAre(second, third));
  EXPECT_THAT(this->Run(this->lines().LinesAfter("other", 0, 10)), IsEmpty());
  std::vector<RailSubject> subjects = {second, first};
  const std::vector<RailCase> cases =
      this->Run(this->lines().CasesOf(this->rail_, std::move(subjects)));
  ASSERT_THAT(cases, SizeIs(2));
  EXPECT_THAT(cases[0].lines, ElementsAre(got));
  EXPECT_THAT(cases[1].lines, ElementsAre(paid, back));
  EXPECT_FALSE(cases[1].payout.has_value());
  EXPECT_FALSE(cases[0].deposit.has_value());
}

// What a rail gives twice, against its promise, is one line.
TYPED_TEST(RailReconcileStoreTest, ALineIsOneByItsNumber) {
  const RailEntry line = this->Line(RailEvent::kDeposit, Uuid(), "d1", 70);
  this->Keep("", {line, line}, "a");
  this->Keep("a", {line}, "b");
  std::vector<RailSubject> subjects = {{.deposit_id = "d1"}};
  EXPECT_THAT(this->Run(this->lines().CasesOf(this->rail_, std::move(subjects)))[0].lines,
              ElementsAre(line));
}

TYPED_TEST(RailReconcileStoreTest, WhatIsComparedOnlyGrows) {
  this->Keep("", {this->Line(RailEvent::kDeposit, Uuid(), "d1", 70)}, "a");
  RailProgress reached{
      .compared_lines = 1, .payouts_until = kStart, .deposits_until = kStart + absl::Seconds(1)};
  this->Run(this->lines().RecordCompared(this->rail_, reached));
  RailProgress behind;
  this->Run(this->lines().RecordCompared(this->rail_, behind));
  reached.cursor = "a";
  reached.kept_lines = 1;
  EXPECT_EQ(this->Run(this->lines().ProgressOf(this->rail_)), reached);
}

TYPED_TEST(RailReconcileStoreTest, ExecutedPayoutsComeInTheirOrder) {
  const absl::Time executed = kStart + absl::Seconds(5);
  const Uuid later = this->Payout(this->settled_, kStart + absl::Seconds(1));
  const Uuid first = this->Payout(this->settled_);
  this->Payout({S::kReserved, S::kSending, S::kSent});
  std::vector<S> back = this->settled_;
  back.push_back(S::kReturning);
  this->Payout(back);  // Not while it is being booked.
  back.push_back(S::kReturned);
  const Uuid returned = this->Payout(back);
  const auto until = executed + absl::Hours(1);
  auto& lines = this->lines();
  const RailSubject one{.payout_id = first, .time = executed};
  const RailSubject two{.payout_id = later, .time = executed + absl::Seconds(1)};
  const RailSubject three{.payout_id = returned, .time = executed + absl::Seconds(2)};
  EXPECT_THAT(this->Run(lines.ExecutedPayouts(this->rail_, absl::UnixEpoch(), until, 10)),
              ElementsAre(one, two, three));
  EXPECT_THAT(this->Run(lines.ExecutedPayouts(this->rail_, executed + absl::Microseconds(1),
                                              three.time, 10)),
              ElementsAre(two));
  EXPECT_THAT(this->Run(lines.ExecutedPayouts("other", absl::UnixEpoch(), until, 10)), IsEmpty());
  const Uuid same = this->Payout(this->settled_);
  const auto both = this->Run(lines.ExecutedPayouts(this->rail_, absl::UnixEpoch(), until, 1));
  ASSERT_THAT(both, SizeIs(2)) << "of one time all";
  EXPECT_TRUE(both[0].payout_id == same || both[1].payout_id == same);
}

TYPED_TEST(RailReconcileStoreTest, DepositsComeInTheirOrder) {
  this->Deposit("b", std::nullopt, kStart + absl::Seconds(1));
  this->Deposit("a", DepositStage::kUnmatched);
  const RailSubject a{.deposit_id = "a", .time = kStart};
  const RailSubject b{.deposit_id = "b", .time = kStart + absl::Seconds(1)};
  EXPECT_THAT(this->Run(this->lines().ReceivedDeposits(this->rail_, absl::UnixEpoch(),
                                                       kStart + absl::Hours(1), 10)),
              ElementsAre(a, b));
  EXPECT_THAT(this->Run(this->lines().ReceivedDeposits(this->rail_, kStart, b.time, 10)),
              ElementsAre(a));
}

TYPED_TEST(RailReconcileStoreTest, ACaseHasBothSides) {
  const Uuid id = this->Payout(this->settled_);
  this->Deposit("d1", DepositStage::kUnmatched);
  std::vector<RailSubject> subjects = {{.payout_id = id}, {.deposit_id = "d1"}, {.payout_id = id}};
  const std::vector<RailCase> cases =
      this->Run(this->lines().CasesOf(this->rail_, std::move(subjects)));
  ASSERT_THAT(cases, SizeIs(3));
  const PayoutAtUs payout{.payment_id = id,
                          .amount = Kroner(250),
                          .stage = S::kSettled,
                          .since = kStart + absl::Seconds(5)};
  EXPECT_EQ(cases[0].payout, payout);
  EXPECT_EQ(cases[0], cases[2]);
  const DepositAtUs deposit{
      .deposit_id = "d1", .amount = Kroner(70), .stage = DepositStage::kUnmatched, .since = kStart};
  EXPECT_EQ(cases[1].deposit, deposit);
  std::vector<RailSubject> again = {{.payout_id = id}};
  EXPECT_FALSE(this->Run(this->lines().CasesOf("other", std::move(again)))[0].payout.has_value())
      << "another rail's";
}

// What is being booked may be in the ledger, or not: between both.
TYPED_TEST(RailReconcileStoreTest, SumsAreWhatEachStageHasBooked) {
  struct Row {
    std::vector<S> way;
    std::int64_t least;
    std::int64_t most;
  };
  std::vector<S> way = {S::kReserved, S::kSending, S::kSent};
  std::vector<Row> rows = {{{S::kCanceled}, 0, 0}, {way, 0, 0}};
  way.push_back(S::kSettling);
  rows.push_back({way, -250, 0});
  way.push_back(S::kSettled);
  rows.push_back({way, -250, -250});
  way.push_back(S::kReturning);
  rows.push_back({way, -250, 0});
  way.push_back(S::kReturned);
  rows.push_back({way, 0, 0});
  for (const Row& row : rows) {
    const SettlementSums before = this->Sums();
    this->Payout(row.way);
    const SettlementSums after = this->Sums();
    EXPECT_EQ(after.least_minor - before.least_minor, row.least) << NameOf(row.way.back());
    EXPECT_EQ(after.most_minor - before.most_minor, row.most) << NameOf(row.way.back());
  }
  const SettlementSums before = this->Sums();
  this->Deposit("received", std::nullopt);
  this->Deposit("suspending", DepositStage::kSuspending);
  this->Deposit("unmatched", DepositStage::kUnmatched);
  this->Keep("",
             {this->Line(RailEvent::kSettled, SystemIds().NewId(), "", 1),
              this->Line(RailEvent::kReturned, SystemIds().NewId(), "", 20),
              this->Line(RailEvent::kDeposit, Uuid(), "d", 300)},
             "a");
  const SettlementSums after = this->Sums();
  EXPECT_EQ(after.least_minor - before.least_minor, 70);
  EXPECT_EQ(after.most_minor - before.most_minor, 140);
  EXPECT_EQ(after.statement_minor - before.statement_minor, 319);
}

TEST(RailStatementTableTest, LinesAreNeverChanged) {
  pqxx::connection connection(Server().conninfo("payments"));
  for (const char* sql : {"UPDATE rail_statement_lines SET amount_minor = 1",
                          "DELETE FROM rail_statement_lines", "DELETE FROM rail_progress"}) {
    pqxx::work transaction(connection);
    EXPECT_THROW(transaction.exec(sql), pqxx::insufficient_privilege) << sql;
  }
}

}  // namespace
}  // namespace florin::payments
