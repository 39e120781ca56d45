#include "services/payments/flow/peer_doubles.h"

#include <algorithm>
#include <utility>

#include "libs/rpc/timestamp.h"
#include "services/payments/domain/ledger_transaction.h"

namespace florin::payments {
namespace {

absl::Status Unused() { return Error(Reason::kInternal, "payments does not call this"); }
absl::Status Unavailable() { return Error(Reason::kUnavailable, "told to fail"); }

void Refuse(const char* reason, bool final, ledger::v1::TransactionResult& result) {
  result.mutable_refused()->set_reason(reason);
  result.mutable_refused()->set_final(final);
}

// Books share nothing: an id means something else in each.
std::string KeyIn(const std::string& book, const std::string& id) {
  return book == "main" ? id : book + "/" + id;
}

ledger::v1::TransactionInput In(const std::string& book, ledger::v1::TransactionInput input) {
  if (book == "main") return input;
  input.set_transaction_id(KeyIn(book, input.transaction_id()));
  for (ledger::v1::Posting& posting : *input.mutable_postings()) {
    posting.set_debit_account_id(KeyIn(book, posting.debit_account_id()));
    posting.set_credit_account_id(KeyIn(book, posting.credit_account_id()));
  }
  if (input.has_capture()) {
    input.mutable_capture()->set_hold_id(KeyIn(book, input.capture().hold_id()));
  }
  if (input.has_void_()) input.mutable_void_()->set_hold_id(KeyIn(book, input.void_().hold_id()));
  return input;
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

void LedgerDouble::FundIn(const std::string& book, const Uuid& account_id,
                          std::int64_t minor_units) {
  std::lock_guard lock(mutex_);
  accounts_[KeyIn(book, FormatId(IdKind::kAccount, account_id))].balance += minor_units;
}

std::int64_t LedgerDouble::HeldIn(const std::string& book, const Uuid& account_id) {
  std::lock_guard lock(mutex_);
  return accounts_[KeyIn(book, FormatId(IdKind::kAccount, account_id))].held;
}

std::int64_t LedgerDouble::BalanceIn(const std::string& book, const Uuid& account_id) {
  std::lock_guard lock(mutex_);
  return accounts_[KeyIn(book, FormatId(IdKind::kAccount, account_id))].balance;
}

void LedgerDouble::CloseIn(const std::string& book, const Uuid& account_id) {
  std::lock_guard lock(mutex_);
  accounts_[KeyIn(book, FormatId(IdKind::kAccount, account_id))].closed = true;
}

void LedgerDouble::LoseAnswer(int call) {
  std::lock_guard lock(mutex_);
  loses_in_ = call;
}

std::optional<ledger::v1::TransactionResult> LedgerDouble::Decided(
    const std::string& book, const std::string& transaction_id) {
  std::lock_guard lock(mutex_);
  const auto found = results_.find(KeyIn(book, transaction_id));
  if (found == results_.end()) return std::nullopt;
  return found->second;
}

void LedgerDouble::UseClock(Clock& clock) {
  std::lock_guard lock(mutex_);
  clock_ = &clock;
}

void LedgerDouble::Close(const Uuid& account_id) {
  std::lock_guard lock(mutex_);
  accounts_[FormatId(IdKind::kAccount, account_id)].closed = true;
}

void LedgerDouble::FreezeDebits(const Uuid& account_id, bool frozen) {
  std::lock_guard lock(mutex_);
  accounts_[FormatId(IdKind::kAccount, account_id)].frozen = frozen;
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
    Account& opened = accounts_[KeyIn(request.book(), account.account_id())];
    opened.limited = account.debits_must_not_exceed_credits();
    opened.credits_limited = account.credits_must_not_exceed_debits();
  }
  co_return ledger::v1::OpenAccountsResponse();
}

Task<absl::StatusOr<ledger::v1::PostTransactionsResponse>> LedgerDouble::PostTransactions(
    rpc::Call&, const ledger::v1::PostTransactionsRequest& request) {
  std::lock_guard lock(mutex_);
  all_requests_ += request.DebugString();
  if (fault_ == Fault::kUnavailable) co_return Unavailable();
  if (fault_ == Fault::kBookForgotten) co_return Error(Reason::kBookNotFound, "told to fail");
  EndHolds();
  ledger::v1::PostTransactionsResponse response;
  Inputs group;
  for (const ledger::v1::TransactionInput& input : request.transactions()) {
    group.push_back(In(request.book(), input));
    if (input.linked_to_next()) continue;
    for (auto& result : ApplyTogether(group)) *response.add_results() = std::move(result);
    group.clear();
  }
  if (fault_ == Fault::kAnswerLost) co_return Unavailable();
  if (loses_in_ > 0 && --loses_in_ == 0) co_return Unavailable();
  co_return response;
}

void LedgerDouble::Release(Hold& hold, const char* why) {
  for (Part& part : hold.parts) {
    accounts_[part.debit].held -= part.left;
    part.left = 0;
  }
  hold.over = why;
}

void LedgerDouble::EndHolds() {
  for (auto& [id, hold] : holds_) {
    if (hold.over != nullptr || clock_ == nullptr || clock_->Now() < hold.expire_time) continue;
    Release(hold, "hold_expired");
  }
}

std::vector<ledger::v1::TransactionResult> LedgerDouble::ApplyTogether(const Inputs& group) {
  // Nothing to take back, so nothing to copy: what is kept grows with every transaction.
  if (group.size() == 1) return {Apply(group.front())};
  const auto accounts = accounts_;
  const auto holds = holds_;
  const auto results = results_;
  const int committed = committed_;
  std::vector<ledger::v1::TransactionResult> answers;
  std::optional<std::size_t> breaker;
  for (const ledger::v1::TransactionInput& input : group) {
    answers.push_back(Apply(input));
    if (!answers.back().has_committed() && !breaker) breaker = answers.size() - 1;
    if (answers.back().replayed() && !answers.front().replayed()) {
      Refuse("id_conflict", false, answers.back());
      if (!breaker) breaker = answers.size() - 1;
    }
  }
  if (!breaker || answers.front().replayed()) return answers;
  accounts_ = accounts;
  holds_ = holds;
  results_ = results;
  committed_ = committed;
  const bool final = answers[*breaker].refused().final();
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (i != *breaker) {
      answers[i].Clear();
      Refuse("linked_transaction_failed", final, answers[i]);
    }
    if (final) results_[group[i].transaction_id()] = answers[i];
  }
  return answers;
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
  if (hold.over != nullptr) {
    Refuse(hold.over, true, result);
    return result;
  }
  Part& first = hold.parts.front();
  std::int64_t captured = 0;
  if (input.has_capture()) {
    const auto& amounts = input.capture().amounts_minor();
    captured = amounts.empty() ? first.left : amounts.Get(0);
    if (captured > first.left) {
      Refuse("capture_exceeds_hold", true, result);
      return result;
    }
  }
  if (input.has_capture() && input.capture().amounts_minor().empty()) {
    // All parts of it.
    for (std::size_t i = 1; i < hold.parts.size(); ++i) {
      Part& part = hold.parts[i];
      accounts_[part.debit].held -= part.left;
      accounts_[part.debit].balance -= part.left;
      accounts_[part.credit].balance += part.left;
      part.left = 0;
    }
  }
  const bool releases = !input.has_capture() || input.capture().final();
  accounts_[first.debit].held -= captured;
  accounts_[first.debit].balance -= captured;
  accounts_[first.credit].balance += captured;
  first.left -= captured;
  if (releases || first.left == 0) {
    Release(hold, input.has_capture() ? "hold_already_captured" : "hold_already_voided");
  }
  result.mutable_committed()->set_transaction_id(input.transaction_id());
  result.mutable_committed()->add_postings()->set_amount_minor(captured);
  return result;
}

ledger::v1::TransactionResult LedgerDouble::Move(const ledger::v1::TransactionInput& input) {
  ledger::v1::TransactionResult result;
  std::map<std::string, Account> after = accounts_;
  std::map<std::string, int> debited_by;
  std::vector<Part> parts;
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
    if (debit->second.frozen) {
      Refuse("account_frozen", true, result);
      result.mutable_refused()->set_param("postings[0].debit_account_id");
      return result;
    }
    const bool closed = debit->second.closed || credit->second.closed;
    if (closed || amount <= 0) {
      Refuse(closed ? "account_closed" : "nothing_to_move", true, result);
      return result;
    }
    debited_by.emplace(posting.debit_account_id(), static_cast<int>(debited_by.size()));
    if (input.has_hold()) {
      debit->second.held += amount;
      parts.push_back({posting.debit_account_id(), posting.credit_account_id(), amount});
    } else {
      debit->second.balance -= amount;
      credit->second.balance += amount;
    }
    result.mutable_committed()->add_postings()->set_amount_minor(amount);
  }
  for (const auto& [id, account] : after) {
    if (account.limited && account.balance < account.held) {
      Refuse("insufficient_funds", true, result);
      result.mutable_refused()->set_param("postings[" + std::to_string(debited_by[id]) +
                                          "].amount_minor");
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
  holds_[input.transaction_id()] = {.parts = std::move(parts), .expire_time = expires};
  if (ends) SetTime(expires, *result.mutable_committed()->mutable_expire_time());
  return result;
}

Task<absl::StatusOr<ledger::v1::PostTransactionsResponse>> LedgerDouble::ChangeAccounts(
    rpc::Call&, const ledger::v1::ChangeAccountsRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<ledger::v1::TransactionResult>> LedgerDouble::CloseAccount(
    rpc::Call&, const ledger::v1::CloseAccountRequest&) {
  co_return Unused();
}

Task<absl::StatusOr<ledger::v1::TransactionResult>> LedgerDouble::ClosePeriod(
    rpc::Call&, const ledger::v1::ClosePeriodRequest&) {
  co_return Unused();
}

Task<absl::StatusOr<ledger::v1::GetAccountsResponse>> LedgerReaderDouble::GetAccounts(
    rpc::Call&, const ledger::v1::GetAccountsRequest& request) {
  if (!available_) co_return Unavailable();
  ledger::v1::GetAccountsResponse response;
  for (const std::string& id : request.account_ids()) {
    ledger::v1::Account& account = *response.add_accounts();
    account.set_account_id(id);
    const Uuid account_id = ParseId(IdKind::kAccount, id, "").value();
    account.set_debits_pending(ledger_.HeldOf(account_id));
    const std::int64_t balance = ledger_.BalanceIn(request.book(), account_id);
    if (balance < 0) account.set_debits_posted(-balance);
    if (balance > 0) account.set_credits_posted(balance);
  }
  co_return response;
}

void LedgerReaderDouble::Tell(const Payment& payment) {
  std::lock_guard lock(mutex_);
  ledger::v1::TransactionResult result;
  ledger::v1::Transaction& committed = *result.mutable_committed();
  committed.set_transaction_id(FormatId(IdKind::kTransaction, payment.transaction_id));
  (*committed.mutable_metadata())["payment_id"] = FormatId(IdKind::kPayment, payment.payment_id);
  for (const LedgerPosting& posting : PostingsOf(payment)) {
    ledger::v1::Posting& moved = *committed.add_postings();
    moved.set_debit_account_id(FormatId(IdKind::kAccount, posting.debit_account_id));
    moved.set_credit_account_id(FormatId(IdKind::kAccount, posting.credit_account_id));
    moved.set_amount_minor(posting.amount_minor);
  }
  committed.set_sequence(static_cast<std::int64_t>(told_.size()) + 1);
  told_.push_back(std::move(result));
}

Task<absl::StatusOr<ledger::v1::GetTransactionsResponse>> LedgerReaderDouble::GetTransactions(
    rpc::Call&, const ledger::v1::GetTransactionsRequest& request) {
  if (!available_) co_return Unavailable();
  std::lock_guard lock(mutex_);
  if (request.transaction_ids_size() > 1000) co_return Error(Reason::kTooManyItems, "1000");
  ledger::v1::GetTransactionsResponse response;
  for (const ledger::v1::TransactionResult& result : told_) {
    if (std::ranges::count(request.transaction_ids(), result.committed().transaction_id()) > 0) {
      *response.add_results() = result;
    }
  }
  for (const std::string& id : request.transaction_ids()) {
    if (!knows_all_) break;
    std::optional<ledger::v1::TransactionResult> decided = ledger_.Decided(request.book(), id);
    if (!decided) continue;
    if (decided->has_committed()) decided->mutable_committed()->set_transaction_id(id);
    *response.add_results() = *std::move(decided);
  }
  co_return response;
}

Task<absl::StatusOr<ledger::v1::ListTransactionsResponse>> LedgerReaderDouble::ListTransactions(
    rpc::Call&, const ledger::v1::ListTransactionsRequest& request) {
  if (!available_) co_return Unavailable();
  std::lock_guard lock(mutex_);
  ledger::v1::ListTransactionsResponse response;
  for (const ledger::v1::TransactionResult& result : told_) {
    if (result.committed().sequence() <= request.after_sequence()) continue;
    if (response.results_size() == request.page_size()) break;
    *response.add_results() = result;
  }
  co_return response;
}

Task<absl::StatusOr<ledger::v1::GetBalancesResponse>> LedgerReaderDouble::GetBalances(
    rpc::Call&, const ledger::v1::GetBalancesRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<ledger::v1::ListEntriesResponse>> LedgerReaderDouble::ListEntries(
    rpc::Call&, const ledger::v1::ListEntriesRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<ledger::v1::GetTransactionResponse>> LedgerReaderDouble::GetTransaction(
    rpc::Call&, const ledger::v1::GetTransactionRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<ledger::v1::FindTransactionsResponse>> LedgerReaderDouble::FindTransactions(
    rpc::Call&, const ledger::v1::FindTransactionsRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<ledger::v1::GetTrialBalanceResponse>> LedgerReaderDouble::GetTrialBalance(
    rpc::Call&, const ledger::v1::GetTrialBalanceRequest&) {
  co_return Unused();
}

Task<absl::Status> LedgerReaderDouble::WatchBalances(
    rpc::Call&, const ledger::v1::WatchBalancesRequest&,
    rpc::Stream<ledger::v1::WatchBalancesResponse>&) {
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
  proto.set_book(facts.book);
  proto.set_country(facts.country);
  proto.set_kyc_level(
      static_cast<accounts::v1::Customer::KycLevel>(static_cast<int>(facts.kyc_level) + 1));
  std::lock_guard lock(mutex_);
  accounts_[proto.account_id()] = proto;
}

void AccountsDouble::SetKind(const Uuid& account_id, AccountKind kind) {
  std::lock_guard lock(mutex_);
  accounts_.at(FormatId(IdKind::kAccount, account_id))
      .set_kind(static_cast<accounts::v1::Account::Kind>(static_cast<int>(kind) + 1));
}

void AccountsDouble::SetHolders(const Uuid& account_id, const std::vector<AccountHolder>& holders) {
  std::lock_guard lock(mutex_);
  accounts::v1::AccountFacts& facts = accounts_.at(FormatId(IdKind::kAccount, account_id));
  facts.clear_holders();
  for (const AccountHolder& holder : holders) {
    accounts::v1::AccountHolder& proto = *facts.add_holders();
    proto.set_user_id(FormatId(IdKind::kUser, holder.user_id));
    proto.set_role(holder.may_pay ? accounts::v1::Account::PAYER : accounts::v1::Account::VIEWER);
  }
}

void AccountsDouble::SetDormant(const Uuid& account_id, bool dormant) {
  std::lock_guard lock(mutex_);
  accounts_.at(FormatId(IdKind::kAccount, account_id)).set_dormant(dormant);
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
