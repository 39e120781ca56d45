#include "services/payments/store/fake_store.h"

#include <algorithm>

#include "libs/status/check.h"

namespace florin::payments {

Task<absl::StatusOr<std::vector<StoredIntent>>> FakeStore::InsertIntents(
    std::vector<Intent> intents) {
  std::lock_guard lock(mutex_);
  std::vector<StoredIntent> stored;
  for (const Intent& intent : intents) {
    const Payment& payment = intent.payment;
    const Id id(payment.user_id, payment.payment_id);
    const auto [key, inserted] =
        keys_.try_emplace(Key(payment.user_id, payment.kind, intent.idempotency_key), id);
    if (inserted) {
      rows_.emplace(id, Row{payment, intent.fingerprint, payment.create_time + kLease,
                            intent.origin.request_id, intent.trace_id});
      KeepPayout(intent);
      KeepTransfer(intent.payment);
    }
    const Row& row = rows_.at(key->second);
    stored.push_back(StoredIntent{.payment = row.payment,
                                  .same_request = row.fingerprint == intent.fingerprint});
  }
  co_return stored;
}

Task<absl::StatusOr<std::vector<Payment>>> FakeStore::RecordResults(std::vector<Payment> ended) {
  std::lock_guard lock(mutex_);
  if (fail_records_) co_return Error(Reason::kUnavailable, "told to fail");
  std::vector<Payment> kept;
  for (const Payment& payment : ended) {
    const auto row = rows_.find(Id(payment.user_id, payment.payment_id));
    FLORIN_CHECK(row != rows_.end(), "a result is recorded only for an inserted payment");
    Payment& stored = row->second.payment;
    if (stored.state == State::kProcessing) {
      stored.state = payment.state;
      stored.failure_reason = payment.failure_reason;
      stored.limit_refusal = payment.limit_refusal;
      stored.update_time = payment.update_time;
      stored.authorization_expire_time = payment.authorization_expire_time;
      if (payment.authorization_expire_time) {
        row->second.next_attempt_time = *payment.authorization_expire_time;
      }
    }
    kept.push_back(stored);
  }
  co_return kept;
}

Task<absl::StatusOr<Store::Written>> FakeStore::Write(std::shared_ptr<const Writes> writes) {
  Written written;
  if (!writes->ended.empty()) {
    FLORIN_CO_ASSIGN_OR_RETURN(written.ended, co_await RecordResults(writes->ended));
  }
  if (!writes->intents.empty()) {
    FLORIN_CO_ASSIGN_OR_RETURN(written.intents, co_await InsertIntents(writes->intents));
  }
  co_return written;
}

Task<absl::StatusOr<Payment>> FakeStore::GetPayment(Uuid user_id, Uuid payment_id) {
  std::lock_guard lock(mutex_);
  const auto row = rows_.find(Id(user_id, payment_id));
  if (row == rows_.end()) co_return Error(Reason::kPaymentNotFound, "no such payment");
  co_return row->second.payment;
}

Task<absl::StatusOr<std::vector<Payment>>> FakeStore::ListPayments(Uuid user_id,
                                                                   std::optional<Uuid> before,
                                                                   int limit) {
  std::lock_guard lock(mutex_);
  std::vector<Payment> payments;
  for (auto row = rows_.rbegin(); row != rows_.rend(); ++row) {
    const Payment& payment = row->second.payment;
    if (payment.user_id != user_id || (before && payment.payment_id >= *before)) continue;
    if (payments.size() == static_cast<std::size_t>(limit)) break;
    payments.push_back(payment);
  }
  co_return payments;
}

Task<absl::StatusOr<std::vector<Payment>>> FakeStore::ClaimUnfinished(absl::Time now, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<Row*> due;
  for (auto& [id, row] : rows_) {
    if (row.payment.kind == Kind::kPayout) continue;
    if (row.payment.state == State::kProcessing && row.next_attempt_time <= now) {
      due.push_back(&row);
    }
  }
  std::ranges::stable_sort(due, {}, &Row::next_attempt_time);
  std::vector<Payment> claimed;
  for (Row* row : due) {
    if (claimed.size() == static_cast<std::size_t>(limit)) break;
    row->next_attempt_time = now + kLease;
    claimed.push_back(row->payment);
  }
  co_return claimed;
}

std::string FakeStore::RequestOf(Uuid payment_id) {
  std::lock_guard lock(mutex_);
  const Row* const row = FindAny(payment_id);
  return row == nullptr ? "" : row->request_id;
}

std::string FakeStore::TraceOf(Uuid payment_id) {
  std::lock_guard lock(mutex_);
  const Row* const row = FindAny(payment_id);
  return row == nullptr ? "" : row->trace_id;
}

void FakeStore::FailRecords(bool fail) {
  std::lock_guard lock(mutex_);
  fail_records_ = fail;
}

}  // namespace florin::payments
