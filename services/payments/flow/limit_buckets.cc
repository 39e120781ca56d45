#include "services/payments/flow/limit_buckets.h"

#include <algorithm>
#include <utility>

namespace florin::payments {
namespace {

// Forgotten all at once: opening and funding again has no effect.
constexpr std::size_t kRemembered = 200'000;

// What the ledger takes in a call.
constexpr int kMostOpened = 100;
constexpr int kMostPosted = 500;
constexpr std::size_t kMostRead = 1000;

void AddAccount(const Uuid& id, const Limit& limit, ledger::v1::NormalSide side,
                ledger::v1::OpenAccountsRequest& request) {
  ledger::v1::Account& account = *request.add_accounts();
  account.set_account_id(FormatId(IdKind::kAccount, id));
  account.set_currency(std::string(limit.currency.code()));
  account.set_normal_side(side);
  account.set_debits_must_not_exceed_credits(side == ledger::v1::CREDIT);
}

}  // namespace

ledger::v1::TransactionInput InputOf(const LimitTransaction& transaction,
                                     const std::string& metadata_key,
                                     const std::string& metadata_value) {
  ledger::v1::TransactionInput input;
  input.set_transaction_id(FormatId(IdKind::kTransaction, transaction.transaction_id));
  for (const StepPosting& posting : transaction.postings) {
    ledger::v1::Posting& proto = *input.add_postings();
    proto.set_debit_account_id(FormatId(IdKind::kAccount, posting.debit_account_id));
    proto.set_credit_account_id(FormatId(IdKind::kAccount, posting.credit_account_id));
    proto.set_amount_minor(posting.amount_minor);
    proto.set_balancing_debit(posting.balancing_debit);
    proto.set_balancing_credit(posting.balancing_credit);
  }
  if (transaction.hold_for) {
    input.mutable_hold()->mutable_timeout()->set_seconds(
        absl::ToInt64Seconds(*transaction.hold_for));
  }
  (*input.mutable_metadata())[metadata_key] = metadata_value;
  return input;
}

namespace {

// The limit as whoever judged the payment knew it, or as it became later. Null: he may have read
// the limits later than `table` was.
const Limit* LimitOf(const LimitUse& use, const LimitTable& table) {
  const Limit* limit = table.Find(use.limit_id);
  return limit != nullptr && use.swept && !limit->WasLowered() ? nullptr : limit;
}

std::vector<Uuid> LimitIdsOf(const std::vector<LimitUse>& uses) {
  std::vector<Uuid> ids;
  for (const LimitUse& use : uses) ids.push_back(use.limit_id);
  return ids;
}

bool IsBehind(const LimitTable& table, const std::vector<LimitUse>& uses) {
  return std::ranges::any_of(
      uses, [&table](const LimitUse& use) { return LimitOf(use, table) == nullptr; });
}

}  // namespace

Task<absl::Status> LimitBuckets::Prepare(std::vector<LimitUse> uses) {
  absl::StatusOr<std::shared_ptr<const LimitTable>> table = co_await limits_.Current();
  if (!table.ok()) co_return table.status();
  if (IsBehind(**table, uses)) {
    FLORIN_CO_RETURN_IF_ERROR(co_await limits_.Refresh());
    table = co_await limits_.Current();
    if (!table.ok()) co_return table.status();
  }
  const absl::StatusOr<LimitTable> forgotten = co_await limits_.Forgotten(LimitIdsOf(uses));
  if (!forgotten.ok()) co_return forgotten.status();
  absl::StatusOr<std::vector<Bucket>> buckets = Unfunded(**table, *forgotten, uses);
  if (!buckets.ok()) co_return buckets.status();
  if (buckets->empty()) co_return absl::OkStatus();
  FLORIN_CO_RETURN_IF_ERROR(co_await Open(*buckets));
  FLORIN_CO_RETURN_IF_ERROR(co_await Fund(*buckets));
  const std::lock_guard lock(mutex_);
  if (funded_.size() >= kRemembered) funded_.clear();
  for (const Bucket& bucket : *buckets) {
    std::size_t& done = funded_[bucket.control_account_id];
    done = std::max(done, bucket.limit.maxima.size());
  }
  co_return absl::OkStatus();
}

absl::StatusOr<std::vector<LimitBuckets::Bucket>> LimitBuckets::Unfunded(
    const LimitTable& table, const LimitTable& forgotten, const std::vector<LimitUse>& uses) {
  std::vector<Bucket> buckets;
  const std::lock_guard lock(mutex_);
  for (const LimitUse& use : uses) {
    const Limit* limit = LimitOf(use, table);
    if (limit == nullptr) limit = LimitOf(use, forgotten);
    if (limit == nullptr) return Error(Reason::kInternal, "a payment uses a limit that is none");
    const auto found = funded_.find(use.control_account_id);
    const std::size_t done = found == funded_.end() ? 0 : found->second;
    if (done >= limit->maxima.size()) continue;
    buckets.push_back({use.control_account_id, *limit, done});
  }
  return buckets;
}

Task<absl::Status> LimitBuckets::Open(const std::vector<Bucket>& buckets) {
  ledger::v1::OpenAccountsRequest request;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const Bucket& bucket = buckets[i];
    const Uuid& control = bucket.control_account_id;
    AddAccount(control, bucket.limit, ledger::v1::CREDIT, request);
    AddAccount(GrantedAccountOf(control), bucket.limit, ledger::v1::DEBIT, request);
    if (bucket.limit.WasLowered()) {
      AddAccount(ExcessAccountOf(control), bucket.limit, ledger::v1::DEBIT, request);
    }
    if (i + 1 < buckets.size() && request.accounts_size() + 3 <= kMostOpened) continue;
    request.set_book(book_);
    rpc::Outgoing context;
    context.route = book_;
    const auto opened = co_await ledger_.OpenAccounts(std::move(context), request);
    if (!opened.ok()) co_return opened.status();
    request.clear_accounts();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> LimitBuckets::Fund(const std::vector<Bucket>& buckets) {
  std::vector<ledger::v1::TransactionInput> inputs;
  for (const Bucket& bucket : buckets) {
    const std::string limit_id = FormatId(IdKind::kLimit, bucket.limit.limit_id);
    for (const LimitTransaction& funding :
         FundingsOf(bucket.limit, bucket.control_account_id, bucket.done)) {
      inputs.push_back(InputOf(funding, "limit_id", limit_id));
    }
  }
  ledger::v1::PostTransactionsRequest request;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    *request.add_transactions() = std::move(inputs[i]);
    if (i + 1 < inputs.size() && request.transactions_size() < kMostPosted) continue;
    request.set_book(book_);
    rpc::Outgoing context;
    context.route = book_;
    const absl::StatusOr<ledger::v1::PostTransactionsResponse> response =
        co_await ledger_.PostTransactions(std::move(context), request);
    if (!response.ok()) co_return response.status();
    for (const ledger::v1::TransactionResult& result : response->results()) {
      if (!result.has_committed()) co_return Error(Reason::kInternal, "a limit is not funded");
    }
    request.clear_transactions();
  }
  co_return absl::OkStatus();
}

void LimitBuckets::Forget(const std::vector<LimitUse>& uses) {
  const std::lock_guard lock(mutex_);
  for (const LimitUse& use : uses) funded_.erase(use.control_account_id);
}

Task<absl::StatusOr<std::vector<std::int64_t>>> LimitBuckets::HeldOf(
    std::vector<Uuid> control_account_ids, std::int64_t sequence) {
  absl::flat_hash_map<std::string, std::int64_t> held;
  for (std::size_t from = 0; from < control_account_ids.size(); from += kMostRead) {
    ledger::v1::GetAccountsRequest request;
    request.set_book(book_);
    request.set_at_least_sequence(sequence);
    const std::size_t until = std::min(from + kMostRead, control_account_ids.size());
    for (std::size_t i = from; i < until; ++i) {
      request.add_account_ids(FormatId(IdKind::kAccount, control_account_ids[i]));
    }
    rpc::Outgoing context;
    context.route = book_;
    const absl::StatusOr<ledger::v1::GetAccountsResponse> response =
        co_await reader_.GetAccounts(std::move(context), request);
    if (!response.ok()) co_return response.status();
    for (const ledger::v1::Account& account : response->accounts()) {
      held[account.account_id()] = account.debits_pending();
    }
  }
  std::vector<std::int64_t> found;
  for (const Uuid& id : control_account_ids) {
    found.push_back(held[FormatId(IdKind::kAccount, id)]);
  }
  co_return found;
}

Task<absl::StatusOr<LimitRefusal>> LimitBuckets::RefusalOf(LimitUse use, std::int64_t sequence) {
  absl::StatusOr<std::shared_ptr<const LimitTable>> table = co_await limits_.Current();
  if (!table.ok()) co_return table.status();
  std::vector<Uuid> ids = {use.limit_id};
  const absl::StatusOr<LimitTable> forgotten = co_await limits_.Forgotten(std::move(ids));
  if (!forgotten.ok()) co_return forgotten.status();
  std::vector<Uuid> control = {use.control_account_id};
  const absl::StatusOr<std::vector<std::int64_t>> held =
      co_await HeldOf(std::move(control), sequence);
  if (!held.ok()) co_return held.status();
  LimitRefusal refusal{.limit_id = use.limit_id};
  const Limit* limit = (*table)->Find(use.limit_id);
  if (limit == nullptr) limit = forgotten->Find(use.limit_id);
  if (limit != nullptr) {
    // Something may have expired since the ledger refused.
    refusal.remaining = std::min(RemainingOf(*limit, held->front()), use.units - 1);
  }
  co_return refusal;
}

}  // namespace florin::payments
