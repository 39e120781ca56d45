// What payouts cost, through HTTPS: taken with what is paid, not of what is rejected, kept or given
// back of what is returned; and what limits, statement, timeline and reconciliation make of it.
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
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
constexpr char kDelays[] = "DE55500105170600009001";
constexpr char kRejects[] = "DE28500105170600009002";
constexpr char kReturns[] = "DE98500105170600009003";

// A file that goes with the program.
class FeeFile {
 public:
  FeeFile() {
    close(mkstemp(path_.data()));
    std::ofstream(path_) << "payout EUR payer fixed=50 basis_points=100 min=60 max=200\n"
                            "payout USD payer fixed=50 returned=give_back\n";
  }
  ~FeeFile() { std::filesystem::remove(path_); }
  FeeFile(const FeeFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/florin-payout-fees.XXXXXX";
};

const std::string& FeePath() {
  static const FeeFile file;
  return file.path();
}

[[maybe_unused]] const bool kFees =
    AddSharedStackOptions({"--payments-flag", absl::StrCat("--fee_schedule=", FeePath()),
                           "--payments-flag", "--reconcile_interval=1h"});

// One who may see what does not agree.
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

// Credits less debits of the house's account `number`.
std::int64_t House(int number, const std::string& currency) {
  const Uuid id = DeriveId("florin.payments.house", absl::StrCat(number, ":", currency));
  return std::atoll(
      SharedStack()
          .Query(absl::StrCat("SELECT coalesce(sum(credit_minor - debit_minor), 0) FROM "
                              "ledger.entries WHERE account_id = '",
                              id.ToString(), "'"))
          .c_str());
}

// Whoever has 1000.00.
class PayoutFeesE2eTest : public ::testing::Test {
 protected:
  void Open(const std::string& currency) {
    currency_ = currency;
    account_ = user_.OpenAccount(currency);
    user_.Deposit(account_, 100'000, currency);
    income_ = House(4000, currency);
  }
  Answer Pay(const std::string& iban, std::int64_t minor_units, const Sent& sent = {}) {
    return user_.Post(
        "/v1/payouts",
        boost::json::object{
            {"source_account_id", account_},
            {"amount", {{"currency", currency_}, {"minor_units", absl::StrCat(minor_units)}}},
            {"beneficiary", {{"name", "Jo Elsewhere"}, {"iban", iban}}},
            {"reference", "Invoice 7"}},
        sent);
  }
  Answer Get(const std::string& payment_id) {
    return user_.Get(absl::StrCat("/v1/payouts/", payment_id));
  }
  Answer StateAfter(const std::string& payment_id, const std::string& expected) {
    Answer now = Get(payment_id);
    for (int i = 0; i < 300 && now.Text("payment.state") != expected; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      now = Get(payment_id);
    }
    EXPECT_EQ(now.Text("payment.state"), expected) << now;
    return now;
  }
  // So many days after the system's today.
  static std::string Day(int days) {
    return absl::FormatTime("%Y-%m-%d", absl::Now() + days * absl::Hours(24), absl::UTCTimeZone());
  }
  std::int64_t Income() const { return House(4000, currency_) - income_; }

  ApiUser user_{SharedStack()};
  std::string currency_;
  std::string account_;
  std::int64_t income_ = 0;
};

TEST_F(PayoutFeesE2eTest, IsTakenOnceWithWhatIsPaid) {
  Open("EUR");
  const Sent sent;
  const Answer payout = Pay(kAccepts, 1000, sent);
  ASSERT_EQ(Outcome(payout), "200") << payout;
  EXPECT_EQ(payout.Text("payment.fee.amount.minor_units"), "60");
  EXPECT_EQ(payout.Text("payment.fee.borne_by"), "PAYER");
  EXPECT_EQ(payout.Text("payment.debited.minor_units"), "1060");
  EXPECT_EQ(payout.Text("payment.credited.minor_units"), "1000");
  EXPECT_EQ(payout.Text("fee_state"), "TAKEN");
  EXPECT_EQ(user_.Balance(account_), 98'940);
  EXPECT_EQ(Income(), 60);
  const Answer again = Pay(kAccepts, 1000, sent);
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(again.body, payout.body);
  EXPECT_EQ(user_.Balance(account_), 98'940);
  EXPECT_EQ(Pay(kAccepts, 20'000).Text("payment.fee.amount.minor_units"), "200") << "the most";
  EXPECT_EQ(user_.Balance(account_), 78'740);
  EXPECT_EQ(House(2100, "EUR"), 0);
}

TEST_F(PayoutFeesE2eTest, MustBeCoveredAndFit) {
  Open("EUR");
  EXPECT_EQ(Outcome(Pay(kAccepts, 99'801)), "422 insufficient_funds");
  const Answer huge = Pay(kAccepts, INT64_MAX);
  EXPECT_EQ(Outcome(huge), "400 invalid_amount") << huge;
  EXPECT_EQ(huge.Text("param"), "amount.minor_units");
  EXPECT_EQ(user_.Balance(account_), 100'000);
  EXPECT_EQ(Outcome(Pay(kAccepts, 99'800)), "200");
  EXPECT_EQ(user_.Balance(account_), 0);
}

TEST_F(PayoutFeesE2eTest, NothingIsTakenOfWhatIsRejected) {
  Open("EUR");
  const Answer payout = Pay(kRejects, 1000);
  EXPECT_EQ(Outcome(payout), "422 rail_rejected") << payout;
  const Answer kept = Get(payout.Text("metadata.payment_id"));
  EXPECT_EQ(kept.Text("fee_state"), "GIVEN_BACK") << kept;
  EXPECT_EQ(user_.Balance(account_), 100'000);
  EXPECT_EQ(Income(), 0);
  const Answer timeline =
      user_.Get(absl::StrCat("/v1/payments/", payout.Text("metadata.payment_id"), "/timeline"));
  ASSERT_EQ(Outcome(timeline), "200") << timeline;
  bool told = false;
  for (const auto& entry : timeline.body.at("entries").as_array()) {
    if (entry.at("event") != "payout_rejected") continue;
    told = entry.at("inputs").at("fee") == "given_back";
  }
  EXPECT_TRUE(told) << timeline;
}

TEST_F(PayoutFeesE2eTest, OfWhatIsReturnedItIsKept) {
  Open("EUR");
  const Answer payout = Pay(kReturns, 1000);
  EXPECT_EQ(payout.body.at("fee_kept_if_returned"), true) << payout;
  Advance(user_, absl::Hours(25));
  const Answer returned = StateAfter(payout.Text("payment.payment_id"), "RETURNED");
  EXPECT_EQ(returned.Text("fee_state"), "TAKEN");
  EXPECT_EQ(user_.Balance(account_), 99'940);
  EXPECT_EQ(Income(), 60);
  // The statement has it as it was taken, the fee with the amount, and adds up to the balance.
  const Answer statement = user_.Get(absl::StrCat(
      "/v1/accounts/", account_, "/statement?first_date=", Day(-1), "&last_date=", Day(2)));
  ASSERT_EQ(Outcome(statement), "200") << statement;
  EXPECT_EQ(statement.Text("closing_balance.minor_units"), "99940") << statement;
  std::vector<std::string> lines;
  for (const auto& entry : statement.body.at("entries").as_array()) {
    const std::string_view payment_id = entry.at("payment_id").as_string();
    if (payment_id != payout.Text("payment.payment_id")) continue;
    lines.push_back(std::string(entry.at("credit_debit").as_string()) + " " +
                    std::string(entry.at("amount").at("minor_units").as_string()));
  }
  EXPECT_EQ(lines, (std::vector<std::string>{"DBIT 1060", "CRDT 1000"})) << statement;
}

TEST_F(PayoutFeesE2eTest, OrGivenBackWhereTheScheduleSaysSo) {
  Open("USD");
  const Answer payout = Pay(kReturns, 1000);
  ASSERT_EQ(payout.Text("payment.state"), "SUCCEEDED") << payout;
  EXPECT_EQ(user_.Balance(account_), 98'950);
  Advance(user_, absl::Hours(25));
  const Answer returned = StateAfter(payout.Text("payment.payment_id"), "RETURNED");
  EXPECT_EQ(returned.Text("fee_state"), "GIVEN_BACK");
  EXPECT_EQ(user_.Balance(account_), 100'000);
  EXPECT_EQ(Income(), 0);
}

// The rail's statement has the amounts, the ledger the fees, too: neither is a discrepancy.
TEST_F(PayoutFeesE2eTest, EverythingAgrees) {
  Open("EUR");
  for (const char* iban : {kAccepts, kRejects, kReturns}) Pay(iban, 1000);
  Open("USD");
  Pay(kReturns, 1000);
  Advance(user_, absl::Hours(25));
  for (int i = 0; i < 300 && user_.Balance(account_) != 100'000; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  Advance(user_, absl::Hours(26));
  Staff& staff = TheStaff();
  const Sent sent = {.token = staff.token};
  const Answer run = staff.user.Post("/v1/discrepancies:reconcile", boost::json::object(), sent);
  ASSERT_EQ(Outcome(run), "200") << run;
  const Answer found = staff.user.Get("/v1/discrepancies", sent);
  EXPECT_TRUE(found.body.at("discrepancies").as_array().empty()) << found;
}

// Killed while the fee is between the account and the house.
TEST_F(PayoutFeesE2eTest, SurvivesAPowerCut) {
  Open("EUR");
  const Answer payout = Pay(kDelays, 1000);
  ASSERT_EQ(payout.Text("payment.state"), "PROCESSING") << payout;
  EXPECT_EQ(payout.Text("fee_state"), "TAKEN");
  SharedStack().Kill("payments");
  SharedStack().Restart("payments");
  Advance(user_, absl::Minutes(61));
  StateAfter(payout.Text("payment.payment_id"), "SUCCEEDED");
  EXPECT_EQ(user_.Balance(account_), 98'940);
  EXPECT_EQ(Income(), 60);
  EXPECT_EQ(House(2100, "EUR"), 0);
}

}  // namespace
}  // namespace florin::e2e
