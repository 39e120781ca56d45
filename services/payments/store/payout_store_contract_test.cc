// What every PayoutStore promises, held against PostgreSQL and the fake; and what the database
// refuses whatever the program does.
#include "services/payments/store/payout_store.h"

#include <memory>

#include <pqxx/pqxx>

#include "libs/async/runtime.h"
#include "libs/status/matchers.h"
#include "services/payments/domain/approval.h"
#include "services/payments/domain/price_payment.h"
#include "services/payments/store/store_subjects.h"

namespace florin::payments {
namespace {

using S = PayoutStage;
using ::testing::IsEmpty;
using ::testing::SizeIs;

PayoutRequest Request() {
  return {
      .source_account_id = SystemIds().NewId(),
      .amount = {.minor_units = 250, .currency = *Currency::Parse("EUR")},
      .beneficiary = {.name = "Zoë 'Quote'", .account = "DE89370400440532013000", .is_iban = true},
      .reference = "rent",
      .rail = "sandbox"};
}

Intent NewIntent(const Uuid& user, const std::string& key) {
  const PayoutRequest request = Request();
  return {.payment = NewPayout(SystemIds().NewId(), user, request, kStart),
          .idempotency_key = key,
          .fingerprint = crypto::Sha256("x"),
          .payout = PayoutTerms{request.beneficiary, request.rail}};
}

template <typename T>
class PayoutStoreTest : public ::testing::Test {
 protected:
  ~PayoutStoreTest() override {
    // Other tests claim from the same database.
    while (!Claim(kStart + absl::Hours(1'000'000), 100).empty()) {
      for (const Uuid& id : made_) EXPECT_THAT(Go(id, S::kCreated, S::kCanceled), IsOk());
    }
  }
  Payment Insert(const std::string& key = "key") {
    const Intent intent = NewIntent(user_, key);
    std::vector<Intent> one = {intent};
    const auto stored = runtime_.Run(kept_.payments().InsertIntents(one));
    EXPECT_THAT(stored, IsOk());
    made_.push_back(stored->front().payment.payment_id);
    return stored->front().payment;
  }
  absl::StatusOr<Payout> Find(const Uuid& id) {
    return runtime_.Run(kept_.payouts().FindPayout(id));
  }
  absl::StatusOr<Payout> Go(const Uuid& id, S from, S to, const std::string& code = "",
                            absl::Time now = kStart) {
    return runtime_.Run(kept_.payouts().Advance(id, from, to, code, now));
  }
  void GoAll(const Uuid& id, const std::vector<S>& stages) {
    for (std::size_t i = 1; i < stages.size(); ++i) {
      const auto gone = Go(id, stages[i - 1], stages[i]);
      ASSERT_THAT(gone, IsOk());
      ASSERT_EQ(gone->stage, stages[i]);
    }
  }
  std::vector<Payout> Claim(absl::Time now, int limit = 10) {
    auto claimed = runtime_.Run(kept_.payouts().ClaimPayouts(now, limit));
    EXPECT_THAT(claimed, IsOk());
    return claimed.ok() ? *std::move(claimed) : std::vector<Payout>();
  }

  async::Runtime runtime_{1};
  T kept_;
  const Uuid user_ = SystemIds().NewId();
  std::vector<Uuid> made_;
};

using PayoutStores = ::testing::Types<FakeSubject, PgSubject>;
TYPED_TEST_SUITE(PayoutStoreTest, PayoutStores);

TYPED_TEST(PayoutStoreTest, IsInsertedWithItsIntent) {
  const Payment payment = this->Insert();
  const auto payout = this->Find(payment.payment_id);
  ASSERT_THAT(payout, IsOk());
  EXPECT_EQ(payout->payment, payment);
  EXPECT_EQ(payout->beneficiary, Request().beneficiary);
  EXPECT_EQ(payout->rail, "sandbox");
  EXPECT_EQ(payout->stage, S::kCreated);
  EXPECT_EQ(this->Insert().payment_id, payment.payment_id) << "the key is known";
  EXPECT_THAT(this->Find(this->user_), StatusHasReason(Reason::kPaymentNotFound));
}

TYPED_TEST(PayoutStoreTest, KeepsItsPriceForEver) {
  Intent intent = NewIntent(this->user_, "priced");
  intent.payment.pricing =
      *PricePayout(Request(), *ParseFeeSchedule("payout EUR payer fixed=5 returned=give_back"));
  std::vector<Intent> one = {intent};
  ASSERT_THAT(this->runtime_.Run(this->kept_.payments().InsertIntents(one)), IsOk());
  this->made_.push_back(intent.payment.payment_id);
  EXPECT_EQ(this->Find(intent.payment.payment_id)->payment.pricing, intent.payment.pricing);
}

TYPED_TEST(PayoutStoreTest, IsInsertedWithAnIntentThatWaits) {
  const ApprovalPolicy policy = *ParseApprovalPolicy("all");
  const Intent intent = NewIntent(this->user_, "judged");
  const ApprovalTerms terms =
      NewTerms(intent.payment.payment_id, "Zoë", std::string(sca::kNonceSize, 'n'), kStart);
  const auto judged =
      this->runtime_.Run(this->kept_.approvals().InsertJudged(intent, terms, policy));
  ASSERT_THAT(judged, IsOk());
  EXPECT_EQ(judged->stored.payment.state, State::kRequiresAction);
  const Uuid id = intent.payment.payment_id;
  EXPECT_EQ(this->Find(id)->beneficiary, Request().beneficiary);
  EXPECT_THAT(this->Claim(kStart + absl::Hours(1)), IsEmpty()) << "it waits for its payer";
  const auto given_up = this->runtime_.Run(
      this->kept_.approvals().GiveUp(this->user_, id, Reason::kApprovalExpired, kStart, {}));
  ASSERT_THAT(given_up, IsOk());
  EXPECT_THAT(this->Claim(kStart + absl::Hours(1)), SizeIs(1));
  const auto closed = this->Go(id, S::kCreated, S::kCanceled);
  EXPECT_EQ(closed->payment.failure_reason, "approval_expired");
  EXPECT_THAT(this->Claim(kStart + absl::Hours(2)), IsEmpty());
}

TYPED_TEST(PayoutStoreTest, GoesFromStageToStageWithItsPayment) {
  const Uuid id = this->Insert().payment_id;
  this->GoAll(id, {S::kCreated, S::kReserved, S::kSending, S::kSent, S::kSettling});
  const auto settled = this->Go(id, S::kSettling, S::kSettled, "", kStart + absl::Seconds(9));
  ASSERT_THAT(settled, IsOk());
  EXPECT_EQ(settled->payment.state, State::kSucceeded);
  EXPECT_EQ(settled->payment.update_time, kStart + absl::Seconds(9));
  EXPECT_EQ(this->Find(id).value(), *settled);
  EXPECT_EQ(this->Go(id, S::kSettling, S::kSettled).value(), *settled) << "done before";
  EXPECT_EQ(this->Go(id, S::kReserved, S::kCanceling).value(), *settled) << "too late";
  EXPECT_EQ(this->Go(id, S::kSettled, S::kReturning, "AC04")->code, "AC04");
  const auto returned = this->Go(id, S::kReturning, S::kReturned);
  EXPECT_EQ(returned->payment.state, State::kReturned);
  EXPECT_EQ(returned->payment.failure_reason, "rail_returned");
  EXPECT_EQ(returned->code, "AC04");
  const auto listed = this->runtime_.Run(this->kept_.payments().GetPayment(this->user_, id));
  EXPECT_EQ(listed.value(), returned->payment);
}

TYPED_TEST(PayoutStoreTest, IsRejectedOrCanceled) {
  const Uuid rejected = this->Insert("rejected").payment_id;
  this->GoAll(rejected, {S::kCreated, S::kReserved, S::kSending, S::kSent});
  EXPECT_THAT(this->Go(rejected, S::kSent, S::kRejecting, "AC01"), IsOk());
  EXPECT_EQ(this->Go(rejected, S::kRejecting, S::kRejected)->payment.failure_reason,
            "rail_rejected");
  const Uuid canceled = this->Insert("canceled").payment_id;
  this->GoAll(canceled, {S::kCreated, S::kReserved, S::kCanceling, S::kCanceled});
  EXPECT_EQ(this->Find(canceled)->payment.state, State::kCanceled);
}

TYPED_TEST(PayoutStoreTest, IsClaimedByOneAtATime) {
  const Uuid id = this->Insert().payment_id;
  EXPECT_THAT(this->Claim(kStart), IsEmpty()) << "its request has it";
  const std::vector<Payout> claimed = this->Claim(kStart + kLease);
  ASSERT_THAT(claimed, SizeIs(1));
  EXPECT_EQ(claimed[0], this->Find(id).value());
  EXPECT_THAT(this->Claim(kStart + kLease), IsEmpty());
  EXPECT_THAT(this->runtime_.Run(this->kept_.payouts().Postpone(id, kStart + absl::Minutes(5))),
              IsOk());
  EXPECT_EQ(this->Find(id)->asked, 1);
  EXPECT_THAT(this->Claim(kStart + absl::Minutes(4)), IsEmpty());
  EXPECT_THAT(this->Claim(kStart + absl::Minutes(5)), SizeIs(1));
  const auto others =
      this->runtime_.Run(this->kept_.payments().ClaimUnfinished(kStart + absl::Hours(1), 1'000));
  ASSERT_THAT(others, IsOk());
  for (const Payment& other : *others) EXPECT_NE(other.kind, Kind::kPayout);
}

// Whatever the program does. `change` is what is tried on one payout in `stage`.
void ExpectRefused(const std::string& change, const std::string& table, const Uuid& id) {
  pqxx::connection connection(Server().conninfo("payments"));
  pqxx::work transaction(connection);
  EXPECT_THROW(transaction.exec("UPDATE " + table + " SET " + change + " WHERE payment_id = '" +
                                id.ToString() + "'"),
               pqxx::sql_error)
      << change;
}

TEST(PayoutMachineInSqlTest, AllowsWhatTheProgramsMachineDoes) {
  async::Runtime runtime(1);
  PgSubject real;
  const auto names = [] {
    std::vector<S> all;
    for (const PayoutTransition& row : PayoutTransitions()) all.push_back(row.to);
    return all;
  }();
  std::vector<Intent> one = {NewIntent(SystemIds().NewId(), "machine")};
  const Uuid id = one.front().payment.payment_id;
  ASSERT_THAT(runtime.Run(real.payments().InsertIntents(one)), IsOk());
  pqxx::connection owner(Server().conninfo("postgres"));
  for (const S from : names) {
    for (const S to : names) {
      if (from == to) continue;
      pqxx::work transaction(owner);
      transaction.exec("SET LOCAL session_replication_role = replica");
      transaction.exec("UPDATE payments.payouts SET stage = '" + std::string(NameOf(from)) +
                       "' WHERE payment_id = '" + id.ToString() + "'");
      transaction.exec("SET LOCAL session_replication_role = origin");
      bool allowed = true;
      try {
        transaction.exec("UPDATE payments.payouts SET stage = '" + std::string(NameOf(to)) +
                         "' WHERE payment_id = '" + id.ToString() + "'");
      } catch (const pqxx::sql_error&) {
        allowed = false;
      }
      EXPECT_EQ(allowed, MayAdvance(from, to)) << NameOf(from) << " " << NameOf(to);
    }
  }
  ASSERT_THAT(runtime.Run(real.payouts().Advance(id, S::kCreated, S::kReserved, "", kStart)),
              IsOk());
  ExpectRefused("state = 'returned', failure_reason = 'x'", "payments", id);
  ExpectRefused("state = 'requires_action'", "payments", id);
  ExpectRefused("beneficiary_account = 'mine'", "payouts", id);
  for (const auto& [from, to] : std::vector<std::pair<S, S>>{{S::kReserved, S::kSending},
                                                             {S::kSending, S::kSent},
                                                             {S::kSent, S::kSettling},
                                                             {S::kSettling, S::kSettled}}) {
    ASSERT_THAT(runtime.Run(real.payouts().Advance(id, from, to, "", kStart)), IsOk());
  }
  ExpectRefused("state = 'failed', failure_reason = 'x'", "payments", id);
  ExpectRefused("state = 'processing'", "payments", id);
  ExpectRefused("state = 'canceled', failure_reason = 'x'", "payments", id);
}

}  // namespace
}  // namespace florin::payments
