// Payments that explain themselves, and what is done about those that do not agree with the ledger,
// through HTTPS.
#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "libs/status/matchers.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/operator.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

using ::testing::ElementsAre;

std::string UuidOf(const Answer& payment) {
  return ParseId(IdKind::kPayment, payment.Text("payment_id"), "payment_id")->ToString();
}

// One who may see and resolve what does not agree.
struct Staff {
  ApiUser user{SharedStack()};
  std::string token;

  Staff() {
    EXPECT_THAT(AssignRole(user.user_id(), "admin"), IsOk());
    token = TokenWith(user, "reconciliation:read reconciliation:write");
  }
};
Staff& TheStaff() {
  static Staff staff;
  return staff;
}

class ReconcileE2eTest : public ::testing::Test {
 protected:
  ReconcileE2eTest() { payer_.Deposit(source_, 100'000); }

  // A payment that was made an hour ago, as far as anybody can tell.
  Answer Paid(std::int64_t minor_units, const std::string& also = "") {
    const Answer payment = payer_.Pay(source_, destination_, minor_units);
    EXPECT_EQ(payment.Text("state"), "SUCCEEDED") << payment;
    SharedStack().Query(
        absl::StrCat("UPDATE payments.payments SET create_time = create_time - "
                     "interval '1 hour'",
                     also, " WHERE payment_id = '", UuidOf(payment), "'"));
    return payment;
  }
  // From the beginning: what earlier tests have done is compared again.
  Answer Reconcile() {
    SharedStack().Query("DELETE FROM payments.reconcile_positions");
    const Answer run = operator_.Post("/v1/discrepancies:reconcile", boost::json::object(), staff_);
    EXPECT_EQ(Outcome(run), "200") << run;
    return run;
  }
  // Of a payment, by its kind; nothing: there is none.
  std::optional<boost::json::object> Found(const Answer& payment, const std::string& kind) {
    std::string token;
    do {
      const Answer page =
          operator_.Get(absl::StrCat("/v1/discrepancies?page_size=2&page_token=", token), staff_);
      EXPECT_EQ(Outcome(page), "200") << page;
      for (const auto& one : page.body.at("discrepancies").as_array()) {
        const boost::json::object& discrepancy = one.as_object();
        if (discrepancy.at("kind").as_string() == kind &&
            discrepancy.at("payment_id").as_string() == payment.Text("payment_id")) {
          return discrepancy;
        }
      }
      token = page.Text("next_page_token");
    } while (!token.empty());
    return std::nullopt;
  }
  static std::string Text(const boost::json::object& object, const char* name) {
    return std::string(object.at(name).as_string());
  }
  static std::vector<std::string> Events(const Answer& timeline) {
    std::vector<std::string> events;
    for (const auto& one : timeline.body.at("entries").as_array()) {
      events.push_back(Text(one.as_object(), "event"));
    }
    return events;
  }
  static std::string TimelinePath(const Answer& payment) {
    return absl::StrCat("/v1/payments/", payment.Text("payment_id"), "/timeline");
  }

  ApiUser payer_{SharedStack()};
  ApiUser payee_{SharedStack()};
  Staff& people_ = TheStaff();
  ApiUser& operator_ = people_.user;
  const Sent staff_ = {.token = people_.token};
  const std::string source_ = payer_.OpenAccount("EUR");
  const std::string destination_ = payee_.OpenAccount("EUR");
};

TEST_F(ReconcileE2eTest, APaymentTellsItsStory) {
  boost::json::object body = PaymentBody(source_, destination_, "1000");
  body["capture_method"] = "MANUAL";
  const Answer payment = payer_.Post("/v1/payments", body);
  const std::string path = absl::StrCat("/v1/payments/", payment.Text("payment_id"));
  const boost::json::object part = {{"amount", {{"currency", "EUR"}, {"minor_units", "400"}}},
                                    {"final", true}};
  ASSERT_EQ(Outcome(payee_.Post(path + ":capture", part)), "200");
  ASSERT_EQ(Outcome(payee_.Post(path + "/refunds", boost::json::object())), "200");

  const Answer timeline = payer_.Get(TimelinePath(payment));
  ASSERT_EQ(Outcome(timeline), "200") << timeline;
  EXPECT_THAT(Events(timeline), ElementsAre("created", "ledger_held", "capture_requested",
                                            "ledger_moved", "capture_succeeded", "succeeded",
                                            "refund_requested", "ledger_moved", "refund_succeeded"))
      << timeline;
  const auto& held = timeline.body.at("entries").as_array()[1].as_object();
  const auto& posting = held.at("postings").as_array()[0].as_object();
  EXPECT_EQ(Text(posting, "debit_account_id"), source_);
  EXPECT_EQ(Text(posting, "credit_account_id"), destination_);
  EXPECT_EQ(Text(posting, "amount_minor"), "1000");

  const Answer payees = payee_.Get(TimelinePath(payment));
  EXPECT_THAT(Events(payees),
              ElementsAre("ledger_held", "capture_requested", "ledger_moved", "capture_succeeded",
                          "succeeded", "refund_requested", "ledger_moved", "refund_succeeded"));
  EXPECT_EQ(boost::json::serialize(payees.body).find(source_), std::string::npos);
  ApiUser stranger{SharedStack()};
  EXPECT_EQ(Outcome(stranger.Get(TimelinePath(payment))), "404 payment_not_found");
}

TEST_F(ReconcileE2eTest, OfARefusedPaymentTheReason) {
  const Answer refused = payer_.Pay(source_, destination_, 100'001);
  ASSERT_EQ(Outcome(refused), "422 insufficient_funds");
  const Answer timeline =
      payer_.Get(absl::StrCat("/v1/payments/", refused.Text("metadata.payment_id"), "/timeline"));
  EXPECT_THAT(Events(timeline), ElementsAre("created", "failed"));
  EXPECT_EQ(Text(timeline.body.at("entries").as_array()[1].as_object(), "reason"),
            "insufficient_funds");
}

TEST_F(ReconcileE2eTest, WhatAgreesIsNotFound) {
  const Answer payment = Paid(100);
  const Answer run = Reconcile();
  EXPECT_GE(std::stoi(run.Text("payments")), 1) << run;
  EXPECT_GE(std::stoi(run.Text("transactions")), 2) << run;
  for (const char* kind : {"UNFINISHED", "MISSING_IN_LEDGER", "AMOUNT_DIFFERS"}) {
    EXPECT_FALSE(Found(payment, kind).has_value()) << kind;
  }
}

TEST_F(ReconcileE2eTest, WhatWasAlteredIsFoundAndAgreesOnceItIsPutRight) {
  const Answer payment = Paid(100, ", amount_minor = 90");
  Reconcile();
  const auto found = Found(payment, "AMOUNT_DIFFERS");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(Text(*found, "state"), "OPEN");
  EXPECT_EQ(Text(found->at("at_risk").as_object(), "minor_units"), "100");
  SharedStack().Query(
      absl::StrCat("UPDATE payments.payments SET amount_minor = 100 WHERE "
                   "payment_id = '",
                   UuidOf(payment), "'"));
  Reconcile();
  EXPECT_EQ(Text(*Found(payment, "AMOUNT_DIFFERS"), "state"), "AGREED");
}

TEST_F(ReconcileE2eTest, AnOperatorResolvesADiscrepancy) {
  const Answer payment = Paid(70, ", amount_minor = 60");
  Reconcile();
  const auto found = Found(payment, "AMOUNT_DIFFERS");
  ASSERT_TRUE(found.has_value());
  const std::string path = absl::StrCat("/v1/discrepancies/", Text(*found, "discrepancy_id"));
  const boost::json::object why = {{"note", "Booked by hand."}};
  for (int i = 0; i < 2; ++i) {
    const Answer resolved = operator_.Post(path + ":resolve", why, staff_);
    EXPECT_EQ(Outcome(resolved), "200") << resolved;
    EXPECT_EQ(resolved.Text("state"), "RESOLVED");
  }
  EXPECT_EQ(operator_.Get(path, staff_).Text("note"), "Booked by hand.");
  Reconcile();
  EXPECT_EQ(operator_.Get(path, staff_).Text("state"), "RESOLVED");
  const boost::json::object other = {{"note", "Something else."}};
  EXPECT_EQ(Outcome(operator_.Post(path + ":resolve", other, staff_)), "409 discrepancy_closed");
  const Answer unexplained = operator_.Post(path + ":resolve", boost::json::object(), staff_);
  EXPECT_EQ(Outcome(unexplained), "400 invalid_field");
  EXPECT_EQ(unexplained.Text("param"), "note");
  const std::string audited =
      SharedStack().Query(absl::StrCat("SELECT count(*) FROM payments.audit_events WHERE action = "
                                       "'payments.discrepancy.resolve' AND subject = '",
                                       Text(*found, "discrepancy_id"), "'"));
  EXPECT_EQ(audited, "1");
}

TEST_F(ReconcileE2eTest, OnlyForOperators) {
  const Answer payment = Paid(10);
  const std::string none = FormatId(IdKind::kDiscrepancy, SystemIds().NewId());
  for (const std::string& path : {std::string("/v1/discrepancies"), "/v1/discrepancies/" + none}) {
    EXPECT_EQ(Outcome(payer_.Get(path)), "403 scope_missing");
  }
  const std::string retry = absl::StrCat("/v1/payments/", payment.Text("payment_id"), ":retry");
  for (const std::string& path : {std::string("/v1/discrepancies:reconcile"),
                                  "/v1/discrepancies/" + none + ":resolve", retry}) {
    EXPECT_EQ(Outcome(payer_.Post(path, boost::json::object())), "403 scope_missing");
  }
  EXPECT_EQ(Outcome(operator_.Get("/v1/discrepancies/" + none, staff_)),
            "404 discrepancy_not_found");
  EXPECT_EQ(Outcome(operator_.Get("/v1/discrepancies/pay_1", staff_)), "400 invalid_id");
  EXPECT_EQ(Outcome(operator_.Get("/v1/discrepancies?page_size=101", staff_)),
            "400 invalid_page_size");
  EXPECT_EQ(Outcome(operator_.Post(retry, boost::json::object(), staff_)),
            "409 payment_not_parked");
  EXPECT_EQ(
      Outcome(operator_.Post(
          absl::StrCat("/v1/payments/", FormatId(IdKind::kPayment, SystemIds().NewId()), ":retry"),
          boost::json::object(), staff_)),
      "404 payment_not_found");
}

// A dead letter: parked with what is at risk, and taken up again once the cause is mended.
TEST_F(ReconcileE2eTest, WhatRecoveryHasGivenUpOnIsTakenUpAgain) {
  const Answer payment = Paid(30);
  const std::string id = UuidOf(payment);
  SharedStack().Query(absl::StrCat(
      "INSERT INTO payments.recovery_failures (subject_id, payment_id, failures, reason, parked, "
      "first_time, last_time) VALUES ('",
      id, "', '", id, "', 6, 'account_not_found', true, now(), now())"));
  const std::string path = absl::StrCat("/v1/payments/", payment.Text("payment_id"));
  const std::vector<std::string> events = Events(payer_.Get(path + "/timeline"));
  EXPECT_EQ(std::ranges::count(events, "parked"), 1);
  const Answer retried = operator_.Post(path + ":retry", boost::json::object(), staff_);
  EXPECT_EQ(Outcome(retried), "200") << retried;
  EXPECT_EQ(Outcome(operator_.Post(path + ":retry", boost::json::object(), staff_)),
            "409 payment_not_parked");
}

}  // namespace
}  // namespace florin::e2e
