#include "services/payments/flow/pay_request.h"

#include <future>

#include <boost/asio/use_future.hpp>

#include "services/payments/flow/payments_fixture.h"
#include "services/payments/store/fake_money_request_store.h"

namespace florin::payments {
namespace {

using ::testing::SizeIs;

// The stranger, whose account is C, asks; the user pays from A.
class PayRequestTest : public PaymentsFixture {
 protected:
  // The coroutines of the fixture's runtime use what is here.
  ~PayRequestTest() override { runtime_.Stop(); }

  MoneyRequest Wanted(std::int64_t minor_units = 300) {
    return {.user_id = stranger_,
            .destination_account_id = c_,
            .amount = {.minor_units = minor_units, .currency = *Currency::Parse("EUR")},
            .reference = "Dinner"};
  }
  absl::StatusOr<PayRequest::Created> Make(const MoneyRequest& wanted,
                                           absl::Duration life = absl::Hours(1),
                                           const std::string& key = "key") {
    rpc::Outgoing context;
    return runtime_.Run(requests_.Create(context, wanted, life, key));
  }
  MoneyRequest Make() {
    const auto made = Make(Wanted());
    EXPECT_THAT(made, IsOk());
    return made->request;
  }
  absl::StatusOr<PayRequest::Paid> Pay(PayRequest& requests, const MoneyRequest& request,
                                       const std::string& key = "pay") {
    rpc::Outgoing context;
    Paying paying{.user_id = user_, .source_account_id = a_, .key = key};
    return runtime_.Run(requests.Run(context, request.request_id, paying));
  }
  MoneyRequestState StateOf(const MoneyRequest& request) {
    return runtime_.Run(money_requests_.GetRequest(request.request_id))->state;
  }

  FakeMoneyRequestStore money_requests_;
  PayRequest requests_{money_requests_, directory_, create_, clock_, SystemIds()};
  PayRequest judging_{money_requests_, directory_, judging_create_, clock_, SystemIds()};
};

TEST_F(PayRequestTest, IsPaidOnce) {
  const MoneyRequest request = Make();
  const auto paid = Pay(requests_, request);
  ASSERT_THAT(paid, IsOk());
  EXPECT_EQ(paid->request.state, MoneyRequestState::kPaid);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 300);
  EXPECT_EQ(Payments()[0].payment_id, paid->request.payment_id);
  EXPECT_EQ(Payments()[0].reference, "Dinner");
  const auto again = Pay(requests_, request);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->request, paid->request);
  EXPECT_THAT(Pay(requests_, request, "another"), StatusHasReason(Reason::kPaymentRequestClosed));
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 300);
}

TEST_F(PayRequestTest, OfManyAtOnceOnePays) {
  const MoneyRequest request = Make();
  std::vector<std::future<absl::StatusOr<PayRequest::Paid>>> paying;
  for (int i = 0; i < 8; ++i) {
    rpc::Outgoing context;
    Paying one{.user_id = user_, .source_account_id = a_, .key = std::to_string(i)};
    paying.push_back(asio::co_spawn(
        runtime_.executor(), requests_.Run(context, request.request_id, one), asio::use_future));
  }
  int paid = 0;
  for (auto& one : paying) paid += one.get().ok();
  EXPECT_EQ(paid, 1);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 300);
}

TEST_F(PayRequestTest, ARefusedPaymentLeavesItOpenAndIsRefusedAgain) {
  const auto large = Make(Wanted(1001));
  EXPECT_THAT(Pay(requests_, large->request), StatusHasReason(Reason::kInsufficientFunds));
  EXPECT_EQ(StateOf(large->request), MoneyRequestState::kOpen);
  ledger_double_.Fund(a_, 5000);
  EXPECT_THAT(Pay(requests_, large->request), StatusHasReason(Reason::kInsufficientFunds));
  EXPECT_THAT(Pay(requests_, large->request, "another"), IsOk());
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 1001);
}

TEST_F(PayRequestTest, ACrashAnywherePaysOnce) {
  for (const Fault fault : {Fault::kUnavailable, Fault::kAnswerLost}) {
    const std::int64_t before = ledger_double_.BalanceOf(c_);
    const auto made = Make(Wanted(), absl::Hours(1), SystemIds().NewId().ToString());
    ledger_double_.SetFault(fault);
    EXPECT_THAT(Pay(requests_, made->request), StatusHasReason(Reason::kUnavailable));
    ledger_double_.SetFault(Fault::kNone);
    money_requests_.FailEnds(true);
    EXPECT_THAT(Pay(requests_, made->request), StatusHasReason(Reason::kUnavailable));
    money_requests_.FailEnds(false);
    EXPECT_EQ(StateOf(made->request), MoneyRequestState::kPaying);
    // The payer never comes back.
    EXPECT_EQ(runtime_.Run(requests_.RunOnce()).value(), 0);
    clock_.Advance(kMoneyRequestLease);
    EXPECT_EQ(runtime_.Run(requests_.RunOnce()).value(), 1);
    EXPECT_EQ(StateOf(made->request), MoneyRequestState::kPaid);
    EXPECT_EQ(ledger_double_.BalanceOf(c_), before + 300);
  }
}

TEST_F(PayRequestTest, ItsPayerApprovesAsAnyPayment) {
  const auto made = Make(Wanted(900));
  const auto asked = Pay(judging_, made->request);
  ASSERT_THAT(asked, IsOk());
  EXPECT_EQ(asked->request.state, MoneyRequestState::kPaying);
  EXPECT_FALSE(asked->request.payment_id.is_nil());
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 0);
  // Given up: open again, and no money has moved.
  ASSERT_THAT(runtime_.Run(confirm_.Cancel(user_, asked->request.payment_id)), IsOk());
  clock_.Advance(kMoneyRequestLease);
  EXPECT_EQ(runtime_.Run(judging_.RunOnce()).value(), 1);
  EXPECT_EQ(StateOf(made->request), MoneyRequestState::kOpen);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 0);
}

TEST_F(PayRequestTest, IsForItsPayerOnly) {
  MoneyRequest wanted = Wanted();
  wanted.payer_user_id = SystemIds().NewId();
  const auto made = Make(wanted);
  EXPECT_THAT(Pay(requests_, made->request), StatusHasReason(Reason::kPaymentRequestNotFound));
  EXPECT_THAT(runtime_.Run(requests_.Find(user_, made->request.request_id)),
              StatusHasReason(Reason::kPaymentRequestNotFound));
  EXPECT_THAT(runtime_.Run(requests_.Find(stranger_, made->request.request_id)), IsOk());
  EXPECT_EQ(StateOf(made->request), MoneyRequestState::kOpen);
}

TEST_F(PayRequestTest, IsCheckedBeforeItIsKept) {
  EXPECT_THAT(Make(Wanted(), absl::Seconds(59)), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(Make(Wanted(), absl::Hours(24 * 366 + 1)), StatusHasReason(Reason::kInvalidField));
  MoneyRequest wanted = Wanted();
  wanted.reference = "\n";
  EXPECT_THAT(Make(wanted), StatusHasReason(Reason::kInvalidReference));
  wanted = Wanted();
  wanted.destination_account_id = a_;
  EXPECT_THAT(Make(wanted), StatusHasReason(Reason::kAccountNotFound));
  wanted = Wanted();
  wanted.amount.currency = *Currency::Parse("USD");
  EXPECT_THAT(Make(wanted), StatusHasReason(Reason::kCurrencyMismatch));
  const auto made = Make(Wanted());
  EXPECT_TRUE(Make(Wanted())->replayed);
  EXPECT_THAT(Make(Wanted(301)), StatusHasReason(Reason::kIdempotencyKeyReused));
  EXPECT_THAT(runtime_.Run(money_requests_.ListRequests(stranger_, {}, 10)).value(), SizeIs(1));
}

TEST_F(PayRequestTest, ExpiresUnpaid) {
  const MoneyRequest request = Make();
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(Pay(requests_, request), StatusHasReason(Reason::kPaymentRequestExpired));
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 0);
}

}  // namespace
}  // namespace florin::payments
