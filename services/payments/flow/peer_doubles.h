// Stand-ins for the services that payments calls, for tests: a tiny ledger and a tiny accounts
// service behind real in-process gRPC servers, with the faults that a test asks for. (What crosses
// services for real is tested in tests/e2e.)
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "florin/accounts/v1/accounts.rpc.h"
#include "florin/ledger/v1/ledger.rpc.h"
#include "florin/ledger/v1/proof.rpc.h"
#include "florin/ledger/v1/reader.rpc.h"
#include "libs/async/runtime.h"
#include "libs/clock/clock.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"
#include "services/payments/domain/account_rights.h"

namespace florin::payments {

// Balances by account, holds, and results by transaction id, as the real ledger remembers them.
// Thread-safe.
class LedgerDouble : public ledger::v1::LedgerService {
 public:
  enum class Fault {
    kNone,
    kUnavailable,    // Answers kUnavailable and does nothing.
    kAnswerLost,     // Does its work, then answers kUnavailable.
    kNotFinal,       // Refuses every transaction, and remembers none of it.
    kBookForgotten,  // Answers kBookNotFound.
  };
  // Holds until changed.
  void SetFault(Fault fault);
  // What expires holds; without one they last for ever. Outlives this.
  void UseClock(Clock& clock);
  // Closes a customer's account for debits and credits.
  void Close(const Uuid& account_id);
  // Freezes its debits, or lets them go again.
  void FreezeDebits(const Uuid& account_id, bool frozen);
  // Opens a customer's account and puts money into it.
  void Fund(const Uuid& account_id, std::int64_t minor_units);
  std::int64_t BalanceOf(const Uuid& account_id);
  std::int64_t HeldOf(const Uuid& account_id);  // Set aside of it.
  int committed();                              // Transactions that moved money.
  int open_calls();                             // Calls to OpenAccounts.
  std::string all_requests();                   // Every PostTransactions request so far, as text.

  Task<absl::StatusOr<ledger::v1::OpenAccountsResponse>> OpenAccounts(
      rpc::Call& call, const ledger::v1::OpenAccountsRequest& request) override;
  // The same of accounts in other books than `main`; money there comes from FundIn() and postings.
  void FundIn(const std::string& book, const Uuid& account_id, std::int64_t minor_units);
  std::int64_t BalanceIn(const std::string& book, const Uuid& account_id);
  std::int64_t HeldIn(const std::string& book, const Uuid& account_id);
  void CloseIn(const std::string& book, const Uuid& account_id);
  // The `call`th PostTransactions from now (1: the next) does its work, and its answer gets lost.
  void LoseAnswer(int call);
  // What was decided under the id.
  std::optional<ledger::v1::TransactionResult> Decided(const std::string& book,
                                                       const std::string& transaction_id);

  Task<absl::StatusOr<ledger::v1::PostTransactionsResponse>> PostTransactions(
      rpc::Call& call, const ledger::v1::PostTransactionsRequest& request) override;
  Task<absl::StatusOr<ledger::v1::PostTransactionsResponse>> ChangeAccounts(
      rpc::Call& call, const ledger::v1::ChangeAccountsRequest& request) override;
  Task<absl::StatusOr<ledger::v1::TransactionResult>> CloseAccount(
      rpc::Call& call, const ledger::v1::CloseAccountRequest& request) override;
  Task<absl::StatusOr<ledger::v1::TransactionResult>> ClosePeriod(
      rpc::Call& call, const ledger::v1::ClosePeriodRequest& request) override;

 private:
  struct Account {
    std::int64_t balance = 0;  // Posted credits less debits.
    std::int64_t held = 0;     // Debits pending.
    bool limited = true;
    bool credits_limited = false;
    bool closed = false;
    bool frozen = false;  // For debits.
  };
  struct Part {
    std::string debit;
    std::string credit;
    std::int64_t left = 0;
  };
  struct Hold {
    std::vector<Part> parts;  // Captures take of the first.
    absl::Time expire_time;
    const char* over = nullptr;  // Why nothing is left.
  };

  using Inputs = std::vector<ledger::v1::TransactionInput>;

  // Releases the holds whose time is over.
  void EndHolds();
  void Release(Hold& hold, const char* why);
  // All of `group`, which are linked, or nothing.
  std::vector<ledger::v1::TransactionResult> ApplyTogether(const Inputs& group);
  ledger::v1::TransactionResult Apply(const ledger::v1::TransactionInput& input);
  ledger::v1::TransactionResult Decide(const ledger::v1::TransactionInput& input);
  ledger::v1::TransactionResult Resolve(const ledger::v1::TransactionInput& input, Hold& hold);
  ledger::v1::TransactionResult Move(const ledger::v1::TransactionInput& input);
  std::mutex mutex_;  // Guards everything below.
  Fault fault_ = Fault::kNone;
  int loses_in_ = 0;
  Clock* clock_ = nullptr;
  std::map<std::string, Account> accounts_;
  std::map<std::string, Hold> holds_;
  std::map<std::string, ledger::v1::TransactionResult> results_;
  int committed_ = 0;
  int open_calls_ = 0;
  std::string all_requests_;
};

using Fault = LedgerDouble::Fault;

// The accounts of a LedgerDouble, and the transactions that it was told. Thread-safe.
class LedgerReaderDouble : public ledger::v1::LedgerReaderService {
 public:
  // `ledger` outlives this.
  explicit LedgerReaderDouble(LedgerDouble& ledger) : ledger_(ledger) {}
  // Makes every call fail with kUnavailable.
  void SetAvailable(bool available) { available_ = available; }
  // From now on GetTransactions knows what the ledger has decided, without its postings.
  void KnowAll() { knows_all_ = true; }
  // That the payment's transaction has committed.
  void Tell(const Payment& payment);

  // What is posted, as one side's surplus, and pending on the debit side, of whatever account.
  Task<absl::StatusOr<ledger::v1::GetAccountsResponse>> GetAccounts(
      rpc::Call& call, const ledger::v1::GetAccountsRequest& request) override;
  Task<absl::StatusOr<ledger::v1::GetTransactionsResponse>> GetTransactions(
      rpc::Call& call, const ledger::v1::GetTransactionsRequest& request) override;
  Task<absl::StatusOr<ledger::v1::ListTransactionsResponse>> ListTransactions(
      rpc::Call& call, const ledger::v1::ListTransactionsRequest& request) override;

  // Payments does not use the following.
  Task<absl::StatusOr<ledger::v1::GetBalancesResponse>> GetBalances(
      rpc::Call& call, const ledger::v1::GetBalancesRequest& request) override;
  Task<absl::StatusOr<ledger::v1::ListEntriesResponse>> ListEntries(
      rpc::Call& call, const ledger::v1::ListEntriesRequest& request) override;
  Task<absl::StatusOr<ledger::v1::GetTransactionResponse>> GetTransaction(
      rpc::Call& call, const ledger::v1::GetTransactionRequest& request) override;
  Task<absl::StatusOr<ledger::v1::FindTransactionsResponse>> FindTransactions(
      rpc::Call& call, const ledger::v1::FindTransactionsRequest& request) override;
  Task<absl::StatusOr<ledger::v1::GetTrialBalanceResponse>> GetTrialBalance(
      rpc::Call& call, const ledger::v1::GetTrialBalanceRequest& request) override;
  Task<absl::Status> WatchBalances(rpc::Call& call, const ledger::v1::WatchBalancesRequest& request,
                                   rpc::Stream<ledger::v1::WatchBalancesResponse>& out) override;

 private:
  LedgerDouble& ledger_;
  std::atomic<bool> available_ = true;
  std::atomic<bool> knows_all_ = false;
  std::mutex mutex_;
  std::vector<ledger::v1::TransactionResult> told_;  // Sequence 1 is at 0. Guarded by mutex_.
};

// Proves what it was told, without any Merkle tree. Thread-safe.
class LedgerProofDouble : public ledger::v1::LedgerProofService {
 public:
  // What it answers from now on for every transaction.
  void SetAnswer(absl::StatusOr<ledger::v1::InclusionProof> answer);
  // The last GetInclusionProof request.
  ledger::v1::GetInclusionProofRequest last_request();

  Task<absl::StatusOr<ledger::v1::InclusionProof>> GetInclusionProof(
      rpc::Call& call, const ledger::v1::GetInclusionProofRequest& request) override;

  // Payments does not use the following.
  Task<absl::StatusOr<ledger::v1::TreeHead>> GetTreeHead(
      rpc::Call& call, const ledger::v1::GetTreeHeadRequest& request) override;
  Task<absl::StatusOr<ledger::v1::ConsistencyProof>> GetConsistencyProof(
      rpc::Call& call, const ledger::v1::GetConsistencyProofRequest& request) override;

 private:
  std::mutex mutex_;  // Guards everything below.
  absl::StatusOr<ledger::v1::InclusionProof> answer_ =
      Error(Reason::kTransactionNotFound, "none was told");
  ledger::v1::GetInclusionProofRequest last_request_;
};

// Knows the accounts that it was told. Thread-safe.
class AccountsDouble : public accounts::v1::AccountsService {
 public:
  void Add(const AccountFacts& facts);
  // Of one that was added.
  void SetKind(const Uuid& account_id, AccountKind kind);
  void SetHolders(const Uuid& account_id, const std::vector<AccountHolder>& holders);
  void SetDormant(const Uuid& account_id, bool dormant);
  void SetAvailable(bool available);
  int lookups();  // Ids asked for so far.

  Task<absl::StatusOr<accounts::v1::LookUpAccountsResponse>> LookUpAccounts(
      rpc::Call& call, const accounts::v1::LookUpAccountsRequest& request) override;

  // Payments does not use the following.
  Task<absl::StatusOr<accounts::v1::Customer>> CreateCustomer(
      rpc::Call& call, const accounts::v1::CreateCustomerRequest& request) override;
  Task<absl::StatusOr<accounts::v1::Customer>> GetCustomer(
      rpc::Call& call, const accounts::v1::GetCustomerRequest& request) override;
  Task<absl::StatusOr<accounts::v1::Account>> OpenAccount(
      rpc::Call& call, const accounts::v1::OpenAccountRequest& request) override;
  Task<absl::StatusOr<accounts::v1::Account>> GetAccount(
      rpc::Call& call, const accounts::v1::GetAccountRequest& request) override;
  Task<absl::StatusOr<accounts::v1::ListAccountsResponse>> ListAccounts(
      rpc::Call& call, const accounts::v1::ListAccountsRequest& request) override;
  Task<absl::StatusOr<accounts::v1::ListAccountEntriesResponse>> ListAccountEntries(
      rpc::Call& call, const accounts::v1::ListAccountEntriesRequest& request) override;

 private:
  std::mutex mutex_;  // Guards everything below.
  std::map<std::string, accounts::v1::AccountFacts> accounts_;
  bool available_ = true;
  int lookups_ = 0;
};

}  // namespace florin::payments
