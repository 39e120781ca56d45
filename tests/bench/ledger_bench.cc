// Load for tests/bench/run ledger: PostTransactions over mutual TLS, as the service payments.
//
//   ledger_bench --prepare=FILE --books=main --target=… --certificates=…   opens funded accounts
//   ledger_bench --with=FILE --mode=unary --inflight=256 --target=… …      pays between them
//
// A closed loop: so many calls are under way at once, each followed by the next. Accounts are
// wallets that cannot be overdrawn, funded beforehand, so every rule binds. Prints one JSON object.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <boost/asio/use_future.hpp>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "florin/ledger/v1/ledger.rpc.h"
#include "libs/async/runtime.h"
#include "libs/config/config.h"
#include "libs/ids/ids.h"
#include "libs/rpc/channel.h"

ABSL_FLAG(std::string, target, "", "The ledger, host:port.");
ABSL_FLAG(std::string, certificates, "", "Directory with the certificate of payments.");
ABSL_FLAG(std::string, prepare, "", "Open accounts, note them in this file, and end.");
ABSL_FLAG(std::string, with, "", "The file with the accounts.");
ABSL_FLAG(
    std::string, mode, "unary",
    "unary: one transaction a call; batch: many; holds: a hold and then its capture, by turns; "
    "duplicates: four of five transactions repeat one of the last 1000.");
ABSL_FLAG(int, batch, 0, "Transactions a call; 0 means 100 in mode batch, 1 in the others.");
ABSL_FLAG(int, inflight, 0, "Calls at once; 0 means 32 in mode batch, 256 in the others.");
ABSL_FLAG(double, seconds, 10, "How long to post.");
ABSL_FLAG(std::vector<std::string>, books, {"main"},
          "Books to post to, which exist; the callers are spread over them.");
ABSL_FLAG(int, accounts, 10'000, "Accounts to pay from and to, in each book.");
ABSL_FLAG(bool, share_stream, true,
          "Calls share a stream, as those between services do; false: each goes alone, as those of "
          "other people's clients do.");
ABSL_FLAG(int, hot, 0, "Pay only to the first of these many accounts; 0: to all.");

namespace florin::bench {
namespace {

namespace v1 = ledger::v1;
using Seconds = std::chrono::duration<double>;
using Time = std::chrono::steady_clock::time_point;

constexpr int kMostInACall = 100;
constexpr std::int64_t kFunds = 1'000'000'000'000;
constexpr std::size_t kRemembered = 1000;  // Transactions that may be repeated.

[[noreturn]] void Fail(const std::string& message) {
  std::cerr << "ledger_bench: " << message << std::endl;
  std::exit(1);
}

std::string NewTransactionId() { return FormatId(IdKind::kTransaction, SystemIds().NewId()); }

v1::TransactionInput* AddTransaction(v1::PostTransactionsRequest& request, const std::string& debit,
                                     const std::string& credit, std::int64_t amount_minor) {
  v1::TransactionInput* transaction = request.add_transactions();
  transaction->set_transaction_id(NewTransactionId());
  v1::Posting* posting = transaction->add_postings();
  posting->set_debit_account_id(debit);
  posting->set_credit_account_id(credit);
  posting->set_amount_minor(amount_minor);
  return transaction;
}

// A book with funded accounts.
struct Book {
  std::string name;
  std::vector<std::string> accounts;
};

// What all loops share. One thread runs them, so nothing is locked.
struct Bench {
  explicit Bench(rpc::Channel* channel) : client(channel) {}

  v1::LedgerClient client;
  std::vector<Book> books;
  std::size_t destinations = 0;  // Accounts of each book that are paid to.
  int batch = 1;
  Time end;
  std::vector<double> milliseconds;  // Of each call that succeeded.
  std::int64_t committed = 0;
  std::int64_t replayed = 0;
  std::int64_t refused = 0;
  std::string first_refusal;
};

// Opens the accounts from `begin` on, as many as go into one call, and puts money into them.
void OpenSome(async::Runtime& runtime, Bench& bench, const Book& book, const std::string& rail,
              std::size_t begin) {
  v1::OpenAccountsRequest opening;
  v1::PostTransactionsRequest funding;
  opening.set_book(book.name);
  funding.set_book(book.name);
  const std::size_t end = std::min(begin + kMostInACall, book.accounts.size());
  for (std::size_t i = begin; i < end; ++i) {
    v1::Account* account = opening.add_accounts();
    account->set_account_id(book.accounts[i]);
    account->set_currency("EUR");
    account->set_normal_side(v1::CREDIT);
    account->set_debits_must_not_exceed_credits(true);
    AddTransaction(funding, rail, book.accounts[i], kFunds);
  }
  const auto opened = runtime.Run(bench.client.OpenAccounts(rpc::Outgoing(), opening));
  if (!opened.ok()) Fail(opened.status().ToString());
  const auto funded = runtime.Run(bench.client.PostTransactions(rpc::Outgoing(), funding));
  if (!funded.ok()) Fail(funded.status().ToString());
}

Book OpenBook(async::Runtime& runtime, Bench& bench, const std::string& name) {
  Book book{.name = name, .accounts = {}};
  for (int i = 0; i < absl::GetFlag(FLAGS_accounts); ++i) {
    book.accounts.push_back(FormatId(IdKind::kAccount, SystemIds().NewId()));
  }
  const std::string rail = FormatId(IdKind::kAccount, SystemIds().NewId());
  v1::OpenAccountsRequest opening;
  opening.set_book(name);
  v1::Account* account = opening.add_accounts();
  account->set_account_id(rail);
  account->set_currency("EUR");
  account->set_normal_side(v1::DEBIT);
  const auto opened = runtime.Run(bench.client.OpenAccounts(rpc::Outgoing(), opening));
  if (!opened.ok()) Fail(opened.status().ToString());
  for (std::size_t i = 0; i < book.accounts.size(); i += kMostInACall) {
    OpenSome(runtime, bench, book, rail, i);
  }
  return book;
}

void Prepare(async::Runtime& runtime, Bench& bench) {
  std::ofstream file(absl::GetFlag(FLAGS_prepare));
  for (const std::string& name : absl::GetFlag(FLAGS_books)) {
    const Book book = OpenBook(runtime, bench, name);
    for (const std::string& account : book.accounts) file << name << ' ' << account << '\n';
  }
  if (!file.flush()) Fail("cannot write the accounts");
}

// The accounts of the books that are to be posted to.
void ReadBooks(Bench& bench) {
  for (const std::string& name : absl::GetFlag(FLAGS_books)) {
    bench.books.push_back({.name = name, .accounts = {}});
  }
  std::ifstream file(absl::GetFlag(FLAGS_with));
  std::string name;
  std::string account;
  while (file >> name >> account) {
    for (Book& book : bench.books) {
      if (book.name == name) book.accounts.push_back(account);
    }
  }
  for (const Book& book : bench.books) {
    if (book.accounts.size() < 2) Fail("no accounts of " + book.name + "; see --prepare");
  }
}

// One caller: makes a request after the other.
class Caller {
 public:
  Caller(const Bench& bench, std::uint64_t seed)
      : bench_(bench), book_(bench.books[seed % bench.books.size()]), random_(seed) {}

  v1::PostTransactionsRequest Transfers() {
    v1::PostTransactionsRequest request = Begin();
    for (int i = 0; i < bench_.batch; ++i) AddTransfer(request);
    return request;
  }

  // Holds, and with the next call their captures.
  v1::PostTransactionsRequest HoldsOrCaptures() {
    v1::PostTransactionsRequest request = Begin();
    if (!held_.empty()) {
      for (const std::string& hold : held_) {
        v1::TransactionInput* capture = request.add_transactions();
        capture->set_transaction_id(NewTransactionId());
        capture->mutable_capture()->set_hold_id(hold);
      }
      held_.clear();
      return request;
    }
    for (int i = 0; i < bench_.batch; ++i) {
      v1::TransactionInput* hold = AddTransfer(request);
      hold->mutable_hold()->mutable_timeout()->set_seconds(3600);
      held_.push_back(hold->transaction_id());
    }
    return request;
  }

  v1::PostTransactionsRequest MostlyDuplicates() {
    v1::PostTransactionsRequest request = Begin();
    for (int i = 0; i < bench_.batch; ++i) {
      if (!posted_.empty() && random_() % 5 != 0) {
        *request.add_transactions() = posted_[random_() % posted_.size()];
        continue;
      }
      posted_.push_back(*AddTransfer(request));
      if (posted_.size() > kRemembered) posted_.pop_front();
    }
    return request;
  }

 private:
  v1::PostTransactionsRequest Begin() const {
    v1::PostTransactionsRequest request;
    request.set_book(book_.name);
    return request;
  }

  v1::TransactionInput* AddTransfer(v1::PostTransactionsRequest& request) {
    const std::vector<std::string>& accounts = book_.accounts;
    const std::size_t source = random_() % accounts.size();
    std::size_t destination = random_() % bench_.destinations;
    if (destination == source) destination = (source + 1) % accounts.size();
    return AddTransaction(request, accounts[source], accounts[destination],
                          static_cast<std::int64_t>(1 + random_() % 1000));
  }

  const Bench& bench_;
  const Book& book_;
  std::mt19937_64 random_;
  std::vector<std::string> held_;
  std::deque<v1::TransactionInput> posted_;
};

using NextRequest = v1::PostTransactionsRequest (Caller::*)();

NextRequest WorkloadOf(const std::string& mode) {
  if (mode == "unary" || mode == "batch") return &Caller::Transfers;
  if (mode == "holds") return &Caller::HoldsOrCaptures;
  if (mode == "duplicates") return &Caller::MostlyDuplicates;
  Fail("--mode is unary, batch, holds or duplicates");
}

void Record(Bench& bench, const absl::StatusOr<v1::PostTransactionsResponse>& response,
            Seconds taken) {
  if (!response.ok()) {
    if (bench.refused++ == 0) bench.first_refusal = response.status().ToString();
    return;
  }
  bench.milliseconds.push_back(taken.count() * 1000);
  for (const v1::TransactionResult& result : response->results()) {
    if (result.has_committed()) {
      ++(result.replayed() ? bench.replayed : bench.committed);
    } else if (bench.refused++ == 0) {
      bench.first_refusal = result.refused().reason();
    }
  }
}

Task<void> PostUntilTheEnd(Bench& bench, std::uint64_t seed, NextRequest next) {
  Caller caller(bench, seed);
  while (std::chrono::steady_clock::now() < bench.end) {
    const v1::PostTransactionsRequest request = (caller.*next)();
    const Time start = std::chrono::steady_clock::now();
    const auto response = co_await bench.client.PostTransactions(rpc::Outgoing(), request);
    Record(bench, response, std::chrono::steady_clock::now() - start);
  }
}

double CpuSeconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return time.tv_sec + time.tv_usec / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Keeps `inflight` calls under way; gives the time that it took, in seconds.
double Post(async::Runtime& runtime, Bench& bench, int inflight) {
  const Time start = std::chrono::steady_clock::now();
  bench.end = start + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                          Seconds(absl::GetFlag(FLAGS_seconds)));
  const NextRequest next = WorkloadOf(absl::GetFlag(FLAGS_mode));
  std::vector<std::future<void>> loops;
  for (int i = 0; i < inflight; ++i) {
    loops.push_back(asio::co_spawn(runtime.context(),
                                   PostUntilTheEnd(bench, static_cast<std::uint64_t>(i), next),
                                   asio::use_future));
  }
  for (std::future<void>& loop : loops) loop.get();
  return Seconds(std::chrono::steady_clock::now() - start).count();
}

void Print(Bench& bench, int inflight, double elapsed, double cpu_seconds) {
  std::vector<double>& sorted = bench.milliseconds;
  if (sorted.empty()) Fail(absl::StrCat("no call succeeded: ", bench.first_refusal));
  std::sort(sorted.begin(), sorted.end());
  const auto at = [&](double part) {
    return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
  };
  std::cout << absl::StrFormat(
                   R"({"mode": "%s", "inflight": %d, "batch": %d, "books": %d, "hot": %d, )"
                   R"("committed": %d, "replayed": %d, "refused": %d, "per_second": %.0f, )"
                   R"("p50_ms": %.2f, "p90_ms": %.2f, "p99_ms": %.2f, "p999_ms": %.2f, )"
                   R"("max_ms": %.2f, "seconds": %.2f, "client_cpu_percent": %.0f})",
                   absl::GetFlag(FLAGS_mode), inflight, bench.batch, bench.books.size(),
                   absl::GetFlag(FLAGS_hot), bench.committed, bench.replayed, bench.refused,
                   static_cast<double>(bench.committed + bench.replayed) / elapsed, at(0.5),
                   at(0.9), at(0.99), at(0.999), sorted.back(), elapsed,
                   100 * cpu_seconds / elapsed)
            << std::endl;
  if (bench.refused > 0) Fail(absl::StrCat("refused: ", bench.first_refusal));
}

void Main() {
  const std::string mode = absl::GetFlag(FLAGS_mode);
  WorkloadOf(mode);
  if (absl::GetFlag(FLAGS_accounts) < 2) Fail("--accounts is 2 at least");
  if (absl::GetFlag(FLAGS_books).empty()) Fail("--books names one at least");
  async::Runtime runtime(1);
  rpc::ChannelOptions options{
      .target = absl::GetFlag(FLAGS_target),
      .service = "ledger",
      .certificates = rpc::CertificateFiles::In(absl::GetFlag(FLAGS_certificates), "payments"),
      .share_stream = absl::GetFlag(FLAGS_share_stream)};
  rpc::Channel channel(runtime.executor(), options);
  Bench bench(&channel);
  bench.batch = absl::GetFlag(FLAGS_batch);
  if (bench.batch <= 0) bench.batch = mode == "batch" ? 100 : 1;
  if (!absl::GetFlag(FLAGS_prepare).empty()) {
    Prepare(runtime, bench);
    return;
  }
  ReadBooks(bench);
  bench.destinations = bench.books[0].accounts.size();
  if (const int hot = absl::GetFlag(FLAGS_hot); hot > 0) {
    bench.destinations = std::min(static_cast<std::size_t>(hot), bench.destinations);
  }
  int inflight = absl::GetFlag(FLAGS_inflight);
  if (inflight <= 0) inflight = mode == "batch" ? 32 : 256;
  const double cpu_before = CpuSeconds();
  const double elapsed = Post(runtime, bench, inflight);
  Print(bench, inflight, elapsed, CpuSeconds() - cpu_before);
}

}  // namespace
}  // namespace florin::bench

int main(int argc, char** argv) {
  florin::config::ParseFlags(argc, argv,
                             "Load of the ledger over mutual TLS; see tests/bench/run.");
  florin::bench::Main();
}
