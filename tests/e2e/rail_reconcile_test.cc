// A rail that misbehaves, and what reconciliation with its statement says of it, through HTTPS.
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "libs/status/matchers.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/operator.h"
#include "tests/e2e/sandbox_clock.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

constexpr char kAccepts[] = "DE97500105170600000000";
constexpr char kReturns[] = "DE98500105170600009003";
constexpr char kSilent[] = "DE44500105170600009005";
constexpr char kTwice[] = "DE17500105170600009006";
constexpr char kCharges[] = "DE87500105170600009007";
constexpr char kOnlySays[] = "DE60500105170600009008";
constexpr char kPaysRejected[] = "DE33500105170600009009";

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

class RailReconcileE2eTest : public ::testing::Test {
 protected:
  RailReconcileE2eTest() { user_.Deposit(account_, 100'000); }

  std::string Pay(const std::string& iban, std::int64_t minor_units) {
    const boost::json::object amount = {{"currency", "EUR"},
                                        {"minor_units", absl::StrCat(minor_units)}};
    const boost::json::object body = {{"source_account_id", account_},
                                      {"amount", amount},
                                      {"beneficiary", {{"name", "Jo Elsewhere"}, {"iban", iban}}},
                                      {"reference", "Invoice 7"}};
    // What the rail has rejected is answered as a failure of that payment.
    const Answer made = user_.Post("/v1/payouts", body);
    const std::string id = made.Text("payment.payment_id");
    return id.empty() ? made.Text("metadata.payment_id") : id;
  }
  Answer Arrive(const std::string& id, boost::json::object more) {
    const std::string reference =
        user_.Get(absl::StrCat("/v1/accounts/", account_, "/deposit-reference"))
            .Text("virtual_iban");
    more["deposit_id"] = id;
    more["amount"] = boost::json::object{{"currency", "EUR"}, {"minor_units", "70"}};
    more["account_reference"] = reference;
    return user_.Post("/v1/sandbox/rail:deposit", more);
  }
  Answer Reconcile() {
    const Answer run = operator_.Post("/v1/discrepancies:reconcile", boost::json::object(), staff_);
    EXPECT_EQ(Outcome(run), "200") << run;
    return run;
  }
  static std::string Text(const boost::json::object& object, const char* name) {
    return std::string(object.at(name).as_string());
  }
  // Everything that is there of a payment, or of a deposit.
  std::vector<boost::json::object> Found(const std::string& payment_id,
                                         const std::string& deposit_id = "") {
    std::vector<boost::json::object> found;
    std::string token;
    do {
      const Answer page =
          operator_.Get(absl::StrCat("/v1/discrepancies?page_size=100&page_token=", token), staff_);
      EXPECT_EQ(Outcome(page), "200") << page;
      for (const auto& one : page.body.at("discrepancies").as_array()) {
        const boost::json::object& discrepancy = one.as_object();
        if (Text(discrepancy, "payment_id") == payment_id &&
            Text(discrepancy, "deposit_id") == deposit_id) {
          found.push_back(discrepancy);
        }
      }
      token = page.Text("next_page_token");
    } while (!token.empty());
    return found;
  }
  // "KIND STATE AT_RISK" of the only one; "" if there is none.
  std::string Only(const std::string& payment_id, const std::string& deposit_id = "") {
    const std::vector<boost::json::object> found = Found(payment_id, deposit_id);
    if (found.empty()) return "";
    EXPECT_EQ(found.size(), 1U) << payment_id << deposit_id;
    const auto& at_risk = found[0].at("at_risk").as_object();
    return absl::StrCat(Text(found[0], "kind"), " ", Text(found[0], "state"), " ",
                        Text(at_risk, "minor_units"));
  }

  ApiUser user_{SharedStack()};
  const std::string account_ = user_.OpenAccount("EUR");
  Staff& people_ = TheStaff();
  ApiUser& operator_ = people_.user;
  const Sent staff_ = {.token = people_.token};
};

TEST_F(RailReconcileE2eTest, EachMisbehaviourIsFoundWithWhatIsAtRisk) {
  const std::string good = Pay(kAccepts, 100);
  const std::string twice = Pay(kTwice, 250);
  const std::string charged = Pay(kCharges, 900);
  const std::string only_said = Pay(kOnlySays, 300);
  const std::string rejected = Pay(kPaysRejected, 410);
  ASSERT_EQ(Outcome(Arrive("untold-1", {{"untold", true}})), "200");
  Reconcile();
  for (const std::string& id : {good, twice, charged, only_said, rejected}) {
    EXPECT_EQ(Only(id), "") << "too young";
  }
  Advance(user_, absl::Minutes(12));
  const Answer run = Reconcile();
  EXPECT_GE(std::stoi(run.Text("rail_lines")), 6) << run;
  EXPECT_EQ(Only(good), "");
  EXPECT_EQ(Only(twice), "EXECUTED_TWICE OPEN 250");
  EXPECT_EQ(Only(charged), "RAIL_AMOUNT_DIFFERS OPEN 100");
  EXPECT_EQ(Only(rejected), "STAGE_DIFFERS OPEN 410");
  EXPECT_EQ(Only("", "untold-1"), "MISSING_HERE OPEN 70");
  EXPECT_EQ(Only(only_said), "") << "the rail has a day";
  EXPECT_EQ(Text(Found(twice)[0], "rail"), "sandbox");
  Advance(user_, absl::Hours(24));
  Reconcile();
  EXPECT_EQ(Only(only_said), "MISSING_AT_RAIL OPEN 300");
  EXPECT_EQ(Only(good), "");
  EXPECT_EQ(Reconcile().Text("rail_lines"), "0") << "each once";
}

TEST_F(RailReconcileE2eTest, AgreesByItselfOnceTheRailSpeaks) {
  const std::string silent = Pay(kSilent, 120);
  Advance(user_, absl::Minutes(12));
  Reconcile();
  EXPECT_EQ(Only(silent), "STAGE_DIFFERS OPEN 120");
  Advance(user_, absl::Hours(1));
  for (int i = 0; i < 300; ++i) {
    const Answer payout = user_.Get(absl::StrCat("/v1/payouts/", silent));
    if (payout.Text("payment.state") == "SUCCEEDED") break;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  Reconcile();
  EXPECT_EQ(Only(silent), "STAGE_DIFFERS AGREED 120");
}

TEST_F(RailReconcileE2eTest, WhatIsReturnedAgrees) {
  const std::string returned = Pay(kReturns, 130);
  Advance(user_, absl::Hours(24));
  for (int i = 0; i < 300; ++i) {
    const Answer payout = user_.Get(absl::StrCat("/v1/payouts/", returned));
    if (payout.Text("payment.state") == "RETURNED") break;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  Advance(user_, absl::Hours(25));
  EXPECT_GE(std::stoi(Reconcile().Text("rail_payouts")), 1);
  EXPECT_EQ(Only(returned), "");
}

TEST_F(RailReconcileE2eTest, AnOperatorResolvesIt) {
  const std::string twice = Pay(kTwice, 50);
  Advance(user_, absl::Minutes(12));
  Reconcile();
  ASSERT_EQ(Only(twice), "EXECUTED_TWICE OPEN 50");
  const std::string path =
      absl::StrCat("/v1/discrepancies/", Text(Found(twice)[0], "discrepancy_id"));
  const Answer mute = operator_.Post(path + ":resolve", boost::json::object(), staff_);
  EXPECT_EQ(Outcome(mute), "400 invalid_field");
  const boost::json::object why = {{"note", "Claimed back from the bank."}};
  EXPECT_EQ(Outcome(user_.Post(path + ":resolve", why)), "403 scope_missing");
  EXPECT_EQ(Outcome(operator_.Post(path + ":resolve", why, staff_)), "200");
  Reconcile();
  EXPECT_EQ(Only(twice), "EXECUTED_TWICE RESOLVED 50");
}

TEST_F(RailReconcileE2eTest, ItsPlaceIsKeptOverAPowerCut) {
  const std::string twice = Pay(kTwice, 60);
  Advance(user_, absl::Minutes(12));
  Reconcile();
  SharedStack().Kill("payments");
  SharedStack().Restart("payments");
  EXPECT_EQ(Reconcile().Text("rail_lines"), "0");
  EXPECT_EQ(Only(twice), "EXECUTED_TWICE OPEN 60");
}

// A deposit that is said to be booked, and is not in the ledger.
TEST_F(RailReconcileE2eTest, TheSettlementAccountIsComparedToo) {
  Reconcile();
  SharedStack().Query(
      "INSERT INTO payments.rail_deposits (rail, deposit_id, currency, amount_minor, "
      "account_reference, reference, stage, create_time) "
      "VALUES ('sandbox', 'never-booked', 'SEK', 77, '', '', 'unmatched', now())");
  const auto settlement = [this]() -> std::string {
    for (const boost::json::object& one : Found("")) {
      if (Text(one, "kind") == "SETTLEMENT_DIFFERS") {
        return absl::StrCat(Text(one, "state"), " ",
                            Text(one.at("at_risk").as_object(), "currency"), " ",
                            Text(one.at("at_risk").as_object(), "minor_units"));
      }
    }
    return "";
  };
  Reconcile();
  EXPECT_EQ(settlement(), "OPEN SEK 77");
  SharedStack().Query("DELETE FROM payments.rail_deposits WHERE deposit_id = 'never-booked'");
  SharedStack().Query(
      "INSERT INTO payments.rail_deposits (rail, deposit_id, currency, amount_minor, "
      "account_reference, reference, stage, create_time) "
      "VALUES ('sandbox', 'not-yet-booked', 'SEK', 77, '', '', 'suspending', now())");
  Reconcile();
  EXPECT_EQ(settlement(), "AGREED SEK 77") << "it may be booked any moment";
  SharedStack().Query("DELETE FROM payments.rail_deposits WHERE deposit_id = 'not-yet-booked'");
}

TEST_F(RailReconcileE2eTest, WhatIsUntoldIsNotNotified) {
  const Answer both = Arrive("untold-2", {{"untold", true}, {"notifications", 1}});
  EXPECT_EQ(Outcome(both), "400 invalid_field");
  EXPECT_EQ(both.Text("param"), "notifications");
}

}  // namespace
}  // namespace florin::e2e
