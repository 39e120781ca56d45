// What every TimelineStore promises, held against PostgreSQL and the fake.
#include "services/payments/store/timeline_store.h"

#include <pqxx/pqxx>

#include "libs/async/runtime.h"
#include "libs/status/matchers.h"
#include "services/payments/domain/request.h"
#include "services/payments/store/store_subjects.h"

namespace florin::payments {
namespace {

template <class T>
class TimelineStoreTest : public ::testing::Test {
 protected:
  ~TimelineStoreTest() override { runtime_.Stop(); }

  template <class R>
  R Run(Task<absl::StatusOr<R>> task) {
    absl::StatusOr<R> result = runtime_.Run(std::move(task));
    EXPECT_THAT(result, IsOk());
    return *std::move(result);
  }
  Payment Insert(Payment payment, const std::string& request_id,
                 std::optional<PayoutTerms> payout = std::nullopt) {
    Intent intent{.payment = std::move(payment),
                  .idempotency_key = "key",
                  .fingerprint = crypto::Sha256("x"),
                  .origin = {},
                  .payout = std::move(payout)};
    intent.origin.request_id = request_id;
    intent.trace_id = trace_id_;
    std::vector<Intent> one = {intent};
    return Run(kept_.payments().InsertIntents(std::move(one)))[0].payment;
  }
  Payment Transfer(const std::string& request_id) {
    const PaymentRequest request{.kind = Kind::kTransfer,
                                 .source_account_id = SystemIds().NewId(),
                                 .destination_account_id = SystemIds().NewId(),
                                 .amount = amount_,
                                 .reference = ""};
    return Insert(NewPayment(SystemIds().NewId(), user_, request, kStart), request_id);
  }
  PaymentOrigin OriginOf(const Uuid& id) { return Run(kept_.timelines().OriginOf(id)); }

  std::string trace_id_ = {};
  const Money amount_ = {.minor_units = 250, .currency = *Currency::Parse("EUR")};
  const Uuid user_ = SystemIds().NewId();
  async::Runtime runtime_{1};
  T kept_;
};

using TimelineStores = ::testing::Types<FakeSubject, PgSubject>;
TYPED_TEST_SUITE(TimelineStoreTest, TimelineStores);

// The first request that sent the key made it.
TYPED_TEST(TimelineStoreTest, TheRequestThatMadeIt) {
  const Payment made = this->Transfer("req_one");
  EXPECT_EQ(this->OriginOf(made.payment_id), PaymentOrigin{.request_id = "req_one"});
  EXPECT_EQ(this->Transfer("req_two").payment_id, made.payment_id) << "its key is known";
  EXPECT_EQ(this->OriginOf(made.payment_id).request_id, "req_one");
  EXPECT_EQ(this->OriginOf(SystemIds().NewId()), PaymentOrigin());
}

TYPED_TEST(TimelineStoreTest, TheTraceThatMadeIt) {
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  this->trace_id_ = trace;
  const Payment made = this->Transfer("req_one");
  const PaymentOrigin expected{.request_id = "req_one", .trace_id = trace};
  EXPECT_EQ(this->OriginOf(made.payment_id), expected);
  this->trace_id_ = std::string(32, 'f');
  this->Transfer("req_two");
  EXPECT_EQ(this->OriginOf(made.payment_id), expected) << "its key is known";
}

TYPED_TEST(TimelineStoreTest, AWorkersHasNone) {
  EXPECT_EQ(this->OriginOf(this->Transfer("").payment_id), PaymentOrigin());
}

TYPED_TEST(TimelineStoreTest, HowFarAPayoutHasCome) {
  const PayoutRequest request{.source_account_id = SystemIds().NewId(),
                              .amount = this->amount_,
                              .beneficiary = {.name = "Secret", .account = "1"},
                              .reference = "secret",
                              .rail = "rail"};
  const Uuid id = SystemIds().NewId();
  this->Insert(NewPayout(id, this->user_, request, kStart), "req_one",
               PayoutTerms{request.beneficiary, request.rail});
  PaymentOrigin expected{.request_id = "req_one", .payout = PayoutOnRail{.rail = "rail"}};
  EXPECT_EQ(this->OriginOf(id), expected);
  this->Run(
      this->kept_.payouts().Advance(id, PayoutStage::kCreated, PayoutStage::kReserved, "", kStart));
  this->Run(this->kept_.payouts().Advance(id, PayoutStage::kReserved, PayoutStage::kCanceling,
                                          "AC01", kStart));
  expected.payout->stage = PayoutStage::kCanceling;
  expected.payout->code = "AC01";
  EXPECT_EQ(this->OriginOf(id), expected);
  // Others claim from the same database.
  this->Run(this->kept_.payouts().Advance(id, PayoutStage::kCanceling, PayoutStage::kCanceled, "",
                                          kStart));
}

TYPED_TEST(TimelineStoreTest, TheDepositThatItCredits) {
  RailDeposit deposit{.rail = SystemIds().NewId().ToString(),
                      .deposit_id = "d1",
                      .amount = this->amount_,
                      .account_reference = "secret",
                      .reference = "secret",
                      .create_time = kStart};
  this->Run(this->kept_.deposits().ReceiveDeposit(deposit));
  deposit.stage = DepositStage::kCrediting;
  deposit.account_id = SystemIds().NewId();
  deposit.user_id = this->user_;
  deposit.payment_id = SystemIds().NewId();
  this->Run(this->kept_.deposits().AdvanceDeposit(DepositStage::kReceived, deposit));
  this->Insert(PaymentOf(deposit, kStart), "");
  const PaymentOrigin expected{.deposit = RailDeposit{.rail = deposit.rail,
                                                      .deposit_id = "d1",
                                                      .amount = this->amount_,
                                                      .account_reference = "",
                                                      .reference = "",
                                                      .stage = DepositStage::kCrediting,
                                                      .create_time = kStart}};
  EXPECT_EQ(this->OriginOf(deposit.payment_id), expected);
}

}  // namespace
}  // namespace florin::payments
