// Limits through HTTPS: of users, accounts and payees, of amounts and of payments, over windows and
// of each payment; changed while they are in use, and asked by 64 payers at once.
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/operator.h"
#include "tests/e2e/resident.h"
#include "tests/e2e/stack.h"
#include "tests/e2e/staff.h"

namespace florin::e2e {
namespace {

constexpr int kMinute = 60;
constexpr int kDay = 86'400;
constexpr int kWeek = 7 * kDay;

// Fees of transfers in dollars only. A file that goes with the program.
class FeeFile {
 public:
  FeeFile() {
    close(mkstemp(path_.data()));
    std::ofstream(path_) << "transfer USD payer fixed=25\n";
  }
  ~FeeFile() { std::filesystem::remove(path_); }
  FeeFile(const FeeFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/florin-limits.XXXXXX";
};
const std::string& Fees() {
  static const FeeFile file;
  return file.path();
}
[[maybe_unused]] const bool kFees =
    AddSharedStackOptions({"--payments-flag", absl::StrCat("--fee_schedule=", Fees())});

Staff& People() {
  static Staff people("limits:read limits:write");
  return people;
}

constexpr char kLimits[] = "/v1/limits";
constexpr char kNoProposal[] = "prp_00000000000000000000000000";

std::string PathOf(const Answer& limit) {
  return absl::StrCat("/v1/limits/", limit.Text("limit_id"));
}
// Agreed on and done. The proposal goes with the key of a repetition.
Answer SetMaximum(const Answer& limit, std::int64_t maximum) {
  const boost::json::object change{{"limit_id", limit.Text("limit_id")},
                                   {"maximum", absl::StrCat(maximum)}};
  return People().Post(
      PathOf(limit) + ":change",
      boost::json::object{{"maximum", absl::StrCat(maximum)},
                          {"proposal_id", People().Agree("payments.limit", change)}});
}

// Somebody with 1000.00 EUR in an account, and whom they pay.
class LimitsTest : public ::testing::Test {
 protected:
  LimitsTest() { payer_.Deposit(source_, 100'000); }
  // Whatever a test has done, the book balances.
  void TearDown() override {
    for (const char* side : {"minor", "pending_minor"}) {
      EXPECT_EQ(SharedStack().Query(absl::StrCat("SELECT sum(debit_", side, ") - sum(credit_", side,
                                                 ") FROM ledger.entries")),
                "0");
    }
  }

  // Of this test's payer only; `more` replaces members.
  boost::json::object Body(const std::string& scope, std::int64_t maximum, int window_seconds) {
    boost::json::object body{{"scope", scope},
                             {"currency", "EUR"},
                             {"measure", "AMOUNT"},
                             {"window_seconds", absl::StrCat(window_seconds)},
                             {"maximum", absl::StrCat(maximum)}};
    if (scope == "ACCOUNT") {
      body["account_id"] = source_;
    } else {
      body["user_id"] = payer_.user_id();
    }
    return body;
  }
  Answer Make(const boost::json::object& body) {
    Answer limit = People().MakeLimit(body);
    EXPECT_EQ(Outcome(limit), "200") << limit;
    return limit;
  }
  Answer Make(const std::string& scope, std::int64_t maximum, int window_seconds) {
    return Make(Body(scope, maximum, window_seconds));
  }
  Answer Pay(std::int64_t minor_units) { return payer_.Pay(source_, destination_, minor_units); }
  // That `answer` refuses because of `limit`, of which so much is left.
  static void ExpectRefusal(const Answer& answer, const Answer& limit, std::int64_t remaining) {
    EXPECT_EQ(Outcome(answer), "422 limit_exceeded") << answer;
    EXPECT_EQ(answer.Text("metadata.limit"), limit.Text("limit_id")) << answer;
    EXPECT_EQ(answer.Text("metadata.remaining"), absl::StrCat(remaining)) << answer;
    EXPECT_NE(answer.Text("metadata.payment_id"), "") << answer;
  }
  // What the payer reads of `limit`; -1 where it is not listed.
  std::int64_t Remaining(const Answer& limit, const std::string& account,
                         const std::string& destination = "") {
    std::string path = "/v1/allowances";
    if (!account.empty()) absl::StrAppend(&path, "?account_id=", account);
    if (!destination.empty()) {
      absl::StrAppend(&path, account.empty() ? "?" : "&", "destination_account_id=", destination);
    }
    const Answer answer = payer_.Get(path);
    EXPECT_EQ(Outcome(answer), "200") << answer;
    for (const auto& allowance : answer.body.at("allowances").as_array()) {
      const boost::json::object& one = allowance.as_object();
      if (one.at("limit_id").as_string() != limit.Text("limit_id")) continue;
      std::int64_t remaining = -2;
      EXPECT_TRUE(absl::SimpleAtoi(std::string(one.at("remaining").as_string()), &remaining));
      return remaining;
    }
    return -1;
  }

  ApiUser payer_{SharedStack()};
  ApiUser payee_{SharedStack()};
  const std::string source_ = payer_.OpenAccount("EUR");
  const std::string destination_ = payee_.OpenAccount("EUR");
};

TEST_F(LimitsTest, OfAUserWhicheverAccountPays) {
  const std::string other = payer_.OpenAccount("EUR");
  payer_.Deposit(other, 1000);
  const Answer limit = Make("USER", 500, kDay);
  EXPECT_EQ(limit.Text("scope"), "USER");
  EXPECT_EQ(limit.Text("maximum"), "500");
  EXPECT_EQ(Remaining(limit, ""), 500);
  EXPECT_EQ(Outcome(Pay(300)), "200");
  EXPECT_EQ(Remaining(limit, ""), 200);
  ExpectRefusal(payer_.Pay(other, destination_, 201), limit, 200);
  EXPECT_EQ(Outcome(payer_.Pay(other, destination_, 200)), "200");
  EXPECT_EQ(Remaining(limit, source_), 0);
  ExpectRefusal(Pay(1), limit, 0);
  EXPECT_EQ(payee_.Balance(destination_), 500);
  // Others are not bound by it, nor is what comes in.
  ApiUser stranger(SharedStack());
  const std::string theirs = stranger.OpenAccount("EUR");
  stranger.Deposit(theirs, 1000);
  EXPECT_EQ(Outcome(stranger.Pay(theirs, destination_, 501)), "200");
  payer_.Deposit(source_, 1000);
}

// By which limits, and what there was of each when it was decided.
TEST_F(LimitsTest, TheTimelineTellsWhatWasDecidedBy) {
  const Answer day = Make("USER", 500, kDay);
  const Answer minute = Make("ACCOUNT", 400, kMinute);
  const auto judged = [this](const std::string& payment_id) {
    const Answer timeline = payer_.Get(absl::StrCat("/v1/payments/", payment_id, "/timeline"));
    EXPECT_EQ(Outcome(timeline), "200") << timeline;
    std::vector<std::string> found;
    for (const auto& entry : timeline.body.at("entries").as_array()) {
      const boost::json::object& one = entry.as_object();
      const std::string event(one.at("event").as_string());
      if (!event.starts_with("limit_")) continue;
      std::string text = event;
      for (const char* name : {"limit_id", "asked", "used", "remaining", "maximum"}) {
        const boost::json::object& inputs = one.at("inputs").as_object();
        const boost::json::value* const value = inputs.if_contains(name);
        absl::StrAppend(&text, " ", value == nullptr ? "-" : std::string(value->as_string()));
      }
      found.push_back(text);
    }
    return found;
  };
  Pay(100);
  const Answer used = Pay(200);
  const Answer refused = Pay(150);
  ExpectRefusal(refused, minute, 100);
  Pay(50);  // What comes later changes nothing of what was decided by.
  EXPECT_THAT(judged(used.Text("payment_id")),
              ::testing::UnorderedElementsAre(
                  absl::StrCat("limit_used ", minute.Text("limit_id"), " 200 100 300 400"),
                  absl::StrCat("limit_used ", day.Text("limit_id"), " 200 100 400 500")));
  EXPECT_THAT(judged(refused.Text("metadata.payment_id")),
              ::testing::UnorderedElementsAre(
                  absl::StrCat("limit_refused ", minute.Text("limit_id"), " 150 - 100 -"),
                  absl::StrCat("limit_asked ", day.Text("limit_id"), " 150 - - -")));
  const Answer each = Make("USER", 20, 0);
  const Answer large = Pay(21);
  ExpectRefusal(large, each, 20);
  EXPECT_THAT(
      judged(large.Text("metadata.payment_id")),
      ::testing::ElementsAre(absl::StrCat("limit_refused ", each.Text("limit_id"), " 21 0 20 20")));
}

// Of a country that no other test pays to.
boost::json::object OfCountry(const std::string& country, std::int64_t maximum) {
  return {{"scope", "COUNTRY"},
          {"country", country},
          {"currency", "EUR"},
          {"measure", "AMOUNT"},
          {"window_seconds", absl::StrCat(kDay)},
          {"maximum", absl::StrCat(maximum)}};
}

// Of all payers together, at once.
TEST_F(LimitsTest, OfACountryWhoeverPays) {
  constexpr int kPayers = 16;
  constexpr std::int64_t kMaximum = 1500;
  Resident iceland("IS");
  Resident norway("NO");
  const Answer limit = Make(OfCountry("IS", kMaximum));
  EXPECT_EQ(limit.Text("country"), "IS");
  EXPECT_EQ(limit.Text("scope"), "COUNTRY");
  std::vector<std::unique_ptr<ApiUser>> payers;
  std::vector<std::string> sources;
  for (int i = 0; i < kPayers; ++i) {
    payers.push_back(std::make_unique<ApiUser>(SharedStack()));
    sources.push_back(payers.back()->OpenAccount("EUR"));
    payers.back()->Deposit(sources.back(), 1000);
  }
  std::vector<Answer> answers(kPayers);
  std::latch start(kPayers);
  std::vector<std::thread> threads;
  for (int i = 0; i < kPayers; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      answers[i] = payers[i]->Pay(sources[i], iceland.account, 100 + 7 * i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::int64_t paid = 0;
  std::int64_t least_refused = kMaximum;
  for (int i = 0; i < kPayers; ++i) {
    const std::int64_t amount = 100 + 7 * i;
    if (answers[i].status == 200) {
      paid += amount;
      continue;
    }
    EXPECT_EQ(Outcome(answers[i]), "422 limit_exceeded") << answers[i];
    EXPECT_EQ(answers[i].Text("metadata.limit"), limit.Text("limit_id"));
    least_refused = std::min(least_refused, amount);
  }
  EXPECT_LE(paid, kMaximum);
  EXPECT_LT(least_refused, kMaximum) << "somebody was refused";
  EXPECT_GT(paid + least_refused, kMaximum) << "nor was anything refused that had room";
  EXPECT_EQ(iceland.user.Balance(iceland.account), paid);
  // Elsewhere it binds nobody, nor where it is not known; and nobody is told of it.
  EXPECT_EQ(Outcome(payer_.Pay(source_, norway.account, 2 * kMaximum)), "200");
  EXPECT_EQ(Outcome(Pay(2 * kMaximum)), "200");
  EXPECT_EQ(Remaining(limit, source_, iceland.account), -1);
}

TEST_F(LimitsTest, OfThePayoutsToACountry) {
  const auto pay_out = [this](const std::string& name, const std::string& account,
                              std::int64_t minor_units) {
    const boost::json::object amount = {{"currency", "EUR"},
                                        {"minor_units", absl::StrCat(minor_units)}};
    return payer_.Post("/v1/payouts", {{"source_account_id", source_},
                                       {"amount", amount},
                                       {"beneficiary", {{"name", "Jo"}, {name, account}}}});
  };
  const Answer limit = Make(OfCountry("MC", 500));
  EXPECT_EQ(Outcome(pay_out("iban", "MC5811222000010123456789030", 400)), "200");
  ExpectRefusal(pay_out("iban", "MC5811222000010123456789030", 101), limit, 100);
  EXPECT_EQ(Outcome(pay_out("iban", "DE97500105170600000000", 600)), "200");
  // What is not known, of this payer only.
  boost::json::object body = OfCountry("ZZ", 50);
  body["user_id"] = payer_.user_id();
  const Answer unknown = Make(body);
  ExpectRefusal(pay_out("account", "elsewhere", 51), unknown, 50);
  ExpectRefusal(Pay(51), unknown, 50);
  EXPECT_EQ(Outcome(Pay(50)), "200");
  EXPECT_EQ(Outcome(pay_out("iban", "DE97500105170600000000", 51)), "200");
}

TEST_F(LimitsTest, WhatIsNoLimitOfACountry) {
  const auto refused = [](boost::json::object body) {
    body["proposal_id"] = kNoProposal;
    const Answer answer = People().Post(kLimits, body);
    return absl::StrCat(Outcome(answer), " ", answer.Text("param"));
  };
  EXPECT_EQ(refused(OfCountry("Iceland", 1)), "400 invalid_limit country");
  EXPECT_EQ(refused(OfCountry("is", 1)), "400 invalid_limit country");
  boost::json::object user = Body("USER", 1, kDay);
  user["country"] = "IS";
  EXPECT_EQ(refused(user), "400 invalid_limit country");
  boost::json::object account = OfCountry("IS", 1);
  account["account_id"] = source_;
  EXPECT_EQ(refused(account), "400 invalid_limit account_id");
}

TEST_F(LimitsTest, OfAnAccount) {
  const std::string other = payer_.OpenAccount("EUR");
  payer_.Deposit(other, 1000);
  const Answer limit = Make("ACCOUNT", 500, kDay);
  EXPECT_EQ(Outcome(Pay(500)), "200");
  ExpectRefusal(Pay(1), limit, 0);
  EXPECT_EQ(Outcome(payer_.Pay(other, destination_, 600)), "200");
  EXPECT_EQ(Remaining(limit, source_), 0);
  EXPECT_EQ(Remaining(limit, other), -1);
  EXPECT_EQ(Remaining(limit, ""), -1);
}

TEST_F(LimitsTest, OfAPayee) {
  const std::string other = payee_.OpenAccount("EUR");
  const Answer limit = Make("PAYEE", 500, kDay);
  EXPECT_EQ(Outcome(Pay(400)), "200");
  ExpectRefusal(Pay(101), limit, 100);
  EXPECT_EQ(Outcome(payer_.Pay(source_, other, 500)), "200");
  EXPECT_EQ(Remaining(limit, "", destination_), 100);
  EXPECT_EQ(Remaining(limit, source_, other), 0);
  EXPECT_EQ(Remaining(limit, source_), -1);
  // Of several payees each for himself.
  boost::json::object body = PaymentBody(source_, "", "150");
  body.erase("destination_account_id");
  const auto split = [](const std::string& account, const char* minor_units) {
    return boost::json::object{{"destination_account_id", account},
                               {"amount", {{"currency", "EUR"}, {"minor_units", minor_units}}}};
  };
  const std::string third = payee_.OpenAccount("EUR");
  body["splits"] = boost::json::array{split(destination_, "50"), split(third, "100")};
  EXPECT_EQ(Outcome(payer_.Post("/v1/payments", body)), "200");
  EXPECT_EQ(Remaining(limit, "", destination_), 50);
  EXPECT_EQ(Remaining(limit, "", third), 400);
  ExpectRefusal(
      payer_.Post(
          "/v1/payments",
          [&] {
            body["splits"] = boost::json::array{split(destination_, "51"), split(third, "99")};
            return body;
          }()),
      limit, 50);
}

TEST_F(LimitsTest, OfHowOften) {
  boost::json::object body = Body("USER", 2, kDay);
  body["measure"] = "COUNT";
  const Answer limit = Make(body);
  EXPECT_EQ(Outcome(Pay(1)), "200");
  // What fails does not count.
  EXPECT_EQ(Outcome(Pay(1'000'000)), "422 insufficient_funds");
  EXPECT_EQ(Remaining(limit, ""), 1);
  EXPECT_EQ(Outcome(Pay(9000)), "200");
  ExpectRefusal(Pay(1), limit, 0);
}

TEST_F(LimitsTest, OfEachPayment) {
  const Answer limit = Make("USER", 500, 0);
  ExpectRefusal(Pay(501), limit, 500);
  EXPECT_EQ(Outcome(Pay(500)), "200");
  EXPECT_EQ(Outcome(Pay(500)), "200");
  EXPECT_EQ(Remaining(limit, ""), 500);
}

TEST_F(LimitsTest, OfAKycLevel) {
  boost::json::object body = Body("USER", 10, kDay);
  body["kyc_level"] = "FULL";
  const Answer full = Make(body);
  body["kyc_level"] = "NONE";
  body["maximum"] = "500";
  const Answer none = Make(body);
  EXPECT_EQ(none.Text("kyc_level"), "NONE");
  EXPECT_EQ(Outcome(Pay(400)), "200") << "nobody has verified the payer";
  ExpectRefusal(Pay(101), none, 100);
  EXPECT_EQ(Remaining(none, source_), 100);
  EXPECT_EQ(Remaining(full, source_), -1);
}

TEST_F(LimitsTest, OfSeveralWindowsAllMustHaveRoom) {
  const Answer week = Make("USER", 700, kWeek);
  const Answer day = Make("USER", 500, kDay);
  EXPECT_EQ(Outcome(Pay(500)), "200");
  ExpectRefusal(Pay(1), day, 0);
  EXPECT_EQ(Outcome(SetMaximum(day, 5000)), "200");
  ExpectRefusal(Pay(201), week, 200);
  EXPECT_EQ(Remaining(day, ""), 4500) << "what one refuses uses nothing of another";
  EXPECT_EQ(Outcome(Pay(200)), "200");
}

TEST_F(LimitsTest, AreRaisedLoweredAndRemoved) {
  const Answer limit = Make("USER", 500, kDay);
  EXPECT_EQ(Outcome(Pay(400)), "200");
  const Sent raise;
  const boost::json::object change{{"limit_id", limit.Text("limit_id")}, {"maximum", "600"}};
  const boost::json::object body{{"maximum", "600"},
                                 {"proposal_id", People().Agree("payments.limit", change)}};
  const Answer raised = People().Post(PathOf(limit) + ":change", body, raise);
  EXPECT_EQ(raised.Text("maximum"), "600") << raised;
  EXPECT_EQ(Remaining(limit, ""), 200);
  EXPECT_EQ(Outcome(Pay(100)), "200");
  // Below what is in use: no room, and not before enough of it is over.
  EXPECT_EQ(SetMaximum(limit, 450).Text("maximum"), "450");
  EXPECT_EQ(Remaining(limit, ""), 0);
  ExpectRefusal(Pay(1), limit, 0);
  // Raised above it.
  EXPECT_EQ(SetMaximum(limit, 550).Text("maximum"), "550");
  EXPECT_EQ(Remaining(limit, ""), 50);
  ExpectRefusal(Pay(51), limit, 50);
  EXPECT_EQ(Outcome(Pay(50)), "200");
  // The first raise again is answered as it was, and changes nothing.
  const Answer again = People().Post(PathOf(limit) + ":change", body, raise);
  EXPECT_EQ(again.body, raised.body);
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(Remaining(limit, ""), 0);
  const boost::json::object removal{{"limit_id", limit.Text("limit_id")}, {"removed", true}};
  const Answer removed = People().Post(
      PathOf(limit) + ":remove",
      boost::json::object{{"proposal_id", People().Agree("payments.limit", removal)}});
  EXPECT_EQ(Outcome(removed), "200") << removed;
  EXPECT_TRUE(removed.body.at("removed").as_bool());
  EXPECT_EQ(Remaining(limit, ""), -1);
  EXPECT_EQ(Outcome(Pay(1000)), "200");
  EXPECT_EQ(Outcome(SetMaximum(limit, 1)), "404 limit_not_found");
}

TEST_F(LimitsTest, ARefusalIsFinalUnderItsKey) {
  const Answer limit = Make("USER", 500, kDay);
  const Sent sent;
  const Answer refused = payer_.Pay(source_, destination_, 501, sent);
  ExpectRefusal(refused, limit, 500);
  const std::string path = absl::StrCat("/v1/payments/", refused.Text("metadata.payment_id"));
  EXPECT_EQ(payer_.Get(path).Text("state"), "FAILED");
  EXPECT_EQ(payer_.Get(path).Text("failure_reason"), "limit_exceeded");
  EXPECT_EQ(Outcome(SetMaximum(limit, 5000)), "200");
  ExpectRefusal(payer_.Pay(source_, destination_, 501, sent), limit, 500);
  EXPECT_EQ(Outcome(Pay(501)), "200");
}

TEST_F(LimitsTest, CountWhatThePayerIsDebitedWithTheFee) {
  const std::string dollars = payer_.OpenAccount("USD");
  const std::string theirs = payee_.OpenAccount("USD");
  payer_.Deposit(dollars, 10'000, "USD");
  boost::json::object body = Body("USER", 1024, kDay);
  body["currency"] = "USD";
  const Answer limit = Make(body);
  ExpectRefusal(payer_.Pay(dollars, theirs, 1000, {}, "USD"), limit, 1024);
  EXPECT_EQ(Outcome(payer_.Pay(dollars, theirs, 999, {}, "USD")), "200");
  EXPECT_EQ(Remaining(limit, ""), 0);
  EXPECT_EQ(Outcome(Pay(5000)), "200") << "of the other currency";
}

TEST_F(LimitsTest, OfAnAuthorizationWhichAVoidGivesBack) {
  const Answer limit = Make("USER", 500, kDay);
  boost::json::object body = PaymentBody(source_, destination_, "400");
  body["capture_method"] = "MANUAL";
  const Answer authorized = payer_.Post("/v1/payments", body);
  ASSERT_EQ(authorized.Text("state"), "REQUIRES_CAPTURE") << authorized;
  EXPECT_EQ(Remaining(limit, ""), 100);
  ExpectRefusal(payer_.Post("/v1/payments", body), limit, 100);
  const std::string path = absl::StrCat("/v1/payments/", authorized.Text("payment_id"));
  EXPECT_EQ(payee_.Post(path + ":cancel", "{}").Text("state"), "CANCELED");
  EXPECT_EQ(Remaining(limit, ""), 500);
  // What is captured stays used, and is not limited again.
  const Answer second = payer_.Post("/v1/payments", body);
  EXPECT_EQ(Outcome(SetMaximum(limit, 1)), "200");
  EXPECT_EQ(Outcome(payee_.Post(
                absl::StrCat("/v1/payments/", second.Text("payment_id"), ":capture"), "{}")),
            "200");
  EXPECT_EQ(payee_.Balance(destination_), 400);
  EXPECT_EQ(Remaining(limit, ""), 0);
  // Nor is a refund.
  EXPECT_EQ(
      Outcome(payee_.Post(absl::StrCat("/v1/payments/", second.Text("payment_id"), "/refunds"),
                          boost::json::object{{"reason", "broken"}})),
      "200");
}

TEST_F(LimitsTest, AreForOperatorsToMake) {
  const Answer limit = Make("USER", 500, kDay);
  EXPECT_EQ(Outcome(payer_.Post("/v1/limits", Body("USER", 1, kDay))), "403 scope_missing");
  EXPECT_EQ(Outcome(payer_.Post(PathOf(limit) + ":change", boost::json::object{{"maximum", "9"}})),
            "403 scope_missing");
  EXPECT_EQ(Outcome(payer_.Post(PathOf(limit) + ":remove", "{}")), "403 scope_missing");
  EXPECT_EQ(Outcome(payer_.Get("/v1/limits")), "403 scope_missing");
  EXPECT_EQ(LogIn(payer_, "limits:write").status, 400);
  const std::string other = payee_.OpenAccount("EUR");
  EXPECT_EQ(Outcome(payer_.Get("/v1/allowances?account_id=" + other)), "404 account_not_found");
  bool listed = false;
  std::string page = "/v1/limits?page_size=2";
  while (!page.empty() && !listed) {
    const Answer limits = People().Get(page);
    ASSERT_EQ(Outcome(limits), "200") << limits;
    for (const auto& one : limits.body.at("limits").as_array()) {
      listed |= one.as_object().at("limit_id").as_string() == limit.Text("limit_id");
    }
    const std::string next = limits.Text("next_page_token");
    page = next.empty() ? "" : absl::StrCat("/v1/limits?page_size=2&page_token=", next);
  }
  EXPECT_TRUE(listed);
  EXPECT_EQ(SharedStack().Query(
                absl::StrCat("SELECT count(*) FROM payments.audit_events WHERE subject = '",
                             limit.Text("limit_id"), "' AND actor <> ''")),
            "1");
}

TEST_F(LimitsTest, AChangeIsWhatTwoPeopleHaveAgreedOn) {
  const Answer limit = Make("USER", 500, kDay);
  const std::string path = PathOf(limit) + ":change";
  const std::string agreed =
      People().Agree("payments.limit",
                     boost::json::object{{"limit_id", limit.Text("limit_id")}, {"maximum", "600"}});
  const auto change = [&](const char* maximum, const std::string& proposal) {
    return Outcome(
        People().Post(path, boost::json::object{{"maximum", maximum}, {"proposal_id", proposal}}));
  };
  EXPECT_EQ(change("600", ""), "400 invalid_id");
  EXPECT_EQ(change("600", kNoProposal), "404 proposal_not_found");
  EXPECT_EQ(change("601", agreed), "409 proposal_altered");
  EXPECT_EQ(Remaining(limit, ""), 500);
  EXPECT_EQ(change("600", agreed), "200");
  EXPECT_EQ(change("600", agreed), "409 proposal_executed") << "under another key";
  EXPECT_EQ(Remaining(limit, ""), 600);
}

TEST_F(LimitsTest, WhatIsWrongIsNamed) {
  const auto refused = [this](const char* member, const boost::json::value& value) {
    boost::json::object body = Body("USER", 500, kDay);
    if (value.is_null()) {
      body.erase(member);
    } else {
      body[member] = value;
    }
    const Answer answer = People().Post(kLimits, body);
    EXPECT_EQ(answer.Text("param"), member) << answer;
    return Outcome(answer);
  };
  EXPECT_EQ(refused("scope", nullptr), "400 invalid_limit");
  EXPECT_EQ(refused("measure", nullptr), "400 invalid_limit");
  EXPECT_EQ(refused("maximum", nullptr), "400 invalid_limit");
  EXPECT_EQ(refused("maximum", "-1"), "400 invalid_limit");
  EXPECT_EQ(refused("maximum", "1000000000000001"), "400 invalid_limit");
  EXPECT_EQ(refused("window_seconds", "59"), "400 invalid_limit");
  EXPECT_EQ(refused("window_seconds", "-1"), "400 invalid_limit");
  EXPECT_EQ(refused("window_seconds", "31622401"), "400 invalid_limit");
  EXPECT_EQ(refused("currency", "XYZ"), "400 unknown_currency");
  EXPECT_EQ(refused("currency", nullptr), "400 unknown_currency");
  EXPECT_EQ(refused("user_id", "usr_nobody"), "400 invalid_id");
  EXPECT_EQ(refused("account_id", source_.c_str()), "400 invalid_limit");
  boost::json::object count = Body("USER", 5, 0);
  count["measure"] = "COUNT";
  EXPECT_EQ(Outcome(People().Post(kLimits, count)), "400 invalid_limit");
  boost::json::object account = Body("ACCOUNT", 5, kDay);
  account["user_id"] = payer_.user_id();
  EXPECT_EQ(Outcome(People().Post(kLimits, account)), "400 invalid_limit");
  const Answer limit = Make("USER", 500, kDay);
  EXPECT_EQ(
      Outcome(People().Post(PathOf(limit) + ":change", boost::json::object{{"maximum", "-1"}})),
      "400 invalid_limit");
  EXPECT_EQ(Outcome(People().Post(PathOf(limit) + ":change", boost::json::object{})),
            "400 invalid_limit");
  const boost::json::object nothing{{"limit_id", "lim_00000000000000000000000001"},
                                    {"maximum", "1"}};
  EXPECT_EQ(Outcome(People().Post(
                "/v1/limits/lim_00000000000000000000000001:change",
                boost::json::object{{"maximum", "1"},
                                    {"proposal_id", People().Agree("payments.limit", nothing)}})),
            "404 limit_not_found");
  EXPECT_EQ(Outcome(People().Post("/v1/limits/lim_x:remove", boost::json::object{})),
            "400 invalid_id");
  EXPECT_EQ(Outcome(payer_.Get("/v1/allowances?account_id=acc_x")), "400 invalid_id");
  // Five alike, and no more.
  for (int i = 1; i < 5; ++i) Make("USER", 500 + i, kDay);
  EXPECT_EQ(Outcome(People().MakeLimit(Body("USER", 1, kWeek))), "400 invalid_limit");
}

// No two payments find the same room: by one minor unit no more than the maximum.
TEST_F(LimitsTest, SixtyFourPayersAtOnceNeverPassOne) {
  constexpr int kPayers = 64;
  constexpr std::int64_t kMaximum = 5001;
  const Answer limit = Make("USER", kMaximum, kDay);
  const Answer week = Make("ACCOUNT", 100'000, kWeek);
  std::vector<std::unique_ptr<ApiUser>> payers;
  for (int i = 0; i < kPayers; ++i) {
    payers.push_back(std::make_unique<ApiUser>(SharedStack(), payer_));
    payers.back()->Balance(source_);
  }
  std::vector<Answer> answers(kPayers);
  std::latch start(kPayers);
  std::vector<std::thread> threads;
  for (int i = 0; i < kPayers; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      answers[i] = payers[i]->Pay(source_, destination_, 100 + 7 * i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::int64_t paid = 0;
  std::int64_t least_refused = kMaximum;
  int refused = 0;
  for (int i = 0; i < kPayers; ++i) {
    const std::int64_t amount = 100 + 7 * i;
    if (answers[i].status == 200) {
      paid += amount;
      continue;
    }
    ++refused;
    EXPECT_EQ(Outcome(answers[i]), "422 limit_exceeded") << answers[i];
    EXPECT_EQ(answers[i].Text("metadata.limit"), limit.Text("limit_id"));
    least_refused = std::min(least_refused, amount);
  }
  EXPECT_LE(paid, kMaximum);
  EXPECT_GT(refused, 0);
  // Nor was anything refused that had room.
  EXPECT_GT(paid + least_refused, kMaximum);
  EXPECT_EQ(payer_.Balance(source_), 100'000 - paid);
  EXPECT_EQ(payee_.Balance(destination_), paid);
  EXPECT_EQ(Remaining(limit, source_), kMaximum - paid);
  EXPECT_EQ(Remaining(week, source_), 100'000 - paid);
  if (paid < kMaximum) {
    EXPECT_EQ(Outcome(Pay(kMaximum - paid)), "200");
  }
  ExpectRefusal(Pay(1), limit, 0);
}

// The ledger is gone, and then payments itself: what was begun ends by itself, and within limits.
TEST_F(LimitsTest, SurviveACrash) {
  const Answer limit = Make("USER", 500, kDay);
  EXPECT_EQ(Outcome(Pay(100)), "200");
  SharedStack().Kill("ledger");
  const Sent first;
  const Sent second;
  EXPECT_NE(payer_.Pay(source_, destination_, 300, first).status, 200);
  EXPECT_NE(payer_.Pay(source_, destination_, 300, second).status, 200);
  SharedStack().Kill("payments");
  SharedStack().Restart("ledger");
  SharedStack().Restart("payments");
  const Answer one = payer_.Pay(source_, destination_, 300, first);
  const Answer other = payer_.Pay(source_, destination_, 300, second);
  EXPECT_NE(one.status == 200, other.status == 200) << one << other;
  ExpectRefusal(one.status == 200 ? other : one, limit, 100);
  EXPECT_EQ(payee_.Balance(destination_), 400);
  EXPECT_EQ(Remaining(limit, ""), 100);
}

// The one that takes its minute, last, since connections that are idle so long are closed: what was
// paid is over, and there is room again.
TEST_F(LimitsTest, RollOn) {
  const Answer limit = Make("USER", 500, kMinute);
  EXPECT_EQ(Outcome(Pay(500)), "200");
  ExpectRefusal(Pay(1), limit, 0);
  for (int i = 0; i < 1000 && Remaining(limit, "") == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(Remaining(limit, ""), 500);
  EXPECT_EQ(Outcome(Pay(500)), "200");
  ExpectRefusal(Pay(1), limit, 0);
}

}  // namespace
}  // namespace florin::e2e
