// All of accounts but its process: the real flow over the fake store, and a real channel to a tiny
// ledger with the faults that a test asks for. (What crosses services for real is tested in
// tests/e2e.)
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "florin/ledger/v1/ledger.rpc.h"
#include "florin/ledger/v1/reader.rpc.h"
#include "libs/async/runtime.h"
#include "libs/clock/clock.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"
#include "libs/status/matchers.h"
#include "libs/testing/certificates.h"
#include "services/accounts/flow/account_changes.h"
#include "services/accounts/flow/close_account.h"
#include "services/accounts/flow/freeze_telling.h"
#include "services/accounts/flow/leave_customer.h"
#include "services/accounts/flow/open_account.h"
#include "services/accounts/store/fake_store.h"

namespace florin::accounts {

// Keeps accounts as they were opened and entries as a test adds them. Thread-safe.
class LedgerDouble : public ledger::v1::LedgerService {
 public:
  enum class Fault {
    kNone,
    kUnavailable,  // Answers kUnavailable and does nothing.
    kAnswerLost,   // Does its work, then answers kUnavailable.
    kIdConflict,   // Answers kIdConflict.
  };
  // Holds until changed.
  void SetFault(Fault fault) {
    std::lock_guard lock(mutex_);
    fault_ = fault;
  }
  // The account as the ledger knows it; a test may change its counters. Not while a call is under
  // way.
  // Opened in the usual book, if nobody has.
  ledger::v1::Account& account(const std::string& id) {
    books_.emplace(id, "main");
    return accounts_[id];
  }
  std::vector<ledger::v1::Entry>& entries() { return entries_; }
  // In which book it was opened; empty for one that was not.
  std::string BookOf(const std::string& id) {
    std::lock_guard lock(mutex_);
    return books_[id];
  }
  int get_calls() {
    std::lock_guard lock(mutex_);
    return get_calls_;
  }
  bool Knows(const std::string& id) {
    std::lock_guard lock(mutex_);
    return accounts_.contains(id);
  }

  Task<absl::StatusOr<ledger::v1::OpenAccountsResponse>> OpenAccounts(
      rpc::Call&, const ledger::v1::OpenAccountsRequest& request) override {
    std::lock_guard lock(mutex_);
    if (fault_ == Fault::kUnavailable) co_return Error(Reason::kUnavailable, "told to fail");
    if (fault_ == Fault::kIdConflict) co_return Error(Reason::kIdConflict, "told to fail");
    ledger::v1::OpenAccountsResponse response;
    for (const ledger::v1::Account& account : request.accounts()) {
      books_.emplace(account.account_id(), request.book());
      *response.add_accounts() = accounts_.emplace(account.account_id(), account).first->second;
    }
    if (fault_ == Fault::kAnswerLost) co_return Error(Reason::kUnavailable, "told to fail");
    co_return response;
  }

  // What the reader double answers.
  absl::StatusOr<ledger::v1::GetAccountsResponse> Read(
      const ledger::v1::GetAccountsRequest& request) {
    std::lock_guard lock(mutex_);
    ++get_calls_;
    if (fault_ == Fault::kUnavailable) return Error(Reason::kUnavailable, "told to fail");
    ledger::v1::GetAccountsResponse response;
    for (const std::string& id : request.account_ids()) {
      if (IsIn(request.book(), id)) *response.add_accounts() = accounts_.at(id);
    }
    return response;
  }

  // One entry a page; the page token is the number of entries before it.
  absl::StatusOr<ledger::v1::ListEntriesResponse> List(
      const ledger::v1::ListEntriesRequest& request) {
    std::lock_guard lock(mutex_);
    if (!IsIn(request.book(), request.account_id())) {
      return Error(Reason::kAccountNotFound, "not in this book");
    }
    std::size_t skip = 0;
    if (!request.page_token().empty()) {
      if (request.page_token().find_first_not_of("0123456789") != std::string::npos) {
        return Error(Reason::kInvalidPageToken, "no", {.param = "page_token"});
      }
      skip = std::stoul(request.page_token());
    }
    ledger::v1::ListEntriesResponse response;
    if (skip < entries_.size()) *response.add_entries() = entries_[skip];
    if (skip + 1 < entries_.size()) response.set_next_page_token(std::to_string(skip + 1));
    return response;
  }

  Task<absl::StatusOr<ledger::v1::PostTransactionsResponse>> PostTransactions(
      rpc::Call&, const ledger::v1::PostTransactionsRequest&) override {
    co_return Error(Reason::kInternal, "accounts does not call this");
  }
  // An id that is known is answered as the first time.
  Task<absl::StatusOr<ledger::v1::TransactionResult>> CloseAccount(
      rpc::Call&, const ledger::v1::CloseAccountRequest& request) override {
    std::lock_guard lock(mutex_);
    if (fault_ == Fault::kUnavailable) co_return Error(Reason::kUnavailable, "told to fail");
    for (const std::string& id : deposits_) Deposit(id);
    deposits_.clear();
    if (!IsIn(request.book(), request.account_id())) {
      co_return Error(Reason::kAccountNotFound, "not in this book");
    }
    const std::string& id = request.transaction_id();
    if (!closings_.contains(id)) closings_[id] = SweepAndClose(request);
    if (fault_ == Fault::kAnswerLost) co_return Error(Reason::kUnavailable, "told to fail");
    co_return closings_.at(id);
  }
  // Closes, reopens and freezes; an id that is known has had its effect.
  Task<absl::StatusOr<ledger::v1::PostTransactionsResponse>> ChangeAccounts(
      rpc::Call&, const ledger::v1::ChangeAccountsRequest& request) override {
    std::lock_guard lock(mutex_);
    if (fault_ == Fault::kUnavailable) co_return Error(Reason::kUnavailable, "told to fail");
    for (const std::string& id : deposits_) Deposit(id);
    deposits_.clear();
    ledger::v1::PostTransactionsResponse response;
    for (const ledger::v1::AccountChange& change : request.changes()) {
      ledger::v1::TransactionResult& result = *response.add_results();
      if (!IsIn(request.book(), change.account_id())) {
        result.mutable_refused()->set_reason("account_not_found");
        continue;
      }
      if (!changes_.insert(change.transaction_id()).second) {
        result.mutable_committed()->set_transaction_id(change.transaction_id());
        result.set_replayed(true);
        continue;
      }
      ledger::v1::Account& account = accounts_[change.account_id()];
      if (change.has_freeze()) {
        account.set_frozen_debits(change.freeze().debits());
        account.set_frozen_credits(change.freeze().credits());
        result.mutable_committed()->set_transaction_id(change.transaction_id());
        continue;
      }
      if (account.closed() == change.close()) {
        result.mutable_refused()->set_reason(change.close() ? "account_closed"
                                                            : "account_not_closed");
        continue;
      }
      account.set_closed(change.close());
      result.mutable_committed()->set_transaction_id(change.transaction_id());
    }
    if (fault_ == Fault::kAnswerLost) co_return Error(Reason::kUnavailable, "told to fail");
    co_return response;
  }
  // Money comes to the account at the last moment before the next change.
  void DepositBeforeNextChange(const std::string& id) {
    std::lock_guard lock(mutex_);
    deposits_.push_back(id);
  }
  Task<absl::StatusOr<ledger::v1::TransactionResult>> ClosePeriod(
      rpc::Call&, const ledger::v1::ClosePeriodRequest&) override {
    co_return Error(Reason::kInternal, "accounts does not call this");
  }

 private:
  bool IsIn(const std::string& book, const std::string& id) {
    return accounts_.contains(id) && books_[id] == book;
  }
  void Deposit(const std::string& id) {
    ledger::v1::Account& account = accounts_[id];
    account.set_credits_posted(account.credits_posted() + 500);
    account.set_version(account.version() + 1);
  }
  ledger::v1::TransactionResult SweepAndClose(const ledger::v1::CloseAccountRequest& request) {
    ledger::v1::Account& account = accounts_[request.account_id()];
    ledger::v1::TransactionResult result;
    const auto refuse = [&result](const std::string& reason, const std::string& param) {
      result.mutable_refused()->set_reason(reason);
      result.mutable_refused()->set_param(param);
      return result;
    };
    if (account.closed()) return refuse("account_closed", "account_id");
    if (request.amount_minor() > 0) {
      const ledger::v1::Account& other = accounts_[request.sweep_to_account_id()];
      const std::string param = "postings[0].credit_account_id";
      if (other.closed()) return refuse("account_closed", param);
      if (account.frozen_debits()) return refuse("account_frozen", "postings[0].debit_account_id");
      if (other.frozen_credits()) return refuse("account_frozen", param);
    }
    if (request.version() != account.version()) return refuse("precondition_failed", "");
    if (request.amount_minor() > 0) {
      ledger::v1::Account& other = accounts_[request.sweep_to_account_id()];
      account.set_debits_posted(account.debits_posted() + request.amount_minor());
      other.set_credits_posted(other.credits_posted() + request.amount_minor());
      account.set_version(account.version() + 1);
    }
    account.set_closed(true);
    result.mutable_committed()->set_sequence(1);
    return result;
  }

  std::mutex mutex_;  // Guards everything below.
  std::map<std::string, ledger::v1::TransactionResult> closings_;
  Fault fault_ = Fault::kNone;
  std::map<std::string, ledger::v1::Account> accounts_;
  std::map<std::string, std::string> books_;  // By account.
  std::vector<ledger::v1::Entry> entries_;
  std::set<std::string> changes_;
  std::vector<std::string> deposits_;
  int get_calls_ = 0;
};

// Shows what a LedgerDouble keeps. Thread-safe.
class LedgerReaderDouble : public ledger::v1::LedgerReaderService {
 public:
  explicit LedgerReaderDouble(LedgerDouble& ledger) : ledger_(ledger) {}

  Task<absl::StatusOr<ledger::v1::GetAccountsResponse>> GetAccounts(
      rpc::Call&, const ledger::v1::GetAccountsRequest& request) override {
    co_return ledger_.Read(request);
  }
  Task<absl::StatusOr<ledger::v1::ListEntriesResponse>> ListEntries(
      rpc::Call&, const ledger::v1::ListEntriesRequest& request) override {
    co_return ledger_.List(request);
  }

  Task<absl::StatusOr<ledger::v1::GetBalancesResponse>> GetBalances(
      rpc::Call&, const ledger::v1::GetBalancesRequest&) override {
    co_return Unused();
  }
  Task<absl::StatusOr<ledger::v1::GetTransactionResponse>> GetTransaction(
      rpc::Call&, const ledger::v1::GetTransactionRequest&) override {
    co_return Unused();
  }
  Task<absl::StatusOr<ledger::v1::GetTransactionsResponse>> GetTransactions(
      rpc::Call&, const ledger::v1::GetTransactionsRequest&) override {
    co_return Unused();
  }
  Task<absl::StatusOr<ledger::v1::ListTransactionsResponse>> ListTransactions(
      rpc::Call&, const ledger::v1::ListTransactionsRequest&) override {
    co_return Unused();
  }
  Task<absl::StatusOr<ledger::v1::FindTransactionsResponse>> FindTransactions(
      rpc::Call&, const ledger::v1::FindTransactionsRequest&) override {
    co_return Unused();
  }
  Task<absl::StatusOr<ledger::v1::GetTrialBalanceResponse>> GetTrialBalance(
      rpc::Call&, const ledger::v1::GetTrialBalanceRequest&) override {
    co_return Unused();
  }
  Task<absl::Status> WatchBalances(rpc::Call&, const ledger::v1::WatchBalancesRequest&,
                                   rpc::Stream<ledger::v1::WatchBalancesResponse>&) override {
    co_return Unused();
  }

 private:
  static absl::Status Unused() { return Error(Reason::kInternal, "accounts does not call this"); }

  LedgerDouble& ledger_;
};

class AccountsFixture : public ::testing::Test {
 protected:
  // Before the parts go: no coroutine may be running in them.
  ~AccountsFixture() override { runtime_.Stop(); }

  // A customer of `user`.
  Uuid NewCustomer(const Uuid& user) {
    Customer customer{.customer_id = SystemIds().NewId(),
                      .user_id = user,
                      .display_name = "Zoë",
                      .create_time = clock_.Now()};
    RequestKey key{.idempotency_key = FormatId(IdKind::kCustomer, customer.customer_id),
                   .fingerprint = crypto::Sha256("")};
    EXPECT_THAT(runtime_.Run(store_.InsertCustomer(customer, key)), IsOk());
    return customer.customer_id;
  }
  OpenAccount::Request Request(const std::string& key) const {
    return {.user_id = user_,
            .customer_id = customer_,
            .currency = *Currency::Parse("EUR"),
            .display_name = "Savings",
            .idempotency_key = key};
  }
  absl::StatusOr<OpenAccount::Outcome> Open(const OpenAccount::Request& request) {
    rpc::Outgoing context;
    return runtime_.Run(open_.Run(context, request));
  }

  testing::TestCertificates certificates_{{"accounts", "ledger"}};
  LedgerDouble ledger_double_;
  LedgerReaderDouble reader_double_{ledger_double_};
  FakeClock clock_{absl::FromUnixMicros(1'790'000'000'000'001)};
  FakeStore store_;
  async::Runtime runtime_{2};
  std::unique_ptr<rpc::Server> server_ =
      rpc::Server::Start(
          runtime_.executor(),
          {.listen = "127.0.0.1:0",
           .certificates = rpc::CertificateFiles::In(certificates_.directory(), "ledger")},
          {&ledger_double_, &reader_double_})
          .value();
  rpc::Channel channel_ = rpc::Channel(
      runtime_.executor(),
      {.target = "127.0.0.1:" + std::to_string(server_->port()),
       .service = "ledger",
       .certificates = rpc::CertificateFiles::In(certificates_.directory(), "accounts")});
  ledger::v1::LedgerClient ledger_{&channel_};
  ledger::v1::LedgerReaderClient ledger_reader_{&channel_};
  OpenAccount open_{store_, ledger_, clock_, SystemIds(), "main"};
  LeaveCustomer leave_{store_, ledger_, ledger_reader_, clock_, "main"};
  FreezeTelling telling_{store_, ledger_, "main"};
  AccountChanges account_changes_{store_, telling_, clock_, SystemIds()};
  CloseAccount close_{store_, ledger_, ledger_reader_, clock_, "main"};

  const Uuid user_ = SystemIds().NewId();
  const Uuid stranger_ = SystemIds().NewId();
  const Uuid customer_ = NewCustomer(user_);
};

}  // namespace florin::accounts
