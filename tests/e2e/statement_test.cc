// Statements through the public API: what was booked, in each form, and what bad input gets.
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/api_user.h"

namespace florin::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Day(int from_today) {
  const absl::CivilDay today = absl::ToCivilDay(absl::Now(), absl::UTCTimeZone());
  return absl::FormatCivilTime(today + from_today);
}

// The last two days and the next: midnight may pass while the test runs.
std::string Days() { return absl::StrCat("first_date=", Day(-1), "&last_date=", Day(1)); }

std::string StatementOf(const std::string& account, const std::string& query) {
  return absl::StrCat("/v1/accounts/", account, "/statement?", query);
}
std::string FileOf(const std::string& account, const std::string& query) {
  return absl::StrCat("/v1/accounts/", account, "/statement:download?", query);
}

std::int64_t Minor(const boost::json::value& money) {
  std::int64_t minor = 0;
  EXPECT_TRUE(absl::SimpleAtoi(std::string(money.at("minor_units").as_string()), &minor));
  return minor;
}

TEST(StatementTest, OpeningAndEntriesMakeTheClosing) {
  ApiUser user(SharedStack());
  const std::string a = user.OpenAccount("EUR");
  const std::string b = user.OpenAccount("EUR");
  user.Deposit(a, 10'000);
  for (const int amount : {1, 250, 3000}) ASSERT_EQ(Outcome(user.Pay(a, b, amount)), "200");
  ASSERT_EQ(Outcome(user.Pay(b, a, 51)), "200");
  EXPECT_EQ(Outcome(user.Pay(a, b, 1'000'000)), "422 insufficient_funds");  // Is no booking.

  const Answer answer = user.Get(StatementOf(a, Days()));
  ASSERT_EQ(Outcome(answer), "200") << answer;
  EXPECT_EQ(answer.Text("account_holder"), "Ada Lovelace");
  EXPECT_EQ(answer.Text("time_zone"), "UTC");
  EXPECT_EQ(Minor(answer.body.at("opening_balance")), 0);
  EXPECT_EQ(Minor(answer.body.at("closing_balance")), 6800);
  EXPECT_EQ(Minor(answer.body.at("credits").at("total")), 10'051);
  EXPECT_EQ(Minor(answer.body.at("debits").at("total")), 3251);
  std::int64_t balance = 0;
  const boost::json::array& entries = answer.body.at("entries").as_array();
  ASSERT_EQ(entries.size(), 5u);
  for (const boost::json::value& entry : entries) {
    const bool debit = entry.at("credit_debit") == "DBIT";
    balance += debit ? -Minor(entry.at("amount")) : Minor(entry.at("amount"));
    EXPECT_EQ(Minor(entry.at("balance_after")), balance);
    EXPECT_THAT(std::string(entry.at("payment_id").as_string()), StartsWith("pay_"));
  }
  EXPECT_EQ(balance, user.Balance(a));

  // What comes after begins where this ends, and what came before was nothing.
  const Answer later =
      user.Get(StatementOf(a, absl::StrCat("first_date=", Day(2), "&last_date=", Day(3))));
  EXPECT_EQ(Minor(later.body.at("opening_balance")), 6800) << later;
  EXPECT_EQ(Minor(later.body.at("closing_balance")), 6800);
  EXPECT_TRUE(later.body.at("entries").as_array().empty());
  const Answer earlier =
      user.Get(StatementOf(a, absl::StrCat("first_date=", Day(-9), "&last_date=", Day(-8))));
  EXPECT_EQ(Minor(earlier.body.at("closing_balance")), 0) << earlier;
}

TEST(StatementTest, IsAFileAsWell) {
  ApiUser user(SharedStack());
  const std::string a = user.OpenAccount("JPY");
  user.Deposit(a, 5000, "JPY");
  const Answer csv = user.Get(FileOf(a, absl::StrCat(Days(), "&format=CSV")));
  ASSERT_EQ(csv.status, 200) << csv;
  EXPECT_EQ(csv.headers.at("content-type"), "text/csv; charset=utf-8; header=present");
  EXPECT_THAT(csv.headers.at("content-disposition"),
              AllOf(StartsWith("attachment; filename=\"statement-acc_"), HasSubstr(".csv\"")));
  EXPECT_EQ(csv.headers.at("x-content-type-options"), "nosniff");
  EXPECT_THAT(csv.file, HasSubstr(",5000,JPY,5000,txn_"));
  EXPECT_THAT(csv.file, HasSubstr("\r\nCLBD,"));
  const Answer pdf = user.Get(FileOf(a, absl::StrCat(Days(), "&format=PDF")));
  ASSERT_EQ(pdf.status, 200) << pdf;
  EXPECT_EQ(pdf.headers.at("content-type"), "application/pdf");
  EXPECT_THAT(pdf.file, StartsWith("%PDF-1."));
}

TEST(StatementTest, DaysAreThoseOfTheZone) {
  // A zone decides which day it is: Kiritimati is fourteen hours ahead, Pago Pago eleven behind.
  ApiUser user(SharedStack());
  const std::string a = user.OpenAccount("EUR");
  user.Deposit(a, 1);
  for (const char* zone : {"Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"}) {
    const Answer answer = user.Get(StatementOf(a, absl::StrCat(Days(), "&time_zone=", zone)));
    ASSERT_EQ(Outcome(answer), "200") << answer;
    absl::TimeZone loaded;
    ASSERT_TRUE(absl::LoadTimeZone(zone, &loaded));
    const std::string today = absl::FormatCivilTime(absl::ToCivilDay(absl::Now(), loaded));
    EXPECT_EQ(std::string(answer.body.at("entries").as_array()[0].at("booking_date").as_string()),
              today)
        << zone;
  }
}

TEST(StatementTest, BadInputIsRefusedAndNamed) {
  ApiUser user(SharedStack());
  ApiUser other(SharedStack());
  const std::string a = user.OpenAccount("EUR");
  const struct {
    std::string query;
    const char* param;
  } kBad[] = {
      {"last_date=2026-01-01", "first_date"},
      {"first_date=2026-01-01", "last_date"},
      {"first_date=2026-02-30&last_date=2026-03-01", "first_date"},
      {"first_date=2026-03-01&last_date=2026-02-01", "last_date"},
      {"first_date=2024-01-01&last_date=2026-02-01", "last_date"},
      {Days() + "&time_zone=Mars/Olympus", "time_zone"},
      {Days() + "&time_zone=/etc/localtime", "time_zone"},
      {Days() + "&time_zone=../../etc/passwd", "time_zone"},
      {Days() + "&time_zone=file:UTC", "time_zone"},
  };
  for (const auto& bad : kBad) {
    const Answer answer = user.Get(StatementOf(a, bad.query));
    EXPECT_EQ(Outcome(answer), "400 invalid_field") << bad.query << answer;
    EXPECT_EQ(answer.Text("param"), bad.param) << bad.query;
  }
  const Answer formless = user.Get(FileOf(a, Days()));
  EXPECT_EQ(Outcome(formless), "400 invalid_field") << formless;
  EXPECT_EQ(formless.Text("param"), "format");
  EXPECT_EQ(Outcome(other.Get(StatementOf(a, Days()))), "404 account_not_found");
  EXPECT_EQ(Outcome(other.Get(FileOf(a, Days() + "&format=PDF"))), "404 account_not_found");
  EXPECT_EQ(Outcome(user.Get(StatementOf("acc_1", Days()))), "400 invalid_id");
}

}  // namespace
}  // namespace florin::e2e
