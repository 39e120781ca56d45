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
  static std::string PathOf(const Answer& payment) {
    return absl::StrCat("/v1/payments/", payment.Text("payment_id"));
  }
  static boost::json::object AmountBody(const std::string& currency,
                                        const std::string& minor_units) {
    return {{"amount", {{"currency", currency}, {"minor_units", minor_units}}}};
  }
  // From a new account of SEK to others.
  Answer PaySplit(const std::vector<std::pair<std::string, std::int64_t>>& shares) {
    source_ = payer_.OpenAccount("SEK");
    std::int64_t total = 0;
    boost::json::array splits;
    for (const auto& [account, minor_units] : shares) {
      boost::json::object split = AmountBody("SEK", absl::StrCat(minor_units));
      split["destination_account_id"] = account;
      splits.push_back(split);
      total += minor_units;
    }
    payer_.Deposit(source_, total, "SEK");
    boost::json::object body = PaymentBody(source_, "", absl::StrCat(total), "SEK");
    body.erase("destination_account_id");
    body["splits"] = splits;
    Answer payment = payer_.Post("/v1/payments", body);
    EXPECT_EQ(Outcome(payment), "200") << payment;
    return payment;
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

// Three parts, the second of which the payee cannot pay: the house has what it had before.
TEST_F(PricingE2eTest, AConversionIsRefundedAtItsRate) {
  OpenEuroAndDollars();
  const std::int64_t before[] = {House(1500, "EUR"), House(1500, "USD"), House(4100, "USD"),
                                 House(4110, "USD")};
  const Answer payment = Convert(Quote("EUR", "USD", "500"), "500");
  ASSERT_EQ(Outcome(payment), "200") << payment;
  const std::string refunds = absl::StrCat(PathOf(payment), "/refunds");
  const Answer first = payee_.Post(refunds, AmountBody("EUR", "100"));
  ASSERT_EQ(Outcome(first), "200") << first;
  EXPECT_EQ(first.Text("amount.minor_units"), "100");
  EXPECT_EQ(first.Text("amount.currency"), "EUR");
  EXPECT_EQ(first.Text("debited_amount.minor_units"), "109");  // 108.8
  EXPECT_EQ(first.Text("debited_amount.currency"), "USD");
  EXPECT_EQ(payee_.Balance(destination_), 435);
  EXPECT_EQ(payer_.Balance(source_), 9590);

  const std::string elsewhere = payer_.OpenAccount("USD");
  ASSERT_EQ(Outcome(payee_.Pay(destination_, elsewhere, 400, {}, "USD")), "200");
  EXPECT_EQ(Outcome(payee_.Post(refunds, AmountBody("EUR", "200"))), "422 insufficient_funds");
  EXPECT_EQ(Outcome(payee_.Post(refunds, AmountBody("USD", "1"))), "422 currency_mismatch");
  const Answer over = payee_.Post(refunds, AmountBody("EUR", "401"));
  EXPECT_EQ(Outcome(over), "422 refund_exceeds_captured");
  EXPECT_EQ(over.Text("metadata.remaining_minor"), "400");
  EXPECT_EQ(payee_.Balance(destination_), 35);
  payer_.Deposit(elsewhere, 1000, "USD");
  ASSERT_EQ(Outcome(payer_.Pay(elsewhere, destination_, 1000, {}, "USD")), "200");

  const std::int64_t had = payee_.Balance(destination_);
  const Sent sent;
  const Answer rest = payee_.Post(refunds, boost::json::object(), sent);
  ASSERT_EQ(Outcome(rest), "200") << rest;
  EXPECT_EQ(rest.Text("debited_amount.minor_units"), "435");
  EXPECT_EQ(payee_.Post(refunds, boost::json::object(), sent).body, rest.body);
  EXPECT_EQ(payee_.Balance(destination_), had - 435);
  EXPECT_EQ(payer_.Balance(source_), 9990) << "all but the fee";
  EXPECT_EQ(House(1500, "EUR"), before[0]);
  EXPECT_EQ(House(1500, "USD"), before[1]);
  EXPECT_EQ(House(4100, "USD"), before[2]);
  EXPECT_EQ(House(4110, "USD"), before[3]);
  EXPECT_EQ(payer_.Get(absl::StrCat(refunds, "/", rest.Text("refund_id"))).body, rest.body);
  EXPECT_EQ(payer_.Get(PathOf(payment)).Text("refunded_amount.minor_units"), "500");
}

TEST_F(PricingE2eTest, AConversionIsDisputedInThePayersCurrency) {
  OpenEuroAndDollars();
  const std::int64_t euro = House(1500, "EUR");
  const Answer payment = Convert(Quote("EUR", "USD", "500"), "500");
  ASSERT_EQ(Outcome(payment), "200") << payment;
  boost::json::object body = AmountBody("EUR", "300");
  body["reason_code"] = "not_received";
  const auto dispute = [&] { return payer_.Post(PathOf(payment) + "/disputes", body); };
  const auto act = [](ApiUser& user, const Answer& about, const std::string& what) {
    return user.Post(absl::StrCat("/v1/disputes/", about.Text("dispute_id"), what),
                     boost::json::object());
  };
  const Answer first = dispute();
  ASSERT_EQ(Outcome(first), "200") << first;
  EXPECT_EQ(first.Text("debited_amount.minor_units"), "327");  // 326.4
  EXPECT_EQ(payee_.Balance(destination_), 217);
  EXPECT_EQ(House(2250, "EUR"), 300);
  EXPECT_EQ(House(1500, "EUR"), euro + 200);
  const Answer withdrawn = act(payer_, first, ":withdraw");
  ASSERT_EQ(Outcome(withdrawn), "200") << withdrawn;
  EXPECT_EQ(payee_.Balance(destination_), 544);
  EXPECT_EQ(House(2250, "EUR"), 0);
  EXPECT_EQ(House(1500, "EUR"), euro + 500);
  const Answer accepted = act(payee_, dispute(), ":accept");
  ASSERT_EQ(Outcome(accepted), "200") << accepted;
  EXPECT_EQ(accepted.Text("state"), "LOST");
  EXPECT_EQ(payee_.Balance(destination_), 217);
  EXPECT_EQ(payer_.Balance(source_), 9790);
  EXPECT_EQ(House(1500, "EUR"), euro + 200);
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

TEST_F(PricingE2eTest, EachOfSeveralPayeesGivesBackHisShare) {
  ApiUser other(SharedStack());
  const std::string one = payee_.OpenAccount("SEK");
  const std::string two = payee_.OpenAccount("SEK");
  const std::string theirs = other.OpenAccount("SEK");
  const Answer payment = PaySplit({{one, 400}, {two, 300}, {theirs, 200}});
  const std::string refunds = PathOf(payment) + "/refunds";
  const auto refund = [&refunds](ApiUser& user, const std::string& minor_units,
                                 const std::string& account, const Sent& sent = {}) {
    boost::json::object body = AmountBody("SEK", minor_units);
    if (!account.empty()) body["account_id"] = account;
    return user.Post(refunds, body, sent);
  };
  const Sent sent;
  const Answer first = refund(payee_, "150", two, sent);
  ASSERT_EQ(Outcome(first), "200") << first;
  EXPECT_EQ(first.Text("account_id"), two);
  EXPECT_EQ(refund(payee_, "150", two, sent).body, first.body);
  EXPECT_EQ(payee_.Balance(two), 150);
  EXPECT_EQ(payer_.Balance(source_), 150);
  // Which of his, and no other's.
  const Answer unnamed = refund(payee_, "1", "");
  EXPECT_EQ(Outcome(unnamed), "400 invalid_field");
  EXPECT_EQ(unnamed.Text("param"), "account_id");
  EXPECT_EQ(Outcome(refund(payee_, "1", theirs)), "404 account_not_found");
  EXPECT_EQ(Outcome(refund(payee_, "1", "acc_nonsense")), "400 invalid_id");
  const Answer over = refund(payee_, "151", two);
  EXPECT_EQ(Outcome(over), "422 refund_exceeds_captured");
  EXPECT_EQ(over.Text("metadata.remaining_minor"), "150");
  // Whoever has one account needs not name it.
  ASSERT_EQ(Outcome(refund(other, "200", "")), "200");
  EXPECT_EQ(Outcome(refund(other, "1", theirs)), "422 refund_exceeds_captured");
  ApiUser stranger(SharedStack());
  EXPECT_EQ(Outcome(refund(stranger, "1", one)), "404 payment_not_found");
  EXPECT_EQ(payer_.Balance(source_), 350);

  // Each sees his own.
  EXPECT_EQ(payer_.Get(refunds).body.at("refunds").as_array().size(), 4u) << "two were refused";
  EXPECT_EQ(payee_.Get(refunds).body.at("refunds").as_array().size(), 2u);
  EXPECT_EQ(Outcome(other.Get(absl::StrCat(refunds, "/", first.Text("refund_id")))),
            "404 refund_not_found");
  const Answer seen = other.Get(PathOf(payment));
  EXPECT_EQ(seen.Text("amount.minor_units"), "200");
  EXPECT_EQ(seen.body.at("splits").as_array().size(), 1u);
  EXPECT_EQ(seen.Text("refunded_amount.minor_units"), "");
  EXPECT_EQ(payer_.Get(PathOf(payment)).Text("refunded_amount.minor_units"), "350");
}

TEST_F(PricingE2eTest, ADisputeIsAboutTheShareOfOne) {
  ApiUser other(SharedStack());
  const std::string one = payee_.OpenAccount("SEK");
  const std::string theirs = other.OpenAccount("SEK");
  const Answer payment = PaySplit({{one, 400}, {theirs, 200}});
  boost::json::object body{{"reason_code", "not_received"}};
  const std::string disputes = PathOf(payment) + "/disputes";
  EXPECT_EQ(Outcome(payer_.Post(disputes, body)), "400 invalid_field");
  body["account_id"] = source_;
  EXPECT_EQ(Outcome(payer_.Post(disputes, body)), "404 account_not_found");
  body["account_id"] = theirs;
  const Answer dispute = payer_.Post(disputes, body);
  ASSERT_EQ(Outcome(dispute), "200") << dispute;
  EXPECT_EQ(dispute.Text("amount.minor_units"), "200");
  EXPECT_EQ(dispute.Text("account_id"), theirs);
  EXPECT_EQ(other.Balance(theirs), 0);
  EXPECT_EQ(payee_.Balance(one), 400);
  // Only who it is about may see it, and answer.
  const std::string path = absl::StrCat("/v1/disputes/", dispute.Text("dispute_id"));
  EXPECT_EQ(Outcome(payee_.Get(path)), "404 dispute_not_found");
  EXPECT_EQ(payee_.Get(disputes).body.at("disputes").as_array().size(), 0u);
  EXPECT_EQ(Outcome(payee_.Post(path + ":accept", boost::json::object())), "404 dispute_not_found");
  EXPECT_EQ(other.Get(disputes).body.at("disputes").as_array().size(), 1u);
  EXPECT_EQ(Outcome(other.Post(path + ":accept", boost::json::object())), "200");
  EXPECT_EQ(payer_.Balance(source_), 200);
  EXPECT_EQ(Outcome(payer_.Post(disputes, body)), "409 payment_not_disputable");
}

}  // namespace
}  // namespace florin::e2e
