// Fees, conversions and several payees through HTTPS, and what the ledger has of them afterwards.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "tests/e2e/api_user.h"

namespace florin::e2e {
namespace {

// A file that goes with the program.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    close(mkstemp(path_.data()));
    std::ofstream(path_) << text;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/florin-pricing.XXXXXX";
};

std::string Now() {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%SZ", absl::Now(), absl::UTCTimeZone());
}

const std::string& FeeFile() {
  static const TemporaryFile file(
      "transfer EUR payer fixed=25\n"
      "transfer USD payee basis_points=100\n"
      "transfer GBP split:5000 fixed=25\n"
      "deposit CHF payee fixed=3\n"
      "fx EUR payer fixed=10\n");
  return file.path();
}

const std::string& RateFile() {
  static const TemporaryFile file(
      absl::StrCat("EUR USD 1.1 ", Now(), "\nEUR JPY 160 2020-01-01T00:00:00Z\n"));
  return file.path();
}

// Fees are for the currencies above; customers' conversions cost one percent of mid.
[[maybe_unused]] const bool kPrices = AddSharedStackOptions(
    {"--payments-flag", absl::StrCat("--fee_schedule=", FeeFile()), "--payments-flag",
     absl::StrCat("--fx_rates=", RateFile()), "--payments-flag", "--fx_rate_max_age=2h",
     "--payments-flag", "--fx_spread_basis_points=100"});

// Credits less debits of the house's account `number` in a currency.
std::int64_t House(int number, const std::string& currency) {
  const Uuid id = number == 1200
                      ? DeriveId("florin.payments.rail.sandbox", currency)
                      : DeriveId("florin.payments.house", absl::StrCat(number, ":", currency));
  const std::string balance = SharedStack().Query(
      absl::StrCat("SELECT coalesce(sum(credit_minor - debit_minor), 0) FROM ledger.entries "
                   "WHERE account_id = '",
                   id.ToString(), "'"));
  return std::atoll(balance.c_str());
}

// Every currency of the book balances.
void ExpectBalanced() {
  EXPECT_EQ(
      SharedStack().Query("SELECT count(*) FROM (SELECT a.currency FROM ledger.entries AS e "
                          "JOIN ledger.accounts AS a USING (book, account_id) GROUP BY a.currency "
                          "HAVING sum(e.debit_minor) <> sum(e.credit_minor)) AS wrong"),
      "0");
}

class PricingE2eTest : public ::testing::Test {
 protected:
  void TearDown() override { ExpectBalanced(); }

  // A payment of 10.00 in `currency` between two accounts with 100.00 in the first.
  Answer PayTen(const std::string& currency) {
    source_ = payer_.OpenAccount(currency);
    destination_ = payee_.OpenAccount(currency);
    payer_.Deposit(source_, 10'000, currency);
    return payer_.Pay(source_, destination_, 1000, {}, currency);
  }
  Answer Quote(const std::string& source, const std::string& destination,
               const std::string& minor_units, const char* side = "source_minor_units") {
    return payer_.Post("/v1/quotes", boost::json::object{{"source_currency", source},
                                                         {"destination_currency", destination},
                                                         {side, minor_units}});
  }
  Answer Convert(const Answer& quote, const std::string& minor_units, const Sent& sent = {}) {
    boost::json::object body = PaymentBody(source_, destination_, minor_units);
    body["quote_id"] = quote.Text("quote_id");
    return payer_.Post("/v1/payments", body, sent);
  }
  void OpenEuroAndDollars() {
    source_ = payer_.OpenAccount("EUR");
    destination_ = payee_.OpenAccount("USD");
    payer_.Deposit(source_, 10'000);
  }

  ApiUser payer_{SharedStack()};
  ApiUser payee_{SharedStack()};
  std::string source_;
  std::string destination_;
};

TEST_F(PricingE2eTest, ThePayerBearsAFee) {
  const std::int64_t income = House(4000, "EUR");
  const Answer payment = PayTen("EUR");
  ASSERT_EQ(Outcome(payment), "200") << payment;
  EXPECT_EQ(payment.Text("amount.minor_units"), "1000");
  EXPECT_EQ(payment.Text("fee.amount.minor_units"), "25");
  EXPECT_EQ(payment.Text("fee.borne_by"), "PAYER");
  EXPECT_EQ(payment.Text("debited.minor_units"), "1025");
  EXPECT_EQ(payment.Text("credited.minor_units"), "1000");
  EXPECT_EQ(payer_.Balance(source_), 8975);
  EXPECT_EQ(payee_.Balance(destination_), 1000);
  EXPECT_EQ(House(4000, "EUR"), income + 25);
  EXPECT_EQ(payer_.Get(absl::StrCat("/v1/payments/", payment.Text("payment_id"))).body,
            payment.body);
  // The fee must be covered, too.
  EXPECT_EQ(Outcome(payer_.Pay(source_, destination_, 8951)), "422 insufficient_funds");
  EXPECT_EQ(Outcome(payer_.Pay(source_, destination_, 8950)), "200");
  EXPECT_EQ(payer_.Balance(source_), 0);
}

TEST_F(PricingE2eTest, ThePayeeBearsAFee) {
  const std::int64_t income = House(4000, "USD");
  const Answer payment = PayTen("USD");
  ASSERT_EQ(Outcome(payment), "200") << payment;
  EXPECT_EQ(payment.Text("fee.borne_by"), "PAYEE");
  EXPECT_EQ(payment.Text("debited.minor_units"), "1000");
  EXPECT_EQ(payment.Text("credited.minor_units"), "990");
  EXPECT_EQ(payer_.Balance(source_), 9000);
  EXPECT_EQ(payee_.Balance(destination_), 990);
  EXPECT_EQ(House(4000, "USD"), income + 10);
}

TEST_F(PricingE2eTest, BothBearAFee) {
  const std::int64_t income = House(4000, "GBP");
  const Answer payment = PayTen("GBP");
  ASSERT_EQ(Outcome(payment), "200") << payment;
  EXPECT_EQ(payment.Text("fee.borne_by"), "SPLIT");
  EXPECT_EQ(payment.Text("fee.payer_share.minor_units"), "12");
  EXPECT_EQ(payment.Text("fee.payee_share.minor_units"), "13");
  EXPECT_EQ(payer_.Balance(source_), 8988);
  EXPECT_EQ(payee_.Balance(destination_), 987);
  EXPECT_EQ(House(4000, "GBP"), income + 25);
  EXPECT_EQ(Outcome(payer_.Pay(source_, destination_, 13, {}, "GBP")), "422 amount_too_small");
}

TEST_F(PricingE2eTest, ADepositHasItsFeeTakenOut) {
  const std::string account = payer_.OpenAccount("CHF");
  payer_.Deposit(account, 1000, "CHF");
  EXPECT_EQ(payer_.Balance(account), 997);
  EXPECT_EQ(House(4000, "CHF"), 3);
  EXPECT_EQ(House(1200, "CHF"), -1000);
}

TEST_F(PricingE2eTest, AQuoteBuysAnotherCurrency) {
  OpenEuroAndDollars();
  const std::int64_t euro = House(1500, "EUR");
  const std::int64_t dollars = House(1500, "USD");
  const std::int64_t spread = House(4100, "USD");
  const std::int64_t rounding = House(4110, "USD");
  const Answer quote = Quote("EUR", "USD", "500");
  ASSERT_EQ(Outcome(quote), "200") << quote;
  EXPECT_EQ(quote.Text("destination_amount.minor_units"), "544");
  EXPECT_EQ(quote.Text("rate.units"), "1089000000000");
  EXPECT_EQ(quote.Text("mid_rate.units"), "1100000000000");

  const Sent sent;
  const Answer payment = Convert(quote, "500", sent);
  ASSERT_EQ(Outcome(payment), "200") << payment;
  EXPECT_EQ(payment.Text("state"), "SUCCEEDED");
  EXPECT_EQ(payment.Text("debited.minor_units"), "510");
  EXPECT_EQ(payment.Text("credited.minor_units"), "544");
  EXPECT_EQ(payment.Text("credited.currency"), "USD");
  EXPECT_EQ(payment.Text("conversion.quote_id"), quote.Text("quote_id"));
  EXPECT_EQ(payer_.Balance(source_), 9490);
  EXPECT_EQ(payee_.Balance(destination_), 544);
  EXPECT_EQ(House(1500, "EUR"), euro + 500);
  EXPECT_EQ(House(1500, "USD"), dollars - 550);
  EXPECT_EQ(House(4100, "USD"), spread + 5);
  EXPECT_EQ(House(4110, "USD"), rounding + 1);

  // A retry is the same payment; any other finds the quote used.
  const Answer again = Convert(quote, "500", sent);
  EXPECT_EQ(again.body, payment.body);
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(Outcome(Convert(quote, "500")), "409 quote_used");
  EXPECT_EQ(payer_.Get(absl::StrCat("/v1/quotes/", quote.Text("quote_id"))).Text("payment_id"),
            payment.Text("payment_id"));
  EXPECT_EQ(payer_.Balance(source_), 9490);
}

TEST_F(PricingE2eTest, WhatIsToArriveCanBeFixed) {
  OpenEuroAndDollars();
  const Answer quote = Quote("EUR", "USD", "1000", "destination_minor_units");
  ASSERT_EQ(Outcome(quote), "200") << quote;
  EXPECT_EQ(quote.Text("source_amount.minor_units"), "919");  // 918.27…
  ASSERT_EQ(Outcome(Convert(quote, "919")), "200");
  EXPECT_EQ(payee_.Balance(destination_), 1000);
}

TEST_F(PricingE2eTest, AQuoteIsForOneUserAndOnePayment) {
  OpenEuroAndDollars();
  const Answer quote = Quote("EUR", "USD", "500");
  const Answer off = Convert(quote, "501");
  EXPECT_EQ(Outcome(off), "400 quote_mismatch");
  EXPECT_EQ(off.Text("param"), "amount.minor_units");
  const std::string dollars = destination_;
  destination_ = payee_.OpenAccount("EUR");
  EXPECT_EQ(Outcome(Convert(quote, "500")), "400 quote_mismatch");
  destination_ = dollars;

  ApiUser other(SharedStack());
  EXPECT_EQ(Outcome(other.Get(absl::StrCat("/v1/quotes/", quote.Text("quote_id")))),
            "404 quote_not_found");
  const std::string theirs = other.OpenAccount("EUR");
  boost::json::object body = PaymentBody(theirs, destination_, "500");
  body["quote_id"] = quote.Text("quote_id");
  EXPECT_EQ(Outcome(other.Post("/v1/payments", body)), "404 quote_not_found");

  SharedStack().Query(
      absl::StrCat("UPDATE payments.quotes SET expire_time = now() WHERE quote_id = '",
                   ParseId(IdKind::kQuote, quote.Text("quote_id"), "")->ToString(), "'"));
  EXPECT_EQ(Outcome(Convert(quote, "500")), "422 quote_expired");
  EXPECT_EQ(payer_.Balance(source_), 10'000);
  EXPECT_EQ(payee_.Balance(destination_), 0);
}

TEST_F(PricingE2eTest, QuotesThatCannotBe) {
  EXPECT_EQ(Outcome(Quote("EUR", "JPY", "500")), "422 rate_not_available");
  EXPECT_EQ(Outcome(Quote("EUR", "GBP", "500")), "422 rate_not_available");
  EXPECT_EQ(Outcome(Quote("EUR", "EUR", "500")), "422 currency_mismatch");
  EXPECT_EQ(Outcome(Quote("EUR", "EURO", "500")), "400 unknown_currency");
  EXPECT_EQ(Outcome(Quote("EUR", "USD", "0")), "400 invalid_amount");
  EXPECT_EQ(Outcome(Quote("USD", "EUR", "1")), "422 amount_too_small");
}

TEST_F(PricingE2eTest, RatesAreReadAgainWhenTheyChange) {
  const std::string next = absl::StrCat(RateFile(), ".new");
  std::ofstream(next) << absl::StrCat("EUR USD 1.1 ", Now(), "\nGBP CHF 1.25 ", Now(), "\n");
  std::filesystem::rename(next, RateFile());
  EXPECT_EQ(Quote("GBP", "CHF", "1000").Text("mid_rate.units"), "1250000000000");
}

TEST_F(PricingE2eTest, SeveralPayeesAreAllPaidOrNone) {
  source_ = payer_.OpenAccount("SEK");
  payer_.Deposit(source_, 1000, "SEK");
  const std::string one = payee_.OpenAccount("SEK");
  const std::string two = payee_.OpenAccount("SEK");
  const auto share = [](const std::string& account, const std::string& minor_units) {
    return boost::json::object{
        {"destination_account_id", account},
        {"amount", boost::json::object{{"currency", "SEK"}, {"minor_units", minor_units}}}};
  };
  const auto pay = [&](const std::string& total, const boost::json::array& splits) {
    boost::json::object body = PaymentBody(source_, "", total, "SEK");
    body.erase("destination_account_id");
    body["splits"] = splits;
    return payer_.Post("/v1/payments", body);
  };
  const Answer payment = pay("700", {share(one, "400"), share(two, "300")});
  ASSERT_EQ(Outcome(payment), "200") << payment;
  EXPECT_EQ(payment.Text("destination_account_id"), "");
  ASSERT_EQ(payment.body.at("splits").as_array().size(), 2u);
  EXPECT_EQ(payer_.Balance(source_), 300);
  EXPECT_EQ(payee_.Balance(one), 400);
  EXPECT_EQ(payee_.Balance(two), 300);

  EXPECT_EQ(Outcome(pay("301", {share(one, "300"), share(two, "1")})), "422 insufficient_funds");
  EXPECT_EQ(Outcome(pay("100", {share(one, "50"), share(two, "49")})), "400 invalid_split");
  EXPECT_EQ(Outcome(pay("100", {share(one, "50"), share(one, "50")})), "400 invalid_split");
  EXPECT_EQ(Outcome(pay("100", {share(one, "100"), share(two, "0")})), "400 invalid_split");
  EXPECT_EQ(Outcome(pay("100", {share(source_, "50"), share(two, "50")})), "400 same_account");
  const std::string euro = payee_.OpenAccount("EUR");
  const Answer mixed = pay("100", {share(one, "50"), share(euro, "50")});
  EXPECT_EQ(Outcome(mixed), "422 currency_mismatch");
  EXPECT_EQ(mixed.Text("param"), "splits[1].destination_account_id");
  EXPECT_EQ(payer_.Balance(source_), 300);
  EXPECT_EQ(payee_.Balance(one), 400);
}

}  // namespace
}  // namespace florin::e2e
