// Load for tests/bench/run ledger: PostTransactions over mutual TLS, as the service payments.
//
//   ledger_bench --target=… --certificates=… --mode=unary --inflight=256 --seconds=10
//
// A closed loop: so many calls are under way at once, each followed by the next. Accounts are
// wallets that cannot be overdrawn, funded beforehand, so every rule binds. Prints one JSON object.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
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
ABSL_FLAG(std::string, mode, "unary", "unary: one transaction a call; batch: many.");
ABSL_FLAG(int, batch, 100, "Transactions a call in mode batch.");
ABSL_FLAG(int, inflight, 0, "Calls at once; 0 means 256 in mode unary, 8 in mode batch.");
ABSL_FLAG(double, seconds, 10, "How long to post.");
ABSL_FLAG(int, accounts, 10'000, "Accounts to pay from and to.");
ABSL_FLAG(int, hot, 0, "Pay only to the first of these many accounts; 0: to all.");

namespace florin::bench {
namespace {

namespace v1 = ledger::v1;
using Seconds = std::chrono::duration<double>;
using Time = std::chrono::steady_clock::time_point;

constexpr char kBook[] = "main";
constexpr int kMostInACall = 100;
constexpr std::int64_t kFunds = 1'000'000'000'000;

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

// What all loops share. One thread runs them, so nothing is locked.
struct Bench {
  explicit Bench(rpc::Channel* channel) : client(channel) {}

  v1::LedgerClient client;
  std::vector<std::string> accounts;
  std::size_t destinations = 0;
  int batch = 1;
  Time end;
  std::vector<double> milliseconds;  // Of each call that succeeded.
  std::int64_t committed = 0;
  std::int64_t refused = 0;
  std::string first_refusal;
};

// Opens the accounts from `begin` on, as many as go into one call, and puts money into them.
void OpenSome(async::Runtime& runtime, Bench& bench, const std::string& rail, std::size_t begin) {
  v1::OpenAccountsRequest opening;
  v1::PostTransactionsRequest funding;
  opening.set_book(kBook);
  funding.set_book(kBook);
  const std::size_t end = std::min(begin + kMostInACall, bench.accounts.size());
  for (std::size_t i = begin; i < end; ++i) {
    v1::Account* account = opening.add_accounts();
    account->set_account_id(bench.accounts[i]);
    account->set_currency("EUR");
    account->set_normal_side(v1::CREDIT);
    account->set_debits_must_not_exceed_credits(true);
    AddTransaction(funding, rail, bench.accounts[i], kFunds);
  }
  const auto opened = runtime.Run(bench.client.OpenAccounts(rpc::Outgoing(), opening));
  if (!opened.ok()) Fail(opened.status().ToString());
  const auto funded = runtime.Run(bench.client.PostTransactions(rpc::Outgoing(), funding));
  if (!funded.ok()) Fail(funded.status().ToString());
}

void OpenAccounts(async::Runtime& runtime, Bench& bench) {
  for (int i = 0; i < absl::GetFlag(FLAGS_accounts); ++i) {
    bench.accounts.push_back(FormatId(IdKind::kAccount, SystemIds().NewId()));
  }
  const std::string rail = FormatId(IdKind::kAccount, SystemIds().NewId());
  v1::OpenAccountsRequest opening;
  opening.set_book(kBook);
  v1::Account* account = opening.add_accounts();
  account->set_account_id(rail);
  account->set_currency("EUR");
  account->set_normal_side(v1::DEBIT);
  const auto opened = runtime.Run(bench.client.OpenAccounts(rpc::Outgoing(), opening));
  if (!opened.ok()) Fail(opened.status().ToString());
  for (std::size_t i = 0; i < bench.accounts.size(); i += kMostInACall) {
    OpenSome(runtime, bench, rail, i);
  }
}

v1::PostTransactionsRequest RandomTransfers(const Bench& bench, std::mt19937_64& random) {
  v1::PostTransactionsRequest request;
  request.set_book(kBook);
  for (int i = 0; i < bench.batch; ++i) {
    const std::size_t source = random() % bench.accounts.size();
    std::size_t destination = random() % bench.destinations;
    if (destination == source) destination = (source + 1) % bench.accounts.size();
    AddTransaction(request, bench.accounts[source], bench.accounts[destination],
                   static_cast<std::int64_t>(1 + random() % 1000));
  }
  return request;
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
      ++bench.committed;
    } else if (bench.refused++ == 0) {
      bench.first_refusal = result.refused().reason();
    }
  }
}

Task<void> PostUntilTheEnd(Bench& bench, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  while (std::chrono::steady_clock::now() < bench.end) {
    const v1::PostTransactionsRequest request = RandomTransfers(bench, random);
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
  std::vector<std::future<void>> loops;
  for (int i = 0; i < inflight; ++i) {
    loops.push_back(asio::co_spawn(runtime.context(),
                                   PostUntilTheEnd(bench, static_cast<std::uint64_t>(i)),
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
                   R"({"mode": "%s", "inflight": %d, "batch": %d, "accounts": %d, "hot": %d, )"
                   R"("committed": %d, "refused": %d, "per_second": %.0f, "p50_ms": %.2f, )"
                   R"("p90_ms": %.2f, "p99_ms": %.2f, "p999_ms": %.2f, "max_ms": %.2f, )"
                   R"("seconds": %.2f, "client_cpu_percent": %.0f})",
                   absl::GetFlag(FLAGS_mode), inflight, bench.batch, bench.accounts.size(),
                   absl::GetFlag(FLAGS_hot), bench.committed, bench.refused,
                   static_cast<double>(bench.committed) / elapsed, at(0.5), at(0.9), at(0.99),
                   at(0.999), sorted.back(), elapsed, 100 * cpu_seconds / elapsed)
            << std::endl;
  if (bench.refused > 0) Fail(absl::StrCat("refused: ", bench.first_refusal));
}

void Main() {
  const bool batch = absl::GetFlag(FLAGS_mode) == "batch";
  if (!batch && absl::GetFlag(FLAGS_mode) != "unary") Fail("--mode is unary or batch");
  if (absl::GetFlag(FLAGS_accounts) < 2) Fail("--accounts is 2 at least");
  async::Runtime runtime(1);
  rpc::ChannelOptions options{
      .target = absl::GetFlag(FLAGS_target),
      .service = "ledger",
      .certificates = rpc::CertificateFiles::In(absl::GetFlag(FLAGS_certificates), "payments")};
  rpc::Channel channel(runtime.executor(), options);
  Bench bench(&channel);
  bench.batch = batch ? absl::GetFlag(FLAGS_batch) : 1;
  OpenAccounts(runtime, bench);
  bench.destinations =
      absl::GetFlag(FLAGS_hot) > 0
          ? std::min(static_cast<std::size_t>(absl::GetFlag(FLAGS_hot)), bench.accounts.size())
          : bench.accounts.size();
  int inflight = absl::GetFlag(FLAGS_inflight);
  if (inflight <= 0) inflight = batch ? 8 : 256;
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
