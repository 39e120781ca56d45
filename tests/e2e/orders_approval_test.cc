// What is ordered ahead, together or by the payee where transfers to others need an approval:
// nothing slips past it.
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/api_user.h"
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
  Answer Schedule(const std::string& destination) {
    const absl::CivilDay today = absl::ToCivilDay(absl::Now(), absl::UTCTimeZone());
    boost::json::object body = PaymentBody(source_, destination, "100");
    body["recurrence"] =
        boost::json::object{{"frequency", "ONCE"},
                            {"first_date", boost::json::string(absl::FormatCivilTime(today - 1))},
                            {"local_time", "00:00"},
                            {"time_zone", "UTC"}};
    return payer_.Post("/v1/schedules", body);
  }

  ApiUser payer_{SharedStack()};
  ApiUser payee_{SharedStack()};
  const std::string source_ = payer_.OpenAccount("EUR");
  const std::string savings_ = payer_.OpenAccount("EUR");
  const std::string destination_ = payee_.OpenAccount("EUR");
};

TEST_F(OrdersApprovalTest, SchedulesAreForOwnAccountsOnly) {
  EXPECT_EQ(Outcomes(Schedule(destination_)), "400 invalid_schedule destination_account_id");
  EXPECT_EQ(Outcomes(Schedule(savings_)), "200 ");
}

TEST_F(OrdersApprovalTest, BulksAreForOwnAccountsOnly) {
  const Answer bulk = payer_.Post(
      "/v1/bulks", boost::json::object{{"source_account_id", boost::json::string(source_)},
                                       {"mode", "BEST_EFFORT"}});
  const auto add = [&](const std::string& id, const std::string& destination) {
    const boost::json::object item = {{"item_id", boost::json::string(id)},
                                      {"destination_account_id", boost::json::string(destination)},
                                      {"minor_units", "1"}};
    return payer_.Post(absl::StrCat("/v1/bulks/", bulk.Text("bulk_id"), "/items"),
                       boost::json::object{{"items", boost::json::array{item}}});
  };
  EXPECT_EQ(Outcomes(add("a", destination_)), "400 invalid_field items[0].destination_account_id");
  EXPECT_EQ(Outcomes(add("b", savings_)), "200 ");
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
