// Accounts in two books of the ledger, and payments between them, through HTTPS.
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/operator.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

[[maybe_unused]] const bool kBooks =
    AddSharedStackOptions({"--books", "other", "--rate-limits", "off"});

Answer OpenIn(ApiUser& user, const std::string& book) {
  const Answer first = user.Get(absl::StrCat("/v1/accounts/", user.OpenAccount("EUR")));
  return user.Post(
      "/v1/accounts",
      {{"customer_id", first.Text("customer_id")}, {"currency", "EUR"}, {"book", book}});
}

// Anna with 1000.00 EUR in the usual book, Ben with 500.00 EUR in the other one; and an operator.
class BooksTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    staff_ = std::make_unique<ApiUser>(SharedStack());
    ASSERT_THAT(AssignRole(staff_->user_id(), "admin"), IsOk());
    staff_token_ = TokenWith(*staff_, "reconciliation:read reconciliation:write customers:write");
  }
  static void TearDownTestSuite() { staff_.reset(); }
  BooksTest() {
    anna_.Deposit(annas_, 100'000);
    bens_ = OpenIn(ben_, "other").Text("account_id");
    ben_.Deposit(bens_, 50'000);
  }
  // Whatever a test has done: each book balances, and nothing is between them.
  void TearDown() override {
    for (const char* side : {"minor", "pending_minor"}) {
      EXPECT_EQ(SharedStack().Query(absl::StrCat(
                    "SELECT count(*) FROM (SELECT book FROM ledger.entries GROUP BY book HAVING "
                    "sum(debit_",
                    side, ") <> sum(credit_", side, ")) AS unbalanced")),
                "0");
    }
    const Answer run = Reconcile();
    EXPECT_EQ(run.Text("found"), "0") << run;
    ASSERT_TRUE(run.body.contains("clearings")) << run;
    for (const auto& one : run.body.at("clearings").as_array()) {
      const boost::json::object& clearing = one.as_object();
      EXPECT_TRUE(clearing.at("agrees").as_bool()) << run;
      EXPECT_EQ(clearing.at("owed"), clearing.at("due")) << run;
      EXPECT_EQ(clearing.at("under_way").at("minor_units"), "0") << run;
    }
  }

  static Answer Reconcile() {
    const Answer run =
        staff_->Post("/v1/discrepancies:reconcile", boost::json::object(), {.token = staff_token_});
    EXPECT_EQ(Outcome(run), "200") << run;
    return run;
  }
  static std::string Path(const std::string& account, const std::string& rest = "") {
    return absl::StrCat("/v1/accounts/", account, rest);
  }
  static std::string Available(ApiUser& user, const std::string& account) {
    return user.Get(Path(account)).Text("balance.available.minor_units");
  }

  static inline std::unique_ptr<ApiUser> staff_;
  static inline std::string staff_token_;
  ApiUser anna_{SharedStack()};
  ApiUser ben_{SharedStack()};
  const std::string annas_ = anna_.OpenAccount("EUR");
  std::string bens_;
};

TEST_F(BooksTest, AnAccountIsOpenedInItsBook) {
  const Answer there = OpenIn(ben_, "other");
  ASSERT_EQ(Outcome(there), "200") << there;
  EXPECT_EQ(there.Text("book"), "other");
  EXPECT_EQ(anna_.Get(Path(annas_)).Text("book"), "main");
  EXPECT_EQ(ben_.Balance(bens_), 50'000);
  const Answer entries = ben_.Get(Path(bens_, "/entries"));
  ASSERT_EQ(Outcome(entries), "200") << entries;
  EXPECT_EQ(entries.body.at("entries").as_array().size(), 1U);
  const Answer unknown = OpenIn(ben_, "elsewhere");
  EXPECT_EQ(Outcome(unknown), "400 invalid_field") << unknown;
  EXPECT_EQ(unknown.Text("param"), "book");
  // Closed there, too.
  EXPECT_EQ(Outcome(ben_.Post(Path(there.Text("account_id"), ":close"), boost::json::object())),
            "200");
  EXPECT_EQ(Outcome(anna_.Pay(annas_, there.Text("account_id"), 1)), "422 account_closed");
}

TEST_F(BooksTest, MoneyGoesThereAndBack) {
  const Answer paid = anna_.Pay(annas_, bens_, 30'000);
  ASSERT_EQ(Outcome(paid), "200") << paid;
  EXPECT_EQ(paid.Text("state"), "SUCCEEDED");
  EXPECT_EQ(anna_.Balance(annas_), 70'000);
  EXPECT_EQ(ben_.Balance(bens_), 80'000);
  const std::string path = absl::StrCat("/v1/payments/", paid.Text("payment_id"));
  EXPECT_EQ(anna_.Get(path).Text("state"), "SUCCEEDED");
  EXPECT_EQ(ben_.Get(path).Text("state"), "SUCCEEDED");
  EXPECT_EQ(Outcome(anna_.Get(path + "/timeline")), "200");
  EXPECT_EQ(Outcome(ben_.Pay(bens_, annas_, 5'000)), "200");
  EXPECT_EQ(anna_.Balance(annas_), 75'000);
  EXPECT_EQ(ben_.Balance(bens_), 75'000);
  // Both sides show it in their statements, under the payment's id.
  for (const auto& [user, account] : {std::pair(&anna_, annas_), std::pair(&ben_, bens_)}) {
    const Answer entries = user->Get(Path(account, "/entries"));
    EXPECT_NE(boost::json::serialize(entries.body).find(paid.Text("payment_id")),
              std::string::npos);
  }
}

TEST_F(BooksTest, ARefusedCreditGivesTheMoneyBack) {
  const Answer frozen =
      staff_->Post(Path(bens_, ":freeze"), {{"sides", "CREDITS"}, {"reason", "court_order"}},
                   {.token = staff_token_});
  ASSERT_EQ(Outcome(frozen), "200") << frozen;
  const Sent same = {.key = Fresh("key")};
  const Answer refused = anna_.Pay(annas_, bens_, 30'000, same);
  EXPECT_EQ(Outcome(refused), "422 account_frozen") << refused;
  EXPECT_EQ(Available(anna_, annas_), "100000");
  EXPECT_EQ(ben_.Balance(bens_), 50'000);
  const Answer thawed =
      staff_->Post(Path(bens_, ":unfreeze"), boost::json::object(), {.token = staff_token_});
  ASSERT_EQ(Outcome(thawed), "200") << thawed;
  // Who got a no never finds that it became a yes.
  EXPECT_EQ(Outcome(anna_.Pay(annas_, bens_, 30'000, same)), "422 account_frozen");
  EXPECT_EQ(Outcome(anna_.Pay(annas_, bens_, 30'000)), "200");
}

TEST_F(BooksTest, WhatCannotBeIsRefused) {
  EXPECT_EQ(Outcome(anna_.Pay(annas_, bens_, 100'001)), "422 insufficient_funds");
  EXPECT_EQ(Available(anna_, annas_), "100000");
  boost::json::object manual = PaymentBody(annas_, bens_, "100");
  manual["capture_method"] = "MANUAL";
  const Answer refused = anna_.Post("/v1/payments", manual);
  EXPECT_EQ(Outcome(refused), "400 invalid_field") << refused;
  EXPECT_EQ(refused.Text("param"), "capture_method");
  const Answer paid = anna_.Pay(annas_, bens_, 100);
  const Answer refund = ben_.Post(
      absl::StrCat("/v1/payments/", paid.Text("payment_id"), "/refunds"), boost::json::object());
  EXPECT_EQ(Outcome(refund), "409 payment_not_refundable") << refund;
}

TEST_F(BooksTest, WithinTheOtherBookAllIsAsInTheUsualOne) {
  ApiUser carl{SharedStack()};
  const std::string carls = OpenIn(carl, "other").Text("account_id");
  const Answer paid = ben_.Pay(bens_, carls, 20'000);
  ASSERT_EQ(Outcome(paid), "200") << paid;
  EXPECT_EQ(carl.Balance(carls), 20'000);
  const Answer refund = carl.Post(
      absl::StrCat("/v1/payments/", paid.Text("payment_id"), "/refunds"), boost::json::object());
  EXPECT_EQ(Outcome(refund), "200") << refund;
  EXPECT_EQ(ben_.Balance(bens_), 50'000);
}

// Kills payments while money goes both ways; then every payment has ended, and none is lost.
TEST_F(BooksTest, ACrashAmidPaymentsLosesNothing) {
  constexpr int kPayers = 4;
  std::atomic<bool> stop = false;
  std::atomic<int> asked = 0;
  std::vector<std::string> keys[kPayers];
  std::vector<std::unique_ptr<ApiUser>> users;
  for (int i = 0; i < kPayers; ++i) {
    users.push_back(std::make_unique<ApiUser>(SharedStack(), i % 2 == 0 ? anna_ : ben_));
  }
  const auto pay = [&](int i, const std::string& key) {
    const bool there = i % 2 == 0;
    const std::string& from = there ? annas_ : bens_;
    return users[i]->Pay(from, there ? bens_ : annas_, 1 + i, {.key = key});
  };
  std::vector<std::thread> payers;
  for (int i = 0; i < kPayers; ++i) {
    payers.emplace_back([&, i] {
      while (!stop) {
        keys[i].push_back(Fresh("crash"));
        // As an app does: the same key until there is an answer.
        while (pay(i, keys[i].back()).status != 200 && !stop) {
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        ++asked;
      }
    });
  }
  for (int kill = 0; kill < 3; ++kill) {
    const int before = asked;
    while (asked < before + 30) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    SharedStack().Kill("payments");
    SharedStack().Restart("payments");
  }
  stop = true;
  for (std::thread& payer : payers) payer.join();
  const auto open = [] {
    return SharedStack().Query("SELECT count(*) FROM payments.payments WHERE state = 'processing'");
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (open() != "0" && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(open(), "0");
  std::int64_t there = 0;
  std::int64_t back = 0;
  for (int i = 0; i < kPayers; ++i) {
    for (const std::string& key : keys[i]) {
      Answer paid = pay(i, key);
      if (paid.status == 0) paid = pay(i, key);  // The connection was idle for too long.
      EXPECT_EQ(Outcome(paid), "200") << paid;
      EXPECT_EQ(paid.Text("state"), "SUCCEEDED") << paid;
      (i % 2 == 0 ? there : back) += 1 + i;
    }
  }
  EXPECT_GT(there + back, 0);
  EXPECT_EQ(anna_.Balance(annas_), 100'000 - there + back);
  EXPECT_EQ(ben_.Balance(bens_), 50'000 + there - back);
  EXPECT_EQ(Available(anna_, annas_), absl::StrCat(100'000 - there + back));
  EXPECT_EQ(SharedStack().Query("SELECT count(*) FROM payments.book_transfers WHERE stage NOT IN "
                                "('captured', 'refused', 'voided')"),
            "0");
}

}  // namespace
}  // namespace florin::e2e
