// What becomes of accounts, through HTTPS: frozen by operators and with their customers, dormant,
// closed with a sweep; and what payments are told meanwhile.
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
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

constexpr char kFrozen[] = "422 account_frozen";
constexpr char kClosed[] = "422 account_closed";

// Anna with an account of 100.00 EUR, Ben with an empty one, and an operator.
class AccountStates : public ::testing::Test {
 protected:
  // One operator for all tests: only the first two need no proposal.
  static void SetUpTestSuite() {
    staff_ = std::make_unique<ApiUser>(SharedStack());
    ASSERT_THAT(AssignRole(staff_->user_id(), "admin"), IsOk());
    staff_token_ = TokenWith(*staff_, "customers:read customers:write");
  }
  static void TearDownTestSuite() { staff_.reset(); }
  AccountStates() {
    anna_.Deposit(annas_, 10'000);
    operator_ = {.token = staff_token_};
  }
  // Whatever a test has done, the book balances.
  void TearDown() override {
    EXPECT_EQ(SharedStack().Query("SELECT sum(debit_minor) - sum(credit_minor) FROM "
                                  "ledger.entries"),
              "0");
  }

  static std::string Path(const std::string& account, const std::string& rest) {
    return absl::StrCat("/v1/accounts/", account, rest);
  }
  Answer Freeze(const std::string& account, const std::string& sides) {
    const boost::json::object body = {{"sides", sides}, {"reason", "court_order"}};
    return ann_.Post(Path(account, ":freeze"), body, operator_);
  }
  Answer Unfreeze(const std::string& account) {
    return ann_.Post(Path(account, ":unfreeze"), boost::json::object(), operator_);
  }
  static Answer Close(ApiUser& user, const std::string& account, const std::string& to = "") {
    boost::json::object body;
    if (!to.empty()) body["sweep_to_account_id"] = to;
    return user.Post(Path(account, ":close"), body);
  }
  std::string StateOf(const std::string& account) {
    return anna_.Get(Path(account, "/state")).Text("state");
  }
  std::string FrozenOf(const std::string& account) {
    const std::string frozen = anna_.Get(Path(account, "/state")).Text("frozen");
    EXPECT_EQ(anna_.Get(Path(account, "")).Text("frozen"), frozen);
    return frozen;
  }
  Answer Pay() { return anna_.Pay(annas_, bens_, 100); }
  Answer PayBack() { return ben_.Pay(bens_, annas_, 50); }
  static void WaitFor(const std::function<bool()>& done) {
    for (int i = 0; i < 300 && !done(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    EXPECT_TRUE(done());
  }
  static std::string Row(const std::string& account) {
    return absl::StrCat("'", ParseId(IdKind::kAccount, account, "id").value().ToString(), "'");
  }

  ApiUser anna_{SharedStack()};
  ApiUser ben_{SharedStack()};
  ApiUser& ann_ = *staff_;
  const std::string annas_ = anna_.OpenAccount("EUR");
  const std::string bens_ = ben_.OpenAccount("EUR");
  Sent operator_;

 private:
  static inline std::unique_ptr<ApiUser> staff_;
  static inline std::string staff_token_;
};

TEST_F(AccountStates, AFrozenSideTakesNoPayments) {
  ASSERT_EQ(Outcome(Pay()), "200");
  ASSERT_EQ(Outcome(Freeze(annas_, "DEBITS")), "200");
  EXPECT_EQ(FrozenOf(annas_), "DEBITS");
  const Answer refused = Pay();
  EXPECT_EQ(Outcome(refused), kFrozen) << refused;
  EXPECT_EQ(Outcome(PayBack()), "200");

  const Answer credits = Freeze(annas_, "CREDITS");
  ASSERT_EQ(Outcome(credits), "200") << credits;
  EXPECT_EQ(credits.Text("frozen_by_operator"), "CREDITS");
  EXPECT_EQ(credits.Text("reason"), "court_order");
  EXPECT_EQ(Outcome(Pay()), "200");
  EXPECT_EQ(Outcome(PayBack()), kFrozen);

  ASSERT_EQ(Outcome(Freeze(annas_, "BOTH")), "200");
  EXPECT_EQ(FrozenOf(annas_), "BOTH");
  EXPECT_EQ(Outcome(Pay()), kFrozen);
  EXPECT_EQ(Outcome(PayBack()), kFrozen);

  ASSERT_EQ(Outcome(Unfreeze(annas_)), "200");
  EXPECT_EQ(FrozenOf(annas_), "NOT_FROZEN");
  EXPECT_EQ(Outcome(Pay()), "200");
  EXPECT_EQ(Outcome(PayBack()), "200");
}

TEST_F(AccountStates, WhatWasAuthorizedBeforeIsCaptured) {
  boost::json::object body = PaymentBody(annas_, bens_, "500");
  body["capture_method"] = "MANUAL";
  const Answer first = anna_.Post("/v1/payments", body);
  const Answer second = anna_.Post("/v1/payments", body);
  ASSERT_EQ(second.Text("state"), "REQUIRES_CAPTURE") << second;
  ASSERT_EQ(Outcome(Freeze(annas_, "BOTH")), "200");
  const auto path = [](const Answer& payment, const std::string& verb) {
    return absl::StrCat("/v1/payments/", payment.Text("payment_id"), verb);
  };
  EXPECT_EQ(Outcome(ben_.Post(path(first, ":capture"), boost::json::object())), "200");
  EXPECT_EQ(Outcome(ben_.Post(path(second, ":cancel"), boost::json::object())), "200");
  EXPECT_EQ(Outcome(anna_.Post("/v1/payments", body)), kFrozen);
  EXPECT_EQ(ben_.Balance(bens_), 500);
  EXPECT_EQ(anna_.Balance(annas_), 9'500);
}

TEST_F(AccountStates, ASuspendedCustomerPaysNothing) {
  const std::string customer = anna_.Get(Path(annas_, "")).Text("customer_id");
  const auto operate = [&](const std::string& verb) {
    return ann_.Post(absl::StrCat("/v1/customers/", customer, verb), boost::json::object(),
                     operator_);
  };
  ASSERT_EQ(Outcome(Pay()), "200");
  ASSERT_EQ(Outcome(operate(":suspend")), "200");
  EXPECT_EQ(Outcome(Pay()), kFrozen);
  EXPECT_EQ(Outcome(PayBack()), "200");
  EXPECT_EQ(FrozenOf(annas_), "DEBITS");
  EXPECT_EQ(Outcome(Close(anna_, annas_)), "422 customer_not_active");
  ASSERT_EQ(Outcome(Freeze(annas_, "DEBITS")), "200");
  ASSERT_EQ(Outcome(operate(":reactivate")), "200");
  EXPECT_EQ(Outcome(Pay()), kFrozen) << "the operator's own freeze stays";
  ASSERT_EQ(Outcome(Unfreeze(annas_)), "200");
  EXPECT_EQ(Outcome(Pay()), "200");
}

TEST_F(AccountStates, ADormantOneIsWokenByItsOwner) {
  ASSERT_EQ(Outcome(Pay()), "200");
  // As the daily job leaves it, before the ledger was told.
  SharedStack().Query(
      absl::StrCat("INSERT INTO accounts.account_states (account_id, life) VALUES (", Row(annas_),
                   ", 'dormant') RETURNING 1"));
  WaitFor([&] { return Outcome(Pay()) == "422 account_dormant"; });
  EXPECT_EQ(StateOf(annas_), "DORMANT");
  // It says what to do, and to whom; what is authorized or paid elsewhere is told the same.
  const Answer refused = Pay();
  EXPECT_THAT(refused.Text("advice"), ::testing::HasSubstr(":wake")) << refused;
  boost::json::object manual = PaymentBody(annas_, bens_, "500");
  manual["capture_method"] = "MANUAL";
  EXPECT_EQ(Outcome(anna_.Post("/v1/payments", manual)), "422 account_dormant");
  EXPECT_EQ(Outcome(PayBack()), "200");
  EXPECT_EQ(Outcome(Close(anna_, annas_)), "422 account_dormant");
  EXPECT_EQ(Outcome(ben_.Post(Path(annas_, ":wake"), boost::json::object())),
            "404 account_not_found");
  const Answer woken = anna_.Post(Path(annas_, ":wake"), boost::json::object());
  ASSERT_EQ(Outcome(woken), "200") << woken;
  EXPECT_EQ(woken.Text("state"), "OPEN");
  EXPECT_EQ(Outcome(Pay()), "200");
}

TEST_F(AccountStates, ClosesWithASweepToTheCentUnderDeposits) {
  const std::string savings = anna_.OpenAccount("EUR");
  ben_.Deposit(bens_, 100'000);
  std::atomic<std::int64_t> paid = 0;
  std::atomic<bool> stop = false;
  std::vector<std::unique_ptr<ApiUser>> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(std::make_unique<ApiUser>(SharedStack(), ben_));
  std::vector<std::thread> threads;
  for (const auto& client : clients) {
    threads.emplace_back([&, payer = client.get()] {
      while (!stop) {
        const Answer answer = payer->Pay(bens_, annas_, 7);
        if (answer.status == 200) paid += 7;
        if (answer.status != 200) {
          EXPECT_EQ(Outcome(answer), kClosed) << answer;
          return;
        }
      }
    });
  }
  WaitFor([&] { return paid > 50; });
  Answer closed = Close(anna_, annas_, savings);
  for (int i = 0; i < 100 && closed.status == 503; ++i) closed = Close(anna_, annas_, savings);
  EXPECT_EQ(Outcome(closed), "200") << closed;
  EXPECT_EQ(closed.Text("state"), "CLOSED");
  if (closed.status != 200) stop = true;  // Else the last payment of each is refused.
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(anna_.Balance(savings), 10'000 + paid);
  EXPECT_EQ(anna_.Balance(annas_), 0);
  EXPECT_EQ(Outcome(Close(anna_, annas_, savings)), "200");
  EXPECT_EQ(Outcome(Close(anna_, annas_)), "200");

  EXPECT_EQ(StateOf(annas_), "CLOSED");
  EXPECT_EQ(Outcome(Pay()), kClosed);
  EXPECT_EQ(Outcome(PayBack()), kClosed);
  const Answer shown = anna_.Get(Path(annas_, ""));
  EXPECT_TRUE(shown.body.at("closed").as_bool()) << shown;
  EXPECT_EQ(Outcome(anna_.Get(Path(annas_, "/entries"))), "200");
  const Answer listed = anna_.Get("/v1/accounts");
  for (const auto& account : listed.body.at("accounts").as_array()) {
    EXPECT_NE(account.at("account_id").as_string(), annas_.c_str());
  }
  EXPECT_EQ(Outcome(Freeze(annas_, "BOTH")), kClosed);
}

TEST_F(AccountStates, WhatIsLeftIsInTheWayAndAnEmptyOneClosesAtOnce) {
  EXPECT_EQ(Outcome(Close(anna_, annas_)), "422 account_not_empty");
  boost::json::object body = PaymentBody(annas_, bens_, "10000");
  body["capture_method"] = "MANUAL";
  ASSERT_EQ(Outcome(anna_.Post("/v1/payments", body)), "200");
  const std::string savings = anna_.OpenAccount("EUR");
  EXPECT_EQ(Outcome(Close(anna_, annas_, savings)), "422 account_not_empty");
  EXPECT_EQ(Outcome(Close(ben_, bens_)), "422 account_not_empty") << "the payee's, too";
  EXPECT_EQ(StateOf(annas_), "OPEN");
  EXPECT_EQ(Outcome(Close(anna_, savings)), "200");
}

TEST_F(AccountStates, WhatMayNotBeClosedOrFrozen) {
  const std::string savings = anna_.OpenAccount("EUR");
  EXPECT_EQ(Outcome(Close(ben_, annas_)), "404 account_not_found");
  const Answer others = Close(anna_, annas_, bens_);
  EXPECT_EQ(Outcome(others), "404 account_not_found");
  EXPECT_EQ(others.Text("param"), "sweep_to_account_id");
  EXPECT_EQ(Outcome(Close(anna_, annas_, annas_)), "400 same_account");
  EXPECT_EQ(Outcome(Close(anna_, annas_, "acc_x")), "400 invalid_id");
  EXPECT_EQ(Outcome(Close(anna_, annas_, anna_.OpenAccount("USD"))), "422 currency_mismatch");
  ASSERT_EQ(Outcome(Freeze(annas_, "DEBITS")), "200");
  EXPECT_EQ(Outcome(Close(anna_, annas_, savings)), kFrozen);
  ASSERT_EQ(Outcome(Unfreeze(annas_)), "200");
  ASSERT_EQ(Outcome(Freeze(savings, "CREDITS")), "200");
  const Answer nowhere = Close(anna_, annas_, savings);
  EXPECT_EQ(Outcome(nowhere), kFrozen);
  EXPECT_EQ(nowhere.Text("param"), "sweep_to_account_id");
  EXPECT_EQ(StateOf(annas_), "OPEN");
  EXPECT_EQ(Outcome(Pay()), "200");

  EXPECT_EQ(Outcome(Freeze(annas_, "NOT_FROZEN")), "400 invalid_field");
  const boost::json::object sentence = {{"sides", "BOTH"}, {"reason", "Anna owes us 5"}};
  EXPECT_EQ(Outcome(ann_.Post(Path(annas_, ":freeze"), sentence, operator_)), "400 invalid_field");
  const boost::json::object body = {{"sides", "BOTH"}, {"reason", "test"}};
  EXPECT_EQ(Outcome(anna_.Post(Path(annas_, ":freeze"), body)), "403 scope_missing");
  EXPECT_EQ(Outcome(anna_.Post(Path(annas_, ":unfreeze"), boost::json::object())),
            "403 scope_missing");
  const std::string own = ann_.OpenAccount("EUR");
  EXPECT_EQ(Outcome(Freeze(own, "DEBITS")), "403 self_approval");
  EXPECT_EQ(Outcome(ben_.Get(Path(annas_, "/state"))), "404 account_not_found");
}

// As a process leaves it that dies between saying so and the ledger.
TEST_F(AccountStates, WorkersFinishWhatACrashLeft) {
  const std::string savings = anna_.OpenAccount("EUR");
  SharedStack().Query(absl::StrCat(
      "INSERT INTO accounts.account_states (account_id, life, sweep_to, closing_attempt, "
      "next_attempt_time) VALUES (",
      Row(annas_), ", 'closing', ", Row(savings), ", 1, now()) RETURNING 1"));
  SharedStack().Query(absl::StrCat(
      "INSERT INTO accounts.account_states (account_id, operator_debits, freeze_reason) VALUES (",
      Row(savings), ", true, 'test') RETURNING 1"));
  WaitFor([&] { return StateOf(annas_) == "CLOSED"; });
  EXPECT_EQ(anna_.Balance(savings), 10'000);
  WaitFor([&] { return Outcome(anna_.Pay(savings, bens_, 1)) == kFrozen; });
  const CommandResult verified =
      e2e::Run({absl::StrCat(std::getenv("FLORIN_BINARY_DIR"), "/bin/florin-verify"),
                "--key=" + SharedStack().Variable("FLORIN_LOG_KEY"),
                "--ledger=" + SharedStack().Variable("FLORIN_LEDGER"),
                "--certificates=" + SharedStack().Variable("FLORIN_CERTS"), "--book=main"});
  EXPECT_EQ(verified.status, 0) << verified.output;
}

}  // namespace
}  // namespace florin::e2e
