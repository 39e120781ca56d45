// A payment's whole life through HTTPS: authorized, captured, voided, expired, refunded, disputed.
#include <array>
#include <chrono>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
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

[[maybe_unused]] const bool kPolicy = AddSharedStackOptions({"--refund-shortfall", "receivable"});

boost::json::object Euro(std::int64_t minor_units) {
  return {{"currency", "EUR"}, {"minor_units", absl::StrCat(minor_units)}};
}

// A shop and its customer, who has 1000.00 EUR; and somebody else.
class ChargesTest : public ::testing::Test {
 protected:
  ChargesTest() { payer_.Deposit(source_, 100'000); }
  // Whatever a test has done, the book balances, and payments count what their steps did.
  void TearDown() override {
    for (const char* side : {"minor", "pending_minor"}) {
      EXPECT_EQ(SharedStack().Query(absl::StrCat("SELECT sum(debit_", side, ") - sum(credit_", side,
                                                 ") FROM ledger.entries")),
                "0");
    }
    EXPECT_EQ(
        SharedStack().Query(
            "SELECT p.payment_id FROM payments.payments p "
            "LEFT JOIN payments.payment_steps s USING (payment_id) "
            "GROUP BY p.payment_id, p.captured_minor, p.capturing_minor, p.refunded_minor "
            "HAVING p.capturing_minor <> 0 OR p.captured_minor <> coalesce(sum(s.amount_minor) "
            "FILTER (WHERE s.kind = 'capture' AND s.state = 'succeeded'), 0) "
            "OR p.refunded_minor <> coalesce(sum(s.amount_minor) "
            "FILTER (WHERE s.kind = 'refund' AND s.state = 'succeeded'), 0)"),
        "");
  }

  Answer Authorize(std::int64_t minor_units) {
    boost::json::object body = PaymentBody(source_, destination_, absl::StrCat(minor_units));
    body["capture_method"] = "MANUAL";
    Answer payment = payer_.Post("/v1/payments", body);
    EXPECT_EQ(Outcome(payment), "200") << payment;
    EXPECT_EQ(payment.Text("state"), "REQUIRES_CAPTURE") << payment;
    return payment;
  }
  Answer Pay(std::int64_t minor_units) {
    Answer payment = payer_.Pay(source_, destination_, minor_units);
    EXPECT_EQ(payment.Text("state"), "SUCCEEDED") << payment;
    return payment;
  }
  static std::string Path(const Answer& payment) {
    return absl::StrCat("/v1/payments/", payment.Text("payment_id"));
  }
  // 0: all that is left.
  static boost::json::object AmountBody(std::int64_t minor_units) {
    boost::json::object body;
    if (minor_units != 0) body["amount"] = Euro(minor_units);
    return body;
  }
  Answer Capture(ApiUser& user, const Answer& payment, std::int64_t minor_units, bool final = false,
                 const Sent& sent = {}) {
    boost::json::object body = AmountBody(minor_units);
    if (final) body["final"] = true;
    return user.Post(Path(payment) + ":capture", body, sent);
  }
  Answer Refund(ApiUser& user, const Answer& payment, std::int64_t minor_units,
                const Sent& sent = {}) {
    boost::json::object body = AmountBody(minor_units);
    body["reason"] = "Broken on arrival";
    return user.Post(Path(payment) + "/refunds", body, sent);
  }
  Answer Dispute(ApiUser& user, const Answer& payment, std::int64_t minor_units) {
    boost::json::object body = AmountBody(minor_units);
    body["reason_code"] = "not_received";
    return user.Post(Path(payment) + "/disputes", body);
  }
  static std::string DisputePath(const Answer& dispute) {
    return absl::StrCat("/v1/disputes/", dispute.Text("dispute_id"));
  }
  Answer Respond(const Answer& dispute) {
    return payee_.Post(DisputePath(dispute) + "/evidence",
                       boost::json::object{{"texts", {"Signed for on Monday,\nby the customer."}}});
  }
  std::string StateOf(const Answer& payment) { return payer_.Get(Path(payment)).Text("state"); }
  // Waits for the recovery worker.
  std::string StateAfter(const Answer& payment, const std::string& expected) {
    std::string state = StateOf(payment);
    for (int i = 0; i < 300 && state != expected; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      state = StateOf(payment);
    }
    return state;
  }
  void ExpectBalances(std::int64_t payer, std::int64_t payee) {
    EXPECT_EQ(payer_.Balance(source_), payer);
    EXPECT_EQ(payee_.Balance(destination_), payee);
  }
  std::int64_t Available(ApiUser& user, const std::string& account) {
    std::int64_t minor_units = -1;
    const Answer answer = user.Get(absl::StrCat("/v1/accounts/", account));
    EXPECT_TRUE(absl::SimpleAtoi(answer.Text("balance.available.minor_units"), &minor_units))
        << answer;
    return minor_units;
  }

  ApiUser payer_{SharedStack()};
  ApiUser payee_{SharedStack()};
  ApiUser other_{SharedStack()};
  const std::string source_ = payer_.OpenAccount("EUR");
  const std::string destination_ = payee_.OpenAccount("EUR");
};

TEST_F(ChargesTest, IsAuthorizedAndCapturedInParts) {
  const Answer payment = Authorize(1000);
  EXPECT_EQ(Available(payer_, source_), 99'000);
  ExpectBalances(100'000, 0);
  const Sent sent;
  const Answer first = Capture(payee_, payment, 300, false, sent);
  ASSERT_EQ(Outcome(first), "200") << first;
  const Answer again = Capture(payee_, payment, 300, false, sent);
  EXPECT_EQ(again.body, first.body);
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(Outcome(Capture(payee_, payment, 301, false, sent)), "409 idempotency_key_reused");
  const Answer over = Capture(payee_, payment, 701);
  EXPECT_EQ(Outcome(over), "422 capture_exceeds_authorization");
  EXPECT_EQ(over.Text("metadata.remaining_minor"), "700");
  ExpectBalances(99'700, 300);
  EXPECT_EQ(StateOf(payment), "REQUIRES_CAPTURE");
  EXPECT_EQ(Outcome(Capture(payee_, payment, 200, true)), "200");
  EXPECT_EQ(StateOf(payment), "SUCCEEDED");
  EXPECT_EQ(Outcome(Capture(payee_, payment, 1)), "409 payment_not_capturable");
  ExpectBalances(99'500, 500);
  EXPECT_EQ(Available(payer_, source_), 99'500);
  EXPECT_EQ(payer_.Get(Path(payment)).Text("captured_amount.minor_units"), "500");
}

TEST_F(ChargesTest, CapturesAtOnceNeverTakeMoreThanAuthorized) {
  const Answer payment = Authorize(1000);
  std::vector<std::thread> threads;
  std::array<std::string, 12> outcomes;
  for (std::string& outcome : outcomes) {
    threads.emplace_back([this, &payment, &outcome] {
      ApiUser same(SharedStack(), payee_);
      outcome = Outcome(Capture(same, payment, 150));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), "200"), 6);
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), "422 capture_exceeds_authorization"), 6);
  ExpectBalances(99'100, 900);
}

TEST_F(ChargesTest, IsForItsPartiesOnly) {
  const Answer payment = Authorize(1000);
  EXPECT_EQ(Outcome(Capture(payer_, payment, 1)), "404 payment_not_found");
  EXPECT_EQ(Outcome(Capture(other_, payment, 1)), "404 payment_not_found");
  EXPECT_EQ(Outcome(payer_.Post(Path(payment) + ":cancel", "{}")), "409 payment_not_cancelable");
  EXPECT_EQ(Outcome(other_.Post(Path(payment) + ":cancel", "{}")), "404 payment_not_found");
  EXPECT_EQ(Outcome(other_.Get(Path(payment))), "404 payment_not_found");
  const Answer seen = payee_.Get(Path(payment));
  EXPECT_EQ(Outcome(seen), "200") << seen;
  EXPECT_EQ(seen.Text("source_account_id"), "");
  ASSERT_EQ(Outcome(Capture(payee_, payment, 0)), "200");
  EXPECT_EQ(Outcome(Refund(payer_, payment, 1)), "404 payment_not_found");
  EXPECT_EQ(Outcome(Refund(other_, payment, 1)), "404 payment_not_found");
  EXPECT_EQ(Outcome(Dispute(payee_, payment, 1)), "404 payment_not_found");
  EXPECT_EQ(Outcome(Dispute(other_, payment, 1)), "404 payment_not_found");
  const Answer refund = Refund(payee_, payment, 1);
  const std::string path = absl::StrCat(Path(payment), "/refunds/", refund.Text("refund_id"));
  EXPECT_EQ(Outcome(payer_.Get(path)), "200");
  EXPECT_EQ(Outcome(payee_.Get(path)), "200");
  EXPECT_EQ(Outcome(other_.Get(path)), "404 payment_not_found");
  EXPECT_EQ(Outcome(other_.Get(Path(payment) + "/refunds")), "404 payment_not_found");
  const Answer dispute = Dispute(payer_, payment, 1);
  EXPECT_EQ(Outcome(payee_.Get(DisputePath(dispute))), "200");
  EXPECT_EQ(Outcome(other_.Get(DisputePath(dispute))), "404 dispute_not_found");
  EXPECT_EQ(Outcome(other_.Get(Path(payment) + "/disputes")), "404 payment_not_found");
  EXPECT_EQ(Outcome(payer_.Post(DisputePath(dispute) + ":accept", "{}")), "404 dispute_not_found");
  EXPECT_EQ(Outcome(payee_.Post(DisputePath(dispute) + ":withdraw", "{}")),
            "404 dispute_not_found");
  EXPECT_EQ(Outcome(payer_.Post(DisputePath(dispute) + ":resolve",
                                boost::json::object{{"outcome", "LOST"}})),
            "403 scope_missing");
}

TEST_F(ChargesTest, IsVoided) {
  const Answer whole = Authorize(1000);
  const Answer canceled = payee_.Post(Path(whole) + ":cancel", "{}");
  EXPECT_EQ(canceled.Text("state"), "CANCELED") << canceled;
  EXPECT_EQ(payee_.Post(Path(whole) + ":cancel", "{}").body, canceled.body);
  const Answer part = Authorize(1000);
  ASSERT_EQ(Outcome(Capture(payee_, part, 100)), "200");
  EXPECT_EQ(payee_.Post(Path(part) + ":cancel", "{}").Text("state"), "SUCCEEDED");
  ExpectBalances(99'900, 100);
  EXPECT_EQ(Available(payer_, source_), 99'900);
}

// The same row as if its time had come: the ledger's own end of a hold is tested in
// services/payments/flow.
TEST_F(ChargesTest, Expires) {
  const Answer payment = Authorize(1000);
  const Uuid id = ParseId(IdKind::kPayment, payment.Text("payment_id"), "").value();
  SharedStack().Query(absl::StrCat("UPDATE payments.payments SET next_attempt_time = now() ",
                                   "WHERE payment_id = '", id.ToString(), "' RETURNING 1"));
  EXPECT_EQ(StateAfter(payment, "CANCELED"), "CANCELED");
  EXPECT_EQ(payer_.Get(Path(payment)).Text("failure_reason"), "authorization_expired");
  EXPECT_EQ(Outcome(Capture(payee_, payment, 1)), "422 authorization_expired");
  EXPECT_EQ(Available(payer_, source_), 100'000);
}

TEST_F(ChargesTest, IsRefundedInPartsButNeverMore) {
  const Answer payment = Pay(1000);
  EXPECT_EQ(Outcome(Refund(payee_, payment, 300)), "200");
  const Answer over = Refund(payee_, payment, 701);
  EXPECT_EQ(Outcome(over), "422 refund_exceeds_captured");
  EXPECT_EQ(over.Text("metadata.remaining_minor"), "700");
  std::vector<std::thread> threads;
  std::array<std::string, 12> outcomes;
  for (std::string& outcome : outcomes) {
    threads.emplace_back([this, &payment, &outcome] {
      ApiUser same(SharedStack(), payee_);
      outcome = Outcome(Refund(same, payment, 100));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), "200"), 7);
  ExpectBalances(100'000, 0);
  EXPECT_EQ(Outcome(Refund(payee_, payment, 0)), "422 refund_exceeds_captured");
  EXPECT_EQ(payer_.Get(Path(payment) + "/refunds").body.at("refunds").as_array().size(), 15u);
}

TEST_F(ChargesTest, WhatThePayeeHasSpentBecomesADebt) {
  const Answer payment = Pay(1000);
  const std::string savings = payee_.OpenAccount("EUR");
  ASSERT_EQ(Outcome(payee_.Pay(destination_, savings, 800)), "200");
  const Answer refund = Refund(payee_, payment, 0);
  ASSERT_EQ(Outcome(refund), "200") << refund;
  EXPECT_EQ(refund.Text("owed_amount.minor_units"), "800");
  ExpectBalances(100'000, 0);
}

// The other policy: payments as `up` would have started it with --refund-shortfall=refuse.
void RestartWithPolicy(const std::string& from, const std::string& to) {
  const CommandResult changed =
      Run({"sed", "-i", absl::StrCat("s/refund_shortfall=", from, "/refund_shortfall=", to, "/"),
           absl::StrCat(SharedStack().home(), "/run/payments.command")});
  EXPECT_EQ(changed.status, 0) << changed.output;
  SharedStack().Restart("payments");
}

TEST_F(ChargesTest, OrTheRefundIsRefused) {
  RestartWithPolicy("receivable", "refuse");
  const Answer payment = Pay(1000);
  const std::string savings = payee_.OpenAccount("EUR");
  ASSERT_EQ(Outcome(payee_.Pay(destination_, savings, 800)), "200");
  const Sent sent;
  EXPECT_EQ(Outcome(Refund(payee_, payment, 0, sent)), "422 insufficient_funds");
  ExpectBalances(99'000, 200);
  ASSERT_EQ(Outcome(payee_.Pay(savings, destination_, 800)), "200");
  // Final under its key, and given back.
  EXPECT_EQ(Outcome(Refund(payee_, payment, 0, sent)), "422 insufficient_funds");
  EXPECT_EQ(Outcome(Refund(payee_, payment, 0)), "200");
  ExpectBalances(100'000, 0);
  RestartWithPolicy("refuse", "receivable");
}

TEST_F(ChargesTest, ADisputeIsAcceptedOrWithdrawn) {
  const Answer payment = Pay(1000);
  const Answer accepted = Dispute(payer_, payment, 400);
  ASSERT_EQ(Outcome(accepted), "200") << accepted;
  EXPECT_EQ(accepted.Text("state"), "NEEDS_RESPONSE");
  ExpectBalances(99'000, 600);
  EXPECT_EQ(Outcome(Dispute(payer_, payment, 601)), "409 payment_not_disputable");
  EXPECT_EQ(Outcome(Refund(payee_, payment, 601)), "422 refund_exceeds_captured");
  EXPECT_EQ(payee_.Post(DisputePath(accepted) + ":accept", "{}").Text("state"), "LOST");
  ExpectBalances(99'400, 600);
  const Answer withdrawn = Dispute(payer_, payment, 0);
  EXPECT_EQ(withdrawn.Text("amount.minor_units"), "600") << withdrawn;
  ExpectBalances(99'400, 0);
  EXPECT_EQ(payer_.Post(DisputePath(withdrawn) + ":withdraw", "{}").Text("state"), "WITHDRAWN");
  ExpectBalances(99'400, 600);
  const Answer late = payee_.Post(DisputePath(withdrawn) + ":accept", "{}");
  EXPECT_EQ(Outcome(late), "409 dispute_closed");
  EXPECT_EQ(late.Text("metadata.state"), "WITHDRAWN");
}

// Two admins, whom the operator's certificate makes without a proposal, and the operator whom they
// make.
struct People {
  ApiUser ann{SharedStack()};
  ApiUser bob{SharedStack()};
  ApiUser eve{SharedStack()};
  std::string ann_token;
  std::string bob_token;
  std::string eve_token;

  People() {
    EXPECT_THAT(AssignRole(ann.user_id(), "admin"), IsOk());
    EXPECT_THAT(AssignRole(bob.user_id(), "admin"), IsOk());
    ann_token = TokenWith(ann, "proposals:write");
    bob_token = TokenWith(bob, "proposals:approve roles:approve");
    const std::string role = Agree(
        "roles.assign", absl::StrCat(R"({"role":"operator","user_id":")", eve.user_id(), R"("})"));
    EXPECT_THAT(AssignRole(eve.user_id(), "operator", role), IsOk());
    eve_token = TokenWith(eve, "payments:read disputes:resolve");
  }
  // Ann proposes, Bob approves.
  std::string Agree(const std::string& kind, const std::string& payload) {
    const Answer proposed =
        ann.Post("/v1/proposals", boost::json::object{{"kind", kind}, {"payload", payload}},
                 {.token = ann_token});
    EXPECT_EQ(Outcome(proposed), "200") << proposed;
    const Answer approved =
        bob.Post(absl::StrCat("/v1/proposals/", proposed.Text("proposal_id"), ":approve"),
                 boost::json::object{{"payload_digest", proposed.Text("payload_digest")}},
                 {.token = bob_token});
    EXPECT_EQ(Outcome(approved), "200") << approved;
    return proposed.Text("proposal_id");
  }
  // Eve executes what the others have agreed on.
  Answer Resolve(const Answer& dispute, const std::string& outcome, const std::string& agreed) {
    const std::string id = dispute.Text("dispute_id");
    const std::string proposal =
        Agree("payments.dispute",
              absl::StrCat(R"({"dispute_id":")", id, R"(","outcome":")", agreed, R"("})"));
    return eve.Post(absl::StrCat("/v1/disputes/", id, ":resolve"),
                    boost::json::object{{"outcome", outcome}, {"proposal_id", proposal}},
                    {.token = eve_token});
  }
  Answer Resolve(const Answer& dispute, const std::string& outcome) {
    return Resolve(dispute, outcome, outcome);
  }
};
People& Staff() {
  static People people;
  return people;
}

TEST_F(ChargesTest, AnOperatorDecidesForThePayeeWhoseDebtIsRepaidFirst) {
  const Answer payment = Pay(1000);
  const std::string savings = payee_.OpenAccount("EUR");
  ASSERT_EQ(Outcome(payee_.Pay(destination_, savings, 700)), "200");
  const Answer dispute = Dispute(payer_, payment, 0);
  ASSERT_EQ(Outcome(dispute), "200") << dispute;
  ExpectBalances(99'000, 0);
  EXPECT_EQ(Outcome(Staff().Resolve(dispute, "WON")), "409 dispute_closed")
      << "it needs a response";
  EXPECT_EQ(Respond(dispute).Text("state"), "UNDER_REVIEW");
  EXPECT_EQ(payer_.Get(DisputePath(dispute)).body.at("evidence").as_array().size(), 0u);
  EXPECT_EQ(payee_.Get(DisputePath(dispute)).body.at("evidence").as_array().size(), 1u);
  EXPECT_EQ(Staff().Resolve(dispute, "WON").Text("state"), "WON");
  // Of the 1000, 700 repay the debt.
  ExpectBalances(99'000, 300);
  EXPECT_EQ(Outcome(Dispute(payer_, payment, 1)), "409 payment_not_disputable");
  EXPECT_EQ(Outcome(Staff().Resolve(dispute, "LOST")), "409 dispute_closed");
}

TEST_F(ChargesTest, AnOperatorDecidesForThePayer) {
  const Answer payment = Authorize(1000);
  ASSERT_EQ(Outcome(Capture(payee_, payment, 600, true)), "200");
  const Answer dispute = Dispute(payer_, payment, 0);
  EXPECT_EQ(dispute.Text("amount.minor_units"), "600") << dispute;
  EXPECT_EQ(Respond(dispute).Text("state"), "UNDER_REVIEW");
  EXPECT_EQ(Outcome(Staff().Resolve(dispute, "LOST", "WON")), "409 proposal_altered");
  EXPECT_EQ(Staff().Resolve(dispute, "LOST").Text("state"), "LOST");
  ExpectBalances(100'000, 0);
  EXPECT_EQ(Outcome(Refund(payee_, payment, 1)), "422 refund_exceeds_captured");
}

// The ledger is gone, and then payments itself: what was begun ends by itself, once.
TEST_F(ChargesTest, StepsSurviveACrash) {
  const Answer payment = Authorize(1000);
  SharedStack().Kill("ledger");
  const Sent sent;
  EXPECT_NE(Capture(payee_, payment, 1000, false, sent).status, 200);
  SharedStack().Kill("payments");
  SharedStack().Restart("ledger");
  SharedStack().Restart("payments");
  EXPECT_EQ(StateAfter(payment, "SUCCEEDED"), "SUCCEEDED");
  ExpectBalances(99'000, 1000);
  EXPECT_EQ(Outcome(Capture(payee_, payment, 1000, false, sent)), "200");
  ExpectBalances(99'000, 1000);
}

}  // namespace
}  // namespace florin::e2e
