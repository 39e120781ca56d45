// A user's way through the public API, from registering to reading a statement, and every way a
// payment is refused.
#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/clock/clock.h"
#include "libs/crypto/jwt.h"
#include "libs/crypto/signing_key.h"
#include "libs/identity/token_authenticator.h"
#include "libs/ids/ids.h"
#include "tests/e2e/api_user.h"

namespace florin::e2e {
namespace {

constexpr std::int64_t kMostMinorUnits = std::numeric_limits<std::int64_t>::max();

TEST(PaymentJourney, MovesMoneyAndShowsItInBothStatements) {
  ApiUser user(SharedStack());
  const std::string a = user.OpenAccount("EUR");
  const std::string b = user.OpenAccount("EUR");
  user.Deposit(a, 10'000);

  const Answer payment = user.Pay(a, b, 1250);
  ASSERT_EQ(Outcome(payment), "200") << payment;
  EXPECT_EQ(payment.Text("state"), "SUCCEEDED");
  EXPECT_EQ(payment.Text("kind"), "TRANSFER");
  EXPECT_EQ(payment.Text("amount.minor_units"), "1250");
  EXPECT_EQ(payment.Text("reference"), "Coffee");
  EXPECT_FALSE(payment.replayed());
  EXPECT_EQ(user.Balance(a), 8750);
  EXPECT_EQ(user.Balance(b), 1250);

  const Answer statement = user.Get(absl::StrCat("/v1/accounts/", a, "/entries"));
  ASSERT_EQ(Outcome(statement), "200") << statement;
  const boost::json::array& entries = statement.body.at("entries").as_array();
  ASSERT_EQ(entries.size(), 2u) << statement;
  const Answer newest = {.status = 200, .body = entries[0].as_object()};
  EXPECT_EQ(newest.Text("version"), "2");
  EXPECT_EQ(newest.Text("payment_id"), payment.Text("payment_id"));
  EXPECT_EQ(newest.Text("transaction_id"), payment.Text("transaction_id"));
  EXPECT_EQ(newest.Text("amount.minor_units"), "-1250");
  EXPECT_EQ(newest.Text("balance_after.minor_units"), "8750");
  const Answer oldest = {.status = 200, .body = entries[1].as_object()};
  EXPECT_EQ(oldest.Text("amount.minor_units"), "10000");
  EXPECT_EQ(oldest.Text("balance_after.minor_units"), "10000");

  const Answer received = user.Get(absl::StrCat("/v1/accounts/", b, "/entries"));
  ASSERT_EQ(received.body.at("entries").as_array().size(), 1u) << received;
  const Answer credit = {.status = 200,
                         .body = received.body.at("entries").as_array()[0].as_object()};
  EXPECT_EQ(credit.Text("amount.minor_units"), "1250");
  EXPECT_EQ(credit.Text("balance_after.minor_units"), "1250");
}

TEST(PaymentJourney, ReadsAPaymentAndListsItsPayments) {
  ApiUser user(SharedStack());
  const std::string a = user.OpenAccount("EUR");
  const std::string b = user.OpenAccount("EUR");
  user.Deposit(a, 100);
  const Answer payment = user.Pay(a, b, 1);
  const Answer read = user.Get(absl::StrCat("/v1/payments/", payment.Text("payment_id")));
  EXPECT_EQ(read.body, payment.body);

  const Answer first = user.Get("/v1/payments?page_size=1");
  ASSERT_EQ(Outcome(first), "200") << first;
  ASSERT_EQ(first.body.at("payments").as_array().size(), 1u) << first;
  EXPECT_EQ(first.body.at("payments").as_array()[0], payment.body);
  const Answer second =
      user.Get(absl::StrCat("/v1/payments?page_size=1&page_token=", first.Text("next_page_token")));
  ASSERT_EQ(Outcome(second), "200") << second;
  ASSERT_EQ(second.body.at("payments").as_array().size(), 1u) << second;
  EXPECT_EQ(second.body.at("payments").as_array()[0].at("kind"), "DEPOSIT");
  EXPECT_EQ(second.Text("next_page_token"), "");
}

TEST(PaymentJourney, PaysToAnotherUser) {
  ApiUser alice(SharedStack());
  ApiUser bob(SharedStack());
  const std::string source = alice.OpenAccount("EUR");
  const std::string destination = bob.OpenAccount("EUR");
  alice.Deposit(source, 500);
  EXPECT_EQ(Outcome(alice.Pay(source, destination, 200)), "200");
  EXPECT_EQ(bob.Balance(destination), 200);
}

TEST(Idempotency, RepeatsTheFirstAnswer) {
  ApiUser user(SharedStack());
  const std::string a = user.OpenAccount("EUR");
  const std::string b = user.OpenAccount("EUR");
  user.Deposit(a, 1000);
  const Sent sent;
  const Answer first = user.Pay(a, b, 300, sent);
  const Answer again = user.Pay(a, b, 300, sent);
  EXPECT_EQ(Outcome(again), "200") << again;
  EXPECT_EQ(again.body, first.body);
  EXPECT_FALSE(first.replayed());
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(user.Balance(b), 300);
}

TEST(Idempotency, RefusesAnotherRequestUnderTheSameKey) {
  ApiUser user(SharedStack());
  const std::string a = user.OpenAccount("EUR");
  const std::string b = user.OpenAccount("EUR");
  user.Deposit(a, 1000);
  const Sent sent;
  ASSERT_EQ(Outcome(user.Pay(a, b, 300, sent)), "200");
  EXPECT_EQ(Outcome(user.Pay(a, b, 301, sent)), "409 idempotency_key_reused");
  EXPECT_EQ(user.Balance(b), 300);
}

TEST(Idempotency, KeepsTheKeysOfUsersApart) {
  const Sent sent;
  for (int i = 0; i < 2; ++i) {
    ApiUser user(SharedStack());
    const std::string a = user.OpenAccount("EUR");
    const std::string b = user.OpenAccount("EUR");
    user.Deposit(a, 10);
    const Answer payment = user.Pay(a, b, 10, sent);
    EXPECT_EQ(Outcome(payment), "200");
    EXPECT_FALSE(payment.replayed());
  }
}

TEST(Idempotency, RemembersARefusalEvenWhenMoneyHasCome) {
  ApiUser user(SharedStack());
  const std::string a = user.OpenAccount("EUR");
  const std::string b = user.OpenAccount("EUR");
  const Sent sent;
  ASSERT_EQ(Outcome(user.Pay(a, b, 100, sent)), "422 insufficient_funds");
  user.Deposit(a, 1000);
  const Answer again = user.Pay(a, b, 100, sent);
  EXPECT_EQ(Outcome(again), "422 insufficient_funds");
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(user.Balance(a), 1000);
  const Answer payment = user.Get(absl::StrCat("/v1/payments/", again.Text("metadata.payment_id")));
  EXPECT_EQ(payment.Text("state"), "FAILED") << payment;
  EXPECT_EQ(payment.Text("failure_reason"), "insufficient_funds");
}

TEST(Idempotency, NeedsAKey) {
  ApiUser user(SharedStack());
  EXPECT_EQ(Outcome(user.Post("/v1/customers", R"({"display_name": "Ada"})", {.key = ""})),
            "400 idempotency_key_missing");
  EXPECT_EQ(Outcome(user.Post("/v1/customers", R"({"display_name": "Ada"})",
                              {.key = std::string(256, 'k')})),
            "400 idempotency_key_invalid");
}

// A user with a funded account and an empty one, for payments that must be refused and move
// nothing.
class RefusedPayment : public ::testing::Test {
 protected:
  RefusedPayment() { user_.Deposit(a_, kFunds); }
  void TearDown() override {
    EXPECT_EQ(user_.Balance(a_), kFunds);
    EXPECT_EQ(user_.Balance(b_), 0);
  }

  std::string PayRaw(const std::string& body) { return Outcome(user_.Post("/v1/payments", body)); }
  std::string PayMinorUnits(const std::string& minor_units) {
    return Outcome(user_.Post("/v1/payments", PaymentBody(a_, b_, minor_units)));
  }
  std::string PayWithToken(const std::string& token) {
    return Outcome(user_.Pay(a_, b_, 1, {.token = token}));
  }

  static constexpr std::int64_t kFunds = 1000;
  ApiUser user_{SharedStack()};
  std::string a_ = user_.OpenAccount("EUR");
  std::string b_ = user_.OpenAccount("EUR");
};

TEST_F(RefusedPayment, UnknownAccount) {
  const std::string unknown = FormatId(IdKind::kAccount, SystemIds().NewId());
  EXPECT_EQ(Outcome(user_.Pay(a_, unknown, 1)), "404 account_not_found");
  EXPECT_EQ(Outcome(user_.Pay(unknown, b_, 1)), "404 account_not_found");
}

TEST_F(RefusedPayment, MalformedAccountId) {
  const Answer answer = user_.Pay(a_, "acc_nonsense", 1);
  EXPECT_EQ(Outcome(answer), "400 invalid_id");
  EXPECT_EQ(answer.Text("param"), "destination_account_id");
}

TEST_F(RefusedPayment, AccountOfSomebodyElse) {
  ApiUser thief(SharedStack());
  const std::string own = thief.OpenAccount("EUR");
  EXPECT_EQ(Outcome(thief.Pay(a_, own, 1)), "404 account_not_found");
  EXPECT_EQ(Outcome(thief.Get(absl::StrCat("/v1/accounts/", a_))), "404 account_not_found");
  EXPECT_EQ(Outcome(thief.Get(absl::StrCat("/v1/accounts/", a_, "/entries"))),
            "404 account_not_found");
}

TEST_F(RefusedPayment, PaymentOfSomebodyElseIsNotFound) {
  const std::string c = user_.OpenAccount("EUR");
  const std::string d = user_.OpenAccount("EUR");
  user_.Deposit(c, 1);
  const std::string payment_id = user_.Pay(c, d, 1).Text("payment_id");
  ApiUser other(SharedStack());
  EXPECT_EQ(Outcome(other.Get(absl::StrCat("/v1/payments/", payment_id))), "404 payment_not_found");
}

TEST_F(RefusedPayment, SameAccount) {
  EXPECT_EQ(Outcome(user_.Pay(a_, a_, 1)), "400 same_account");
}

TEST_F(RefusedPayment, OtherCurrency) {
  const std::string dollars = user_.OpenAccount("USD");
  EXPECT_EQ(Outcome(user_.Pay(a_, b_, 1, {}, "USD")), "422 currency_mismatch");
  EXPECT_EQ(Outcome(user_.Pay(a_, dollars, 1)), "422 currency_mismatch");
  EXPECT_EQ(Outcome(user_.Pay(a_, b_, 1, {}, "EURO")), "400 unknown_currency");
}

TEST_F(RefusedPayment, Zero) { EXPECT_EQ(PayMinorUnits("0"), "400 invalid_amount"); }

TEST_F(RefusedPayment, Negative) { EXPECT_EQ(PayMinorUnits("-1"), "400 invalid_amount"); }

TEST_F(RefusedPayment, MoreThanTheBalance) {
  EXPECT_EQ(PayMinorUnits(absl::StrCat(kFunds + 1)), "422 insufficient_funds");
  EXPECT_EQ(PayMinorUnits(absl::StrCat(kMostMinorUnits)), "422 insufficient_funds");
}

TEST_F(RefusedPayment, MoreThanAnAmountCanBe) {
  EXPECT_EQ(PayMinorUnits("9223372036854775808"), "400 invalid_field");
  EXPECT_EQ(PayMinorUnits("1e3"), "400 invalid_field");
  EXPECT_EQ(PayMinorUnits("1.5"), "400 invalid_field");
}

TEST_F(RefusedPayment, MoreThanAnAccountCanCount) {
  // A currency of its own: the sandbox rail has one clearing account for each, and this fills it.
  const std::string account = user_.OpenAccount("ISK");
  user_.Deposit(account, kMostMinorUnits, "ISK");
  const boost::json::object body = {{"destination_account_id", account},
                                    {"amount", {{"currency", "ISK"}, {"minor_units", "1"}}}};
  EXPECT_EQ(Outcome(user_.Post("/v1/deposits", body)), "422 balance_overflow");
  EXPECT_EQ(user_.Balance(account), kMostMinorUnits);
}

TEST_F(RefusedPayment, BadToken) {
  EXPECT_EQ(PayWithToken(""), "401 token_missing");
  EXPECT_EQ(PayWithToken("nonsense"), "401 token_invalid");
  std::string forged = user_.token();
  // In the middle of the signature, whose last character has bits that do not count.
  char& letter = forged[forged.size() - 20];
  letter = letter == 'A' ? 'B' : 'A';
  EXPECT_EQ(PayWithToken(forged), "401 token_invalid");
}

// Tokens as auth would sign them, with the stack's own key.
std::string SignToken(const std::string& user_id, absl::Time issued_at,
                      const crypto::SigningKey& key) {
  const crypto::AccessTokenClaims claims = {
      .issuer = SharedStack().Variable("FLORIN_URL"),
      .subject = user_id,
      .audience = identity::kAudience,
      .scope = "accounts:read accounts:write payments:read payments:write",
      .token_id = FormatId(IdKind::kToken, SystemIds().NewId()),
      .issued_at = issued_at,
      .expires_at = issued_at + absl::Minutes(10)};
  return crypto::SignAccessToken(claims, key);
}

TEST_F(RefusedPayment, ExpiredToken) {
  const auto ring = crypto::KeyRing::Load(absl::StrCat(SharedStack().home(), "/auth-keys"));
  ASSERT_TRUE(ring.ok()) << ring.status();
  const absl::Time now = SystemClock().Now();
  EXPECT_EQ(PayWithToken(SignToken(user_.user_id(), now - absl::Minutes(11), ring->current())),
            "401 token_expired");
  // The same but for its time is good, so it was refused for nothing else.
  const Sent sent = {.token = SignToken(user_.user_id(), now, ring->current())};
  EXPECT_EQ(Outcome(user_.Get(absl::StrCat("/v1/accounts/", a_), sent)), "200");
}

TEST_F(RefusedPayment, TokenOfAnotherKey) {
  EXPECT_EQ(
      PayWithToken(SignToken(user_.user_id(), SystemClock().Now(), crypto::SigningKey::Generate())),
      "401 token_invalid");
}

TEST_F(RefusedPayment, MissingScope) {
  const Answer log_in = user_.Post(
      "/v1/login",
      boost::json::object{
          {"email", user_.email()}, {"password", user_.password()}, {"scope", "accounts:read"}},
      {.key = "", .token = ""});
  ASSERT_EQ(Outcome(log_in), "200") << log_in;
  EXPECT_EQ(PayWithToken(log_in.Text("access_token")), "403 scope_missing");
  const Sent sent = {.token = log_in.Text("access_token")};
  EXPECT_EQ(Outcome(user_.Get(absl::StrCat("/v1/accounts/", a_), sent)), "200");
}

TEST_F(RefusedPayment, MalformedJson) {
  EXPECT_EQ(PayRaw(R"({"source_account_id": )"), "400 malformed_json");
  EXPECT_EQ(PayRaw(R"({"reference": "x",})"), "400 malformed_json");
  EXPECT_EQ(PayRaw("{} {}"), "400 malformed_json");
}

TEST_F(RefusedPayment, DuplicateJsonKey) {
  const Answer answer = user_.Post(
      "/v1/payments",
      absl::StrCat(R"({"source_account_id": ")", a_, R"(", "destination_account_id": ")", b_,
                   R"(", "amount": {"currency": "EUR", "minor_units": "1", "minor_units": "2"}})"));
  EXPECT_EQ(Outcome(answer), "400 duplicate_key");
  EXPECT_EQ(answer.Text("param"), "amount.minor_units");
}

TEST_F(RefusedPayment, UnknownField) {
  boost::json::object body = PaymentBody(a_, b_, "1");
  body["state"] = "SUCCEEDED";
  // A field of Payment is none of CreatePaymentRequest.
  const Answer answer = user_.Post("/v1/payments", body);
  EXPECT_EQ(Outcome(answer), "400 unknown_field");
  EXPECT_EQ(answer.Text("param"), "state");
}

TEST_F(RefusedPayment, BodyOfAMegabyte) {
  boost::json::object body = PaymentBody(a_, b_, "1");
  body["reference"] = std::string(1 << 20, 'x');
  EXPECT_EQ(Outcome(user_.Post("/v1/payments", body)), "413 body_too_large");
}

TEST_F(RefusedPayment, ReferenceTooLong) {
  boost::json::object body = PaymentBody(a_, b_, "1");
  body["reference"] = std::string(141, 'x');
  EXPECT_EQ(Outcome(user_.Post("/v1/payments", body)), "400 invalid_reference");
}

TEST_F(RefusedPayment, OtherMediaType) {
  EXPECT_EQ(
      Outcome(user_.Post("/v1/payments", PaymentBody(a_, b_, "1"), {.content_type = "text/plain"})),
      "415 unsupported_media_type");
}

TEST(Problem, IsADocumentOfRfc9457WithItsRequestId) {
  ApiUser user(SharedStack());
  const Answer answer = user.Get("/v1/payments/pay_nonsense");
  EXPECT_EQ(Outcome(answer), "400 invalid_id");
  EXPECT_EQ(answer.headers.at("content-type"), "application/problem+json");
  EXPECT_EQ(answer.Text("request_id"), answer.headers.at("x-request-id"));
  EXPECT_TRUE(answer.headers.contains("traceparent"));
  for (const char* member : {"type", "title", "status", "detail", "param"})
    EXPECT_TRUE(answer.body.contains(member)) << member << " in " << answer;
}

TEST(Problem, NoSuchPathOrMethod) {
  ApiUser user(SharedStack());
  EXPECT_EQ(Outcome(user.Get("/v1/nonsense")), "404 method_not_found");
  const Answer answer = user.Get("/v1/deposits");
  EXPECT_EQ(Outcome(answer), "405 method_not_allowed");
  EXPECT_EQ(answer.headers.at("allow"), "POST");
}

TEST(Identity, RefusesWrongCredentialsAlike) {
  ApiUser user(SharedStack());
  const boost::json::object wrong = {{"email", user.email()}, {"password", "not the password"}};
  const boost::json::object unknown = {{"email", absl::StrCat(Fresh("user"), "@example.com")},
                                       {"password", "not the password"}};
  const Answer first = user.Post("/v1/login", wrong, {.token = ""});
  const Answer second = user.Post("/v1/login", unknown, {.token = ""});
  EXPECT_EQ(Outcome(first), "401 invalid_credentials");
  EXPECT_EQ(Outcome(second), "401 invalid_credentials");
  EXPECT_EQ(first.Text("detail"), second.Text("detail"));
}

TEST(Identity, RefusesAnEmailTwice) {
  ApiUser user(SharedStack());
  const boost::json::object again = {{"email", user.email()}, {"password", user.password()}};
  EXPECT_EQ(Outcome(user.Post("/v1/users", again, {.token = ""})), "409 email_taken");
}

TEST(Identity, PublishesItsKeys) {
  ApiUser user(SharedStack());
  const Answer answer = user.Get("/.well-known/jwks.json", {.token = ""});
  ASSERT_EQ(Outcome(answer), "200") << answer;
  ASSERT_EQ(answer.body.at("keys").as_array().size(), 1u) << answer;
  EXPECT_EQ(answer.body.at("keys").as_array()[0].at("alg"), "ES256");
}

}  // namespace
}  // namespace florin::e2e
