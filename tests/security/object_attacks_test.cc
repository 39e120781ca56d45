// Reaching for what belongs to others, and for more than one's own (OWASP API1, API3, API5;
// SECURITY attacks 1, 3, 4, 21).
//
// What must happen: what belongs to another is answered exactly as what does not exist (404, byte
// for byte but for the request's id), and nothing changes.
#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/stack.h"

namespace florin::security {
namespace {

using e2e::Answer;
using e2e::ApiUser;
using e2e::Outcome;
using e2e::SharedStack;
using ::testing::HasSubstr;
using ::testing::Not;

// A victim with money and a payment, and an attacker with accounts of her own.
class ObjectAttack : public ::testing::Test {
 protected:
  struct World {
    ApiUser victim{SharedStack()};
    ApiUser attacker{SharedStack()};
    std::string account = victim.OpenAccount("EUR");
    std::string other_account = victim.OpenAccount("EUR");
    std::string own = attacker.OpenAccount("EUR");
    std::string payment;

    World() {
      victim.Deposit(account, 10'000);
      payment = victim.Pay(account, other_account, 100).Text("payment_id");
      attacker.Deposit(own, 1'000);
    }
  };
  static World& world() {
    static World world;
    return world;
  }

  // Reads `path` as the attacker, once with the victim's id and once with one that nobody has; both
  // must be told apart by nothing.
  static void ExpectAsIfItWereNot(const std::string& path, const std::string& id, IdKind kind) {
    const std::string nobodys = FormatId(kind, SystemIds().NewId());
    const Answer theirs = world().attacker.Get(absl::StrReplaceAll(path, {{"ID", id}}));
    const Answer none = world().attacker.Get(absl::StrReplaceAll(path, {{"ID", nobodys}}));
    EXPECT_EQ(theirs.status, 404) << theirs;
    EXPECT_EQ(Anonymous(theirs, id), Anonymous(none, nobodys));
  }

  // An answer without what differs between any two requests.
  static std::string Anonymous(const Answer& answer, const std::string& id) {
    boost::json::object body = answer.body;
    body.erase("request_id");
    return absl::StrReplaceAll(absl::StrCat(answer.status, boost::json::serialize(body)),
                               {{id, "ID"}});
  }

  static Answer PayWith(const boost::json::object& more) {
    boost::json::object body = e2e::PaymentBody(world().own, world().account, "1");
    for (const auto& member : more) body[member.key()] = member.value();
    return world().attacker.Post("/v1/payments", body);
  }
};

TEST_F(ObjectAttack, ReadAnothersAccount) {
  ExpectAsIfItWereNot("/v1/accounts/ID", world().account, IdKind::kAccount);
}

TEST_F(ObjectAttack, ReadAnothersStatement) {
  ExpectAsIfItWereNot("/v1/accounts/ID/entries", world().account, IdKind::kAccount);
}

TEST_F(ObjectAttack, ReadAnothersPayment) {
  ExpectAsIfItWereNot("/v1/payments/ID", world().payment, IdKind::kPayment);
}

TEST_F(ObjectAttack, ReadAnothersReceipt) {
  ExpectAsIfItWereNot("/v1/payments/ID/receipt", world().payment, IdKind::kPayment);
}

TEST_F(ObjectAttack, ReadAnothersCustomer) {
  const Answer customer =
      world().victim.Post("/v1/customers", boost::json::object{{"display_name", "Victim"}});
  ExpectAsIfItWereNot("/v1/customers/ID", customer.Text("customer_id"), IdKind::kCustomer);
}

TEST_F(ObjectAttack, PayFromAnothersAccount) {
  const std::int64_t before = world().victim.Balance(world().account);
  const Answer answer = world().attacker.Pay(world().account, world().own, 1);
  EXPECT_EQ(Outcome(answer), "404 account_not_found") << answer;
  EXPECT_EQ(world().victim.Balance(world().account), before);
}

TEST_F(ObjectAttack, OpenAnAccountForAnothersCustomer) {
  const Answer customer =
      world().victim.Post("/v1/customers", boost::json::object{{"display_name", "Victim"}});
  const boost::json::object body = {{"customer_id", customer.Text("customer_id")},
                                    {"currency", "EUR"}};
  EXPECT_EQ(world().attacker.Post("/v1/accounts", body).status, 404);
}

TEST_F(ObjectAttack, ListsShowOnlyOnesOwn) {
  for (const char* path : {"/v1/accounts", "/v1/payments"}) {
    const Answer list = world().attacker.Get(path);
    ASSERT_EQ(list.status, 200);
    EXPECT_THAT(boost::json::serialize(list.body), Not(HasSubstr(world().account))) << path;
    EXPECT_THAT(boost::json::serialize(list.body), Not(HasSubstr(world().payment))) << path;
  }
}

TEST_F(ObjectAttack, PageTokenOfAnother) {
  const Answer page = world().victim.Get("/v1/accounts?page_size=1");
  const std::string token = page.Text("next_page_token");
  ASSERT_NE(token, "");
  const Answer answer = world().attacker.Get("/v1/accounts?page_token=" + token);
  EXPECT_THAT(boost::json::serialize(answer.body), Not(HasSubstr(world().account)));
  EXPECT_THAT(boost::json::serialize(answer.body), Not(HasSubstr(world().other_account)));
}

TEST_F(ObjectAttack, TamperedPageToken) {
  for (const char* token : {"AAAA", "%27%20OR%201%3D1", "..%2F..%2Fetc", "-1", "null"}) {
    const Answer answer = world().attacker.Get(absl::StrCat("/v1/accounts?page_token=", token));
    EXPECT_EQ(answer.status, 400) << token << answer;
  }
}

TEST_F(ObjectAttack, IdempotencyKeyOfAnother) {
  const std::string key = e2e::Fresh("key");
  const Answer first = world().victim.Pay(world().account, world().other_account, 7, {.key = key});
  ASSERT_EQ(Outcome(first), "200");
  const Answer second = world().attacker.Pay(world().own, world().account, 7, {.key = key});
  EXPECT_EQ(Outcome(second), "200");
  EXPECT_FALSE(second.replayed());
  EXPECT_NE(second.Text("payment_id"), first.Text("payment_id"));
}

TEST_F(ObjectAttack, IdempotencyKeyWithAnotherBody) {
  const std::string key = e2e::Fresh("key");
  ASSERT_EQ(Outcome(world().attacker.Pay(world().own, world().account, 1, {.key = key})), "200");
  EXPECT_EQ(Outcome(world().attacker.Pay(world().own, world().account, 2, {.key = key})),
            "409 idempotency_key_reused");
}

TEST_F(ObjectAttack, IdOfAnotherKind) {
  EXPECT_EQ(world().attacker.Get("/v1/accounts/" + world().payment).status, 400);
  EXPECT_EQ(world().attacker.Get("/v1/payments/" + world().account).status, 400);
}

TEST_F(ObjectAttack, IdInUpperCaseIsNotAnAlias) {
  std::string upper = world().own;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_NE(world().attacker.Get("/v1/accounts/" + upper).status, 200);
}

TEST_F(ObjectAttack, MassAssignment) {
  for (const auto& [name, value] : boost::json::object{{"state", "SUCCEEDED"},
                                                       {"payment_id", "pay_1"},
                                                       {"user_id", "usr_1"},
                                                       {"fee", "0"},
                                                       {"failure_reason", ""},
                                                       {"transaction_id", "txn_1"},
                                                       {"create_time", "2000-01-01T00:00:00Z"},
                                                       {"__proto__", "x"},
                                                       {"sourceAccountId", "acc_1"}}) {
    EXPECT_EQ(Outcome(PayWith({{name, value}})), "400 unknown_field") << name;
  }
  const boost::json::object account = {{"customer_id", "cus_1"}, {"balance", "1000000"}};
  EXPECT_EQ(Outcome(world().attacker.Post("/v1/accounts", account)), "400 unknown_field");
  const boost::json::object user = {{"email", "a@example.com"}, {"roles", "admin"}};
  EXPECT_EQ(Outcome(world().attacker.Post("/v1/users", user)), "400 unknown_field");
}

TEST_F(ObjectAttack, ParameterPollution) {
  EXPECT_EQ(Outcome(world().attacker.Get("/v1/payments?page_size=1&page_size=100")),
            "400 invalid_field");
  EXPECT_EQ(Outcome(world().attacker.Get("/v1/accounts?user_id=" + world().victim.user_id())),
            "400 unknown_field");
  EXPECT_EQ(Outcome(world().attacker.Get("/v1/accounts/" + world().own +
                                         "?account_id=" + world().account)),
            "400 unknown_field");
}

// What a trusted proxy might say is nobody's to say here.
TEST_F(ObjectAttack, SpoofedIdentityFields) {
  e2e::HttpsClient client(SharedStack().Variable("FLORIN_URL"),
                          SharedStack().Variable("FLORIN_CA"));
  const std::string victim = world().victim.user_id();
  const auto response = client.Send({"GET",
                                     "/v1/accounts",
                                     {{"Authorization", "Bearer " + world().attacker.token()},
                                      {"X-User-Id", victim},
                                      {"X-Forwarded-User", victim},
                                      {"X-Forwarded-For", "127.0.0.1"},
                                      {"Forwarded", "for=127.0.0.1"},
                                      {"X-Original-URL", "/v1/accounts/" + world().account},
                                      {"X-Rewrite-URL", "/v1/accounts/" + world().account},
                                      {"X-Http-Method-Override", "DELETE"}},
                                     ""});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status, 200);
  EXPECT_THAT(response->body, HasSubstr(world().own));
  EXPECT_THAT(response->body, Not(HasSubstr(world().account)));
}

TEST_F(ObjectAttack, MethodsThatAreNotThere) {
  e2e::HttpsClient client(SharedStack().Variable("FLORIN_URL"),
                          SharedStack().Variable("FLORIN_CA"));
  for (const char* method : {"DELETE", "PUT", "PATCH", "TRACE", "OPTIONS", "PROPFIND", "PURGE"}) {
    const auto response = client.Send({method,
                                       "/v1/accounts/" + world().own,
                                       {{"Authorization", "Bearer " + world().attacker.token()}},
                                       ""});
    ASSERT_TRUE(response.ok()) << method;
    EXPECT_THAT(response->status, ::testing::AnyOf(404, 405)) << method;
  }
}

TEST_F(ObjectAttack, InternalMethodsAreNotPublished) {
  for (const char* path :
       {"/florin.ledger.v1.Ledger/PostTransactions", "/florin.accounts.v1.Accounts/LookUpAccounts",
        "/florin.transport.v1.Calls/Exchange", "/metrics", "/livez", "/readyz", "/v1/books",
        "/.git/config", "/admin", "/debug/pprof"}) {
    EXPECT_EQ(world().attacker.Get(path).status, 404) << path;
  }
}

TEST_F(ObjectAttack, WriteWithATokenForReading) {
  ApiUser reader(SharedStack(), "accounts:read payments:read");
  const boost::json::object body = {{"display_name", "Ada"}};
  EXPECT_EQ(Outcome(reader.Post("/v1/customers", body)), "403 scope_missing");
}

TEST_F(ObjectAttack, AskForAScopeThatUsersDoNotHave) {
  for (const char* scope : {"ledger:write", "admin", "payments:write admin", "*", "payments:*"}) {
    const boost::json::object body = {{"email", world().attacker.email()},
                                      {"password", world().attacker.password()},
                                      {"scope", scope}};
    EXPECT_EQ(Outcome(world().attacker.Post("/v1/login", body, {.key = "", .token = ""})),
              "400 invalid_scope")
        << scope;
  }
}

}  // namespace
}  // namespace florin::security
