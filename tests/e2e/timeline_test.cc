// Payments that tell where they came from and how they went over a rail, through HTTPS.
#include <chrono>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

using ::testing::ElementsAre;

class TimelineE2eTest : public ::testing::Test {
 protected:
  TimelineE2eTest() { user_.Deposit(account_, 100'000); }

  boost::json::array Timeline(const std::string& payment_id) {
    const Answer timeline = user_.Get(absl::StrCat("/v1/payments/", payment_id, "/timeline"));
    EXPECT_EQ(Outcome(timeline), "200") << timeline;
    return timeline.body.at("entries").as_array();
  }
  static std::vector<std::string> Events(const boost::json::array& timeline) {
    std::vector<std::string> events;
    for (const auto& one : timeline) events.emplace_back(one.as_object().at("event").as_string());
    return events;
  }
  // "" where there is none.
  static std::string Input(const boost::json::array& timeline, std::size_t entry,
                           const char* name) {
    const boost::json::object& inputs = timeline.at(entry).as_object().at("inputs").as_object();
    const boost::json::value* const value = inputs.if_contains(name);
    return value == nullptr ? "" : std::string(value->as_string());
  }
  Answer PayOut(const std::string& iban) {
    const boost::json::object amount = {{"currency", "EUR"}, {"minor_units", "250"}};
    return user_.Post("/v1/payouts", {{"source_account_id", account_},
                                      {"amount", amount},
                                      {"beneficiary", {{"name", "Jo Secret"}, {"iban", iban}}},
                                      {"reference", "secret"}});
  }

  ApiUser user_{SharedStack()};
  const std::string account_ = user_.OpenAccount("EUR");
};

TEST_F(TimelineE2eTest, TheRequestThatMadeIt) {
  const std::string other = user_.OpenAccount("EUR");
  const Sent sent;
  const boost::json::object body = PaymentBody(account_, other, "100");
  const Answer payment = user_.Post("/v1/payments", body, sent);
  ASSERT_EQ(Outcome(payment), "200") << payment;
  const std::string id = payment.Text("payment_id");
  const std::string request = Input(Timeline(id), 0, "request_id");
  EXPECT_TRUE(request.starts_with("req_")) << request;
  EXPECT_TRUE(user_.Post("/v1/payments", body, sent).replayed());
  EXPECT_EQ(Input(Timeline(id), 0, "request_id"), request) << "the first one's";
}

// The id of a trace that goes on, as the answer says it.
std::string TraceOf(const Answer& answer) {
  const auto field = answer.headers.find("traceparent");
  return field == answer.headers.end() ? "none" : field->second.substr(3, 32);
}

TEST_F(TimelineE2eTest, TheTraceThatMadeIt) {
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const std::string other = user_.OpenAccount("EUR");
  const boost::json::object body = PaymentBody(account_, other, "100");
  const Answer payment = user_.Post(
      "/v1/payments", body, {.traceparent = absl::StrCat("00-", trace, "-00f067aa0ba902b7-01")});
  ASSERT_EQ(Outcome(payment), "200") << payment;
  EXPECT_EQ(TraceOf(payment), trace);
  EXPECT_EQ(Input(Timeline(payment.Text("payment_id")), 0, "trace_id"), trace);
  // What is malformed is as none: the trace begins here.
  for (const std::string& malformed :
       {absl::StrCat("00-", trace, "-00f067aa0ba902b7-1"),
        absl::StrCat("ff-", trace, "-00f067aa0ba902b7-01"),
        absl::StrCat("00-", trace, "-0000000000000000-01"),
        std::string("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"),
        std::string("what's that")}) {
    const Answer made = user_.Post("/v1/payments", body, {.traceparent = malformed});
    ASSERT_EQ(Outcome(made), "200") << made;
    const std::string kept = Input(Timeline(made.Text("payment_id")), 0, "trace_id");
    EXPECT_EQ(kept.size(), 32U) << malformed;
    EXPECT_EQ(kept, TraceOf(made)) << malformed;
    EXPECT_NE(kept, trace) << malformed;
  }
}

TEST_F(TimelineE2eTest, ALaterStepHasItsOwnTrace) {
  ApiUser payee(SharedStack());
  const std::string other = payee.OpenAccount("EUR");
  const Answer payment = user_.Post("/v1/payments", PaymentBody(account_, other, "100"));
  ASSERT_EQ(Outcome(payment), "200") << payment;
  const std::string path = absl::StrCat("/v1/payments/", payment.Text("payment_id"));
  const std::string trace(32, 'c');
  const boost::json::object body = {{"amount", {{"currency", "EUR"}, {"minor_units", "40"}}}};
  const Answer refund = payee.Post(
      path + "/refunds", body, {.traceparent = absl::StrCat("00-", trace, "-00f067aa0ba902b7-01")});
  ASSERT_EQ(Outcome(refund), "200") << refund;
  const std::string told = boost::json::serialize(payee.Get(path + "/timeline").body);
  EXPECT_THAT(told, ::testing::HasSubstr(trace));
  EXPECT_THAT(told, ::testing::Not(::testing::HasSubstr(TraceOf(payment))));
  const boost::json::array payers = Timeline(payment.Text("payment_id"));
  EXPECT_EQ(Input(payers, 0, "trace_id"), TraceOf(payment));
  EXPECT_THAT(boost::json::serialize(payers), ::testing::Not(::testing::HasSubstr(trace)));
}

TEST_F(TimelineE2eTest, APayoutThatIsPaid) {
  const Answer payout = PayOut("DE97500105170600000000");
  ASSERT_EQ(Outcome(payout), "200") << payout;
  const boost::json::array timeline = Timeline(payout.Text("payment.payment_id"));
  EXPECT_THAT(Events(timeline),
              ElementsAre("created", "ledger_held", "payout_sent", "payout_settled", "succeeded"));
  EXPECT_EQ(Input(timeline, 0, "rail"), "sandbox");
  EXPECT_EQ(boost::json::serialize(timeline).find("ecret"), std::string::npos);
}

TEST_F(TimelineE2eTest, APayoutThatTheRailRejects) {
  const Answer payout = PayOut("DE28500105170600009002");
  const std::string id = payout.Text("payment.payment_id").empty()
                             ? payout.Text("metadata.payment_id")
                             : payout.Text("payment.payment_id");
  const boost::json::array timeline = Timeline(id);
  EXPECT_THAT(Events(timeline),
              ElementsAre("created", "ledger_held", "payout_sent", "payout_rejected", "failed"));
  EXPECT_EQ(Input(timeline, 3, "rail_code"), "AC01");
}

TEST_F(TimelineE2eTest, ADepositOverTheRail) {
  const std::string reference =
      user_.Get(absl::StrCat("/v1/accounts/", account_, "/deposit-reference")).Text("virtual_iban");
  const boost::json::object amount = {{"currency", "EUR"}, {"minor_units", "70"}};
  const Answer arrived = user_.Post("/v1/sandbox/rail:deposit", {{"deposit_id", "timeline-1"},
                                                                 {"amount", amount},
                                                                 {"account_reference", reference},
                                                                 {"reference", "secret"}});
  ASSERT_EQ(Outcome(arrived), "200") << arrived;
  std::string id;
  for (int i = 0; i < 300 && id.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (SharedStack().Query("SELECT count(*) FROM payments.rail_deposits WHERE deposit_id = "
                            "'timeline-1' AND stage = 'credited'") != "1") {
      continue;
    }
    const Answer payments = user_.Get("/v1/payments");
    for (const auto& one : payments.body.at("payments").as_array()) {
      const auto& made = one.as_object().at("amount").as_object();
      if (made.at("minor_units").as_string() != "70") continue;
      id = std::string(one.as_object().at("payment_id").as_string());
    }
  }
  const boost::json::array timeline = Timeline(id);
  EXPECT_THAT(Events(timeline), ElementsAre("deposit_received", "created", "ledger_moved",
                                            "succeeded", "deposit_settled"));
  EXPECT_EQ(Input(timeline, 0, "deposit_id"), "timeline-1");
  EXPECT_EQ(Input(timeline, 0, "rail"), "sandbox");
  EXPECT_EQ(Input(timeline, 1, "request_id"), "") << "a worker has made it";
  EXPECT_EQ(boost::json::serialize(timeline).find("secret"), std::string::npos);
}

}  // namespace
}  // namespace florin::e2e
