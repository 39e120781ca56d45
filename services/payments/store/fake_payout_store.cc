// FakeStore's side of PayoutStore.
#include <algorithm>
#include <utility>

#include "libs/status/check.h"
#include "services/payments/store/fake_store.h"

namespace florin::payments {
namespace {

absl::Status NotFound() { return Error(Reason::kPaymentNotFound, "no such payout"); }

}  // namespace

void FakeStore::KeepPayout(const Intent& intent) {
  if (!intent.payout) return;
  const Payment& payment = intent.payment;
  payouts_.emplace(payment.payment_id,
                   PayoutRow{.payout = {.payment = payment,
                                        .beneficiary = intent.payout->beneficiary,
                                        .rail = intent.payout->rail},
                             .update_time = payment.create_time,
                             .next_attempt_time = payment.create_time + kLease});
}

Payout FakeStore::PayoutOf(const PayoutRow& row) const {
  Payout payout = row.payout;
  payout.payment = rows_.at(Id(payout.payment.user_id, payout.payment.payment_id)).payment;
  return payout;
}

std::vector<std::pair<Payout, absl::Time>> FakeStore::AllPayouts() {
  std::lock_guard lock(mutex_);
  std::vector<std::pair<Payout, absl::Time>> all;
  for (const auto& [id, row] : payouts_) all.emplace_back(PayoutOf(row), row.update_time);
  return all;
}

Task<absl::StatusOr<Payout>> FakeStore::FindPayout(Uuid payment_id) {
  std::lock_guard lock(mutex_);
  const auto row = payouts_.find(payment_id);
  if (row == payouts_.end()) co_return NotFound();
  co_return PayoutOf(row->second);
}

Task<absl::StatusOr<Payout>> FakeStore::Advance(Uuid payment_id, PayoutStage from, PayoutStage to,
                                                std::string code, absl::Time now) {
  std::lock_guard lock(mutex_);
  if (fail_records_) co_return Error(Reason::kUnavailable, "told to fail");
  const auto row = payouts_.find(payment_id);
  if (row == payouts_.end()) co_return NotFound();
  Payout& payout = row->second.payout;
  if (payout.stage != from) co_return PayoutOf(row->second);
  FLORIN_CHECK(MayAdvance(from, to), "a payout goes as its machine says");
  payout.stage = to;
  payout.asked = 0;
  if (!code.empty()) payout.code = code;
  row->second.update_time = now;
  row->second.next_attempt_time = now + kLease;
  Payment& payment = rows_.at(Id(payout.payment.user_id, payment_id)).payment;
  payment = AtStage(payment, to, payout.code, now);
  co_return PayoutOf(row->second);
}

Task<absl::StatusOr<std::vector<Payout>>> FakeStore::ClaimPayouts(absl::Time now, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<PayoutRow*> due;
  for (auto& [id, row] : payouts_) {
    const bool over = IsTerminal(row.payout.stage) || row.payout.stage == PayoutStage::kSettled;
    if (over || row.next_attempt_time > now) continue;
    if (PayoutOf(row).payment.state != State::kRequiresAction) due.push_back(&row);
  }
  std::ranges::stable_sort(due, {}, &PayoutRow::next_attempt_time);
  std::vector<Payout> claimed;
  for (PayoutRow* row : due) {
    if (claimed.size() == static_cast<std::size_t>(limit)) break;
    row->next_attempt_time = now + kLease;
    claimed.push_back(PayoutOf(*row));
  }
  co_return claimed;
}

Task<absl::Status> FakeStore::Postpone(Uuid payment_id, absl::Time until) {
  std::lock_guard lock(mutex_);
  const auto row = payouts_.find(payment_id);
  if (row == payouts_.end()) co_return absl::OkStatus();
  row->second.next_attempt_time = until;
  ++row->second.payout.asked;
  co_return absl::OkStatus();
}

}  // namespace florin::payments
