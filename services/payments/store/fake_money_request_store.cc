#include "services/payments/store/fake_money_request_store.h"

namespace florin::payments {
namespace {

absl::Status NotFound() {
  return Error(Reason::kPaymentRequestNotFound, "no such payment request");
}

}  // namespace

Task<absl::StatusOr<StoredMoneyRequest>> FakeMoneyRequestStore::InsertRequest(
    MoneyRequestIntent intent) {
  std::lock_guard lock(mutex_);
  const MoneyRequest& request = intent.request;
  const auto [key, inserted] =
      keys_.try_emplace({request.user_id, intent.idempotency_key}, request.request_id);
  if (inserted) {
    rows_.emplace(request.request_id, Row{request, intent.fingerprint, request.create_time});
  }
  const Row& row = rows_.at(key->second);
  co_return StoredMoneyRequest{.request = row.request,
                               .same_request = row.fingerprint == intent.fingerprint};
}

Task<absl::StatusOr<MoneyRequest>> FakeMoneyRequestStore::GetRequest(Uuid request_id) {
  std::lock_guard lock(mutex_);
  const auto row = rows_.find(request_id);
  if (row == rows_.end()) co_return NotFound();
  co_return row->second.request;
}

Task<absl::StatusOr<std::vector<MoneyRequest>>> FakeMoneyRequestStore::ListRequests(
    Uuid user_id, std::optional<Uuid> before, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<MoneyRequest> found;
  for (auto row = rows_.rbegin(); row != rows_.rend(); ++row) {
    if (row->second.request.user_id != user_id || (before && row->first >= *before)) continue;
    if (found.size() == static_cast<std::size_t>(limit)) break;
    found.push_back(row->second.request);
  }
  co_return found;
}

Task<absl::StatusOr<MoneyRequest>> FakeMoneyRequestStore::BeginPayment(Uuid request_id,
                                                                       Paying paying,
                                                                       absl::Time now) {
  std::lock_guard lock(mutex_);
  const auto row = rows_.find(request_id);
  if (row == rows_.end()) co_return NotFound();
  FLORIN_CO_RETURN_IF_ERROR(BeginToPay(row->second.request, paying, now));
  row->second.next_attempt_time = now + kMoneyRequestLease;
  co_return row->second.request;
}

Task<absl::StatusOr<MoneyRequest>> FakeMoneyRequestStore::EndPayment(Uuid request_id, Paying paying,
                                                                     std::optional<Payment> payment,
                                                                     absl::Time now) {
  std::lock_guard lock(mutex_);
  if (fail_ends_) co_return Error(Reason::kUnavailable, "told to fail");
  const auto row = rows_.find(request_id);
  if (row == rows_.end()) co_return NotFound();
  Conclude(row->second.request, paying, payment, now);
  co_return row->second.request;
}

Task<absl::StatusOr<MoneyRequest>> FakeMoneyRequestStore::CloseRequest(Uuid request_id,
                                                                       MoneyRequestEvent event,
                                                                       absl::Time now) {
  std::lock_guard lock(mutex_);
  const auto row = rows_.find(request_id);
  if (row == rows_.end()) co_return NotFound();
  FLORIN_CO_RETURN_IF_ERROR(Close(row->second.request, event, now));
  co_return row->second.request;
}

Task<absl::StatusOr<std::vector<MoneyRequest>>> FakeMoneyRequestStore::ClaimPaying(absl::Time now,
                                                                                   int limit) {
  std::lock_guard lock(mutex_);
  std::vector<MoneyRequest> claimed;
  for (auto& [id, row] : rows_) {
    if (row.request.state != MoneyRequestState::kPaying || row.next_attempt_time > now) continue;
    if (claimed.size() == static_cast<std::size_t>(limit)) break;
    row.next_attempt_time = now + kMoneyRequestLease;
    claimed.push_back(row.request);
  }
  co_return claimed;
}

void FakeMoneyRequestStore::FailEnds(bool fail) {
  std::lock_guard lock(mutex_);
  fail_ends_ = fail;
}

}  // namespace florin::payments
