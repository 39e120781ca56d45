// The schedules in memory, for tests of what uses a ScheduleStore.
#pragma once

#include <map>
#include <mutex>
#include <utility>

#include "services/payments/store/schedule_store.h"

namespace florin::payments {

// Thread-safe.
class FakeScheduleStore : public ScheduleStore {
 public:
  Task<absl::StatusOr<StoredSchedule>> InsertSchedule(ScheduleIntent intent) override;
  Task<absl::StatusOr<Schedule>> GetSchedule(Uuid user_id, Uuid schedule_id) override;
  Task<absl::StatusOr<std::vector<Schedule>>> ListSchedules(Uuid user_id,
                                                            std::optional<Uuid> before,
                                                            int limit) override;
  Task<absl::StatusOr<Schedule>> ChangeSchedule(Uuid user_id, Uuid schedule_id, ScheduleEvent event,
                                                absl::Time now, audit::Origin origin) override;
  Task<absl::StatusOr<int>> BeginOccurrences(absl::Time now, int limit) override;
  Task<absl::StatusOr<std::vector<DueOccurrence>>> ClaimOccurrences(absl::Time now,
                                                                    int limit) override;
  Task<absl::Status> RecordOccurrence(Occurrence ended) override;
  Task<absl::StatusOr<std::vector<Occurrence>>> ListOccurrences(Uuid user_id, Uuid schedule_id,
                                                                std::optional<int> before,
                                                                int limit) override;
  Task<absl::StatusOr<AwaitedOrder>> BeginConfirm(Uuid user_id, Uuid order_id,
                                                  absl::Time now) override;
  Task<absl::StatusOr<AwaitedOrder>> StartApproved(Uuid user_id, Uuid order_id,
                                                   crypto::Digest redeemed, absl::Time now,
                                                   audit::Origin origin) override;
  Task<absl::StatusOr<AwaitedOrder>> GiveUpAwaited(Uuid user_id, Uuid order_id, Reason reason,
                                                   absl::Time now, audit::Origin origin) override;
  Task<absl::StatusOr<std::vector<AwaitedOrder>>> ClaimAwaiting(absl::Time now, int limit) override;

  // Makes RecordOccurrence fail with kUnavailable, as if the process had crashed before it.
  void FailRecords(bool fail);

 private:
  struct Row {
    Schedule schedule;
    crypto::Digest fingerprint;
    absl::Time check_time;  // Of its approval.
  };
  // With mutex_ held: the schedule of that user, or nothing.
  Row* Find(const Uuid& user_id, const Uuid& schedule_id);

  struct OccurrenceRow {
    Occurrence occurrence;
    absl::Time next_attempt_time;
  };

  std::mutex mutex_;
  std::map<Uuid, Row> rows_;                                   // Guarded by mutex_.
  std::map<std::pair<Uuid, std::string>, Uuid> keys_;          // Guarded by mutex_.
  std::map<std::pair<Uuid, int>, OccurrenceRow> occurrences_;  // Guarded by mutex_.
  bool fail_records_ = false;                                  // Guarded by mutex_.
};

}  // namespace florin::payments
