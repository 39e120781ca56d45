// What the API says of prices, and how it is asked for quotes and several payees.
#include "services/payments/flow/pricing_fixture.h"
#include "services/payments/rpc/payments_rpc.h"
#include "services/payments/rpc/quotes_rpc.h"

namespace florin::payments {
namespace {

using ::testing::AllOf;

class PricingRpcTest : public PricingFixture {
 protected:
  rpc::Call CallOf(const Uuid& user, const std::string& key = "") {
    rpc::Outgoing incoming;
    incoming.idempotency_key = key;
    rpc::Principal principal{.user_id = FormatId(IdKind::kUser, user)};
    return rpc::Call("gateway", incoming, principal, true);
  }
  absl::StatusOr<v1::Quote> Ask(const v1::CreateQuoteRequest& request) {
    rpc::Call call = CallOf(user_);
    return runtime_.Run(quotes_.CreateQuote(call, request));
  }
  static v1::CreateQuoteRequest QuoteOf(std::int64_t source, std::int64_t destination = 0) {
    v1::CreateQuoteRequest request;
    request.set_source_currency("EUR");
    request.set_destination_currency("USD");
    request.set_source_minor_units(source);
    request.set_destination_minor_units(destination);
    return request;
  }
  v1::CreatePaymentRequest Request(std::int64_t minor_units, const Uuid& destination) const {
    v1::CreatePaymentRequest request;
    request.set_source_account_id(FormatId(IdKind::kAccount, a_));
    if (!destination.is_nil()) {
      request.set_destination_account_id(FormatId(IdKind::kAccount, destination));
    }
    request.mutable_amount()->set_currency("EUR");
    request.mutable_amount()->set_minor_units(minor_units);
    return request;
  }
  static void AddSplit(const Uuid& account, std::int64_t minor_units,
                       v1::CreatePaymentRequest& request) {
    v1::Split& split = *request.add_splits();
    split.set_destination_account_id(FormatId(IdKind::kAccount, account));
    split.mutable_amount()->set_currency("EUR");
    split.mutable_amount()->set_minor_units(minor_units);
  }
  absl::StatusOr<v1::Payment> Pay(const v1::CreatePaymentRequest& request,
                                  const std::string& key = "key") {
    rpc::Call call = CallOf(user_, key);
    return runtime_.Run(service_.CreatePayment(call, request));
  }

  PaymentsRpc service_{
      create_, confirm_, parties_, steps_, store_, proofs_, "main", true, "https://bank.example"};
  QuotesRpc quotes_{create_quote_, store_};
};

TEST_F(PricingRpcTest, APlainPaymentIsDebitedAndCreditedItsAmount) {
  const auto made = Pay(Request(400, b_));
  ASSERT_THAT(made, IsOk());
  EXPECT_FALSE(made->has_fee());
  EXPECT_FALSE(made->has_conversion());
  EXPECT_EQ(made->debited().minor_units(), 400);
  EXPECT_EQ(made->credited().minor_units(), 400);
}

TEST_F(PricingRpcTest, AFeeIsShownWithWhoBearsIt) {
  UseSchedule("transfer EUR split:2000 fixed=11");
  const auto made = Pay(Request(400, b_));
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->amount().minor_units(), 400);
  EXPECT_EQ(made->fee().amount().minor_units(), 11);
  EXPECT_EQ(made->fee().amount().currency(), "EUR");
  EXPECT_EQ(made->fee().borne_by(), v1::Fee::SPLIT);
  EXPECT_EQ(made->fee().payer_share().minor_units(), 2);
  EXPECT_EQ(made->fee().payee_share().minor_units(), 9);
  EXPECT_EQ(made->debited().minor_units(), 402);
  EXPECT_EQ(made->credited().minor_units(), 391);
}

TEST_F(PricingRpcTest, AQuoteIsAnsweredWholeAndUsedByAPayment) {
  const auto quote = Ask(QuoteOf(500));
  ASSERT_THAT(quote, IsOk());
  EXPECT_EQ(quote->source_amount().currency(), "EUR");
  EXPECT_EQ(quote->source_amount().minor_units(), 500);
  EXPECT_EQ(quote->destination_amount().currency(), "USD");
  EXPECT_EQ(quote->destination_amount().minor_units(), 544);
  EXPECT_EQ(quote->rate().units(), 1'089'000'000'000);
  EXPECT_EQ(quote->mid_rate().units(), 1'100'000'000'000);
  EXPECT_EQ(quote->rate().scale(), 12);
  EXPECT_EQ(quote->spread_basis_points(), 100);
  EXPECT_EQ(quote->expire_time().seconds() - quote->create_time().seconds(), 30);
  EXPECT_EQ(quote->payment_id(), "");

  v1::CreatePaymentRequest request = Request(500, d_);
  request.set_quote_id(quote->quote_id());
  const auto made = Pay(request);
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->state(), v1::Payment::SUCCEEDED);
  EXPECT_EQ(made->conversion().quote_id(), quote->quote_id());
  EXPECT_EQ(made->conversion().destination_amount().minor_units(), 544);
  EXPECT_EQ(made->debited().minor_units(), 500);
  EXPECT_EQ(made->credited().currency(), "USD");
  EXPECT_EQ(made->credited().minor_units(), 544);

  v1::GetQuoteRequest get;
  get.set_quote_id(quote->quote_id());
  rpc::Call call = CallOf(user_);
  EXPECT_EQ(runtime_.Run(quotes_.GetQuote(call, get))->payment_id(), made->payment_id());
  rpc::Call foreign = CallOf(stranger_);
  EXPECT_THAT(runtime_.Run(quotes_.GetQuote(foreign, get)),
              StatusHasReason(Reason::kQuoteNotFound));
}

TEST_F(PricingRpcTest, TheDestinationCanBeFixed) {
  const auto quote = Ask(QuoteOf(0, 544));
  ASSERT_THAT(quote, IsOk());
  EXPECT_EQ(quote->destination_amount().minor_units(), 544);
  EXPECT_EQ(quote->source_amount().minor_units(), 500);  // 499.54
}

TEST_F(PricingRpcTest, QuotesThatCannotBe) {
  const auto refused = [](Reason reason, const char* param) {
    return AllOf(StatusHasReason(reason), StatusHasParam(param));
  };
  EXPECT_THAT(Ask(QuoteOf(0)).status(), refused(Reason::kInvalidAmount, "destination_minor_units"));
  EXPECT_THAT(Ask(QuoteOf(1, 1)).status(),
              refused(Reason::kInvalidAmount, "destination_minor_units"));
  EXPECT_THAT(Ask(QuoteOf(-1)).status(), refused(Reason::kInvalidAmount, "source_minor_units"));
  EXPECT_THAT(Ask(QuoteOf(0, -1)).status(),
              refused(Reason::kInvalidAmount, "destination_minor_units"));
  EXPECT_THAT(Ask(QuoteOf(INT64_MAX)).status(),
              refused(Reason::kInvalidAmount, "source_minor_units"));
  v1::CreateQuoteRequest request = QuoteOf(1);
  request.set_destination_currency("EUR");
  EXPECT_THAT(Ask(request).status(), refused(Reason::kCurrencyMismatch, "destination_currency"));
  request.set_destination_currency("JPY");
  EXPECT_THAT(Ask(request), StatusHasReason(Reason::kRateNotAvailable));
  request.set_destination_currency("usd");
  EXPECT_THAT(Ask(request).status(), refused(Reason::kUnknownCurrency, "destination_currency"));
  request.clear_source_currency();
  EXPECT_THAT(Ask(request).status(), refused(Reason::kUnknownCurrency, "source_currency"));
}

TEST_F(PricingRpcTest, SplitsAreAnsweredInTheirOrder) {
  UseSchedule("transfer EUR payee basis_points=1000");
  v1::CreatePaymentRequest request = Request(400, Uuid());
  AddSplit(c_, 100, request);
  AddSplit(b_, 300, request);
  const auto made = Pay(request);
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->destination_account_id(), "");
  ASSERT_EQ(made->splits_size(), 2);
  EXPECT_EQ(made->splits(0).destination_account_id(), FormatId(IdKind::kAccount, c_));
  EXPECT_EQ(made->splits(0).amount().minor_units(), 100);
  EXPECT_EQ(made->splits(0).fee().minor_units(), 10);
  EXPECT_EQ(made->splits(0).credited().minor_units(), 90);
  EXPECT_EQ(made->credited().minor_units(), 360);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 90);
}

TEST_F(PricingRpcTest, MalformedSplitsNameTheField) {
  const auto refused = [this](const v1::CreatePaymentRequest& request, Reason reason,
                              const char* param) {
    EXPECT_THAT(Pay(request).status(), AllOf(StatusHasReason(reason), StatusHasParam(param)));
  };
  v1::CreatePaymentRequest good = Request(400, Uuid());
  AddSplit(c_, 100, good);
  AddSplit(b_, 300, good);
  v1::CreatePaymentRequest bad = good;
  bad.set_destination_account_id(FormatId(IdKind::kAccount, b_));
  refused(bad, Reason::kInvalidSplit, "destination_account_id");
  bad = good;
  bad.mutable_splits(1)->mutable_amount()->set_currency("USD");
  refused(bad, Reason::kInvalidSplit, "splits[1].amount.currency");
  bad = good;
  bad.mutable_splits(1)->set_destination_account_id("acc_1");
  refused(bad, Reason::kInvalidId, "splits[1].destination_account_id");
  bad = good;
  bad.mutable_splits(1)->mutable_amount()->set_minor_units(299);
  refused(bad, Reason::kInvalidSplit, "splits");
  bad = good;
  bad.set_quote_id("quo_1");
  refused(bad, Reason::kInvalidId, "quote_id");
  bad = Request(400, b_);
  bad.set_quote_id(FormatId(IdKind::kQuote, SystemIds().NewId()));
  EXPECT_THAT(Pay(bad), StatusHasReason(Reason::kQuoteNotFound));
}

}  // namespace
}  // namespace florin::payments
