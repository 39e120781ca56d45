// Scheduled and recurring payments through HTTPS. Time here is the system's, so what is due is due
// at once; flow/schedule_worker_test.cc moves the clock.
#include <array>
#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

using ::testing::ElementsAre;

// The day so many days from now, where it is far from midnight.
std::string Day(int days) {
  return absl::FormatCivilTime(absl::ToCivilDay(absl::Now(), absl::UTCTimeZone()) + days);
}

boost::json::value Text(const std::string& text) { return boost::json::string(text); }

class SchedulesTest : public ::testing::Test {
 protected:
  SchedulesTest() { payer_.Deposit(source_, 1000); }

  // Daily at midnight UTC, from so many days ago, that many times.
  boost::json::object Body(int days_ago, int count, std::int64_t minor_units = 100) {
    boost::json::object body = PaymentBody(source_, destination_, absl::StrCat(minor_units));
    body["recurrence"] = boost::json::object{{"frequency", "DAILY"},
                                             {"first_date", Day(-days_ago)},
                                             {"local_time", "00:00"},
                                             {"time_zone", "UTC"},
                                             {"count", count}};
    return body;
  }
  Answer Create(const boost::json::object& body, const Sent& sent = {}) {
    return payer_.Post("/v1/schedules", body, sent);
  }
  static std::string Path(const Answer& schedule) {
    return absl::StrCat("/v1/schedules/", schedule.Text("schedule_id"));
  }
  // "2 SUCCEEDED", "1 FAILED insufficient_funds", …, once none is pending.
  std::vector<std::string> Occurrences(const Answer& schedule, std::size_t count) {
    std::vector<std::string> found;
    for (int i = 0; i < 300; ++i) {
      const Answer answer = payer_.Get(Path(schedule) + "/occurrences");
      EXPECT_EQ(Outcome(answer), "200") << answer;
      found.clear();
      bool pending = false;
      for (const auto& value : answer.body.at("occurrences").as_array()) {
        const boost::json::object& one = value.as_object();
        const std::string state(one.at("state").as_string());
        const auto* reason = one.if_contains("failure_reason");
        pending = pending || state == "PENDING";
        found.push_back(absl::StrCat(one.at("number").as_int64(), " ", state));
        if (reason != nullptr && !reason->as_string().empty()) {
          absl::StrAppend(&found.back(), " ", std::string(reason->as_string()));
        }
      }
      if (!pending && found.size() == count) return found;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return found;
  }

  ApiUser payer_{SharedStack()};
  ApiUser payee_{SharedStack()};
  const std::string source_ = payer_.OpenAccount("EUR");
  const std::string destination_ = payee_.OpenAccount("EUR");
};

TEST_F(SchedulesTest, WhatIsDueIsPaidAndListed) {
  const Answer schedule = Create(Body(2, 3));
  ASSERT_EQ(Outcome(schedule), "200") << schedule;
  EXPECT_EQ(schedule.Text("state"), "ACTIVE");
  EXPECT_THAT(Occurrences(schedule, 3), ElementsAre("3 SUCCEEDED", "2 SUCCEEDED", "1 SUCCEEDED"));
  EXPECT_EQ(payer_.Balance(source_), 700);
  EXPECT_EQ(payee_.Balance(destination_), 300);
  EXPECT_EQ(payer_.Get(Path(schedule)).Text("state"), "ENDED");
  const Answer listed = payer_.Get(Path(schedule) + "/occurrences?page_size=2");
  const auto& first = listed.body.at("occurrences").as_array().at(0).as_object();
  const Answer payment =
      payer_.Get(absl::StrCat("/v1/payments/", std::string(first.at("payment_id").as_string())));
  EXPECT_EQ(payment.Text("state"), "SUCCEEDED") << payment;
  const Answer rest = payer_.Get(absl::StrCat(
      Path(schedule), "/occurrences?page_size=2&page_token=", listed.Text("next_page_token")));
  EXPECT_EQ(rest.body.at("occurrences").as_array().size(), 1);
}

TEST_F(SchedulesTest, CatchesUpAsItWasAskedTo) {
  boost::json::object body = Body(2, 3);
  body["catch_up"] = "LATEST_ONLY";
  EXPECT_THAT(Occurrences(Create(body), 3), ElementsAre("3 SUCCEEDED", "2 SKIPPED", "1 SKIPPED"));
  body["catch_up"] = "SKIP";
  body.at("recurrence").as_object()["first_date"] = Day(-3);
  EXPECT_THAT(Occurrences(Create(body), 3), ElementsAre("3 SKIPPED", "2 SKIPPED", "1 SKIPPED"));
  EXPECT_EQ(payee_.Balance(destination_), 100);
}

TEST_F(SchedulesTest, ARefusalIsListedWithItsReason) {
  EXPECT_THAT(Occurrences(Create(Body(1, 2, 600)), 2),
              ElementsAre("2 FAILED insufficient_funds", "1 SUCCEEDED"));
  EXPECT_EQ(payee_.Balance(destination_), 600);
}

TEST_F(SchedulesTest, APaymentIsMadeOnceThoughTheServiceIsKilled) {
  std::vector<Answer> schedules;
  for (int i = 0; i < 5; ++i) schedules.push_back(Create(Body(9, 10, 1)));
  SharedStack().Kill("payments");
  SharedStack().Restart("payments");
  for (const Answer& schedule : schedules) {
    EXPECT_EQ(Occurrences(schedule, 10).size(), 10);
  }
  EXPECT_EQ(payee_.Balance(destination_), 50);
  EXPECT_EQ(payer_.Balance(source_), 950);
}

TEST_F(SchedulesTest, IsPausedResumedAndCanceled) {
  const Answer schedule = Create(Body(-2, 3));
  EXPECT_EQ(schedule.Text("next_time"), absl::StrCat(Day(2), "T00:00:00Z"));
  EXPECT_EQ(payer_.Post(Path(schedule) + ":pause", "{}").Text("state"), "PAUSED");
  EXPECT_EQ(payer_.Post(Path(schedule) + ":resume", "{}").Text("state"), "ACTIVE");
  EXPECT_EQ(payer_.Post(Path(schedule) + ":cancel", "{}").Text("state"), "CANCELED");
  EXPECT_EQ(payer_.Post(Path(schedule) + ":cancel", "{}").Text("state"), "CANCELED");
  for (const char* verb : {":pause", ":resume"}) {
    EXPECT_EQ(Outcome(payer_.Post(Path(schedule) + verb, "{}")), "409 schedule_ended") << verb;
  }
  EXPECT_EQ(payer_.Get("/v1/schedules").body.at("schedules").as_array().size(), 1);
}

TEST_F(SchedulesTest, IsItsUsersOnly) {
  const Answer schedule = Create(Body(-2, 3));
  const std::string nobodys =
      absl::StrCat("/v1/schedules/", FormatId(IdKind::kSchedule, SystemIds().NewId()));
  for (const std::string& path : {Path(schedule), nobodys}) {
    EXPECT_EQ(Outcome(payee_.Get(path)), "404 schedule_not_found");
    EXPECT_EQ(Outcome(payee_.Get(path + "/occurrences")), "404 schedule_not_found");
    for (const char* verb : {":pause", ":resume", ":cancel"}) {
      EXPECT_EQ(Outcome(payee_.Post(path + verb, "{}")), "404 schedule_not_found") << verb;
    }
  }
  EXPECT_TRUE(payee_.Get("/v1/schedules").body.at("schedules").as_array().empty());
}

TEST_F(SchedulesTest, AKeyStandsForOneSchedule) {
  const Sent sent;
  const Answer made = Create(Body(-2, 3), sent);
  const Answer again = Create(Body(-2, 3), sent);
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(again.Text("schedule_id"), made.Text("schedule_id"));
  EXPECT_EQ(Outcome(Create(Body(-2, 4), sent)), "409 idempotency_key_reused");
}

TEST_F(SchedulesTest, EachBadInputIsNamed) {
  struct Case {
    const char* member;  // Of the recurrence, or of the body after a dot.
    boost::json::value value;
    const char* outcome;
  };
  const std::string strangers = payee_.OpenAccount("EUR");
  const std::string dollars = payer_.OpenAccount("USD");
  const std::array cases = {
      Case{"frequency", "FREQUENCY_UNSPECIFIED", "400 invalid_schedule recurrence.frequency"},
      Case{"interval", 101, "400 invalid_schedule recurrence.interval"},
      Case{"interval", -1, "400 invalid_schedule recurrence.interval"},
      Case{"day_of_month", 3, "400 invalid_schedule recurrence.day_of_month"},
      Case{"first_date", "2026-02-30", "400 invalid_schedule recurrence.first_date"},
      Case{"first_date", "", "400 invalid_schedule recurrence.first_date"},
      Case{"first_date", Text(Day(-400)), "400 invalid_schedule recurrence.first_date"},
      Case{"first_date", Text(Day(4000)), "400 invalid_schedule recurrence.first_date"},
      Case{"local_time", "24:00", "400 invalid_schedule recurrence.local_time"},
      Case{"local_time", "", "400 invalid_schedule recurrence.local_time"},
      Case{"time_zone", "Europe/Atlantis", "400 invalid_schedule recurrence.time_zone"},
      Case{"time_zone", "../../etc/passwd", "400 invalid_schedule recurrence.time_zone"},
      Case{"time_zone", "localtime", "400 invalid_schedule recurrence.time_zone"},
      Case{"time_zone", "", "400 invalid_schedule recurrence.time_zone"},
      Case{"end_date", Text(Day(9)), "400 invalid_schedule recurrence.end_date"},
      Case{"end_date", "soon", "400 invalid_schedule recurrence.end_date"},
      Case{"count", 10'001, "400 invalid_schedule recurrence.count"},
      Case{"count", -1, "400 invalid_schedule recurrence.count"},
      Case{".source_account_id", Text(strangers), "404 account_not_found source_account_id"},
      Case{".source_account_id", "acc_1", "400 invalid_id source_account_id"},
      Case{".destination_account_id", Text(source_), "400 same_account destination_account_id"},
      Case{".destination_account_id", Text(dollars),
           "422 currency_mismatch destination_account_id"},
      Case{".destination_account_id", Text(FormatId(IdKind::kAccount, SystemIds().NewId())),
           "404 account_not_found destination_account_id"},
      Case{".amount", boost::json::object{{"currency", "EUR"}, {"minor_units", "0"}},
           "400 invalid_amount amount.minor_units"},
      Case{".amount", boost::json::object{{"currency", "EUX"}, {"minor_units", "1"}},
           "400 unknown_currency amount.currency"},
      Case{".reference", Text(std::string(141, 'x')), "400 invalid_reference reference"}};
  for (const Case& wrong : cases) {
    boost::json::object body = Body(-2, 3);
    if (wrong.member[0] == '.') {
      body[wrong.member + 1] = wrong.value;
    } else {
      body.at("recurrence").as_object()[wrong.member] = wrong.value;
    }
    const Answer answer = Create(body);
    EXPECT_EQ(absl::StrCat(Outcome(answer), " ", answer.Text("param")), wrong.outcome) << answer;
  }
  EXPECT_EQ(Outcome(Create(Body(-2, 3), {.key = ""})), "400 idempotency_key_missing");
  EXPECT_EQ(Outcome(payer_.Get("/v1/schedules?page_size=101")), "400 invalid_page_size");
  EXPECT_EQ(Outcome(payer_.Get("/v1/schedules/sch_1")), "400 invalid_id");
}

}  // namespace
}  // namespace florin::e2e
