// Payees through HTTPS, in a deployment that pays nobody who was not saved: names are compared, and
// a new payee waits.
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/api_user.h"

namespace florin::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// More than 1.00 to a new payee is for tomorrow.
[[maybe_unused]] const bool kRequired = AddSharedStackOptions(
    {"--accounts-flag", "--payee_cooling_off=24h", "--payments-flag", "--require_payee",
     "--payments-flag", "--payee_cooling_off_above=EUR:100", "--payments-flag",
     "--payout_payees=saved"});

class PayeesE2eTest : public ::testing::Test {
 protected:
  PayeesE2eTest() {
    customer_ = payer_.Post("/v1/customers", boost::json::object{{"display_name", "Ada"}})
                    .Text("customer_id");
    const Answer holder =
        payee_.Post("/v1/customers", boost::json::object{{"display_name", "Zoë Quuxholder"}});
    account_ =
        payee_
            .Post("/v1/accounts", boost::json::object{{"customer_id", holder.Text("customer_id")},
                                                      {"currency", "EUR"}})
            .Text("account_id");
  }
  boost::json::object Body(const std::string& name) const {
    return {{"customer_id", customer_}, {"account_id", account_}, {"name", name}};
  }
  Answer Check(const std::string& name) {
    return payer_.Post("/v1/payees:check",
                       boost::json::object{{"account_id", account_}, {"name", name}});
  }

  ApiUser payer_{SharedStack()};
  ApiUser payee_{SharedStack()};
  std::string customer_;
  std::string account_;
};

TEST_F(PayeesE2eTest, OnlyASavedPayeeIsPaidAndMuchOnlyLater) {
  const std::string source = payer_.OpenAccount("EUR");
  const std::string own = payer_.OpenAccount("EUR");
  payer_.Deposit(source, 10'000);
  EXPECT_EQ(Outcome(payer_.Pay(source, account_, 50)), "404 payee_not_found");
  EXPECT_EQ(Outcome(payer_.Pay(source, own, 50)), "200");
  const Answer saved = payer_.Post("/v1/payees", Body("Zoe Quuxholder"));
  ASSERT_EQ(Outcome(saved), "200") << saved;
  EXPECT_EQ(saved.Text("name_match"), "MATCH");
  EXPECT_EQ(Outcome(payer_.Pay(source, account_, 100, {.key = "first"})), "200");
  const Answer early = payer_.Pay(source, account_, 101);
  EXPECT_EQ(Outcome(early), "422 payee_cooling_off");
  EXPECT_NE(early.Text("metadata.usable_time"), "");
  EXPECT_EQ(payee_.Balance(account_), 100);

  const std::string path = absl::StrCat("/v1/payees/", saved.Text("payee_id"));
  EXPECT_EQ(Outcome(payer_.Get(path)), "200");
  EXPECT_EQ(Outcome(payee_.Get(path)), "404 payee_not_found");
  EXPECT_EQ(Outcome(payee_.Post(path + ":delete", boost::json::object{})), "404 payee_not_found");
  EXPECT_EQ(Outcome(payer_.Post(path + ":delete", boost::json::object{})), "200");
  EXPECT_EQ(Outcome(payer_.Post(path + ":delete", boost::json::object{})), "200");
  EXPECT_EQ(Outcome(payer_.Get(path)), "404 payee_not_found");
  EXPECT_EQ(Outcome(payer_.Pay(source, account_, 50)), "404 payee_not_found");
  // A retry is answered as the first time, whatever became of the payee.
  const Answer again = payer_.Pay(source, account_, 100, {.key = "first"});
  EXPECT_EQ(Outcome(again), "200");
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(payee_.Balance(account_), 100);
}

TEST_F(PayeesE2eTest, NamesAreComparedAndNotBetrayed) {
  EXPECT_EQ(Check("zoë quuxholder").Text("name_match"), "MATCH");
  const Answer close = Check("Z. Quuxholder");
  EXPECT_EQ(close.Text("name_match"), "CLOSE_MATCH");
  EXPECT_EQ(close.Text("holder_name"), "Zoë Quuxholder");
  const Answer none = Check("Somebody Else");
  EXPECT_EQ(none.Text("name_match"), "NO_MATCH");
  EXPECT_THAT(boost::json::serialize(none.body), Not(HasSubstr("Quuxholder")));

  boost::json::object body = Body("Somebody Else");
  const Answer refused = payer_.Post("/v1/payees", body);
  EXPECT_EQ(Outcome(refused), "422 payee_name_mismatch");
  EXPECT_EQ(refused.Text("metadata.name_match"), "NO_MATCH");
  EXPECT_THAT(boost::json::serialize(refused.body), Not(HasSubstr("Quuxholder")));
  body["accept_name"] = true;
  EXPECT_EQ(Outcome(payer_.Post("/v1/payees", body)), "200");
}

TEST_F(PayeesE2eTest, BadInputNamesTheField) {
  boost::json::object body = Body("Zoe Quuxholder");
  body["iban"] = "DE89370400440532013000";
  Answer both = payer_.Post("/v1/payees", body);
  EXPECT_EQ(Outcome(both), "400 invalid_field");
  EXPECT_EQ(both.Text("param"), "account_id");
  body.erase("account_id");
  EXPECT_EQ(Outcome(payer_.Post("/v1/payees", body)), "200");
  body["iban"] = "DE88370400440532013000";
  both = payer_.Post("/v1/payees", body);
  EXPECT_EQ(Outcome(both), "400 invalid_field");
  EXPECT_EQ(both.Text("param"), "iban");
  EXPECT_EQ(Outcome(payer_.Post("/v1/payees", Body(""))), "400 invalid_display_name");
  EXPECT_EQ(Outcome(Check("")), "400 invalid_display_name");
  EXPECT_EQ(Outcome(payer_.Get("/v1/payees?page_size=101")), "400 invalid_page_size");
  const Answer again = payer_.Post("/v1/payees", Body("Zoe Quuxholder"), {.key = "payee"});
  EXPECT_EQ(Outcome(again), "200");
  EXPECT_TRUE(payer_.Post("/v1/payees", Body("Zoe Quuxholder"), {.key = "payee"}).replayed());
  EXPECT_EQ(Outcome(payer_.Post("/v1/payees", Body("Zoë Quuxholder"), {.key = "payee"})),
            "409 idempotency_key_reused");
}

TEST_F(PayeesE2eTest, AreExportedAndGoneWithTheirCustomer) {
  boost::json::object body = Body("Plantedia Quuxpayee");
  body.erase("account_id");
  body["iban"] = "GB29NWBK60161331926819";
  ASSERT_EQ(Outcome(payer_.Post("/v1/payees", body)), "200");
  const std::string path = absl::StrCat("/v1/customers/", customer_);
  EXPECT_THAT(boost::json::serialize(payer_.Get(path + ":export").body),
              HasSubstr("Plantedia Quuxpayee"));
  EXPECT_EQ(SharedStack().Query("SELECT count(*) FROM accounts.payees AS p WHERE p::text LIKE "
                                "'%Quuxpayee%' OR encode(details_sealed, 'escape') LIKE "
                                "'%Quuxpayee%'"),
            "0");
  ASSERT_EQ(Outcome(payer_.Post(path + ":erase", boost::json::object{})), "200");
  EXPECT_THAT(boost::json::serialize(payer_.Get("/v1/payees").body), Not(HasSubstr("Quuxpayee")));
}

TEST_F(PayeesE2eTest, PayoutsGoToSavedPayeesAndMuchOnlyLater) {
  const std::string source = payer_.OpenAccount("EUR");
  payer_.Deposit(source, 10'000);
  const std::string iban = "DE97500105170600000000";
  const auto pay = [&](int minor_units, const Sent& sent = {}) {
    const boost::json::object amount = {{"currency", "EUR"},
                                        {"minor_units", absl::StrCat(minor_units)}};
    return payer_.Post("/v1/payouts",
                       boost::json::object{{"source_account_id", source},
                                           {"amount", amount},
                                           {"beneficiary", {{"name", "Jo"}, {"iban", iban}}}},
                       sent);
  };
  const Answer unknown = pay(50);
  EXPECT_EQ(Outcome(unknown), "422 payee_required") << unknown;
  EXPECT_EQ(unknown.Text("param"), "beneficiary");
  const Answer saved =
      payer_.Post("/v1/payees",
                  boost::json::object{{"customer_id", customer_}, {"iban", iban}, {"name", "Jo"}});
  ASSERT_EQ(Outcome(saved), "200") << saved;
  const Sent first;
  const Answer paid = pay(100, first);
  ASSERT_EQ(Outcome(paid), "200") << paid;
  const Answer early = pay(101);
  EXPECT_EQ(Outcome(early), "422 payee_cooling_off") << early;
  EXPECT_NE(early.Text("metadata.usable_time"), "");
  const std::string path = absl::StrCat("/v1/payees/", saved.Text("payee_id"), ":delete");
  ASSERT_EQ(Outcome(payer_.Post(path, boost::json::object{})), "200");
  EXPECT_EQ(Outcome(pay(50)), "422 payee_required");
  const Answer again = pay(100, first);
  EXPECT_TRUE(again.replayed()) << again;
  EXPECT_EQ(again.body, paid.body);
  EXPECT_EQ(payer_.Balance(source), 9'900);
}

}  // namespace
}  // namespace florin::e2e
