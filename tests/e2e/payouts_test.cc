// Money out and in over the sandbox's rail, through HTTPS: each behaviour of the rail, the clock
// that makes a day pass, and a power cut of payments in between.
#include <chrono>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/sandbox_clock.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

constexpr char kAccepts[] = "DE97500105170600000000";
constexpr char kDelays[] = "DE55500105170600009001";
constexpr char kRejects[] = "DE28500105170600009002";
constexpr char kReturns[] = "DE98500105170600009003";
constexpr char kRepeats[] = "DE71500105170600009004";
constexpr char kSilent[] = "DE44500105170600009005";

boost::json::object Money(std::int64_t minor_units, const std::string& currency = "EUR") {
  return {{"currency", currency}, {"minor_units", absl::StrCat(minor_units)}};
}

// Credits less debits of the house's account `number`.
std::int64_t House(int number, const std::string& currency = "EUR") {
  const Uuid id = number == 1200
                      ? DeriveId("florin.payments.rail.sandbox", currency)
                      : DeriveId("florin.payments.house", absl::StrCat(number, ":", currency));
  const std::string balance = SharedStack().Query(
      absl::StrCat("SELECT coalesce(sum(credit_minor - debit_minor), 0) FROM ledger.entries "
                   "WHERE account_id = '",
                   id.ToString(), "'"));
  return std::atoll(balance.c_str());
}

// Whoever has 1000.00 EUR.
class PayoutsE2eTest : public ::testing::Test {
 protected:
  PayoutsE2eTest() { user_.Deposit(account_, 100'000); }

  boost::json::object Body(const std::string& iban, std::int64_t minor_units) {
    return {{"source_account_id", account_},
            {"amount", Money(minor_units)},
            {"beneficiary", {{"name", "Jo Elsewhere"}, {"iban", iban}}},
            {"reference", "Invoice 7"}};
  }
  Answer Pay(const std::string& iban, std::int64_t minor_units, const Sent& sent = {}) {
    return user_.Post("/v1/payouts", Body(iban, minor_units), sent);
  }
  static std::string IdOf(const Answer& payout) { return payout.Text("payment.payment_id"); }
  Answer Get(const Answer& payout) { return user_.Get(absl::StrCat("/v1/payouts/", IdOf(payout))); }
  // Waits for the worker.
  Answer StateAfter(const Answer& payout, const std::string& expected) {
    Answer now = Get(payout);
    for (int i = 0; i < 300 && now.Text("payment.state") != expected; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      now = Get(payout);
    }
    EXPECT_EQ(now.Text("payment.state"), expected) << now;
    return now;
  }
  std::string Reference(const std::string& account) {
    return user_.Get(absl::StrCat("/v1/accounts/", account, "/deposit-reference"))
        .Text("virtual_iban");
  }
  Answer Arrive(const std::string& id, const std::string& reference, std::int64_t minor_units,
                int notifications = 1) {
    return user_.Post("/v1/sandbox/rail:deposit",
                      boost::json::object{{"deposit_id", id},
                                          {"amount", Money(minor_units)},
                                          {"account_reference", reference},
                                          {"reference", "Salary"},
                                          {"notifications", notifications}});
  }
  std::string StageOfDeposit(const std::string& id, const std::string& expected) {
    std::string stage;
    for (int i = 0; i < 300 && stage != expected; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      stage = SharedStack().Query(
          absl::StrCat("SELECT stage FROM payments.rail_deposits WHERE deposit_id = '", id, "'"));
    }
    return stage;
  }

  ApiUser user_{SharedStack()};
  ApiUser other_{SharedStack()};
  const std::string account_ = user_.OpenAccount("EUR");
  // CreateDeposit() announces money that its rail never settles.
  const std::int64_t inbound_ = House(1200) - 100'000;
};

TEST_F(PayoutsE2eTest, IsPaidAtOnce) {
  const Sent sent;
  const Answer payout = Pay(kAccepts, 250, sent);
  ASSERT_EQ(Outcome(payout), "200") << payout;
  EXPECT_EQ(payout.Text("payment.state"), "SUCCEEDED");
  EXPECT_EQ(payout.Text("payment.kind"), "PAYOUT");
  EXPECT_EQ(payout.Text("payment.source_account_id"), account_);
  EXPECT_EQ(payout.Text("payment.destination_account_id"), "");
  EXPECT_EQ(payout.Text("beneficiary.name"), "Jo Elsewhere");
  EXPECT_EQ(payout.Text("beneficiary.iban"), kAccepts);
  EXPECT_EQ(payout.Text("rail"), "sandbox");
  EXPECT_EQ(user_.Balance(account_), 99'750);
  const Answer again = Pay(kAccepts, 250, sent);
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(again.body, payout.body);
  EXPECT_EQ(Outcome(Pay(kAccepts, 251, sent)), "409 idempotency_key_reused");
  EXPECT_EQ(Get(payout).body, payout.body);
  const std::string path = absl::StrCat("/v1/payouts/", IdOf(payout));
  EXPECT_EQ(Outcome(other_.Get(path)), "404 payment_not_found");
  EXPECT_EQ(Outcome(user_.Post(path + ":cancel", boost::json::object{})),
            "409 payment_not_cancelable");
  EXPECT_EQ(user_.Get(absl::StrCat("/v1/payments/", IdOf(payout))).Text("kind"), "PAYOUT");
  EXPECT_EQ(House(2100), 0);
}

TEST_F(PayoutsE2eTest, IsDelayedUntilTheClockIsAdvanced) {
  const Answer payout = Pay(kDelays, 250);
  ASSERT_EQ(Outcome(payout), "200") << payout;
  EXPECT_EQ(payout.Text("payment.state"), "PROCESSING");
  EXPECT_EQ(user_.Balance(account_), 99'750);
  EXPECT_EQ(House(2100), 250);
  Advance(user_, absl::Minutes(61));
  StateAfter(payout, "SUCCEEDED");
  EXPECT_EQ(House(2100), 0);
}

TEST_F(PayoutsE2eTest, IsRejected) {
  const Sent sent;
  const Answer payout = Pay(kRejects, 250, sent);
  EXPECT_EQ(Outcome(payout), "422 rail_rejected") << payout;
  EXPECT_EQ(payout.Text("metadata.rail_code"), "AC01");
  const Answer again = Pay(kRejects, 250, sent);
  EXPECT_EQ(Outcome(again), "422 rail_rejected") << "refused for good";
  EXPECT_EQ(again.Text("metadata.payment_id"), payout.Text("metadata.payment_id"));
  EXPECT_EQ(again.Text("metadata.rail_code"), "AC01");
  const Answer kept = user_.Get(absl::StrCat("/v1/payouts/", payout.Text("metadata.payment_id")));
  EXPECT_EQ(kept.Text("payment.state"), "FAILED") << kept;
  EXPECT_EQ(kept.Text("payment.failure_reason"), "rail_rejected");
  EXPECT_EQ(kept.Text("rail_code"), "AC01");
  EXPECT_EQ(user_.Balance(account_), 100'000);
  EXPECT_EQ(House(2100), 0);
}

TEST_F(PayoutsE2eTest, IsReturnedADayLater) {
  const Answer payout = Pay(kReturns, 250);
  EXPECT_EQ(payout.Text("payment.state"), "SUCCEEDED") << payout;
  EXPECT_EQ(user_.Balance(account_), 99'750);
  Advance(user_, absl::Hours(25));
  const Answer returned = StateAfter(payout, "RETURNED");
  EXPECT_EQ(returned.Text("payment.failure_reason"), "rail_returned");
  EXPECT_EQ(returned.Text("rail_code"), "AC04");
  EXPECT_EQ(user_.Balance(account_), 100'000);
  EXPECT_EQ(House(2100), 0);
  EXPECT_EQ(House(1200), inbound_);
}

TEST_F(PayoutsE2eTest, IsNotifiedThreeTimes) {
  const Answer payout = Pay(kRepeats, 250);
  EXPECT_EQ(payout.Text("payment.state"), "SUCCEEDED") << payout;
  const std::int64_t nostro = House(1000);
  std::string left = "3";
  for (int i = 0; i < 300 && left != "0"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    left = SharedStack().Query(
        "SELECT sum(notifications) FROM payments.sandbox_rail_entries "
        "WHERE event = 'settled'");
  }
  EXPECT_EQ(left, "0");
  EXPECT_EQ(House(1000), nostro);
  EXPECT_EQ(user_.Balance(account_), 99'750);
}

TEST_F(PayoutsE2eTest, SurvivesSilenceAndAPowerCut) {
  const Answer payout = Pay(kSilent, 250);
  ASSERT_EQ(Outcome(payout), "200") << payout;
  EXPECT_EQ(payout.Text("payment.state"), "PROCESSING");
  SharedStack().Kill("payments");
  SharedStack().Restart("payments");
  EXPECT_EQ(Get(payout).Text("payment.state"), "PROCESSING");
  const absl::Time before = SandboxNow(user_);
  Advance(user_, absl::Minutes(61));
  StateAfter(payout, "SUCCEEDED");
  SharedStack().Kill("payments");
  SharedStack().Restart("payments");
  EXPECT_GE(SandboxNow(user_), before + absl::Minutes(61)) << "the clock does not go back";
  EXPECT_EQ(user_.Balance(account_), 99'750);
  EXPECT_EQ(SharedStack().Query(absl::StrCat(
                "SELECT count(*) FROM payments.sandbox_rail_payouts WHERE payout_id = '",
                ParseId(IdKind::kPayment, IdOf(payout), "")->ToString(), "'")),
            "1");
  EXPECT_EQ(House(2100), 0);
}

TEST_F(PayoutsE2eTest, SaysWhatIsWrong) {
  const auto with = [this](const std::string& member, const boost::json::value& value) {
    boost::json::object body = Body(kAccepts, 250);
    body[member] = value;
    return user_.Post("/v1/payouts", body);
  };
  const auto expect = [](const Answer& answer, const std::string& outcome,
                         const std::string& param) {
    EXPECT_EQ(Outcome(answer), outcome) << answer;
    EXPECT_EQ(answer.Text("param"), param) << answer;
  };
  expect(Pay("DE98500105170600000000", 250), "400 invalid_beneficiary", "beneficiary.iban");
  expect(with("beneficiary", {{"name", ""}, {"iban", kAccepts}}), "400 invalid_beneficiary",
         "beneficiary.name");
  expect(with("beneficiary", {{"name", "Jo"}}), "400 invalid_beneficiary", "beneficiary.iban");
  expect(with("beneficiary", {{"name", "Jo"}, {"account", "1 2"}}), "400 invalid_beneficiary",
         "beneficiary.account");
  expect(with("amount", Money(0)), "400 invalid_amount", "amount.minor_units");
  expect(with("amount", Money(1, "XXZ")), "400 unknown_currency", "amount.currency");
  expect(with("amount", Money(1, "USD")), "422 currency_mismatch", "amount.currency");
  expect(with("reference", boost::json::string(141, 'x')), "400 invalid_reference", "reference");
  expect(with("rail", "pigeon"), "404 rail_not_found", "rail");
  expect(with("source_account_id", boost::json::string(other_.OpenAccount("EUR"))),
         "404 account_not_found", "source_account_id");
  EXPECT_EQ(Outcome(Pay(kAccepts, 100'001)), "422 insufficient_funds");
  EXPECT_EQ(user_.Balance(account_), 100'000);
}

TEST_F(PayoutsE2eTest, MoneyArrivesOnce) {
  const std::string reference = Reference(account_);
  EXPECT_EQ(reference.substr(0, 2), "XF");
  EXPECT_EQ(Outcome(other_.Get(absl::StrCat("/v1/accounts/", account_, "/deposit-reference"))),
            "404 account_not_found");
  const std::string id = Fresh("dep");
  ASSERT_EQ(Outcome(Arrive(id, reference, 70, 3)), "200");
  EXPECT_EQ(Outcome(Arrive(id, reference, 70, 3)), "200");
  EXPECT_EQ(Outcome(Arrive(id, reference, 71)), "409 idempotency_key_reused");
  EXPECT_EQ(StageOfDeposit(id, "credited"), "credited");
  std::string left = "3";
  for (int i = 0; i < 300 && left != "0"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    left = SharedStack().Query(absl::StrCat(
        "SELECT notifications FROM payments.sandbox_rail_entries WHERE deposit_id = '", id, "'"));
  }
  EXPECT_EQ(left, "0");
  EXPECT_EQ(user_.Balance(account_), 100'070);
  EXPECT_EQ(House(1200), inbound_);
  const Answer payments = user_.Get("/v1/payments");
  const auto& newest = payments.body.at("payments").as_array().at(0).as_object();
  EXPECT_EQ(newest.at("kind"), "DEPOSIT");
  EXPECT_EQ(newest.at("reference"), "Salary");
  EXPECT_EQ(newest.at("state"), "SUCCEEDED");
}

TEST_F(PayoutsE2eTest, MoneyOfNobodyIsInSuspense) {
  const std::int64_t suspense = House(2200);
  const std::string id = Fresh("dep");
  ASSERT_EQ(Outcome(Arrive(id, kAccepts, 70)), "200");
  EXPECT_EQ(StageOfDeposit(id, "unmatched"), "unmatched");
  EXPECT_EQ(House(2200), suspense + 70);
  EXPECT_EQ(House(1200), inbound_);
  EXPECT_EQ(Outcome(Arrive("a b", kAccepts, 70)), "400 invalid_field");
  EXPECT_EQ(Outcome(Arrive(Fresh("dep"), "", 70)), "400 invalid_field");
  EXPECT_EQ(Outcome(Arrive(Fresh("dep"), kAccepts, 70, 11)), "400 invalid_field");
  EXPECT_EQ(Outcome(Arrive(Fresh("dep"), kAccepts, 0)), "400 invalid_amount");
}

TEST_F(PayoutsE2eTest, TheClockGoesForwardForTheLedgerToo) {
  boost::json::object body = PaymentBody(account_, other_.OpenAccount("EUR"), "1000");
  body["capture_method"] = "MANUAL";
  body["authorization_timeout_seconds"] = 86'400;
  const Answer payment = user_.Post("/v1/payments", body);
  ASSERT_EQ(payment.Text("state"), "REQUIRES_CAPTURE") << payment;
  const absl::Time target = SandboxNow(user_) + absl::Hours(25);
  EXPECT_EQ(Outcome(AdvanceTo(user_, target)), "200");
  EXPECT_EQ(Outcome(AdvanceTo(user_, target)), "200") << "done before";
  EXPECT_EQ(Outcome(AdvanceTo(user_, target - absl::Hours(24))), "200") << "changes nothing";
  EXPECT_GE(SandboxNow(user_), target);
  EXPECT_LT(SandboxNow(user_), target + absl::Hours(1));
  const std::string path = absl::StrCat("/v1/payments/", payment.Text("payment_id"));
  std::string state;
  for (int i = 0; i < 300 && state != "CANCELED"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    state = user_.Get(path).Text("state");
  }
  EXPECT_EQ(state, "CANCELED");
  EXPECT_EQ(user_.Get(path).Text("failure_reason"), "authorization_expired");
  // The ledger forgets its clock, and is told again.
  SharedStack().Kill("ledger");
  SharedStack().Restart("ledger");
  // Those who had a connection to it make another one within moments.
  const std::string account = absl::StrCat("/v1/accounts/", account_);
  for (int i = 0; i < 300 && user_.Get(account).status == 503; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  const std::string destination = other_.OpenAccount("EUR");
  const Sent sent;
  Answer paid = user_.Pay(account_, destination, 1, sent);
  for (int i = 0; i < 300 && paid.status == 503; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    paid = user_.Pay(account_, destination, 1, sent);
  }
  EXPECT_EQ(Outcome(paid), "200") << paid;
  EXPECT_EQ(Outcome(AdvanceTo(user_, SandboxNow(user_) + absl::Hours(4000 * 24))),
            "400 invalid_field");
  EXPECT_EQ(Outcome(user_.Post("/v1/sandbox/clock:advance", boost::json::object{})),
            "400 invalid_field");
}

// A deployment with real money has none of this.
TEST(NoSandboxTest, RefusesItsClockAndItsRail) {
  Stack stack({"--no-demo", "--no-sandbox"});
  ApiUser user(stack);
  EXPECT_EQ(Outcome(user.Get("/v1/sandbox/clock")), "403 sandbox_disabled");
  EXPECT_EQ(Outcome(user.Post("/v1/sandbox/clock:advance",
                              boost::json::object{{"target_time", "2100-01-01T00:00:00Z"}})),
            "403 sandbox_disabled");
  EXPECT_EQ(
      Outcome(user.Post("/v1/sandbox/rail:deposit", boost::json::object{{"deposit_id", "d"}})),
      "403 sandbox_disabled");
}

}  // namespace
}  // namespace florin::e2e
