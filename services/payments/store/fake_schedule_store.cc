#include "services/payments/store/fake_schedule_store.h"

#include <algorithm>

#include "services/payments/store/store.h"

namespace florin::payments {
namespace {

absl::Status NotFound() { return Error(Reason::kScheduleNotFound, "no such schedule"); }

}  // namespace

Task<absl::StatusOr<StoredSchedule>> FakeScheduleStore::InsertSchedule(ScheduleIntent intent) {
  std::lock_guard lock(mutex_);
  const Schedule& schedule = intent.schedule;
  const auto [key, inserted] =
      keys_.try_emplace({schedule.user_id, intent.idempotency_key}, schedule.schedule_id);
  if (inserted)
    rows_.emplace(schedule.schedule_id,
                  Row{schedule, intent.fingerprint,
                      schedule.approval ? schedule.approval->expire_time : absl::Time()});
  const Row& row = rows_.at(key->second);
  co_return StoredSchedule{.schedule = row.schedule,
                           .same_request = row.fingerprint == intent.fingerprint};
}

Task<absl::StatusOr<Schedule>> FakeScheduleStore::GetSchedule(Uuid user_id, Uuid schedule_id) {
  std::lock_guard lock(mutex_);
  const auto row = rows_.find(schedule_id);
  if (row == rows_.end() || row->second.schedule.user_id != user_id) co_return NotFound();
  co_return row->second.schedule;
}

Task<absl::StatusOr<std::vector<Schedule>>> FakeScheduleStore::ListSchedules(
    Uuid user_id, std::optional<Uuid> before, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<Schedule> schedules;
  for (auto row = rows_.rbegin(); row != rows_.rend(); ++row) {
    if (row->second.schedule.user_id != user_id || (before && row->first >= *before)) continue;
    if (schedules.size() == static_cast<std::size_t>(limit)) break;
    schedules.push_back(row->second.schedule);
  }
  co_return schedules;
}

Task<absl::StatusOr<Schedule>> FakeScheduleStore::ChangeSchedule(Uuid user_id, Uuid schedule_id,
                                                                 ScheduleEvent event,
                                                                 absl::Time now, audit::Origin) {
  std::lock_guard lock(mutex_);
  const auto row = rows_.find(schedule_id);
  if (row == rows_.end() || row->second.schedule.user_id != user_id) co_return NotFound();
  FLORIN_CO_RETURN_IF_ERROR(Apply(row->second.schedule, event, now));
  co_return row->second.schedule;
}

Task<absl::StatusOr<int>> FakeScheduleStore::BeginOccurrences(absl::Time now, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<Schedule*> due;
  for (auto& [id, row] : rows_) {
    if (row.schedule.state == ScheduleState::kActive && *row.schedule.next_time <= now) {
      due.push_back(&row.schedule);
    }
  }
  std::ranges::stable_sort(due, {}, [](const Schedule* one) { return *one->next_time; });
  if (due.size() > static_cast<std::size_t>(limit)) due.resize(static_cast<std::size_t>(limit));
  for (Schedule* schedule : due) {
    for (const Occurrence& begun : BeginDue(*schedule, now)) {
      occurrences_.try_emplace({begun.schedule_id, begun.number}, OccurrenceRow{begun, now});
    }
  }
  co_return static_cast<int>(due.size());
}

Task<absl::StatusOr<std::vector<DueOccurrence>>> FakeScheduleStore::ClaimOccurrences(absl::Time now,
                                                                                     int limit) {
  std::lock_guard lock(mutex_);
  std::vector<OccurrenceRow*> due;
  for (auto& [id, row] : occurrences_) {
    if (row.occurrence.state == OccurrenceState::kPending && row.next_attempt_time <= now) {
      due.push_back(&row);
    }
  }
  std::ranges::stable_sort(due, {}, &OccurrenceRow::next_attempt_time);
  std::vector<DueOccurrence> claimed;
  for (OccurrenceRow* row : due) {
    if (claimed.size() == static_cast<std::size_t>(limit)) break;
    row->next_attempt_time = now + kOccurrenceLease;
    claimed.push_back({row->occurrence, rows_.at(row->occurrence.schedule_id).schedule});
  }
  co_return claimed;
}

Task<absl::Status> FakeScheduleStore::RecordOccurrence(Occurrence ended) {
  std::lock_guard lock(mutex_);
  if (fail_records_) co_return Error(Reason::kUnavailable, "told to fail");
  Occurrence& kept = occurrences_.at({ended.schedule_id, ended.number}).occurrence;
  if (kept.state == OccurrenceState::kPending) kept = std::move(ended);
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::vector<Occurrence>>> FakeScheduleStore::ListOccurrences(
    Uuid user_id, Uuid schedule_id, std::optional<int> before, int limit) {
  std::lock_guard lock(mutex_);
  const auto schedule = rows_.find(schedule_id);
  if (schedule == rows_.end() || schedule->second.schedule.user_id != user_id) {
    co_return NotFound();
  }
  std::vector<Occurrence> found;
  for (auto row = occurrences_.rbegin(); row != occurrences_.rend(); ++row) {
    if (row->first.first != schedule_id || (before && row->first.second >= *before)) continue;
    if (found.size() == static_cast<std::size_t>(limit)) break;
    found.push_back(row->second.occurrence);
  }
  co_return found;
}

FakeScheduleStore::Row* FakeScheduleStore::Find(const Uuid& user_id, const Uuid& schedule_id) {
  const auto row = rows_.find(schedule_id);
  const bool own = row != rows_.end() && row->second.schedule.user_id == user_id;
  return own ? &row->second : nullptr;
}

Task<absl::StatusOr<AwaitedOrder>> FakeScheduleStore::BeginConfirm(Uuid user_id, Uuid order_id,
                                                                   absl::Time now) {
  std::lock_guard lock(mutex_);
  Row* const row = Find(user_id, order_id);
  if (row == nullptr) co_return NotFound();
  row->check_time = now + kLease;
  co_return AwaitedOf(row->schedule);
}

Task<absl::StatusOr<AwaitedOrder>> FakeScheduleStore::StartApproved(Uuid user_id, Uuid order_id,
                                                                    crypto::Digest redeemed,
                                                                    absl::Time now, audit::Origin) {
  std::lock_guard lock(mutex_);
  if (fail_records_) co_return Error(Reason::kUnavailable, "told to fail");
  Row* const row = Find(user_id, order_id);
  if (row == nullptr) co_return NotFound();
  const AwaitedOrder order = AwaitedOf(row->schedule);
  if (!order.waiting) co_return order;
  if (sca::BindingDigest(order.asked.binding) != redeemed) {
    co_return Error(Reason::kApprovalMismatch, "the schedule is not the one that was approved");
  }
  Start(row->schedule, std::string(crypto::AsOctets(redeemed)), now);
  co_return AwaitedOf(row->schedule);
}

Task<absl::StatusOr<AwaitedOrder>> FakeScheduleStore::GiveUpAwaited(Uuid user_id, Uuid order_id,
                                                                    Reason reason, absl::Time now,
                                                                    audit::Origin) {
  std::lock_guard lock(mutex_);
  Row* const row = Find(user_id, order_id);
  if (row == nullptr) co_return NotFound();
  if (row->schedule.state == ScheduleState::kRequiresAction) GiveUp(row->schedule, reason, now);
  co_return AwaitedOf(row->schedule);
}

Task<absl::StatusOr<std::vector<AwaitedOrder>>> FakeScheduleStore::ClaimAwaiting(absl::Time now,
                                                                                 int limit) {
  std::lock_guard lock(mutex_);
  std::vector<AwaitedOrder> claimed;
  for (auto& [id, row] : rows_) {
    if (row.schedule.state != ScheduleState::kRequiresAction || row.check_time > now) continue;
    if (claimed.size() == static_cast<std::size_t>(limit)) break;
    row.check_time = std::max(row.schedule.approval->expire_time, now + kLease);
    claimed.push_back(AwaitedOf(row.schedule));
  }
  co_return claimed;
}

void FakeScheduleStore::FailRecords(bool fail) {
  std::lock_guard lock(mutex_);
  fail_records_ = fail;
}

}  // namespace florin::payments
