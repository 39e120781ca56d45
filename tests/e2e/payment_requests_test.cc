// Requests for money through HTTPS.
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

// A payee, and two others with 10.00 EUR each.
class PaymentRequestsTest : public ::testing::Test {
 protected:
  PaymentRequestsTest() {
    payer_.Deposit(source_, 1000);
    other_.Deposit(others_, 1000);
  }

  boost::json::object Body(std::int64_t minor_units = 300) const {
    return {{"destination_account_id", boost::json::string(destination_)},
            {"amount", {{"currency", "EUR"}, {"minor_units", absl::StrCat(minor_units)}}},
            {"reference", "Dinner"}};
  }
  Answer Ask(const boost::json::object& body, const Sent& sent = {}) {
    return payee_.Post("/v1/payment_requests", body, sent);
  }
  static std::string Path(const Answer& request) {
    return absl::StrCat("/v1/payment_requests/", request.Text("payment_request_id"));
  }
  static Answer Pay(ApiUser& user, const Answer& request, const std::string& source,
                    const Sent& sent = {}) {
    return user.Post(Path(request) + ":pay",
                     boost::json::object{{"source_account_id", boost::json::string(source)}}, sent);
  }

  ApiUser payee_{SharedStack()};
  ApiUser payer_{SharedStack()};
  ApiUser other_{SharedStack()};
  const std::string destination_ = payee_.OpenAccount("EUR");
  const std::string source_ = payer_.OpenAccount("EUR");
  const std::string others_ = other_.OpenAccount("EUR");
};

TEST_F(PaymentRequestsTest, IsSeenPaidAndDone) {
  const Answer request = Ask(Body());
  ASSERT_EQ(Outcome(request), "200") << request;
  EXPECT_EQ(request.Text("link_path"), absl::StrCat("/pay/", request.Text("payment_request_id")));
  EXPECT_EQ(request.Text("destination_account_id"), destination_);
  const Answer seen = payer_.Get(Path(request));
  EXPECT_EQ(seen.Text("state"), "OPEN");
  EXPECT_EQ(seen.Text("amount.minor_units"), "300");
  EXPECT_NE(seen.Text("payee_name"), "");
  EXPECT_EQ(seen.Text("payee_name"), request.Text("payee_name"));
  EXPECT_EQ(seen.Text("destination_account_id"), "");

  const Sent sent;
  const Answer paid = Pay(payer_, request, source_, sent);
  EXPECT_EQ(paid.Text("state"), "PAID") << paid;
  EXPECT_TRUE(Pay(payer_, request, source_, sent).replayed());
  EXPECT_EQ(payee_.Balance(destination_), 300);
  EXPECT_EQ(payer_.Balance(source_), 700);
  const Answer payment = payer_.Get(absl::StrCat("/v1/payments/", paid.Text("payment_id")));
  EXPECT_EQ(payment.Text("reference"), "Dinner") << payment;
  EXPECT_EQ(payee_.Get(Path(request)).Text("payment_id"), paid.Text("payment_id"));
  // Not whose money it was.
  EXPECT_EQ(other_.Get(Path(request)).Text("payment_id"), "");

  const Answer late = Pay(other_, request, others_);
  EXPECT_EQ(Outcome(late), "409 payment_request_closed");
  EXPECT_EQ(Outcome(payee_.Post(Path(request) + ":withdraw", "{}")), "409 payment_request_closed");
  EXPECT_EQ(Outcome(payer_.Post(Path(request) + ":decline", "{}")), "409 payment_request_closed");
  EXPECT_EQ(payee_.Get("/v1/payment_requests").body.at("payment_requests").as_array().size(), 1);
  EXPECT_TRUE(payer_.Get("/v1/payment_requests").body.at("payment_requests").as_array().empty());
}

TEST_F(PaymentRequestsTest, OfTwoPayersAtOnceOnePays) {
  for (int i = 0; i < 5; ++i) {
    const Answer request = Ask(Body(10));
    Answer first, second;
    std::thread one([&] { first = Pay(payer_, request, source_); });
    std::thread two([&] { second = Pay(other_, request, others_); });
    one.join();
    two.join();
    EXPECT_EQ((first.status == 200) + (second.status == 200), 1) << first << second;
    EXPECT_EQ(payee_.Balance(destination_), 10 * (i + 1));
  }
}

TEST_F(PaymentRequestsTest, ARefusedPaymentLeavesItOpen) {
  const Answer request = Ask(Body(1001));
  EXPECT_EQ(Outcome(Pay(payer_, request, source_)), "422 insufficient_funds");
  EXPECT_EQ(payer_.Get(Path(request)).Text("state"), "OPEN");
  other_.Deposit(others_, 1);
  EXPECT_EQ(Pay(other_, request, others_).Text("state"), "PAID");
}

TEST_F(PaymentRequestsTest, IsDeclinedOrWithdrawn) {
  const Answer declined = Ask(Body());
  EXPECT_EQ(Outcome(payee_.Post(Path(declined) + ":decline", "{}")),
            "404 payment_request_not_found");
  EXPECT_EQ(payer_.Post(Path(declined) + ":decline", "{}").Text("state"), "DECLINED");
  EXPECT_EQ(payer_.Post(Path(declined) + ":decline", "{}").Text("state"), "DECLINED");
  EXPECT_EQ(Outcome(Pay(payer_, declined, source_)), "409 payment_request_closed");
  const Answer withdrawn = Ask(Body());
  EXPECT_EQ(Outcome(payer_.Post(Path(withdrawn) + ":withdraw", "{}")),
            "404 payment_request_not_found");
  EXPECT_EQ(payee_.Post(Path(withdrawn) + ":withdraw", "{}").Text("state"), "WITHDRAWN");
  EXPECT_EQ(Outcome(Pay(payer_, withdrawn, source_)), "409 payment_request_closed");
  EXPECT_EQ(payee_.Balance(destination_), 0);
}

TEST_F(PaymentRequestsTest, ExpiresUnpaid) {
  const Answer request = Ask(Body());
  SharedStack().Query(absl::StrCat(
      "UPDATE payments.payment_requests SET expire_time = now() WHERE user_id = "
      "(SELECT user_id FROM payments.payment_requests ORDER BY request_id DESC LIMIT 1)"));
  EXPECT_EQ(payer_.Get(Path(request)).Text("state"), "EXPIRED");
  EXPECT_EQ(Outcome(Pay(payer_, request, source_)), "422 payment_request_expired");
  EXPECT_EQ(Outcome(payer_.Post(Path(request) + ":decline", "{}")), "422 payment_request_expired");
}

TEST_F(PaymentRequestsTest, MayBeForOneUserOnly) {
  boost::json::object body = Body();
  body["payer_user_id"] = boost::json::string(payer_.user_id());
  const Answer request = Ask(body);
  EXPECT_EQ(request.Text("payer_user_id"), payer_.user_id());
  EXPECT_EQ(Outcome(other_.Get(Path(request))), "404 payment_request_not_found");
  EXPECT_EQ(Outcome(Pay(other_, request, others_)), "404 payment_request_not_found");
  EXPECT_EQ(Outcome(other_.Post(Path(request) + ":decline", "{}")),
            "404 payment_request_not_found");
  EXPECT_EQ(Pay(payer_, request, source_).Text("state"), "PAID");
}

TEST_F(PaymentRequestsTest, EachBadInputIsNamed) {
  const auto outcome = [&](const char* member, const boost::json::value& value) {
    boost::json::object body = Body();
    body[member] = value;
    const Answer answer = Ask(body);
    return absl::StrCat(Outcome(answer), " ", answer.Text("param"));
  };
  const auto amount = [](const char* currency, const char* minor_units) {
    return boost::json::object{{"currency", currency}, {"minor_units", minor_units}};
  };
  EXPECT_EQ(outcome("destination_account_id", boost::json::string(source_)),
            "404 account_not_found destination_account_id");
  EXPECT_EQ(outcome("destination_account_id", "acc_1"), "400 invalid_id destination_account_id");
  EXPECT_EQ(outcome("amount", amount("EUR", "0")), "400 invalid_amount amount.minor_units");
  EXPECT_EQ(outcome("amount", amount("EUX", "1")), "400 unknown_currency amount.currency");
  EXPECT_EQ(outcome("amount", amount("USD", "1")), "422 currency_mismatch amount.currency");
  EXPECT_EQ(outcome("reference", boost::json::string(std::string(141, 'x'))),
            "400 invalid_reference reference");
  EXPECT_EQ(outcome("expires_in_seconds", 59), "400 invalid_field expires_in_seconds");
  EXPECT_EQ(outcome("expires_in_seconds", -1), "400 invalid_field expires_in_seconds");
  EXPECT_EQ(outcome("expires_in_seconds", 31'622'401), "400 invalid_field expires_in_seconds");
  EXPECT_EQ(outcome("payer_user_id", "usr_1"), "400 invalid_id payer_user_id");
  const Sent sent;
  const Answer request = Ask(Body(), sent);
  EXPECT_TRUE(Ask(Body(), sent).replayed());
  EXPECT_EQ(Outcome(Ask(Body(301), sent)), "409 idempotency_key_reused");
  EXPECT_EQ(Outcome(Ask(Body(), {.key = ""})), "400 idempotency_key_missing");
  EXPECT_EQ(Outcome(Pay(payer_, request, source_, {.key = ""})), "400 idempotency_key_missing");
  EXPECT_EQ(Outcome(Pay(payer_, request, others_)), "404 account_not_found");
  EXPECT_EQ(Outcome(Pay(payer_, request, "acc_1")), "400 invalid_id");
  EXPECT_EQ(Outcome(Pay(payee_, request, destination_)), "400 same_account");
  EXPECT_EQ(Outcome(Pay(payer_, request, payer_.OpenAccount("USD"))), "422 currency_mismatch");
  const std::string nobodys =
      absl::StrCat("/v1/payment_requests/", FormatId(IdKind::kPaymentRequest, SystemIds().NewId()));
  EXPECT_EQ(Outcome(payer_.Get(nobodys)), "404 payment_request_not_found");
  EXPECT_EQ(Outcome(payer_.Get("/v1/payment_requests/prq_1")), "400 invalid_id");
  EXPECT_EQ(Outcome(payer_.Get("/v1/payment_requests?page_size=101")), "400 invalid_page_size");
}

}  // namespace
}  // namespace florin::e2e
