// Schedules, and the occurrences that have begun.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/crypto/sha256.h"
#include "services/payments/domain/schedule.h"
#include "services/payments/store/order_approval_store.h"

namespace florin::payments {

// A schedule about to be made, and the request that makes it. The key is unique for each user.
struct ScheduleIntent {
  Schedule schedule;
  std::string idempotency_key;
  crypto::Digest fingerprint;
  audit::Origin origin = {};
};

// As StoredIntent.
struct StoredSchedule {
  Schedule schedule;
  bool same_request = false;
};

// A pending occurrence with what it is to pay.
struct DueOccurrence {
  Occurrence occurrence;
  Schedule schedule;
};

// How long a worker has an occurrence for itself. As kLease of payments: about work, not safety.
inline constexpr absl::Duration kOccurrenceLease = absl::Seconds(10);

// What users do is in the audit trail, by the same transaction, as payments.schedule.create, pause,
// resume and cancel. Thread-safe. Every method is idempotent, so that it may be repeated after
// kUnavailable. Errors besides those named: kUnavailable (the outcome of a write is then unknown),
// kInternal.
class ScheduleStore : public OrderApprovalStore {
 public:
  // Keeps a schedule, which may require action, under a new key, and gives what is kept under the
  // key afterwards.
  virtual Task<absl::StatusOr<StoredSchedule>> InsertSchedule(ScheduleIntent intent) = 0;

  // Error: kScheduleNotFound, also for a schedule of another user.
  virtual Task<absl::StatusOr<Schedule>> GetSchedule(Uuid user_id, Uuid schedule_id) = 0;

  // Newest (greatest id) first, at most `limit`; only those before `before`, if given.
  virtual Task<absl::StatusOr<std::vector<Schedule>>> ListSchedules(Uuid user_id,
                                                                    std::optional<Uuid> before,
                                                                    int limit) = 0;

  // Apply(). Of this and BeginOccurrences() at once one sees what the other has done: after a
  // pause or an end nothing begins. Errors: kScheduleNotFound, and its own.
  virtual Task<absl::StatusOr<Schedule>> ChangeSchedule(Uuid user_id, Uuid schedule_id,
                                                        ScheduleEvent event, absl::Time now,
                                                        audit::Origin origin) = 0;

  // BeginDue() of up to `limit` schedules that are due, longest first; those that another replica
  // is at are left to it. Gives how many schedules there were.
  virtual Task<absl::StatusOr<int>> BeginOccurrences(absl::Time now, int limit) = 0;

  // Takes up to `limit` pending occurrences that nobody has taken since `now` - kOccurrenceLease.
  virtual Task<absl::StatusOr<std::vector<DueOccurrence>>> ClaimOccurrences(absl::Time now,
                                                                            int limit) = 0;

  // Records how one ended (state, payment_id, failure_reason). The first result stays.
  virtual Task<absl::Status> RecordOccurrence(Occurrence ended) = 0;

  // The latest (greatest number) first, at most `limit`; only those before `before`, if given.
  // Error: kScheduleNotFound, also for a schedule of another user.
  virtual Task<absl::StatusOr<std::vector<Occurrence>>> ListOccurrences(Uuid user_id,
                                                                        Uuid schedule_id,
                                                                        std::optional<int> before,
                                                                        int limit) = 0;
};

}  // namespace florin::payments
