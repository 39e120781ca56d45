// The ledger and its database are killed with -9 at random under load; afterwards everything that
// was acknowledged is there as it was acknowledged, once, nothing else is, and florin-verify finds
// no record, entry, account, hold or tree head that does not follow from the others.
//
// FLORIN_CRASH_SECONDS says how long (default 15; 600 is the run that counts), FLORIN_CRASH_SEED
// repeats the choices of an earlier run; its timing depends on the machine all the same.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "florin/ledger/v1/ledger.rpc.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/ids/ids.h"
#include "libs/rpc/channel.h"
#include "libs/status/matchers.h"
#include "tests/crash/books.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

namespace v1 = ledger::v1;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr int kClients = 12;
constexpr int kWallets = 30;
constexpr std::uint64_t kLarge = 60;     // Transactions of a large request.
constexpr std::int64_t kFunds = 20'000;  // Little enough that some transactions are refused.

std::string NewAccountId() { return FormatId(IdKind::kAccount, SystemIds().NewId()); }
std::string NewTransactionId() { return FormatId(IdKind::kTransaction, SystemIds().NewId()); }

// What a client was told of a transaction: "7 committed" or "8 insufficient_funds".
std::string Fate(const v1::TransactionResult& result) {
  return result.has_committed()
             ? absl::StrCat(result.committed().sequence(), " committed")
             : absl::StrCat(result.refused().sequence(), " ", result.refused().reason());
}

// Clients that post, hold, capture, void and reverse, and repeat each request until they are told
// its outcome. One thread runs them, so only what main() asks for is locked.
class Load {
 public:
  Load(rpc::Channel* channel, async::Runtime& runtime, std::uint64_t seed)
      : ledger_(channel), runtime_(runtime) {
    OpenAccounts();
    for (int i = 0; i < kClients; ++i) {
      ended_.push_back(asio::co_spawn(
          runtime_.executor(), Work(seed + static_cast<std::uint64_t>(i)), asio::use_future));
    }
  }

  // Waits until so many more transactions were acknowledged, however long that takes within two
  // minutes.
  void AwaitAcknowledged(std::size_t more) {
    std::unique_lock lock(mutex_);
    const std::size_t goal = acknowledged_.size() + more;
    ASSERT_TRUE(changed_.wait_for(lock, std::chrono::minutes(2),
                                  [&] { return acknowledged_.size() >= goal; }))
        << acknowledged_.size() << " transactions, not " << goal;
  }

  // Lets every client finish its request.
  void Stop() {
    stopping_ = true;
    for (std::future<void>& client : ended_) client.get();
    ended_.clear();
  }

  // By id, what was told of it. After Stop().
  const std::map<std::string, std::string>& acknowledged() const { return acknowledged_; }
  int lost_answers() const { return lost_answers_; }
  int repetitions() const { return repetitions_; }

 private:
  // What a client has under way and could refer to.
  struct Client {
    explicit Client(std::uint64_t seed) : random(seed) {}
    std::mt19937_64 random;
    std::vector<std::string> holds;
    std::vector<std::string> posted;
    std::vector<v1::PostTransactionsRequest> earlier;
  };

  void OpenAccounts() {
    v1::OpenAccountsRequest opening;
    v1::PostTransactionsRequest funding;
    opening.set_book("main");
    funding.set_book("main");
    const std::string rail = NewAccountId();
    for (int i = 0; i <= kWallets; ++i) {
      v1::Account* account = opening.add_accounts();
      account->set_account_id(i == 0 ? rail : NewAccountId());
      account->set_currency("EUR");
      account->set_normal_side(i == 0 ? v1::DEBIT : v1::CREDIT);
      account->set_debits_must_not_exceed_credits(i > 0);
      if (i == 0) continue;
      wallets_.push_back(account->account_id());
      v1::TransactionInput* deposit = funding.add_transactions();
      deposit->set_transaction_id(NewTransactionId());
      AddPosting(rail, account->account_id(), kFunds, *deposit);
    }
    EXPECT_THAT(runtime_.Run(ledger_.OpenAccounts(rpc::Outgoing(), opening)), IsOk());
    const auto funded = runtime_.Run(ledger_.PostTransactions(rpc::Outgoing(), funding));
    ASSERT_THAT(funded, IsOk());
    Acknowledge(funding, *funded);
  }

  static void AddPosting(const std::string& debit, const std::string& credit,
                         std::int64_t amount_minor, v1::TransactionInput& transaction) {
    v1::Posting* posting = transaction.add_postings();
    posting->set_debit_account_id(debit);
    posting->set_credit_account_id(credit);
    posting->set_amount_minor(amount_minor);
  }

  void AddMove(Client& client, v1::TransactionInput& transaction) {
    const std::size_t from = client.random() % wallets_.size();
    const std::size_t to = (from + 1 + client.random() % (wallets_.size() - 1)) % wallets_.size();
    AddPosting(wallets_[from], wallets_[to], static_cast<std::int64_t>(1 + client.random() % 3000),
               transaction);
  }

  static std::string TakeOne(Client& client, std::vector<std::string>& from) {
    const std::size_t chosen = client.random() % from.size();
    std::string taken = from[chosen];
    from.erase(from.begin() + static_cast<std::ptrdiff_t>(chosen));
    return taken;
  }

  void AddTransaction(Client& client, v1::PostTransactionsRequest& request) {
    v1::TransactionInput& transaction = *request.add_transactions();
    transaction.set_transaction_id(NewTransactionId());
    const std::uint64_t kind = client.random() % 10;
    if (kind < 2 && !client.holds.empty()) {
      transaction.mutable_capture()->set_hold_id(TakeOne(client, client.holds));
    } else if (kind < 3 && !client.holds.empty()) {
      transaction.mutable_void_()->set_hold_id(TakeOne(client, client.holds));
    } else if (kind < 4 && !client.posted.empty()) {
      transaction.mutable_reversal()->set_transaction_id(TakeOne(client, client.posted));
    } else if (kind < 7) {
      AddMove(client, transaction);
      // Some expire before they are captured: the sweeper is killed in its work, too.
      transaction.mutable_hold()->mutable_timeout()->set_seconds(1 + client.random() % 20);
      client.holds.push_back(transaction.transaction_id());
    } else {
      AddPost(client, transaction);
    }
  }

  void AddPost(Client& client, v1::TransactionInput& transaction) {
    AddMove(client, transaction);
    if (client.random() % 3 == 0) AddMove(client, transaction);
    client.posted.push_back(transaction.transaction_id());
  }

  // A new request, or one of earlier once more.
  v1::PostTransactionsRequest NextRequest(Client& client) {
    if (!client.earlier.empty() && client.random() % 8 == 0) {
      ++repetitions_;
      return client.earlier[client.random() % client.earlier.size()];
    }
    v1::PostTransactionsRequest request;
    request.set_book("main");
    // Large ones, so that more waits than one commit takes, and batches are decided ahead.
    const bool large = client.random() % 6 == 0;
    const std::uint64_t count = large ? kLarge : 1 + client.random() % 5;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!large) {
        AddTransaction(client, request);
        continue;
      }
      v1::TransactionInput& post = *request.add_transactions();
      post.set_transaction_id(NewTransactionId());
      AddPost(client, post);
    }
    client.earlier.push_back(request);
    return request;
  }

  Task<void> Work(std::uint64_t seed) {
    Client client(seed);
    while (!stopping_) {
      const v1::PostTransactionsRequest request = NextRequest(client);
      absl::StatusOr<v1::PostTransactionsResponse> response =
          co_await ledger_.PostTransactions(rpc::Outgoing(), request);
      while (!response.ok()) {
        ++lost_answers_;
        co_await Pause();
        response = co_await ledger_.PostTransactions(rpc::Outgoing(), request);
      }
      Acknowledge(request, *response);
    }
  }

  // As a polite client.
  static Task<void> Pause() {
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, Executor>
        timer(co_await asio::this_coro::executor, std::chrono::milliseconds(20));
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(use_task, ignored));
  }

  // Notes what was told; what had been told before must be told again.
  void Acknowledge(const v1::PostTransactionsRequest& request,
                   const v1::PostTransactionsResponse& response) {
    std::lock_guard lock(mutex_);
    for (int i = 0; i < request.transactions_size(); ++i) {
      const std::string& id = request.transactions(i).transaction_id();
      const std::string fate = Fate(response.results(i));
      const auto [known, is_new] = acknowledged_.emplace(id, fate);
      EXPECT_EQ(known->second, fate) << id;
    }
    changed_.notify_all();
  }

  v1::LedgerClient ledger_;
  async::Runtime& runtime_;
  std::vector<std::string> wallets_;
  std::vector<std::future<void>> ended_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> lost_answers_ = 0;
  std::atomic<int> repetitions_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::string> acknowledged_;  // Guarded by mutex_.
};

// What the journal has of clients' transactions: openings and expiries are the ledger's own.
std::map<std::string, std::string> JournalFates() {
  const std::string rows = SharedStack().Query(
      "SELECT transaction_id, sequence, coalesce(reason, 'committed') FROM ledger.journal "
      "WHERE book = 'main' AND kind NOT IN ('open_account', 'expire')");
  std::map<std::string, std::string> fates;
  for (const absl::string_view row : absl::StrSplit(rows, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> fields = absl::StrSplit(row, '|');
    const std::string id = FormatId(IdKind::kTransaction, Uuid::Parse(fields.at(0)).value());
    EXPECT_TRUE(fates.emplace(id, absl::StrCat(fields.at(1), " ", fields.at(2))).second) << id;
  }
  return fates;
}

std::uint64_t NumberFrom(const char* variable, const std::function<std::uint64_t()>& otherwise) {
  const char* given = std::getenv(variable);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise();
}

TEST(LedgerCrash, WhatIsAcknowledgedIsThereOnceAndFollows) {
  const std::uint64_t seed = NumberFrom("FLORIN_CRASH_SEED", [] { return std::random_device()(); });
  const std::uint64_t seconds = NumberFrom("FLORIN_CRASH_SECONDS", [] { return 15; });
  std::cout << "FLORIN_CRASH_SEED=" << seed << std::endl;
  std::mt19937_64 random(seed);
  async::Runtime runtime(1);
  rpc::Channel channel(runtime.executor(),
                       {.target = SharedStack().Variable("FLORIN_LEDGER"),
                        .service = "ledger",
                        .certificates = rpc::CertificateFiles::In(
                            SharedStack().Variable("FLORIN_CERTS"), "payments")});
  Load load(&channel, runtime, seed);
  const SteadyTime end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  int kills = 0;
  // Each once at least, however slow the machine is.
  while ((kills < 4 || std::chrono::steady_clock::now() < end) && !HasFailure()) {
    load.AwaitAcknowledged(50 + random() % 500);
    const std::string victim = kills % 4 == 3 || random() % 3 == 0 ? "postgres" : "ledger";
    SharedStack().Kill(victim);
    SharedStack().Restart(victim);
    ++kills;
  }
  // Without the ledger nothing would be acknowledged any more.
  if (!HasFailure()) load.AwaitAcknowledged(200);
  load.Stop();

  const std::map<std::string, std::string> found = JournalFates();
  std::cout << kills << " kills, " << load.acknowledged().size() << " transactions acknowledged, "
            << found.size() << " found, " << load.lost_answers() << " answers lost, "
            << load.repetitions() << " requests repeated later" << std::endl;
  for (const auto& [id, fate] : load.acknowledged()) {
    const auto kept = found.find(id);
    ASSERT_NE(kept, found.end()) << id << " was acknowledged as " << fate << " and is lost";
    EXPECT_EQ(kept->second, fate) << id;
  }
  EXPECT_EQ(found.size(), load.acknowledged().size()) << "something happened that nobody was told";
  ExpectVerified();
}

}  // namespace
}  // namespace florin::e2e
