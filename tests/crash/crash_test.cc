// Processes are killed with -9 while money moves; afterwards nothing is lost, nothing doubled,
// nothing left half done.
//
// FLORIN_CRASH_SEED repeats the choices of an earlier run; its timing depends on the machine all
// the same.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "tests/crash/books.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

using Deadline = std::chrono::steady_clock::time_point;
Deadline In(std::chrono::seconds seconds) { return std::chrono::steady_clock::now() + seconds; }

// Asks until `holds` or the deadline; gives whether it holds.
bool Eventually(Deadline deadline, const std::function<bool()>& holds) {
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

bool IsUnknown(const Answer& answer) {
  return answer.status == 0 || answer.status == 429 || answer.status >= 500;
}

// A payment whose outcome the client was told.
struct Acknowledged {
  std::string user_id;
  std::string key;
  std::string payment_id;
  std::string state;
  std::string source;
  std::string destination;
  std::int64_t minor_units = 0;
};

// Clients that pay between their accounts. Most repeat a payment of unknown outcome under its key
// until they are told.
class Load {
 public:
  Load(int clients, std::uint64_t seed) {
    for (int i = 0; i < clients; ++i) {
      users_.push_back(std::make_unique<ApiUser>(SharedStack()));
      accounts_.push_back(users_.back()->OpenAccount("EUR"));
      // Little enough that some payments are refused.
      users_.back()->Deposit(accounts_.back(), 2'000);
    }
    for (int i = 0; i < clients; ++i)
      threads_.emplace_back([this, i, seed] { Pay(i, seed + static_cast<std::uint64_t>(i)); });
  }
  ~Load() { Stop(); }

  // Lets every client finish its payment.
  void Stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  // Waits until so many more payments were acknowledged, however long that takes within a minute.
  void AwaitAcknowledged(std::size_t more) {
    std::unique_lock lock(mutex_);
    const std::size_t goal = acknowledged_.size() + more;
    ASSERT_TRUE(changed_.wait_for(lock, std::chrono::minutes(1),
                                  [&] { return acknowledged_.size() >= goal; }))
        << acknowledged_.size() << " payments, not " << goal;
  }

  // Only after Stop().
  const std::vector<Acknowledged>& acknowledged() const { return acknowledged_; }
  // Keys of payments whose outcome nobody asked for again.
  const std::set<std::string>& abandoned() const { return abandoned_; }
  ApiUser& UserOf(const Acknowledged& payment) {
    for (const auto& user : users_)
      if (user->user_id() == payment.user_id) return *user;
    std::abort();
  }
  std::size_t unknown_outcomes() const { return unknown_outcomes_; }

 private:
  void Pay(int client, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    ApiUser& user = *users_[client];
    while (!stopping_) {
      Acknowledged payment = {.user_id = user.user_id(), .source = accounts_[client]};
      payment.destination =
          accounts_[(client + 1 + random() % (accounts_.size() - 1)) % accounts_.size()];
      payment.minor_units = static_cast<std::int64_t>(1 + random() % 500);
      const Sent sent;
      payment.key = sent.key;
      const Deadline deadline = In(std::chrono::seconds(60));
      Answer answer = user.Pay(payment.source, payment.destination, payment.minor_units, sent);
      // Some clients are never seen again: then only the recovery worker can end what they began.
      if (IsUnknown(answer) && random() % 4 == 0) {
        std::lock_guard lock(mutex_);
        abandoned_.insert(payment.key);
        continue;
      }
      while (IsUnknown(answer) && std::chrono::steady_clock::now() < deadline) {
        ++unknown_outcomes_;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));  // As a polite client.
        answer = user.Pay(payment.source, payment.destination, payment.minor_units, sent);
      }
      if (answer.status == 200) {
        payment.payment_id = answer.Text("payment_id");
        payment.state = answer.Text("state");
      } else {
        EXPECT_EQ(Outcome(answer), "422 insufficient_funds");
        payment.payment_id = answer.Text("metadata.payment_id");
        payment.state = "FAILED";
      }
      std::lock_guard lock(mutex_);
      acknowledged_.push_back(std::move(payment));
      changed_.notify_all();
    }
  }

  std::vector<std::unique_ptr<ApiUser>> users_;
  std::vector<std::string> accounts_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::size_t> unknown_outcomes_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Acknowledged> acknowledged_;  // Guarded by mutex_.
  std::set<std::string> abandoned_;         // Guarded by mutex_.
};

// A payment that a crash has left behind ends within ten seconds of the restart, load or not. Gives
// how many there were.
std::size_t ExpectAllEndWithinTenSeconds() {
  const Deadline deadline = In(std::chrono::seconds(10));
  const std::string open =
      SharedStack().Query("SELECT payment_id FROM payments.payments WHERE state = 'processing'");
  if (open.empty()) return 0;
  const std::vector<std::string> ids = absl::StrSplit(open, '\n');
  const std::string left = absl::StrCat(
      "SELECT count(*) FROM payments.payments WHERE state = 'processing' AND payment_id IN ('",
      absl::StrJoin(ids, "', '"), "')");
  EXPECT_TRUE(Eventually(deadline, [&] { return SharedStack().Query(left) == "0"; }))
      << SharedStack().Query(left) << " payments are still in processing";
  return ids.size();
}

// A payment succeeded exactly if the ledger moved its money, once.
void ExpectPaymentsAgreeWithTheLedger() {
  EXPECT_EQ(
      SharedStack().Query("SELECT p.payment_id, p.state, t.transaction_id FROM payments.payments p "
                          "FULL JOIN (SELECT transaction_id FROM ledger.journal "
                          "  WHERE kind = 'post' AND reason IS NULL) t USING (transaction_id) "
                          "WHERE p.payment_id IS NULL OR (p.state = 'succeeded') <> "
                          "(t.transaction_id IS NOT NULL)"),
      "");
  // Two entries for each, of the payment's amount: one debit, one credit.
  EXPECT_EQ(SharedStack().Query(
                "SELECT p.payment_id FROM payments.payments p "
                "JOIN ledger.journal t USING (transaction_id) "
                "LEFT JOIN ledger.entries e ON e.book = t.book AND e.sequence = t.sequence "
                "WHERE p.state = 'succeeded' "
                "GROUP BY p.payment_id, p.amount_minor HAVING count(*) <> 2 "
                "OR sum(e.debit_minor) <> p.amount_minor OR sum(e.credit_minor) <> p.amount_minor"),
            "");
  EXPECT_EQ(
      SharedStack().Query("SELECT count(*) FROM payments.payments WHERE state = 'processing'"),
      "0");
}

// Every payment that a client was told of is there once, as it was told, and every other one was
// asked for, once.
void ExpectAcknowledgedPaymentsExist(const std::vector<Acknowledged>& acknowledged,
                                     const std::set<std::string>& abandoned) {
  std::multimap<std::string, std::string> kept;  // Idempotency key to "UUID|STATE".
  const std::string rows = SharedStack().Query(
      "SELECT idempotency_key, payment_id, upper(state) FROM payments.payments WHERE kind = "
      "'transfer'");
  for (const absl::string_view row : absl::StrSplit(rows, '\n', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> key_rest =
        absl::StrSplit(row, absl::MaxSplits('|', 1));
    kept.insert(key_rest);
  }
  std::size_t of_abandoned = 0;
  for (const std::string& key : abandoned) {
    EXPECT_LE(kept.count(key), 1u) << key;
    of_abandoned += kept.count(key);
  }
  EXPECT_EQ(kept.size(), acknowledged.size() + of_abandoned);
  for (const Acknowledged& payment : acknowledged) {
    ASSERT_EQ(kept.count(payment.key), 1u) << payment.key;
    const absl::StatusOr<Uuid> id = ParseId(IdKind::kPayment, payment.payment_id, "payment_id");
    ASSERT_TRUE(id.ok()) << payment.payment_id;
    EXPECT_EQ(kept.find(payment.key)->second, absl::StrCat(id->ToString(), "|", payment.state));
  }
}

std::uint64_t Seed() {
  const char* given = std::getenv("FLORIN_CRASH_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
}

TEST(Crash, LosesAndDoublesNothing) {
  const std::uint64_t seed = Seed();
  std::cout << "FLORIN_CRASH_SEED=" << seed << std::endl;
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random(seed);
  // Everything in turn, the database once, what moves money more often.
  std::vector<std::string> victims = {"ledger",   "ledger",  "payments", "payments", "accounts",
                                      "accounts", "gateway", "gateway",  "auth",     "postgres"};
  std::shuffle(victims.begin(), victims.end(), random);

  Load load(16, seed);
  std::size_t left_behind = 0;
  for (const std::string& victim : victims) {
    SCOPED_TRACE(victim);
    load.AwaitAcknowledged(20 + random() % 100);
    SharedStack().Kill(victim);
    SharedStack().Restart(victim);
    left_behind += ExpectAllEndWithinTenSeconds();
    if (HasFailure()) break;
  }
  load.AwaitAcknowledged(100);
  load.Stop();
  ExpectAllEndWithinTenSeconds();
  std::cout << load.acknowledged().size() << " payments, " << load.unknown_outcomes()
            << " answers lost, " << load.abandoned().size() << " of them for good, " << left_behind
            << " payments left in processing" << std::endl;

  ExpectBalancedBooks();
  ExpectPaymentsAgreeWithTheLedger();
  ExpectAcknowledgedPaymentsExist(load.acknowledged(), load.abandoned());
  // A retry long after gets the first answer.
  for (std::size_t i = 0; i < load.acknowledged().size();
       i += 1 + load.acknowledged().size() / 50) {
    const Acknowledged& payment = load.acknowledged()[i];
    const Answer again = load.UserOf(payment).Pay(payment.source, payment.destination,
                                                  payment.minor_units, {.key = payment.key});
    EXPECT_TRUE(again.replayed()) << again;
    EXPECT_EQ(again.status, payment.state == "SUCCEEDED" ? 200 : 422);
    EXPECT_EQ(again.Text(again.status == 200 ? "payment_id" : "metadata.payment_id"),
              payment.payment_id);
  }
}

}  // namespace
}  // namespace florin::e2e
