#include "services/payments/flow/limit_history.h"

#include <algorithm>
#include <utility>

#include "libs/rpc/timestamp.h"
#include "services/payments/domain/limit_chain.h"

namespace florin::payments {
namespace {

BucketCounters CountersOf(const ledger::v1::GetBalancesResponse& balances, const LimitUse& use) {
  const std::string id = FormatId(IdKind::kAccount, use.control_account_id);
  for (const ledger::v1::Balance& balance : balances.balances()) {
    if (balance.account_id() != id) continue;
    return {.credits_posted = balance.credits_posted(),
            .debits_posted = balance.debits_posted(),
            .debits_pending = balance.debits_pending()};
  }
  return {};
}

}  // namespace

Task<absl::StatusOr<ledger::v1::GetBalancesResponse>> LimitHistory::CountersAt(
    const std::vector<LimitUse>& uses, std::int64_t sequence) {
  ledger::v1::GetBalancesRequest request;
  request.set_book(book_);
  request.set_sequence(sequence);
  for (const LimitUse& use : uses) {
    request.add_account_ids(FormatId(IdKind::kAccount, use.control_account_id));
  }
  rpc::Outgoing context;
  context.route = book_;
  co_return co_await reader_.GetBalances(std::move(context), request);
}

Task<absl::Status> LimitHistory::AddUsed(const Payment& payment, std::vector<JudgedLimit>& judged) {
  std::vector<LimitTransaction> holds = LimitChainOf(payment);
  std::erase_if(holds, [](const LimitTransaction& one) { return !one.hold_for; });
  if (holds.empty()) co_return absl::OkStatus();
  ledger::v1::GetTransactionsRequest request;
  request.set_book(book_);
  for (const LimitTransaction& hold : holds) {
    request.add_transaction_ids(FormatId(IdKind::kTransaction, hold.transaction_id));
  }
  rpc::Outgoing context;
  context.route = book_;
  const absl::StatusOr<ledger::v1::GetTransactionsResponse> response =
      co_await reader_.GetTransactions(std::move(context), request);
  if (!response.ok()) co_return response.status();
  for (const ledger::v1::TransactionResult& result : response->results()) {
    if (!result.has_committed()) continue;
    const ledger::v1::Transaction& held = result.committed();
    const auto hold = std::ranges::find_if(holds, [&held](const LimitTransaction& one) {
      return FormatId(IdKind::kTransaction, one.transaction_id) == held.transaction_id();
    });
    if (hold == holds.end()) continue;
    const absl::StatusOr<ledger::v1::GetBalancesResponse> counters =
        co_await CountersAt(hold->uses, held.sequence());
    if (!counters.ok()) co_return counters.status();
    for (const LimitUse& use : hold->uses) {
      judged.push_back(UsedLimit(use, CountersOf(*counters, use), TimeOf(held.commit_time())));
    }
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::vector<JudgedLimit>>> LimitHistory::Of(Payment payment) {
  std::vector<JudgedLimit> judged;
  FLORIN_CO_RETURN_IF_ERROR(co_await AddUsed(payment, judged));
  const std::optional<JudgedLimit> refused = RefusedLimit(payment);
  if (judged.empty()) {
    for (const LimitUse& use : payment.limit_uses) {
      if (refused && use.limit_id == refused->limit_id) continue;
      judged.push_back({.limit_id = use.limit_id,
                        .asked = use.units,
                        .window = use.window,
                        .time = payment.create_time});
    }
  }
  if (refused) judged.push_back(*refused);
  if (judged.empty()) co_return judged;
  absl::StatusOr<std::shared_ptr<const LimitTable>> table = co_await limits_.Current();
  if (!table.ok()) co_return table.status();
  std::vector<Uuid> ids;
  for (const JudgedLimit& one : judged) ids.push_back(one.limit_id);
  const absl::StatusOr<LimitTable> forgotten = co_await limits_.Forgotten(std::move(ids));
  if (!forgotten.ok()) co_return forgotten.status();
  for (JudgedLimit& one : judged) {
    const Limit* limit = (*table)->Find(one.limit_id);
    if (limit == nullptr) limit = forgotten->Find(one.limit_id);
    if (limit != nullptr) one.limit = *limit;
  }
  co_return judged;
}

}  // namespace florin::payments
