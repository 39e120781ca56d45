// Payments with a price: fees, conversions and several payees, from the request to the ledger.
#include <future>

#include <boost/asio/use_future.hpp>

#include "services/payments/flow/payments_fixture.h"
#include "services/payments/flow/pricing_fixture.h"

namespace florin::payments {
namespace {

using ::testing::AllOf;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PricingTest : public PricingFixture {};

TEST_F(PricingTest, AFeeMovesWithItsPayment) {
  UseSchedule("transfer EUR split:5000 fixed=25");
  const auto made = Create(Transfer(400), "key");
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->payment.state, State::kSucceeded);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 1000 - 412);
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 387);
  EXPECT_EQ(ledger_double_.BalanceOf(House(Role::kFeeIncome, "EUR")), 25);
  EXPECT_EQ(ledger_double_.committed(), 1);
  EXPECT_THAT(Payments(), ::testing::ElementsAre(made->payment));
}

TEST_F(PricingTest, TheBalanceCoversTheFee) {
  UseSchedule("transfer EUR payer fixed=25");
  const auto made = Create(Transfer(976), "key");
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->payment.failure_reason, "insufficient_funds");
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 1000);
  EXPECT_EQ(Create(Transfer(975), "2")->payment.state, State::kSucceeded);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 0);
}

TEST_F(PricingTest, AKeyStandsForThePriceOfItsFirstRequest) {
  UseSchedule("transfer EUR payer fixed=25");
  const auto made = Create(Transfer(400), "key");
  UseSchedule("transfer EUR payer fixed=50");
  EXPECT_EQ(Create(Transfer(400), "key")->payment, made->payment);
  // Even one that could not be made now.
  UseSchedule("transfer EUR payee fixed=400");
  EXPECT_EQ(Create(Transfer(400), "key")->payment, made->payment);
  EXPECT_THAT(Create(Transfer(400), "2"), StatusHasReason(Reason::kAmountTooSmall));
  EXPECT_THAT(Create(Transfer(399), "key"), StatusHasReason(Reason::kIdempotencyKeyReused));
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 575);
}

TEST_F(PricingTest, RecoveryPostsWhatWasDecided) {
  UseSchedule("transfer EUR payer fixed=25");
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_THAT(Create(Transfer(400), "key"), StatusHasReason(Reason::kUnavailable));
  UseSchedule("transfer EUR payer fixed=50");
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_EQ(Recover().value(), 1);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 575);
  EXPECT_EQ(ledger_double_.BalanceOf(House(Role::kFeeIncome, "EUR")), 25);
}

TEST_F(PricingTest, AConversionMovesBothCurrenciesAtOnce) {
  const Quote quote = GetQuote(500);
  EXPECT_EQ(quote.converted.destination.minor_units, 544);  // 544.5
  const auto made = Create(Converting(quote), "key");
  ASSERT_THAT(made, IsOk());
  ASSERT_EQ(made->payment.state, State::kSucceeded);
  EXPECT_EQ(ledger_double_.committed(), 1);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 500);
  EXPECT_EQ(ledger_double_.BalanceOf(d_), 544);
  EXPECT_EQ(ledger_double_.BalanceOf(House(Role::kFxPosition, "EUR")), 500);
  EXPECT_EQ(ledger_double_.BalanceOf(House(Role::kFxPosition, "USD")), -550);
  EXPECT_EQ(ledger_double_.BalanceOf(House(Role::kFxSpreadIncome, "USD")), 5);
  EXPECT_EQ(ledger_double_.BalanceOf(House(Role::kFxGainLoss, "USD")), 1);
  EXPECT_EQ(Stored(quote).payment_id, made->payment.payment_id);
}

TEST_F(PricingTest, ARetryIsTheSamePaymentWhateverBecameOfItsQuote) {
  const Quote quote = GetQuote(500);
  const auto made = Create(Converting(quote), "key");
  clock_.Advance(absl::Hours(1));
  const auto again = Create(Converting(quote), "key");
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->payment, made->payment);
  EXPECT_THAT(Create(Converting(quote), "2"), StatusHasReason(Reason::kQuoteUsed));
  EXPECT_EQ(ledger_double_.BalanceOf(d_), 544);
}

TEST_F(PricingTest, AQuoteThatDoesNotFitLeavesNoTrace) {
  const Quote quote = GetQuote(500);
  PaymentRequest request = Converting(quote);
  request.amount.minor_units = 501;
  EXPECT_THAT(Create(request, "key"), AllOf(StatusHasReason(Reason::kQuoteMismatch)));
  request = Converting(quote);
  request.destination_account_id = b_;
  EXPECT_THAT(Create(request, "key"), StatusHasReason(Reason::kQuoteMismatch));
  request = Converting(quote);
  request.quote_id = SystemIds().NewId();
  EXPECT_THAT(Create(request, "key"), StatusHasReason(Reason::kQuoteNotFound));
  const Quote foreign = GetQuote(500, stranger_);
  EXPECT_THAT(Create(Converting(foreign), "key"), StatusHasReason(Reason::kQuoteNotFound));
  // Without a quote there is no conversion.
  request = Converting(quote);
  request.quote_id = Uuid();
  EXPECT_THAT(Create(request, "key"), StatusHasReason(Reason::kCurrencyMismatch));
  clock_.Advance(absl::Seconds(30));
  EXPECT_THAT(Create(Converting(quote), "key"), StatusHasReason(Reason::kQuoteExpired));
  EXPECT_THAT(Payments(), IsEmpty());
  EXPECT_TRUE(Stored(quote).payment_id.is_nil());
  EXPECT_EQ(ledger_double_.committed(), 0);
}

TEST_F(PricingTest, RacingPaymentsUseAQuoteOnce) {
  const Quote quote = GetQuote(50);
  std::vector<std::future<absl::StatusOr<CreatePayment::Outcome>>> answers;
  for (int i = 0; i < 32; ++i) {
    rpc::Outgoing context;
    answers.push_back(
        asio::co_spawn(runtime_.context(),
                       create_.Run(context, user_, "key " + std::to_string(i), Converting(quote)),
                       asio::use_future));
  }
  int made = 0;
  for (auto& answer : answers) {
    const auto outcome = answer.get();
    made += outcome.ok();
    if (!outcome.ok()) {
      EXPECT_THAT(outcome, StatusHasReason(Reason::kQuoteUsed));
    }
  }
  EXPECT_EQ(made, 1);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 950);
}

TEST_F(PricingTest, SeveralPayeesArePaidAtOnceOrNobody) {
  UseSchedule("transfer EUR payee basis_points=1000");
  ASSERT_THAT(Create(To({{b_, 300}, {c_, 100}}), "key"), IsOk());
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 600);
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 270);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 90);
  EXPECT_EQ(ledger_double_.BalanceOf(House(Role::kFeeIncome, "EUR")), 40);
  EXPECT_EQ(ledger_double_.committed(), 1);
  EXPECT_EQ(Create(To({{b_, 600}, {c_, 1}}), "2")->payment.failure_reason, "insufficient_funds");
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 270);
  EXPECT_THAT(Create(To({{b_, 1}, {d_, 1}}), "3"), StatusHasReason(Reason::kCurrencyMismatch));
  EXPECT_THAT(Create(To({{b_, 1}, {SystemIds().NewId(), 1}}), "3"),
              StatusHasReason(Reason::kAccountNotFound));
  EXPECT_THAT(Payments(), SizeIs(2));
}

class ApprovedPricingTest : public PricingFixture {
 protected:
  absl::StatusOr<Payment> Make(const PaymentRequest& request, const std::string& key = "key") {
    rpc::Outgoing context;
    auto made = runtime_.Run(judging_create_.Run(context, user_, key, request));
    if (!made.ok()) return made.status();
    return made->payment;
  }
  auth::v1::Approval ApprovalOf(const Payment& payment) {
    return approvals_double_.Get(FormatId(IdKind::kApproval, payment.approval->approval_id));
  }
  absl::StatusOr<Payment> ApproveAndConfirm(const Payment& payment) {
    approvals_double_.SetState(FormatId(IdKind::kApproval, payment.approval->approval_id),
                               auth::v1::Approval::APPROVED);
    rpc::Outgoing context;
    return runtime_.Run(confirm_.Run(context, user_, payment.payment_id));
  }
  PaymentRequest ToStranger(std::int64_t minor_units) {
    PaymentRequest request = Transfer(minor_units);
    request.destination_account_id = c_;
    return request;
  }
};

TEST_F(ApprovedPricingTest, ThePayerApprovesAllThatHeIsDebited) {
  UseSchedule("transfer EUR payer fixed=25");
  const Payment payment = Make(ToStranger(400)).value();
  ASSERT_EQ(payment.state, State::kRequiresAction);
  EXPECT_EQ(ApprovalOf(payment).amount().minor_units(), 425);
  const auto confirmed = ApproveAndConfirm(payment);
  ASSERT_THAT(confirmed, IsOk());
  EXPECT_EQ(confirmed->state, State::kSucceeded);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 575);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 400);
}

TEST_F(ApprovedPricingTest, APriceThatWasChangedVoidsTheApproval) {
  UseSchedule("transfer EUR payer fixed=25");
  const Payment payment = Make(ToStranger(400)).value();
  store_.Tamper(user_, payment.payment_id,
                [this](Payment& kept) { kept.pricing->postings[1].credit_account_id = b_; });
  const auto confirmed = ApproveAndConfirm(payment);
  ASSERT_THAT(confirmed, IsOk());
  EXPECT_EQ(confirmed->state, State::kCanceled);
  EXPECT_EQ(confirmed->failure_reason, "approval_mismatch");
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 1000);
}

TEST_F(ApprovedPricingTest, SeveralPayeesAreShownAndBound) {
  const Payment payment = Make(To({{b_, 100}, {c_, 300}})).value();
  ASSERT_EQ(payment.state, State::kRequiresAction);
  EXPECT_EQ(ApprovalOf(payment).payee_name(), "Zoë Strange");
  EXPECT_EQ(ApprovalOf(payment).payee_account_id(), FormatId(IdKind::kAccount, c_));
  EXPECT_EQ(ApprovalOf(payment).amount().minor_units(), 400);
  store_.Tamper(user_, payment.payment_id,
                [](Payment& kept) { std::swap(kept.pricing->splits[0], kept.pricing->splits[1]); });
  EXPECT_EQ(ApproveAndConfirm(payment)->failure_reason, "approval_mismatch");
  const Payment good = Make(To({{b_, 100}, {c_, 300}}), "2").value();
  EXPECT_EQ(ApproveAndConfirm(good)->state, State::kSucceeded);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 300);
  // To oneself nothing is to be approved.
  EXPECT_EQ(Make(To({{b_, 100}}), "3")->state, State::kSucceeded);
}

TEST_F(ApprovedPricingTest, PayeesWhoCannotBeShownAreRefused) {
  std::vector<Split> splits;
  for (int i = 0; i < 11; ++i) {
    const Uuid account = SystemIds().NewId();
    accounts_double_.Add({.account_id = account,
                          .owner_user_id = stranger_,
                          .currency = *Currency::Parse("EUR"),
                          .holder_name = "Zoë Strange"});
    ledger_double_.Fund(account, 0);
    splits.push_back({account, 1});
  }
  // 11 names of 11 characters and 10 times ", " are 141.
  EXPECT_THAT(Make(To(splits)), StatusHasReason(Reason::kInvalidSplit));
  splits.pop_back();
  EXPECT_THAT(Make(To(splits), "2"), IsOk());
  EXPECT_THAT(Payments(), SizeIs(1));
}

TEST_F(ApprovedPricingTest, AConversionForSomebodyElseIsApproved) {
  const Uuid dollars = SystemIds().NewId();
  accounts_double_.Add({.account_id = dollars,
                        .owner_user_id = stranger_,
                        .currency = *Currency::Parse("USD"),
                        .holder_name = "Zoë Strange"});
  ledger_double_.Fund(dollars, 0);
  const Quote quote = GetQuote(500);
  PaymentRequest request = Converting(quote);
  request.destination_account_id = dollars;
  const Payment payment = Make(request).value();
  ASSERT_EQ(payment.state, State::kRequiresAction);
  // The quote is his until then, also beyond its expiry.
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(Stored(quote).payment_id, payment.payment_id);
  EXPECT_EQ(ApproveAndConfirm(payment)->state, State::kSucceeded);
  EXPECT_EQ(ledger_double_.BalanceOf(dollars), 544);
}

}  // namespace
}  // namespace florin::payments
