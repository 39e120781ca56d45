// What is ordered ahead, together or by the payee where transfers to others need an approval:
// nothing slips past it.
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
#include "tests/e2e/authenticator_app.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

[[maybe_unused]] const bool kPolicy = AddSharedStackOptions({"--approval-policy", "all"});

class OrdersApprovalTest : public ::testing::Test {
 protected:
  OrdersApprovalTest() { payer_.Deposit(source_, 1000); }

  static std::string Outcomes(const Answer& answer) {
    return absl::StrCat(Outcome(answer), " ", answer.Text("param"));
  }
  // Daily since yesterday, twice.
  Answer Schedule(const std::string& destination) {
    const absl::CivilDay today = absl::ToCivilDay(absl::Now(), absl::UTCTimeZone());
    boost::json::object body = PaymentBody(source_, destination, "100");
    body["recurrence"] =
        boost::json::object{{"frequency", "DAILY"},
                            {"first_date", boost::json::string(absl::FormatCivilTime(today - 1))},
                            {"local_time", "00:00"},
                            {"time_zone", "UTC"},
                            {"count", 2}};
    return payer_.Post("/v1/schedules", body);
  }
  // A draft with one item of 300 to the payee and one of 20 to the payer's own account.
  Answer Draft(const std::string& mode) {
    const Answer bulk = payer_.Post(
        "/v1/bulks", boost::json::object{{"source_account_id", boost::json::string(source_)},
                                         {"mode", boost::json::string(mode)}});
    const auto item = [](const std::string& id, const std::string& destination, int minor_units) {
      return boost::json::object{{"item_id", boost::json::string(id)},
                                 {"destination_account_id", boost::json::string(destination)},
                                 {"minor_units", std::to_string(minor_units)}};
    };
    const Answer added = payer_.Post(
        absl::StrCat(PathOf(bulk), "/items"),
        boost::json::object{
            {"items", boost::json::array{item("a", destination_, 300), item("b", savings_, 20)}}});
    EXPECT_EQ(Outcome(added), "200") << added;
    return bulk;
  }
  // Of a schedule or a bulk.
  static std::string PathOf(const Answer& order) {
    const std::string bulk = order.Text("bulk_id");
    return bulk.empty() ? absl::StrCat("/v1/schedules/", order.Text("schedule_id"))
                        : absl::StrCat("/v1/bulks/", bulk);
  }
  static std::string ApprovalOf(const Answer& order) {
    return absl::StrCat("/v1/approvals/", order.Text("next_action.approval_id"));
  }
  void Approve(const Answer& order) {
    const boost::json::object code = {{"totp_code", boost::json::string(app_.NextCode())}};
    const Answer approved = payer_.Post(ApprovalOf(order) + ":approve", code);
    EXPECT_EQ(Outcome(approved), "200") << approved;
  }
  Answer Confirm(const Answer& order) { return payer_.Post(PathOf(order) + ":confirm", "{}"); }
  // Once the order is in `state`.
  Answer Until(const Answer& order, const std::string& state) {
    for (int i = 0; i < 300; ++i) {
      Answer now = payer_.Get(PathOf(order));
      if (now.Text("state") == state) return now;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    ADD_FAILURE() << "not " << state << ": " << payer_.Get(PathOf(order));
    return payer_.Get(PathOf(order));
  }
  void ExpectBalance(std::int64_t minor_units) {
    for (int i = 0; i < 300 && payee_.Balance(destination_) != minor_units; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    EXPECT_EQ(payee_.Balance(destination_), minor_units);
  }
  // Changes rows behind everybody's back, as the superuser can.
  static void Tamper(const std::string& statement) { SharedStack().Query(statement); }
  static std::string UuidOf(IdKind kind, const std::string& id) {
    return ParseId(kind, id, "").value().ToString();
  }

  ApiUser payer_{SharedStack()};
  ApiUser payee_{SharedStack()};
  AuthenticatorApp app_{payer_};
  const std::string source_ = payer_.OpenAccount("EUR");
  const std::string savings_ = payer_.OpenAccount("EUR");
  const std::string destination_ = payee_.OpenAccount("EUR");
};

TEST_F(OrdersApprovalTest, OrdersToOneselfNeedNoApproval) {
  const Answer schedule = Schedule(savings_);
  EXPECT_EQ(schedule.Text("state"), "ACTIVE") << schedule;
  EXPECT_EQ(schedule.Text("next_action.approval_id"), "");
}

TEST_F(OrdersApprovalTest, AScheduleIsApprovedOnceForAllOfItsPayments) {
  const Answer schedule = Schedule(destination_);
  ASSERT_EQ(schedule.Text("state"), "REQUIRES_ACTION") << schedule;
  const Answer shown = payer_.Get(ApprovalOf(schedule));
  ASSERT_EQ(Outcome(shown), "200") << shown;
  EXPECT_EQ(shown.Text("kind"), "SCHEDULE");
  EXPECT_EQ(shown.Text("schedule_id"), schedule.Text("schedule_id"));
  EXPECT_EQ(shown.Text("amount.minor_units"), "100");
  EXPECT_EQ(shown.Text("payee_name"), "Ada Lovelace");
  EXPECT_EQ(shown.Text("payee_account_id"), destination_);
  EXPECT_EQ(shown.Text("terms"),
            absl::StrCat("Every day from ", schedule.Text("recurrence.first_date"),
                         " at 00:00 UTC, 2 times"));
  EXPECT_EQ(shown.Text("binding"), schedule.Text("next_action.binding"));

  EXPECT_EQ(Outcome(Confirm(schedule)), "409 approval_pending");
  EXPECT_EQ(Outcome(payer_.Post(PathOf(schedule) + ":pause", "{}")), "409 approval_pending");
  EXPECT_EQ(Outcome(payer_.Post(PathOf(schedule) + ":resume", "{}")), "409 approval_pending");
  EXPECT_EQ(Outcome(payee_.Post(PathOf(schedule) + ":confirm", "{}")), "404 schedule_not_found");
  EXPECT_EQ(Outcome(payer_.Post("/v1/schedules/nonsense:confirm", "{}")), "400 invalid_id");
  EXPECT_EQ(Outcome(payee_.Get(ApprovalOf(schedule))), "404 approval_not_found");
  EXPECT_EQ(payee_.Balance(destination_), 0);
  Approve(schedule);
  EXPECT_EQ(payer_.Get(PathOf(schedule)).Text("state"), "REQUIRES_ACTION");
  EXPECT_EQ(Outcome(Confirm(schedule)), "200");
  EXPECT_EQ(Outcome(Confirm(schedule)), "200");
  EXPECT_EQ(Until(schedule, "ENDED").Text("next_action.approval_id"), "");
  ExpectBalance(200);
  EXPECT_EQ(payer_.Get(ApprovalOf(schedule)).Text("state"), "REDEEMED");
}

TEST_F(OrdersApprovalTest, ADeclinedScheduleIsCanceledAndPaysNothing) {
  const Answer schedule = Schedule(destination_);
  EXPECT_EQ(Outcome(payer_.Post(ApprovalOf(schedule) + ":decline", "{}")), "200");
  const Answer confirmed = Confirm(schedule);
  EXPECT_EQ(confirmed.Text("state"), "CANCELED") << confirmed;
  EXPECT_EQ(confirmed.Text("cancel_reason"), "approval_declined");
  EXPECT_EQ(Outcome(payer_.Post(PathOf(schedule) + ":resume", "{}")), "409 schedule_ended");
  EXPECT_EQ(payee_.Balance(destination_), 0);
}

TEST_F(OrdersApprovalTest, AScheduleThatWasChangedIsNotTheOneThatWasApproved) {
  const Answer schedule = Schedule(destination_);
  Approve(schedule);
  Tamper(absl::StrCat("UPDATE payments.schedules SET amount_minor = 101 WHERE schedule_id = '",
                      UuidOf(IdKind::kSchedule, schedule.Text("schedule_id")), "'"));
  const Answer confirmed = Confirm(schedule);
  EXPECT_EQ(confirmed.Text("state"), "CANCELED") << confirmed;
  EXPECT_EQ(confirmed.Text("cancel_reason"), "approval_mismatch");
  EXPECT_EQ(payer_.Get(ApprovalOf(schedule)).Text("state"), "VOID");
  EXPECT_EQ(payee_.Balance(destination_), 0);
}

TEST_F(OrdersApprovalTest, ABulkIsApprovedByItsTotalItsPayeesAndItsItems) {
  for (const std::string mode : {"BEST_EFFORT", "ALL_OR_NOTHING"}) {
    const std::int64_t before = payee_.Balance(destination_);
    const Answer draft = Draft(mode);
    const Answer bulk = payer_.Post(PathOf(draft) + ":submit", "{}");
    ASSERT_EQ(bulk.Text("state"), "REQUIRES_ACTION") << bulk;
    const Answer again = payer_.Post(PathOf(draft) + ":submit", "{}");
    EXPECT_EQ(again.Text("next_action.binding"), bulk.Text("next_action.binding"));
    const Answer shown = payer_.Get(ApprovalOf(bulk));
    EXPECT_EQ(shown.Text("kind"), "BULK");
    EXPECT_EQ(shown.Text("bulk_id"), bulk.Text("bulk_id"));
    EXPECT_EQ(shown.Text("amount.minor_units"), "320");
    EXPECT_EQ(shown.Text("payee_name"), "Ada Lovelace");
    EXPECT_THAT(shown.Text("terms"), ::testing::StartsWith("2 payments, list "));
    EXPECT_EQ(Outcome(Confirm(bulk)), "409 approval_pending");
    EXPECT_EQ(Outcome(payee_.Post(PathOf(bulk) + ":confirm", "{}")), "404 bulk_not_found");
    EXPECT_EQ(payee_.Balance(destination_), before);
    Approve(bulk);
    EXPECT_EQ(Outcome(Confirm(bulk)), "200");
    Until(bulk, "COMPLETED");
    EXPECT_EQ(payee_.Balance(destination_), before + 300);
    EXPECT_EQ(Outcome(payer_.Post(PathOf(bulk) + ":cancel", "{}")), "409 bulk_closed");
  }
}

TEST_F(OrdersApprovalTest, ABulkWithAnotherPayeeIsNotTheOneThatWasApproved) {
  const Answer bulk = payer_.Post(PathOf(Draft("BEST_EFFORT")) + ":submit", "{}");
  Approve(bulk);
  Tamper(absl::StrCat("UPDATE payments.bulk_items SET destination_account_id = '",
                      UuidOf(IdKind::kAccount, savings_), "' WHERE item_id = 'a' AND bulk_id = '",
                      UuidOf(IdKind::kBulk, bulk.Text("bulk_id")), "'"));
  const Answer confirmed = Confirm(bulk);
  // The row's digest was redeemed, but it is not that of the items: nothing is paid.
  EXPECT_EQ(confirmed.Text("state"), "CANCELED") << confirmed;
  EXPECT_EQ(confirmed.Text("cancel_reason"), "approval_mismatch");
  EXPECT_EQ(payer_.Balance(source_), 1000);
}

TEST_F(OrdersApprovalTest, AnOrderIsCanceledWhileItWaits) {
  const Answer schedule = Schedule(destination_);
  EXPECT_EQ(payer_.Post(PathOf(schedule) + ":cancel", "{}").Text("state"), "CANCELED");
  EXPECT_EQ(Confirm(schedule).Text("state"), "CANCELED");
  const Answer bulk = payer_.Post(PathOf(Draft("BEST_EFFORT")) + ":submit", "{}");
  EXPECT_EQ(payer_.Post(PathOf(bulk) + ":cancel", "{}").Text("state"), "CANCELED");
  Approve(bulk);
  EXPECT_EQ(Confirm(bulk).Text("state"), "CANCELED");
  EXPECT_EQ(Outcome(payer_.Post(PathOf(bulk) + ":submit", "{}")), "409 bulk_closed");
  EXPECT_EQ(payee_.Balance(destination_), 0);
}

TEST_F(OrdersApprovalTest, APaymentOnRequestWaitsForItsApproval) {
  const Answer request =
      payee_.Post("/v1/payment_requests",
                  boost::json::object{{"destination_account_id", boost::json::string(destination_)},
                                      {"amount", {{"currency", "EUR"}, {"minor_units", "300"}}}});
  const std::string path =
      absl::StrCat("/v1/payment_requests/", request.Text("payment_request_id"));
  const Answer begun = payer_.Post(
      path + ":pay", boost::json::object{{"source_account_id", boost::json::string(source_)}});
  EXPECT_EQ(begun.Text("state"), "PAYING") << begun;
  const std::string payment = absl::StrCat("/v1/payments/", begun.Text("payment_id"));
  EXPECT_EQ(payer_.Get(payment).Text("state"), "REQUIRES_ACTION");
  EXPECT_EQ(payee_.Balance(destination_), 0);
  // The payee does not see the payment, nor takes the request back meanwhile.
  EXPECT_EQ(payee_.Get(path).Text("payment_id"), "");
  EXPECT_EQ(Outcome(payee_.Post(path + ":withdraw", "{}")), "409 payment_request_closed");
  EXPECT_EQ(Outcome(payer_.Post(payment + ":confirm", "{}")), "409 approval_pending");
}

}  // namespace
}  // namespace florin::e2e
