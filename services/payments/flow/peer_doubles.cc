#include "services/payments/flow/peer_doubles.h"

namespace florin::payments {
namespace {

absl::Status Unused() { return Error(Reason::kInternal, "payments does not call this"); }
absl::Status Unavailable() { return Error(Reason::kUnavailable, "told to fail"); }

void Refuse(const char* reason, bool final, ledger::v1::TransactionResult& result) {
  result.mutable_refused()->set_reason(reason);
  result.mutable_refused()->set_final(final);
}

}  // namespace

void LedgerDouble::SetFault(Fault fault) {
  std::lock_guard lock(mutex_);
  fault_ = fault;
}

void LedgerDouble::Fund(const Uuid& account_id, std::int64_t minor_units) {
  std::lock_guard lock(mutex_);
  accounts_[FormatId(IdKind::kAccount, account_id)].balance += minor_units;
}

std::int64_t LedgerDouble::BalanceOf(const Uuid& account_id) {
  std::lock_guard lock(mutex_);
  return accounts_[FormatId(IdKind::kAccount, account_id)].balance;
}

int LedgerDouble::committed() {
  std::lock_guard lock(mutex_);
  return committed_;
}

int LedgerDouble::open_calls() {
  std::lock_guard lock(mutex_);
  return open_calls_;
}

std::string LedgerDouble::all_requests() {
  std::lock_guard lock(mutex_);
  return all_requests_;
}

Task<absl::StatusOr<ledger::v1::OpenAccountsResponse>> LedgerDouble::OpenAccounts(
    rpc::Call&, const ledger::v1::OpenAccountsRequest& request) {
  std::lock_guard lock(mutex_);
  ++open_calls_;
  if (fault_ == Fault::kUnavailable) co_return Unavailable();
  for (const ledger::v1::Account& account : request.accounts()) {
    accounts_[account.account_id()].limited = account.debits_must_not_exceed_credits();
  }
  co_return ledger::v1::OpenAccountsResponse();
}

Task<absl::StatusOr<ledger::v1::PostTransactionsResponse>> LedgerDouble::PostTransactions(
    rpc::Call&, const ledger::v1::PostTransactionsRequest& request) {
  std::lock_guard lock(mutex_);
  all_requests_ += request.DebugString();
  if (fault_ == Fault::kUnavailable) co_return Unavailable();
  if (fault_ == Fault::kBookForgotten) co_return Error(Reason::kBookNotFound, "told to fail");
  ledger::v1::PostTransactionsResponse response;
  for (const ledger::v1::TransactionInput& input : request.transactions()) {
    *response.add_results() = Apply(input);
  }
  if (fault_ == Fault::kAnswerLost) co_return Unavailable();
  co_return response;
}

ledger::v1::TransactionResult LedgerDouble::Apply(const ledger::v1::TransactionInput& input) {
  ledger::v1::TransactionResult result;
  if (const auto known = results_.find(input.transaction_id()); known != results_.end()) {
    result = known->second;
    result.set_replayed(true);
    return result;
  }
  // All of the postings or none: on a copy first.
  std::map<std::string, Account> accounts = accounts_;
  bool covered = true;
  for (const ledger::v1::Posting& posting : input.postings()) {
    const auto debit = accounts.find(posting.debit_account_id());
    const auto credit = accounts.find(posting.credit_account_id());
    if (fault_ == Fault::kNotFinal || debit == accounts.end() || credit == accounts.end()) {
      Refuse("account_not_found", false, result);
      return result;
    }
    debit->second.balance -= posting.amount_minor();
    credit->second.balance += posting.amount_minor();
    covered = covered && (!debit->second.limited || debit->second.balance >= 0);
  }
  if (!covered) {
    Refuse("insufficient_funds", true, result);
  } else {
    accounts_ = std::move(accounts);
    ++committed_;
    result.mutable_committed()->set_transaction_id(input.transaction_id());
  }
  results_[input.transaction_id()] = result;
  return result;
}

Task<absl::StatusOr<ledger::v1::PostTransactionsResponse>> LedgerDouble::ChangeAccounts(
    rpc::Call&, const ledger::v1::ChangeAccountsRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<ledger::v1::TransactionResult>> LedgerDouble::ClosePeriod(
    rpc::Call&, const ledger::v1::ClosePeriodRequest&) {
  co_return Unused();
}

void LedgerProofDouble::SetAnswer(absl::StatusOr<ledger::v1::InclusionProof> answer) {
  std::lock_guard lock(mutex_);
  answer_ = std::move(answer);
}

ledger::v1::GetInclusionProofRequest LedgerProofDouble::last_request() {
  std::lock_guard lock(mutex_);
  return last_request_;
}

Task<absl::StatusOr<ledger::v1::InclusionProof>> LedgerProofDouble::GetInclusionProof(
    rpc::Call&, const ledger::v1::GetInclusionProofRequest& request) {
  std::lock_guard lock(mutex_);
  last_request_ = request;
  co_return answer_;
}

Task<absl::StatusOr<ledger::v1::TreeHead>> LedgerProofDouble::GetTreeHead(
    rpc::Call&, const ledger::v1::GetTreeHeadRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<ledger::v1::ConsistencyProof>> LedgerProofDouble::GetConsistencyProof(
    rpc::Call&, const ledger::v1::GetConsistencyProofRequest&) {
  co_return Unused();
}

void AccountsDouble::Add(const AccountFacts& facts) {
  accounts::v1::AccountFacts proto;
  proto.set_account_id(FormatId(IdKind::kAccount, facts.account_id));
  proto.set_owner_user_id(FormatId(IdKind::kUser, facts.owner_user_id));
  proto.set_currency(std::string(facts.currency.code()));
  proto.set_holder_name(facts.holder_name);
  std::lock_guard lock(mutex_);
  accounts_[proto.account_id()] = proto;
}

void AccountsDouble::SetAvailable(bool available) {
  std::lock_guard lock(mutex_);
  available_ = available;
}

int AccountsDouble::lookups() {
  std::lock_guard lock(mutex_);
  return lookups_;
}

Task<absl::StatusOr<accounts::v1::LookUpAccountsResponse>> AccountsDouble::LookUpAccounts(
    rpc::Call&, const accounts::v1::LookUpAccountsRequest& request) {
  std::lock_guard lock(mutex_);
  if (!available_) co_return Unavailable();
  accounts::v1::LookUpAccountsResponse response;
  for (const std::string& id : request.account_ids()) {
    ++lookups_;
    const auto facts = accounts_.find(id);
    if (facts != accounts_.end()) *response.add_accounts() = facts->second;
  }
  co_return response;
}

Task<absl::StatusOr<accounts::v1::Customer>> AccountsDouble::CreateCustomer(
    rpc::Call&, const accounts::v1::CreateCustomerRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<accounts::v1::Customer>> AccountsDouble::GetCustomer(
    rpc::Call&, const accounts::v1::GetCustomerRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<accounts::v1::Account>> AccountsDouble::OpenAccount(
    rpc::Call&, const accounts::v1::OpenAccountRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<accounts::v1::Account>> AccountsDouble::GetAccount(
    rpc::Call&, const accounts::v1::GetAccountRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<accounts::v1::ListAccountsResponse>> AccountsDouble::ListAccounts(
    rpc::Call&, const accounts::v1::ListAccountsRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<accounts::v1::ListAccountEntriesResponse>> AccountsDouble::ListAccountEntries(
    rpc::Call&, const accounts::v1::ListAccountEntriesRequest&) {
  co_return Unused();
}

}  // namespace florin::payments
