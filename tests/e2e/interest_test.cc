// Interest and charges through HTTPS: an operator makes a plan and assigns it, months go by on the
// sandbox's clock, and what has accrued is in the account's statement, once.
#include <chrono>
#include <memory>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "florin/ledger/v1/ledger.rpc.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/ids/ids.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/credentials.h"
#include "libs/status/matchers.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/operator.h"
#include "tests/e2e/sandbox_clock.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

using boost::json::object;

[[maybe_unused]] const bool kBooks = AddSharedStackOptions({"--books", "other"});

// As florin-accounts: whatever sets credit lines one day does it so.
void SetCreditLine(const std::string& account, std::int64_t minor_units) {
  async::Runtime runtime(1);
  rpc::Channel channel(runtime.executor(),
                       {.target = SharedStack().Variable("FLORIN_LEDGER"),
                        .service = "ledger",
                        .certificates = rpc::CertificateFiles::In(
                            SharedStack().Variable("FLORIN_CERTS"), "accounts")});
  ledger::v1::LedgerClient client(&channel);
  ledger::v1::ChangeAccountsRequest request;
  request.set_book("main");
  ledger::v1::AccountChange& change = *request.add_changes();
  change.set_transaction_id(FormatId(IdKind::kTransaction, SystemIds().NewId()));
  change.set_account_id(account);
  change.set_credit_line_minor(minor_units);
  const auto changed = runtime.Run(client.ChangeAccounts(rpc::Outgoing(), request));
  ASSERT_THAT(changed, IsOk());
  ASSERT_TRUE(changed->results(0).has_committed()) << changed->DebugString();
}

std::string Text(absl::CivilDay day) { return absl::FormatCivilTime(day); }

// Zoe with an account of 1'000.00 EUR, and an operator.
class InterestE2eTest : public ::testing::Test {
 protected:
  // One operator for all tests: only the first two need no proposal.
  static void SetUpTestSuite() {
    staff_ = std::make_unique<ApiUser>(SharedStack());
    ASSERT_THAT(AssignRole(staff_->user_id(), "admin"), IsOk());
    staff_token_ = TokenWith(*staff_, "interest:read interest:write accounts:read accounts:write");
  }
  static void TearDownTestSuite() { staff_.reset(); }
  InterestE2eTest() { zoe_.Deposit(account_, 100'000); }
  // Whatever a test has done, the book balances.
  void TearDown() override {
    EXPECT_EQ(SharedStack().Query("SELECT sum(debit_minor) - sum(credit_minor) FROM "
                                  "ledger.entries"),
              "0");
  }

  static Sent AsOperator() { return {.token = staff_token_}; }
  absl::CivilDay Today() { return absl::ToCivilDay(SandboxNow(zoe_), absl::UTCTimeZone()); }
  void AdvanceTo(absl::CivilDay day) {
    const std::string target = absl::StrCat(Text(day), "T00:20:00Z");
    const Answer answer = zoe_.Post("/v1/sandbox/clock:advance", object{{"target_time", target}});
    ASSERT_EQ(Outcome(answer), "200") << answer;
  }
  // 3.65 % of 1'000.00 are 0.10 a day.
  object Plan() {
    return {{"plan_id", plan_id_},
            {"version", 1},
            {"currency", "EUR"},
            {"effective_date", Text(Today())},
            {"day_count", "ACT_365_FIXED"},
            {"credit_rate_ppm", 36'500},
            {"monthly_fee_minor", "3"}};
  }
  Answer Put(const object& plan) { return zoe_.Post("/v1/interest/plans", plan, AsOperator()); }
  std::string Path(const std::string& rest) const {
    return absl::StrCat("/v1/accounts/", account_, "/interest", rest);
  }
  Answer Assign(absl::CivilDay from, const std::string& plan) {
    return zoe_.Post(Path(":assign"), object{{"plan_id", plan}, {"from_date", Text(from)}},
                     AsOperator());
  }
  Answer Get() { return zoe_.Get(Path(""), AsOperator()); }
  // Waits for the job.
  void ExpectAccruedUntil(absl::CivilDay next) {
    std::string seen;
    for (int i = 0; i < 600 && seen != Text(next); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      seen = Get().Text("next_date");
    }
    EXPECT_EQ(seen, Text(next));
  }
  void ExpectBalance(std::int64_t minor_units) {
    std::int64_t seen = -1;
    for (int i = 0; i < 300 && seen != minor_units; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      seen = zoe_.Balance(account_);
    }
    EXPECT_EQ(seen, minor_units) << Get();
  }

  static std::unique_ptr<ApiUser> staff_;
  static std::string staff_token_;
  ApiUser zoe_{SharedStack()};
  const std::string account_ = zoe_.OpenAccount("EUR");
  const std::string plan_id_ = Fresh("p");
};
std::unique_ptr<ApiUser> InterestE2eTest::staff_;
std::string InterestE2eTest::staff_token_;

TEST_F(InterestE2eTest, MonthsOfInterestAreInTheStatementOnce) {
  const Answer plan = Put(Plan());
  ASSERT_EQ(Outcome(plan), "200") << plan;
  EXPECT_EQ(Put(Plan()).body, plan.body);
  const absl::CivilDay from = Today() + 1;
  ASSERT_EQ(Outcome(Assign(from, plan_id_)), "200");
  ASSERT_EQ(Outcome(Assign(from, plan_id_)), "200");

  // The rest of this month, and all of the next one; the process dies on the way.
  const absl::CivilDay first(absl::CivilMonth(from) + 1);
  const absl::CivilDay second(absl::CivilMonth(from) + 2);
  AdvanceTo(second);
  SharedStack().Kill("accounts");
  SharedStack().Restart("accounts");
  ExpectAccruedUntil(second);
  const std::int64_t parts = 10 * (first - from);
  const std::int64_t whole = 10 * (second - first);
  ExpectBalance(100'000 + parts + whole - 2 * 3);

  const Answer interest = Get();
  EXPECT_EQ(interest.Text("unbooked_parts"), "0");
  const auto& bookings = interest.body.at("bookings").as_array();
  ASSERT_EQ(bookings.size(), 4) << interest;
  for (const auto& booking : bookings) {
    EXPECT_EQ(booking.at("state").as_string(), "POSTED") << interest;
    EXPECT_EQ(booking.at("plan_id").as_string(), plan_id_);
  }
  EXPECT_EQ(bookings[0].at("kind").as_string(), "FEE");
  EXPECT_EQ(bookings[0].at("amount").at("minor_units").as_string(), "-3");
  EXPECT_EQ(bookings[1].at("amount").at("minor_units").as_string(), absl::StrCat(whole));
  EXPECT_EQ(bookings[1].at("last_date").as_string(), Text(second - 1));
  EXPECT_EQ(bookings[3].at("amount").at("minor_units").as_string(), absl::StrCat(parts));

  const Answer days =
      zoe_.Get(Path(absl::StrCat("/days?page_size=2&before_date=", Text(second))), AsOperator());
  ASSERT_EQ(Outcome(days), "200") << days;
  ASSERT_EQ(days.body.at("days").as_array().size(), 2);
  EXPECT_EQ(days.body.at("days").as_array()[0].at("date").as_string(), Text(second - 1));
  EXPECT_EQ(days.body.at("days").as_array()[0].at("balance_minor").as_string(), "100000");

  const Answer statement =
      zoe_.Get(absl::StrCat("/v1/accounts/", account_, "/statement?first_date=", Text(second),
                            "&last_date=", Text(second)));
  ASSERT_EQ(Outcome(statement), "200") << statement;
  std::multiset<std::string> booked;
  for (const auto& entry : statement.body.at("entries").as_array()) {
    booked.insert(std::string(entry.at("transaction_id").as_string()));
  }
  std::multiset<std::string> expected;
  for (const auto& booking : bookings) {
    expected.insert(std::string(booking.at("transaction_id").as_string()));
  }
  EXPECT_EQ(booked, expected) << statement;
  EXPECT_EQ(SharedStack().Query(absl::StrCat("SELECT count(*) FROM accounts.audit_events WHERE "
                                             "subject IN ('",
                                             plan_id_, "', '", account_,
                                             "') AND action LIKE 'accounts.interest_plan.%'")),
            "2");

  // A rate that changes later, and a day of it.
  object next = Plan();
  next["version"] = 2;
  next["effective_date"] = Text(second + 1);
  next["credit_rate_ppm"] = 73'000;
  ASSERT_EQ(Outcome(Put(next)), "200");
  AdvanceTo(second + 2);
  ExpectAccruedUntil(second + 2);
  EXPECT_NE(Get().Text("unbooked_minor"), "0");
  const Answer later = zoe_.Get(Path("/days?page_size=2"), AsOperator());
  EXPECT_EQ(later.body.at("days").as_array()[0].at("plan_version").as_int64(), 2) << later;
  EXPECT_EQ(later.body.at("days").as_array()[1].at("plan_version").as_int64(), 1) << later;
}

TEST_F(InterestE2eTest, AChargeThatCannotBePaidWaits) {
  object plan = Plan();
  plan["credit_rate_ppm"] = 0;
  plan["monthly_fee_minor"] = "100001";
  ASSERT_EQ(Outcome(Put(plan)), "200");
  const absl::CivilDay from = Today() + 1;
  ASSERT_EQ(Outcome(Assign(from, plan_id_)), "200");
  const absl::CivilDay first(absl::CivilMonth(from) + 1);
  AdvanceTo(first);
  ExpectAccruedUntil(first);
  Answer interest = Get();
  const auto attempt = [&interest] {
    const auto& bookings = interest.body.at("bookings").as_array();
    return bookings.empty() ? 0 : bookings[0].at("attempt").as_int64();
  };
  for (int i = 0; i < 300 && attempt() < 2; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    interest = Get();
  }
  ASSERT_EQ(attempt(), 2) << interest;
  EXPECT_EQ(interest.body.at("bookings").as_array()[0].at("state").as_string(), "DUE");
  EXPECT_EQ(interest.body.at("bookings").as_array()[0].at("reason").as_string(),
            "insufficient_funds");
  EXPECT_EQ(zoe_.Balance(account_), 100'000);
  zoe_.Deposit(account_, 1);
  AdvanceTo(first + 2);
  ExpectBalance(0);
}

TEST_F(InterestE2eTest, AnOverdrawnAccountIsCharged) {
  object plan = Plan();
  plan["debit_rate_ppm"] = 73'000;  // 7.3 % of 500.00 are 0.10 a day.
  ASSERT_EQ(Outcome(Put(plan)), "200");
  const absl::CivilDay from = Today() + 1;
  ASSERT_EQ(Outcome(Assign(from, plan_id_)), "200");
  const std::string other = zoe_.OpenAccount("EUR");
  EXPECT_EQ(Outcome(zoe_.Pay(account_, other, 150'000)), "422 insufficient_funds");
  SetCreditLine(account_, 60'000);
  const Answer paid = zoe_.Pay(account_, other, 150'000);
  ASSERT_EQ(Outcome(paid), "200") << paid;
  ASSERT_EQ(zoe_.Balance(account_), -50'000);

  // The rest of this month with a debt, then a month without.
  const absl::CivilDay first(absl::CivilMonth(from) + 1);
  const absl::CivilDay second(absl::CivilMonth(from) + 2);
  AdvanceTo(first);
  ExpectAccruedUntil(first);
  const std::int64_t charged = 10 * (first - from);
  ExpectBalance(-50'000 - charged - 3);
  Answer interest = Get();
  const auto& bookings = interest.body.at("bookings").as_array();
  ASSERT_EQ(bookings.size(), 2) << interest;
  EXPECT_EQ(bookings[1].at("kind").as_string(), "INTEREST");
  EXPECT_EQ(bookings[1].at("amount").at("minor_units").as_string(), absl::StrCat(-charged));
  EXPECT_EQ(bookings[1].at("state").as_string(), "POSTED");
  const std::string transaction(bookings[1].at("transaction_id").as_string());

  const Answer statement =
      zoe_.Get(absl::StrCat("/v1/accounts/", account_, "/statement?first_date=", Text(first),
                            "&last_date=", Text(first)));
  ASSERT_EQ(Outcome(statement), "200") << statement;
  EXPECT_THAT(boost::json::serialize(statement.body), ::testing::HasSubstr(transaction));

  // With nothing in it the account neither earns nor owes more than the fee.
  ASSERT_EQ(Outcome(zoe_.Pay(other, account_, 50'000 + charged + 3)), "200");
  AdvanceTo(second);
  ExpectAccruedUntil(second);
  EXPECT_EQ(Get().Text("unbooked_minor"), "0");
  ExpectBalance(-3);
}

TEST_F(InterestE2eTest, AnAccountIsPaidInItsOwnBook) {
  const Answer opened = zoe_.Post(
      "/v1/accounts",
      {{"customer_id", zoe_.Get(absl::StrCat("/v1/accounts/", account_)).Text("customer_id")},
       {"currency", "EUR"},
       {"book", "other"}});
  ASSERT_EQ(Outcome(opened), "200") << opened;
  const std::string there = opened.Text("account_id");
  zoe_.Deposit(there, 200'000);
  ASSERT_EQ(Outcome(Put(Plan())), "200");
  const absl::CivilDay from = Today() + 1;
  const object body = {{"plan_id", plan_id_}, {"from_date", Text(from)}};
  const std::string path = absl::StrCat("/v1/accounts/", there, "/interest");
  ASSERT_EQ(Outcome(zoe_.Post(path + ":assign", body, AsOperator())), "200");
  const absl::CivilDay first(absl::CivilMonth(from) + 1);
  AdvanceTo(first);
  const std::int64_t expected = 200'000 + 20 * (first - from) - 3;
  std::int64_t seen = -1;
  for (int i = 0; i < 600 && seen != expected; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    seen = zoe_.Balance(there);
  }
  EXPECT_EQ(seen, expected) << zoe_.Get(path, AsOperator());
  EXPECT_EQ(SharedStack().Query("SELECT count(*) FROM (SELECT book FROM ledger.entries GROUP BY "
                                "book HAVING sum(debit_minor) <> sum(credit_minor)) AS unbalanced"),
            "0");
}

TEST_F(InterestE2eTest, WhatIsWrongIsSaid) {
  struct Case {
    std::string outcome;
    std::string param;
    std::string field;
    boost::json::value value;
  };
  const Case cases[] = {
      {"400 invalid_field", "plan_id", "plan_id", "Savings"},
      {"400 invalid_field", "version", "version", 2},
      {"400 unknown_currency", "currency", "currency", "EURO"},
      {"400 invalid_field", "time_zone", "time_zone", "Nowhere"},
      {"400 invalid_field", "effective_date", "effective_date", "2026-02-29"},
      {"400 invalid_field", "day_count", "day_count", "DAY_COUNT_UNSPECIFIED"},
      {"400 invalid_field", "credit_rate_ppm", "credit_rate_ppm", 1'000'001},
      {"400 invalid_field", "debit_rate_ppm", "debit_rate_ppm", -1},
      {"400 invalid_field", "monthly_fee_minor", "monthly_fee_minor", "-1"},
  };
  for (const Case& c : cases) {
    object plan = Plan();
    plan[c.field] = c.value;
    const Answer answer = Put(plan);
    EXPECT_EQ(Outcome(answer), c.outcome) << answer;
    EXPECT_EQ(answer.Text("param"), c.param) << answer;
  }
  ASSERT_EQ(Outcome(Put(Plan())), "200");
  object other = Plan();
  other["credit_rate_ppm"] = 1;
  EXPECT_EQ(Outcome(Put(other)), "409 id_conflict");
  other["version"] = 2;
  const Answer retroactive = Put(other);
  EXPECT_EQ(Outcome(retroactive), "400 invalid_field");
  EXPECT_EQ(retroactive.Text("param"), "effective_date");

  EXPECT_EQ(Outcome(Assign(Today(), plan_id_)), "400 invalid_field");
  EXPECT_EQ(Outcome(Assign(Today() + 1, "none")), "404 interest_plan_not_found");
  EXPECT_EQ(Outcome(Assign(Today() + 1, "")), "400 invalid_field");  // There is none to end.
  EXPECT_EQ(Outcome(Assign(Today() + 1, plan_id_)), "200");
  EXPECT_EQ(Outcome(Assign(Today() + 1, "")), "409 id_conflict");
  const object body = {{"plan_id", plan_id_}, {"from_date", Text(Today() + 1)}};
  const std::string dollars = zoe_.OpenAccount("USD");
  EXPECT_EQ(Outcome(zoe_.Post(absl::StrCat("/v1/accounts/", dollars, "/interest:assign"), body,
                              AsOperator())),
            "422 currency_mismatch");
  EXPECT_EQ(Outcome(zoe_.Post("/v1/accounts/acc_x/interest:assign", body, AsOperator())),
            "400 invalid_id");
}

TEST_F(InterestE2eTest, OnlyOperatorsDecideAndNotOnThemselves) {
  EXPECT_EQ(Outcome(zoe_.Post("/v1/interest/plans", Plan())), "403 scope_missing");
  EXPECT_EQ(Outcome(zoe_.Get("/v1/interest/plans")), "403 scope_missing");
  EXPECT_EQ(Outcome(zoe_.Get(Path(""))), "403 scope_missing");
  const object body = {{"plan_id", plan_id_}, {"from_date", Text(Today() + 1)}};
  EXPECT_EQ(Outcome(zoe_.Post(Path(":assign"), body)), "403 scope_missing");
  ASSERT_EQ(Outcome(Put(Plan())), "200");
  const std::string own = staff_->OpenAccount("EUR");
  EXPECT_EQ(Outcome(zoe_.Post(absl::StrCat("/v1/accounts/", own, "/interest:assign"), body,
                              AsOperator())),
            "403 self_approval");
}

}  // namespace
}  // namespace florin::e2e
