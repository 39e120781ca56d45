// Money that nobody could be credited with, through HTTPS: who sees it, who assigns or returns it
// and by whose agreement, what is refused and why, and a power cut in between.
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/sandbox_clock.h"
#include "tests/e2e/stack.h"
#include "tests/e2e/staff.h"

namespace florin::e2e {
namespace {

constexpr char kNobody[] = "DE89370400440532013000";
constexpr char kReturns[] = "DE98500105170600009003";
constexpr char kNoProposal[] = "prp_00000000000000000000000000";

Staff& People() {
  static Staff people("suspense:read suspense:write",
                      "suspense:read reconciliation:write reconciliation:read");
  return people;
}

std::int64_t Suspense() {
  const Uuid id = DeriveId("florin.payments.house", "2200:EUR");
  return std::atoll(SharedStack()
                        .Query(absl::StrCat("SELECT coalesce(sum(credit_minor - debit_minor), 0) "
                                            "FROM ledger.entries WHERE account_id = '",
                                            id.ToString(), "'"))
                        .c_str());
}

class SuspenseE2eTest : public ::testing::Test {
 protected:
  // The item of a deposit for nobody, of 0.70.
  std::string Arrive(const std::string& deposit_id) {
    const boost::json::object amount = {{"currency", "EUR"}, {"minor_units", "70"}};
    const Answer arrived =
        user_.Post("/v1/sandbox/rail:deposit", boost::json::object{{"deposit_id", deposit_id},
                                                                   {"amount", amount},
                                                                   {"account_reference", kNobody},
                                                                   {"reference", "Salary"},
                                                                   {"notifications", 1}});
    EXPECT_EQ(Outcome(arrived), "200") << arrived;
    return ItemWith("deposit_id", deposit_id);
  }
  // Waits for the worker.
  std::string ItemWith(const char* member, const std::string& value) {
    for (int i = 0; i < 300; ++i) {
      std::string token;
      do {
        const Answer page = People().Get(
            absl::StrCat("/v1/suspense-items?state=OPEN&page_size=2&page_token=", token));
        EXPECT_EQ(Outcome(page), "200") << page;
        for (const auto& item : page.body.at("items").as_array()) {
          if (std::string(item.at(member).as_string()) == value) {
            return std::string(item.at("item_id").as_string());
          }
        }
        token = page.Text("next_page_token");
      } while (!token.empty());
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    ADD_FAILURE() << "no item with " << member << " " << value;
    return "";
  }
  Answer StateAfter(const std::string& item, const std::string& expected) {
    Answer now = Get(item);
    for (int i = 0; i < 300 && now.Text("state") != expected; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      now = Get(item);
    }
    EXPECT_EQ(now.Text("state"), expected) << now;
    return now;
  }
  static Answer Get(const std::string& item) {
    return People().Get(absl::StrCat("/v1/suspense-items/", item));
  }
  static std::string AgreedAssign(const std::string& item, const std::string& account) {
    return People().Agree("payments.suspense",
                          boost::json::object{{"account_id", account}, {"item_id", item}});
  }
  static std::string AgreedReturn(const std::string& item) {
    return People().Agree("payments.suspense",
                          boost::json::object{{"item_id", item}, {"returned", true}});
  }
  static Answer Assign(const std::string& item, const std::string& account,
                       const std::string& proposal, const Sent& sent = {}) {
    return People().Post(absl::StrCat("/v1/suspense-items/", item, ":assign"),
                         boost::json::object{{"account_id", account}, {"proposal_id", proposal}},
                         sent);
  }
  static Answer Return(const std::string& item, const std::string& proposal,
                       const Sent& sent = {}) {
    return People().Post(absl::StrCat("/v1/suspense-items/", item, ":return"),
                         boost::json::object{{"proposal_id", proposal}}, sent);
  }
  ApiUser user_{SharedStack()};
  const std::string account_ = user_.OpenAccount("EUR");
};

TEST_F(SuspenseE2eTest, IsAssignedOnce) {
  const std::int64_t before = Suspense();
  const std::string item = Arrive(Fresh("dep"));
  EXPECT_EQ(Suspense(), before + 70);
  const Answer open = Get(item);
  EXPECT_EQ(open.Text("account_reference"), kNobody) << open;
  EXPECT_EQ(open.Text("reference"), "Salary");
  EXPECT_EQ(open.Text("amount.minor_units"), "70");
  const std::string proposal = AgreedAssign(item, account_);
  const Sent sent;
  const Answer assigned = Assign(item, account_, proposal, sent);
  ASSERT_EQ(Outcome(assigned), "200") << assigned;
  EXPECT_EQ(assigned.Text("state"), "ASSIGNED");
  EXPECT_EQ(assigned.Text("resolution.kind"), "ASSIGN");
  EXPECT_EQ(assigned.Text("resolution.operator_id"), People().eve_id());
  EXPECT_EQ(assigned.Text("resolution.proposal_id"), proposal);
  EXPECT_EQ(user_.Balance(account_), 70);
  EXPECT_EQ(Suspense(), before);
  const Answer again = Assign(item, account_, proposal, sent);
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(again.body, assigned.body);
  EXPECT_EQ(user_.Balance(account_), 70);
  const Answer payment =
      user_.Get(absl::StrCat("/v1/payments/", assigned.Text("resolution.payment_id")));
  EXPECT_EQ(payment.Text("kind"), "DEPOSIT") << payment;
  EXPECT_EQ(payment.Text("reference"), "Salary");
  EXPECT_EQ(Outcome(Assign(item, account_, proposal)), "409 suspense_item_closed");
  EXPECT_EQ(Outcome(Return(item, AgreedReturn(item))), "409 suspense_item_closed");
  // Who, by which agreement, to whom.
  EXPECT_EQ(SharedStack().Query(absl::StrCat(
                "SELECT string_agg(action, ' ' ORDER BY action) FROM payments.audit_events "
                "WHERE subject = '",
                item, "'")),
            "payments.suspense.assign payments.suspense.assign_done payments.suspense.receive");
  EXPECT_EQ(
      SharedStack().Query(absl::StrCat("SELECT actor FROM payments.audit_events WHERE action = "
                                       "'payments.suspense.assign' AND subject = '",
                                       item, "'")),
      People().eve_id());
}

TEST_F(SuspenseE2eTest, SaysWhatIsWrong) {
  const std::string item = Arrive(Fresh("dep"));
  const std::string other = user_.OpenAccount("USD");
  const auto expect = [](const Answer& answer, const std::string& outcome,
                         const std::string& param) {
    EXPECT_EQ(Outcome(answer), outcome) << answer;
    EXPECT_EQ(answer.Text("param"), param) << answer;
  };
  expect(Assign("sus_", account_, kNoProposal), "400 invalid_id", "item_id");
  expect(Assign(item, "acc_x", kNoProposal), "400 invalid_id", "account_id");
  expect(Assign(item, account_, "prp_x"), "400 invalid_id", "proposal_id");
  expect(Assign(item, other, AgreedAssign(item, other)), "422 currency_mismatch", "account_id");
  const std::string nobody = "acc_" + item.substr(4);
  expect(Assign(item, nobody, kNoProposal), "404 account_not_found", "account_id");
  const std::string nothing = "sus_" + account_.substr(4);
  EXPECT_EQ(Outcome(Assign(nothing, account_, kNoProposal)), "404 suspense_item_not_found");
  EXPECT_EQ(Outcome(Get(nothing)), "404 suspense_item_not_found");
  EXPECT_EQ(Outcome(People().Get("/v1/suspense-items?page_size=101")), "400 invalid_page_size");
  // Without two people nothing happens, and with what they agreed on nothing else.
  EXPECT_EQ(Outcome(Assign(item, account_, kNoProposal)), "404 proposal_not_found");
  const Answer alone = People().Propose(
      "payments.suspense", boost::json::object{{"account_id", account_}, {"item_id", item}});
  EXPECT_EQ(Outcome(Assign(item, account_, alone.Text("proposal_id"))),
            "422 proposal_not_approved");
  EXPECT_EQ(Outcome(Return(item, AgreedAssign(item, account_))), "409 proposal_altered");
  // Nor without the right: users, and admins, who may only look.
  const std::string path = absl::StrCat("/v1/suspense-items/", item);
  EXPECT_EQ(Outcome(user_.Get(path)), "403 scope_missing");
  const boost::json::object body = {{"account_id", account_}, {"proposal_id", kNoProposal}};
  EXPECT_EQ(Outcome(user_.Post(path + ":assign", body)), "403 scope_missing");
  const Sent ann = {.token = People().ann_token()};
  EXPECT_EQ(Outcome(People().ann().Get(path, ann)), "200");
  EXPECT_EQ(Outcome(People().ann().Post(path + ":assign", body, ann)), "403 scope_missing");
  EXPECT_EQ(Get(item).Text("state"), "OPEN");
  EXPECT_EQ(user_.Balance(account_), 0);
}

TEST_F(SuspenseE2eTest, AClosedAccountTakesNothing) {
  const std::string closed = user_.OpenAccount("EUR");
  const Answer closing =
      user_.Post(absl::StrCat("/v1/accounts/", closed, ":close"), boost::json::object{});
  ASSERT_EQ(Outcome(closing), "200") << closing;
  const std::string item = Arrive(Fresh("dep"));
  const std::string proposal = AgreedAssign(item, closed);
  const Sent sent;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Outcome(Assign(item, closed, proposal, sent)), "422 account_closed");
  }
  const Answer open = Get(item);
  EXPECT_EQ(open.Text("state"), "OPEN") << open;
  EXPECT_EQ(open.Text("resolution.failure_reason"), "account_closed");
  EXPECT_EQ(Outcome(Assign(item, account_, AgreedAssign(item, account_))), "200");
  EXPECT_EQ(user_.Balance(account_), 70);
}

// The rail behaves as the last four characters of the deposit's id say.
TEST_F(SuspenseE2eTest, IsReturnedToItsSender) {
  const std::int64_t before = Suspense();
  const std::string item = Arrive(Fresh("dep") + "-x");
  const std::string proposal = AgreedReturn(item);
  const Sent sent;
  const Answer returned = Return(item, proposal, sent);
  ASSERT_EQ(Outcome(returned), "200") << returned;
  EXPECT_EQ(returned.Text("state"), "RETURNED");
  EXPECT_EQ(Suspense(), before);
  const Answer again = Return(item, proposal, sent);
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(again.body, returned.body);

  const std::string rejected = Arrive(Fresh("dep") + "-9002");
  const Answer answer = Return(rejected, AgreedReturn(rejected));
  EXPECT_EQ(Outcome(answer), "422 rail_rejected") << answer;
  EXPECT_EQ(answer.Text("metadata.rail_code"), "AC01");
  EXPECT_EQ(Get(rejected).Text("state"), "OPEN");
  EXPECT_EQ(Suspense(), before + 70);
  EXPECT_EQ(Outcome(Assign(rejected, account_, AgreedAssign(rejected, account_))), "200");
  EXPECT_EQ(Suspense(), before);
}

// Killed while it is on its way; and what the rail sends back a day later is open again. Neither
// leaves anything for reconciliation to find.
TEST_F(SuspenseE2eTest, SurvivesAPowerCutAndAReturn) {
  const std::int64_t before = Suspense();
  const std::string slow = Arrive(Fresh("dep") + "-9001");
  EXPECT_EQ(Return(slow, AgreedReturn(slow)).Text("state"), "RETURNING");
  SharedStack().Kill("payments");
  SharedStack().Restart("payments");
  EXPECT_EQ(Outcome(Return(slow, AgreedReturn(slow))), "409 suspense_item_closed");
  const std::string back = Arrive(Fresh("dep") + "-9003");
  EXPECT_EQ(Return(back, AgreedReturn(back)).Text("state"), "RETURNED");
  Advance(user_, absl::Hours(25));
  StateAfter(slow, "RETURNED");
  const Answer open = StateAfter(back, "OPEN");
  EXPECT_EQ(open.Text("resolution.rail_code"), "AC04") << open;
  EXPECT_EQ(Suspense(), before + 70);
  Advance(user_, absl::Hours(26));
  const Sent ann = {.token = People().ann_token()};
  const Answer run = People().ann().Post("/v1/discrepancies:reconcile", boost::json::object(), ann);
  ASSERT_EQ(Outcome(run), "200") << run;
  const Answer found = People().ann().Get("/v1/discrepancies", ann);
  EXPECT_TRUE(found.body.at("discrepancies").as_array().empty()) << found;
}

TEST_F(SuspenseE2eTest, APayoutThatComesBackToAClosedAccountIsAssigned) {
  user_.Deposit(account_, 100);
  const boost::json::object amount = {{"currency", "EUR"}, {"minor_units", "100"}};
  const Answer payout = user_.Post(
      "/v1/payouts", boost::json::object{{"source_account_id", account_},
                                         {"amount", amount},
                                         {"beneficiary", {{"name", "Jo"}, {"iban", kReturns}}}});
  ASSERT_EQ(payout.Text("payment.state"), "SUCCEEDED") << payout;
  ASSERT_EQ(
      Outcome(user_.Post(absl::StrCat("/v1/accounts/", account_, ":close"), boost::json::object{})),
      "200");
  Advance(user_, absl::Hours(25));
  const std::string item = ItemWith("payment_id", payout.Text("payment.payment_id"));
  EXPECT_EQ(Get(item).Text("account_id"), account_);
  const Answer returned = Return(item, AgreedReturn(item));
  EXPECT_EQ(Outcome(returned), "400 invalid_field") << returned;
  EXPECT_EQ(returned.Text("param"), "item_id");
  const std::string other = user_.OpenAccount("EUR");
  EXPECT_EQ(Outcome(Assign(item, other, AgreedAssign(item, other))), "200");
  EXPECT_EQ(user_.Balance(other), 100);
}

}  // namespace
}  // namespace florin::e2e
