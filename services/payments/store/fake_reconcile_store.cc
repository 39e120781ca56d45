// FakeStore's side of ReconcileStore.
#include <algorithm>
#include <utility>

#include "services/payments/store/fake_store.h"

namespace florin::payments {

void FakeStore::Open(const Discrepancy& found, absl::Time now) {
  const auto [kept, inserted] = discrepancies_.try_emplace(
      found.discrepancy_id,
      KeptDiscrepancy{.discrepancy = found, .create_time = now, .update_time = now});
  if (inserted || kept->second.state != DiscrepancyState::kAgreed) return;
  kept->second.discrepancy = found;
  kept->second.state = DiscrepancyState::kOpen;
  kept->second.update_time = now;
}

absl::Time* FakeStore::NextAttemptOf(const VainAttempt& attempt) {
  if (attempt.step) {
    StepRow& row = steps_.at(attempt.step->step_id);
    return row.step.state == StepState::kProcessing ? &row.next_attempt_time : nullptr;
  }
  Row* const row = FindAny(attempt.payment.payment_id);
  return row->payment.state == State::kProcessing ? &row->next_attempt_time : nullptr;
}

Task<absl::StatusOr<std::vector<Discrepancy>>> FakeStore::RecordFailures(
    std::vector<VainAttempt> attempts, absl::Time now) {
  std::lock_guard lock(mutex_);
  std::vector<Discrepancy> parked;
  for (const VainAttempt& attempt : attempts) {
    const Uuid subject = attempt.step ? attempt.step->step_id : attempt.payment.payment_id;
    RecoveryFailure& failure =
        failures_
            .try_emplace(subject, RecoveryFailure{.payment_id = attempt.payment.payment_id,
                                                  .step_id = attempt.step ? subject : Uuid(),
                                                  .first_time = now})
            .first->second;
    ++failure.failures;
    failure.reason = attempt.reason;
    failure.last_time = now;
    absl::Time* const next = NextAttemptOf(attempt);
    if (next == nullptr) continue;
    const std::optional<absl::Duration> pause = RestAfter(failure.failures);
    *next = pause ? now + *pause : absl::InfiniteFuture();
    if (pause) continue;
    failure.parked = true;
    Discrepancy found = attempt.step ? Parked(attempt.payment, *attempt.step, attempt.reason)
                                     : Parked(attempt.payment, attempt.reason);
    Open(found, now);
    parked.push_back(std::move(found));
  }
  co_return parked;
}

Task<absl::StatusOr<std::vector<RecoveryFailure>>> FakeStore::ListFailures(Uuid payment_id) {
  std::lock_guard lock(mutex_);
  std::vector<RecoveryFailure> all;
  for (const auto& [id, failure] : failures_) {
    if (failure.payment_id == payment_id) all.push_back(failure);
  }
  std::ranges::stable_sort(all, {}, &RecoveryFailure::first_time);
  co_return all;
}

Task<absl::StatusOr<int>> FakeStore::TakeUpAgain(Uuid payment_id, Uuid, absl::Time now,
                                                 audit::Origin) {
  std::lock_guard lock(mutex_);
  int taken = 0;
  for (auto& [id, failure] : failures_) {
    if (failure.payment_id != payment_id || !failure.parked) continue;
    failure.parked = false;
    failure.failures = 0;
    (failure.step_id.is_nil() ? FindAny(id)->next_attempt_time : steps_.at(id).next_attempt_time) =
        now;
    ++taken;
  }
  for (auto& [id, kept] : discrepancies_) {
    if (kept.discrepancy.payment_id != payment_id || kept.state != DiscrepancyState::kOpen ||
        kept.discrepancy.kind != DiscrepancyKind::kParked) {
      continue;
    }
    kept.state = DiscrepancyState::kAgreed;
    kept.update_time = now;
  }
  co_return taken;
}

Task<absl::StatusOr<std::int64_t>> FakeStore::PositionOf(Walk walk) {
  std::lock_guard lock(mutex_);
  co_return positions_[walk];
}

Task<absl::StatusOr<int>> FakeStore::RecordWalk(Walk walk, std::int64_t position,
                                                std::vector<Discrepancy> found, absl::Time now) {
  std::lock_guard lock(mutex_);
  for (const Discrepancy& one : found) Open(one, now);
  positions_[walk] = std::max(positions_[walk], position);
  co_return static_cast<int>(found.size());
}

Task<absl::StatusOr<int>> FakeStore::OpenDiscrepancies(std::vector<Discrepancy> found,
                                                       absl::Time now) {
  std::lock_guard lock(mutex_);
  for (const Discrepancy& one : found) Open(one, now);
  co_return static_cast<int>(found.size());
}

Task<absl::StatusOr<std::vector<Payment>>> FakeStore::PaymentsMade(absl::Time from,
                                                                   absl::Time until, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<Payment> made;
  for (const auto& [id, row] : rows_) {
    if (made.size() == static_cast<std::size_t>(limit)) break;
    const absl::Time time = row.payment.create_time;
    if (time >= from && time < until) made.push_back(row.payment);
  }
  co_return made;
}

Task<absl::StatusOr<std::vector<WholePayment>>> FakeStore::StepsMade(absl::Time from,
                                                                     absl::Time until, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<WholePayment> made;
  for (const auto& [id, row] : steps_) {
    if (made.size() == static_cast<std::size_t>(limit)) break;
    if (row.step.create_time < from || row.step.create_time >= until) continue;
    made.push_back({.payment = FindAny(row.step.payment_id)->payment, .steps = {row.step}});
  }
  co_return made;
}

Task<absl::StatusOr<std::vector<WholePayment>>> FakeStore::WholePayments(
    std::vector<Uuid> payment_ids) {
  std::lock_guard lock(mutex_);
  std::vector<WholePayment> all;
  for (const Uuid& id : payment_ids) {
    const Row* const row = FindAny(id);
    if (row == nullptr) continue;
    WholePayment whole{.payment = row->payment, .steps = {}};
    for (const auto& [step_id, step] : steps_) {
      if (step.step.payment_id == id) whole.steps.push_back(step.step);
    }
    std::ranges::stable_sort(whole.steps, {}, &Step::create_time);
    all.push_back(std::move(whole));
  }
  co_return all;
}

Task<absl::StatusOr<std::vector<KeptDiscrepancy>>> FakeStore::ListDiscrepancies(
    std::optional<DiscrepancyState> state, std::optional<Uuid> before, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<KeptDiscrepancy> listed;
  for (auto kept = discrepancies_.rbegin(); kept != discrepancies_.rend(); ++kept) {
    if (listed.size() == static_cast<std::size_t>(limit)) break;
    if (before && kept->first >= *before) continue;
    if (!state || kept->second.state == *state) listed.push_back(kept->second);
  }
  co_return listed;
}

Task<absl::StatusOr<KeptDiscrepancy>> FakeStore::GetDiscrepancy(Uuid discrepancy_id) {
  std::lock_guard lock(mutex_);
  const auto kept = discrepancies_.find(discrepancy_id);
  if (kept != discrepancies_.end()) co_return kept->second;
  co_return Error(Reason::kDiscrepancyNotFound, "no such discrepancy");
}

Task<absl::StatusOr<std::vector<KeptDiscrepancy>>> FakeStore::DiscrepanciesOf(Uuid payment_id) {
  std::lock_guard lock(mutex_);
  std::vector<KeptDiscrepancy> all;
  for (const auto& [id, kept] : discrepancies_) {
    if (kept.discrepancy.payment_id == payment_id) all.push_back(kept);
  }
  std::ranges::stable_sort(all, {}, &KeptDiscrepancy::create_time);
  co_return all;
}

Task<absl::StatusOr<KeptDiscrepancy>> FakeStore::Resolve(Resolution resolution, absl::Time now) {
  std::lock_guard lock(mutex_);
  const auto found = discrepancies_.find(resolution.discrepancy_id);
  if (found == discrepancies_.end()) {
    co_return Error(Reason::kDiscrepancyNotFound, "no such discrepancy");
  }
  KeptDiscrepancy& kept = found->second;
  if (kept.resolved_by == resolution.user_id && kept.note == resolution.note) co_return kept;
  if (kept.state != DiscrepancyState::kOpen) {
    co_return Error(Reason::kDiscrepancyClosed, "the discrepancy is not open");
  }
  kept.state = DiscrepancyState::kResolved;
  kept.resolved_by = resolution.user_id;
  kept.note = resolution.note;
  kept.update_time = now;
  co_return kept;
}

Task<absl::StatusOr<int>> FakeStore::Agree(std::vector<Uuid> discrepancy_ids, absl::Time now) {
  std::lock_guard lock(mutex_);
  int agreed = 0;
  for (const Uuid& id : discrepancy_ids) {
    const auto kept = discrepancies_.find(id);
    if (kept == discrepancies_.end() || kept->second.state != DiscrepancyState::kOpen ||
        kept->second.discrepancy.kind == DiscrepancyKind::kParked) {
      continue;
    }
    kept->second.state = DiscrepancyState::kAgreed;
    kept->second.update_time = now;
    ++agreed;
  }
  co_return agreed;
}

Task<absl::StatusOr<std::vector<Exposure>>> FakeStore::ListExposure() {
  std::lock_guard lock(mutex_);
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> sums;
  for (const auto& [id, kept] : discrepancies_) {
    const std::optional<Currency>& currency = kept.discrepancy.currency;
    auto& [count, at_risk] = sums[currency ? std::string(currency->code()) : ""];
    if (kept.state != DiscrepancyState::kOpen) continue;
    ++count;
    at_risk += kept.discrepancy.at_risk_minor;
  }
  std::vector<Exposure> all;
  for (const auto& [currency, sum] : sums) {
    all.push_back({.currency = currency,
                   .discrepancies = sum.first,
                   .at_risk_minor = std::to_string(sum.second)});
  }
  co_return all;
}

}  // namespace florin::payments
