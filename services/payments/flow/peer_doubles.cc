#include "services/payments/flow/peer_doubles.h"

#include <algorithm>

#include "libs/rpc/timestamp.h"

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

std::int64_t LedgerDouble::HeldOf(const Uuid& account_id) {
  std::lock_guard lock(mutex_);
  return accounts_[FormatId(IdKind::kAccount, account_id)].held;
}

void LedgerDouble::UseClock(Clock& clock) {
  std::lock_guard lock(mutex_);
  clock_ = &clock;
}

void LedgerDouble::Close(const Uuid& account_id) {
  std::lock_guard lock(mutex_);
  accounts_[FormatId(IdKind::kAccount, account_id)].closed = true;
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
    accounts_[account.account_id()].credits_limited = account.credits_must_not_exceed_debits();
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
  result = Decide(input);
  if (result.has_refused() && !result.refused().final()) return result;
  if (result.has_committed()) ++committed_;
  results_[input.transaction_id()] = result;
  return result;
}

ledger::v1::TransactionResult LedgerDouble::Decide(const ledger::v1::TransactionInput& input) {
  ledger::v1::TransactionResult result;
  if (fault_ == Fault::kNotFinal) {
    Refuse("account_not_found", false, result);
    return result;
  }
  if (input.has_capture() || input.has_void_()) {
    const auto hold =
        holds_.find(input.has_capture() ? input.capture().hold_id() : input.void_().hold_id());
    if (hold != holds_.end()) return Resolve(input, hold->second);
    Refuse("hold_not_found", true, result);
    return result;
  }
  return Move(input);
}

ledger::v1::TransactionResult LedgerDouble::Resolve(const ledger::v1::TransactionInput& input,
                                                    Hold& hold) {
  ledger::v1::TransactionResult result;
  if (hold.over == nullptr && clock_ != nullptr && clock_->Now() >= hold.expire_time) {
    hold.over = "hold_expired";
    accounts_[hold.debit].held -= hold.left;
    hold.left = 0;
  }
  if (hold.over != nullptr) {
    Refuse(hold.over, true, result);
    return result;
  }
  std::int64_t captured = 0;
  if (input.has_capture()) {
    const auto& amounts = input.capture().amounts_minor();
    captured = amounts.empty() ? hold.left : amounts.Get(0);
    if (captured > hold.left) {
      Refuse("capture_exceeds_hold", true, result);
      return result;
    }
  }
  const bool releases = !input.has_capture() || input.capture().final();
  const std::int64_t left = releases ? 0 : hold.left - captured;
  accounts_[hold.debit].held -= hold.left - left;
  accounts_[hold.debit].balance -= captured;
  accounts_[hold.credit].balance += captured;
  hold.left = left;
  if (left == 0) hold.over = input.has_capture() ? "hold_already_captured" : "hold_already_voided";
  result.mutable_committed()->set_transaction_id(input.transaction_id());
  result.mutable_committed()->add_postings()->set_amount_minor(captured);
  return result;
}

ledger::v1::TransactionResult LedgerDouble::Move(const ledger::v1::TransactionInput& input) {
  ledger::v1::TransactionResult result;
  std::map<std::string, Account> after = accounts_;
  for (const ledger::v1::Posting& posting : input.postings()) {
    const auto debit = after.find(posting.debit_account_id());
    const auto credit = after.find(posting.credit_account_id());
    if (debit == after.end() || credit == after.end()) {
      Refuse("account_not_found", false, result);
      return result;
    }
    std::int64_t amount = posting.amount_minor();
    if (posting.balancing_debit()) {
      amount = std::min(amount, debit->second.balance - debit->second.held);
    }
    if (posting.balancing_credit()) amount = std::min(amount, -credit->second.balance);
    const bool closed = debit->second.closed || credit->second.closed;
    if (closed || amount <= 0) {
      Refuse(closed ? "account_closed" : "nothing_to_move", true, result);
      return result;
    }
    if (input.has_hold()) {
      debit->second.held += amount;
    } else {
      debit->second.balance -= amount;
      credit->second.balance += amount;
    }
    result.mutable_committed()->add_postings()->set_amount_minor(amount);
  }
  for (const auto& [id, account] : after) {
    if (account.limited && account.balance < account.held) {
      Refuse("insufficient_funds", true, result);
      return result;
    }
    if (account.credits_limited && account.balance > 0) {
      Refuse("credit_limit_exceeded", true, result);
      return result;
    }
  }
  accounts_ = std::move(after);
  result.mutable_committed()->set_transaction_id(input.transaction_id());
  if (!input.has_hold()) return result;
  const absl::Time now = clock_ == nullptr ? absl::UnixEpoch() : clock_->Now();
  const bool ends = input.hold().has_timeout();
  const absl::Time expires =
      ends ? now + absl::Seconds(input.hold().timeout().seconds()) : absl::InfiniteFuture();
  const ledger::v1::Posting& posting = input.postings(0);
  holds_[input.transaction_id()] = {.debit = posting.debit_account_id(),
                                    .credit = posting.credit_account_id(),
                                    .left = posting.amount_minor(),
                                    .expire_time = expires};
  if (ends) SetTime(expires, *result.mutable_committed()->mutable_expire_time());
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
