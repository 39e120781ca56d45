// An InterestStore in memory, held to the contract of the real one. For tests.
#pragma once

#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "services/accounts/store/account_state_store.h"
#include "services/accounts/store/interest_store.h"

namespace florin::accounts {

class FakeInterestStore : public InterestStore {
 public:
  // Where the accounts are; outlives this.
  explicit FakeInterestStore(AccountStateStore& accounts) : accounts_(accounts) {}

  Task<absl::StatusOr<InterestPlan>> PutPlan(InterestPlan plan, absl::CivilDay today,
                                             absl::Time now, audit::Event event) override;
  Task<absl::StatusOr<std::vector<InterestPlan>>> ListPlans(
      std::optional<std::string> plan_id) override;
  Task<absl::StatusOr<InterestAssignment>> Assign(InterestAssignment assignment, Uuid acting_user,
                                                  absl::CivilDay today, absl::Time now,
                                                  absl::Time due_time, audit::Event event) override;
  Task<absl::StatusOr<AccountInterest>> GetInterest(Uuid account_id) override;
  Task<absl::StatusOr<std::vector<InterestDay>>> ListDays(Uuid account_id, absl::CivilDay before,
                                                          int limit) override;
  Task<absl::StatusOr<std::vector<DueInterest>>> ClaimDays(absl::Time now, absl::Time lease_until,
                                                           int limit) override;
  Task<absl::Status> WriteDays(std::vector<InterestDay> days, absl::Time now) override;
  Task<absl::StatusOr<std::vector<InterestBooking>>> Settle(Uuid account_id,
                                                            absl::Time lease_until) override;
  Task<absl::StatusOr<std::vector<InterestBooking>>> ClaimBookings(absl::Time now,
                                                                   absl::Time lease_until,
                                                                   int limit) override;
  Task<absl::Status> RecordBookings(std::vector<Decided> decided) override;

  // What was recorded in the audit trail.
  std::vector<audit::Event> events();
  // From now on, this many writes of days, and of what became of bookings, do nothing and answer
  // kUnavailable, as if the process had died before them.
  void FailWrites(int days, int bookings);

 private:
  struct Progress {
    absl::CivilDay next_day;
    Int128 carried = 0;
    int revision = 0;
    absl::Time due_time;
  };
  struct Kept {
    InterestBooking booking;
    absl::Time next_attempt_time;
  };
  using BookingKey = std::tuple<Uuid, absl::CivilDay, BookingKind>;

  // With mutex_ held.
  std::string PlanOn(const Uuid& account_id, absl::CivilDay day) const;
  std::optional<InterestPlan> VersionOn(const std::string& plan_id, absl::CivilDay day) const;
  DueInterest DueOf(const Uuid& account_id, const Progress& progress, bool closed) const;

  AccountStateStore& accounts_;
  std::mutex mutex_;
  std::map<std::string, std::vector<InterestPlan>> plans_;       // Guarded by mutex_.
  std::map<Uuid, std::vector<InterestAssignment>> assignments_;  // Guarded by mutex_.
  std::map<Uuid, Progress> progress_;                            // Guarded by mutex_.
  std::map<std::pair<Uuid, absl::CivilDay>, InterestDay> days_;  // Guarded by mutex_.
  std::map<BookingKey, Kept> bookings_;                          // Guarded by mutex_.
  std::vector<audit::Event> events_;                             // Guarded by mutex_.
  int failing_days_ = 0;                                         // Guarded by mutex_.
  int failing_bookings_ = 0;                                     // Guarded by mutex_.
};

}  // namespace florin::accounts
