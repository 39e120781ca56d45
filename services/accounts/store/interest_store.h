// Plans of interest and charges, who has them, what has accrued and what is booked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "services/accounts/domain/interest_plan.h"

namespace florin::accounts {

// How an account stands with interest.
struct AccountInterest {
  std::vector<InterestAssignment> assignments;  // Earliest first.
  // Nothing unless it has had a plan: everything before this day is accrued, and this is carried.
  std::optional<absl::CivilDay> next_day = {};
  Int128 carried = 0;
  std::vector<InterestBooking> bookings = {};  // Latest first; the last hundred.
};

// Thread-safe. Every method is idempotent, so that it may be repeated after kUnavailable. Errors
// besides those named: kUnavailable, kInternal.
class InterestStore {
 public:
  virtual ~InterestStore() = default;

  // Adds a version, with `event` in the audit trail, unless it is there with the same content
  // already. `today` where the plan is. Errors: kIdConflict, if it is there with other content;
  // those of CheckNextVersion.
  virtual Task<absl::StatusOr<InterestPlan>> PutPlan(InterestPlan plan, absl::CivilDay today,
                                                     absl::Time now, audit::Event event) = 0;
  // All versions of one plan, the first one first; without a plan, the last version of each, in the
  // order of their ids, at most 1000.
  virtual Task<absl::StatusOr<std::vector<InterestPlan>>> ListPlans(
      std::optional<std::string> plan_id) = 0;

  // Assigns, with `event` in the audit trail, unless that is there already. The first day of an
  // account that had no plan is closed at `due_time`. Errors: kAccountNotFound; kIdConflict, if the
  // day has another plan; those of CheckAssignment; kSelfApproval, if the account is
  // `acting_user`'s.
  virtual Task<absl::StatusOr<InterestAssignment>> Assign(InterestAssignment assignment,
                                                          Uuid acting_user, absl::CivilDay today,
                                                          absl::Time now, absl::Time due_time,
                                                          audit::Event event) = 0;
  // Error: kAccountNotFound.
  virtual Task<absl::StatusOr<AccountInterest>> GetInterest(Uuid account_id) = 0;
  // Days before `before`, latest first, at most `limit`. Of an unknown account none.
  virtual Task<absl::StatusOr<std::vector<InterestDay>>> ListDays(Uuid account_id,
                                                                  absl::CivilDay before,
                                                                  int limit) = 0;

  // Days that are closed at `now`, of at most `limit` accounts and one of each. Nobody else is
  // given them before `lease_until`.
  virtual Task<absl::StatusOr<std::vector<DueInterest>>> ClaimDays(absl::Time now,
                                                                   absl::Time lease_until,
                                                                   int limit) = 0;
  // Writes days and their bookings, those of each account both or neither, except where the day was
  // written before or the account has got another assignment since.
  virtual Task<absl::Status> WriteDays(std::vector<InterestDay> days, absl::Time now) = 0;

  // Bookings that are due at `now`, at most `limit`; as ClaimDays.
  virtual Task<absl::StatusOr<std::vector<InterestBooking>>> ClaimBookings(absl::Time now,
                                                                           absl::Time lease_until,
                                                                           int limit) = 0;
  // Ends the account's period now: the whole units of what is carried become a booking of the last
  // day that has accrued. Claims all of the account's bookings that are due, whoever has them: the
  // id of an attempt is decided once. None of an account without a plan.
  virtual Task<absl::StatusOr<std::vector<InterestBooking>>> Settle(Uuid account_id,
                                                                    absl::Time lease_until) = 0;
  // What became of an attempt; one that is not the booking's any more changes nothing.
  struct Decided {
    InterestBooking after;
    int attempt = 1;               // The one that was decided.
    absl::Time next_attempt_time;  // If it is still due.
  };
  virtual Task<absl::Status> RecordBookings(std::vector<Decided> decided) = 0;
};

}  // namespace florin::accounts
