// FakeStore's side of ApprovalStore.
#include <algorithm>
#include <utility>

#include "services/payments/domain/approval.h"
#include "services/payments/store/fake_store.h"

namespace florin::payments {
namespace {

absl::Status NotFound() { return Error(Reason::kPaymentNotFound, "no such payment"); }

}  // namespace

FakeStore::Row* FakeStore::Find(const Uuid& user_id, const Uuid& payment_id) {
  const auto row = rows_.find(Id(user_id, payment_id));
  return row == rows_.end() ? nullptr : &row->second;
}

LowValueUse FakeStore::UseOf(const Payment& payment) const {
  LowValueUse sum;
  for (const auto& [key, use] : use_) {
    if (key.first != payment.user_id) continue;
    sum.payments += use.payments;
    if (key.second == payment.amount.currency) sum.total_minor += use.total_minor;
  }
  return sum;
}

Task<absl::StatusOr<Judged>> FakeStore::InsertJudged(Intent intent, ApprovalTerms terms,
                                                     ApprovalPolicy policy) {
  std::lock_guard lock(mutex_);
  const Payment& payment = intent.payment;
  const Id id(payment.user_id, payment.payment_id);
  const Key key(payment.user_id, payment.kind, intent.idempotency_key);
  if (const auto known = keys_.find(key); known != keys_.end()) {
    const Row& row = rows_.at(known->second);
    co_return Judged{
        .stored = {.payment = row.payment, .same_request = row.fingerprint == intent.fingerprint},
        .verdict = std::nullopt};
  }
  FLORIN_CO_RETURN_IF_ERROR(UseQuote(payment));
  keys_.emplace(key, id);
  const Money debited = DebitedOf(payment);
  const Verdict verdict = Judge(policy, payment.kind, debited, false, UseOf(payment));
  if (!verdict.needs_approval) {
    LowValueUse& use = use_[{payment.user_id, payment.amount.currency}];
    use = After(use, debited);
  }
  const absl::Time due = verdict.needs_approval ? terms.expire_time : payment.create_time + kLease;
  Payment kept = verdict.needs_approval ? AwaitApproval(payment, std::move(terms)) : payment;
  rows_.emplace(id, Row{kept, intent.fingerprint, due, intent.origin.request_id, intent.trace_id});
  KeepPayout(intent);
  KeepTransfer(intent.payment);
  co_return Judged{.stored = {.payment = std::move(kept), .same_request = true},
                   .verdict = verdict};
}

Task<absl::StatusOr<Payment>> FakeStore::BeginConfirm(Uuid user_id, Uuid payment_id,
                                                      absl::Time now) {
  std::lock_guard lock(mutex_);
  Row* const row = Find(user_id, payment_id);
  if (row == nullptr) co_return NotFound();
  if (row->payment.state == State::kRequiresAction) row->next_attempt_time = now + kLease;
  co_return row->payment;
}

Task<absl::StatusOr<Payment>> FakeStore::Start(Uuid user_id, Uuid payment_id,
                                               crypto::Digest redeemed, absl::Time now,
                                               audit::Origin) {
  std::lock_guard lock(mutex_);
  if (fail_starts_) co_return Error(Reason::kUnavailable, "told to fail");
  Row* const row = Find(user_id, payment_id);
  if (row == nullptr) co_return NotFound();
  if (row->payment.state != State::kRequiresAction) co_return row->payment;
  if (sca::BindingDigest(BindingOf(row->payment)) != redeemed) {
    co_return Error(Reason::kApprovalMismatch, "the payment is not the one that was approved");
  }
  row->payment = StartApproved(row->payment, std::string(crypto::AsOctets(redeemed)), now);
  row->next_attempt_time = now + kLease;
  for (auto& [key, use] : use_) {
    if (key.first == user_id) use = {};
  }
  co_return row->payment;
}

Task<absl::StatusOr<Payment>> FakeStore::GiveUp(Uuid user_id, Uuid payment_id, Reason reason,
                                                absl::Time now, audit::Origin) {
  std::lock_guard lock(mutex_);
  Row* const row = Find(user_id, payment_id);
  if (row == nullptr) co_return NotFound();
  if (row->payment.state == State::kRequiresAction) {
    row->payment = payments::GiveUp(row->payment, reason, now);
  }
  co_return row->payment;
}

Task<absl::StatusOr<std::vector<Payment>>> FakeStore::ClaimAwaiting(absl::Time now, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<Row*> due;
  for (auto& [id, row] : rows_) {
    if (row.payment.state == State::kRequiresAction && row.next_attempt_time <= now) {
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

void FakeStore::Tamper(Uuid user_id, Uuid payment_id, const std::function<void(Payment&)>& change) {
  std::lock_guard lock(mutex_);
  change(rows_.at(Id(user_id, payment_id)).payment);
}

void FakeStore::FailStarts(bool fail) {
  std::lock_guard lock(mutex_);
  fail_starts_ = fail;
}

}  // namespace florin::payments
