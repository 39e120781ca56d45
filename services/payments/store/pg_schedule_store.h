// The schedules in PostgreSQL: tables `schedules` and `schedule_occurrences`, see migrations/.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/payments/store/schedule_store.h"

namespace florin::payments {

// Reads the time zones of schedules from the system's database.
class PgScheduleStore : public ScheduleStore {
 public:
  // What the pool must prepare, beside audit::InsertStatements().
  static std::vector<pg::Statement> Statements();

  // `pool` outlives this.
  explicit PgScheduleStore(pg::Pool& pool) : pool_(pool) {}

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

 private:
  pg::Pool& pool_;
};

}  // namespace florin::payments
