#include "services/accounts/store/fake_interest_store.h"

#include <algorithm>
#include <ranges>

namespace florin::accounts {
namespace {

constexpr std::size_t kMostBookings = 100;

}  // namespace

Task<absl::StatusOr<InterestPlan>> FakeInterestStore::PutPlan(InterestPlan plan,
                                                              absl::CivilDay today, absl::Time,
                                                              audit::Event event) {
  std::lock_guard lock(mutex_);
  std::vector<InterestPlan>& versions = plans_[plan.plan_id];
  for (const InterestPlan& one : versions) {
    if (one.version != plan.version) continue;
    if (one == plan) co_return plan;
    co_return Error(Reason::kIdConflict, "the version has other content", {.param = "version"});
  }
  std::optional<InterestPlan> latest;
  if (!versions.empty()) latest = versions.back();
  FLORIN_CO_RETURN_IF_ERROR(CheckNextVersion(latest, plan, today));
  versions.push_back(plan);
  events_.push_back(std::move(event));
  co_return plan;
}

Task<absl::StatusOr<std::vector<InterestPlan>>> FakeInterestStore::ListPlans(
    std::optional<std::string> plan_id) {
  std::lock_guard lock(mutex_);
  std::vector<InterestPlan> found;
  for (const auto& [id, versions] : plans_) {
    if (versions.empty()) continue;
    if (!plan_id) found.push_back(versions.back());
    if (plan_id == id) found = versions;
  }
  co_return found;
}

Task<absl::StatusOr<InterestAssignment>> FakeInterestStore::Assign(InterestAssignment assignment,
                                                                   Uuid acting_user,
                                                                   absl::CivilDay today, absl::Time,
                                                                   absl::Time due_time,
                                                                   audit::Event event) {
  const AccountRef ref{.user_id = std::nullopt, .account_id = assignment.account_id};
  const absl::StatusOr<AccountRecord> record = co_await accounts_.FindAccount(ref);
  if (!record.ok()) co_return record.status();
  if (record->account.user_id == acting_user) {
    co_return Error(Reason::kSelfApproval, "nobody decides on themselves");
  }
  std::lock_guard lock(mutex_);
  std::vector<InterestAssignment>& all = assignments_[assignment.account_id];
  for (const InterestAssignment& one : all) {
    if (one.from_date != assignment.from_date) continue;
    if (one == assignment) co_return assignment;
    co_return Error(Reason::kIdConflict, "the day has another plan", {.param = "from_date"});
  }
  AssignmentFacts facts{.currency = std::string(record->account.currency.code()),
                        .account_kind = record->account.kind,
                        .closed = record->account.state == AccountState::kClosed};
  const auto plan = plans_.find(assignment.plan_id);
  if (plan != plans_.end() && !plan->second.empty()) facts.first_version = plan->second.front();
  if (!all.empty()) facts.latest = all.back();
  FLORIN_CO_RETURN_IF_ERROR(CheckAssignment(facts, assignment, today));
  all.push_back(assignment);
  Progress& progress =
      progress_
          .try_emplace(assignment.account_id, Progress{.next_day = assignment.from_date,
                                                       .due_time = absl::InfiniteFuture()})
          .first->second;
  ++progress.revision;
  if (progress.due_time == absl::InfiniteFuture()) {
    progress.next_day = assignment.from_date;
    progress.due_time = due_time;
  }
  events_.push_back(std::move(event));
  co_return assignment;
}

Task<absl::StatusOr<AccountInterest>> FakeInterestStore::GetInterest(Uuid account_id) {
  const AccountRef ref{.user_id = std::nullopt, .account_id = account_id};
  const absl::StatusOr<AccountRecord> record = co_await accounts_.FindAccount(ref);
  if (!record.ok()) co_return record.status();
  std::lock_guard lock(mutex_);
  AccountInterest interest{.assignments = assignments_[account_id]};
  const auto progress = progress_.find(account_id);
  if (progress != progress_.end()) {
    interest.next_day = progress->second.next_day;
    interest.carried = progress->second.carried;
  }
  for (const auto& [key, kept] : bookings_) {
    if (std::get<0>(key) == account_id) interest.bookings.push_back(kept.booking);
  }
  std::ranges::sort(interest.bookings, [](const InterestBooking& a, const InterestBooking& b) {
    return std::pair(b.last_day, NameOf(a.kind)) < std::pair(a.last_day, NameOf(b.kind));
  });
  if (interest.bookings.size() > kMostBookings) interest.bookings.resize(kMostBookings);
  co_return interest;
}

Task<absl::StatusOr<std::vector<InterestDay>>> FakeInterestStore::ListDays(Uuid account_id,
                                                                           absl::CivilDay before,
                                                                           int limit) {
  std::lock_guard lock(mutex_);
  std::vector<InterestDay> found;
  for (const auto& [key, day] : std::views::reverse(days_)) {
    if (key.first != account_id || key.second >= before) continue;
    if (found.size() >= static_cast<std::size_t>(limit)) break;
    found.push_back(day);
  }
  co_return found;
}

std::string FakeInterestStore::PlanOn(const Uuid& account_id, absl::CivilDay day) const {
  std::string plan_id;
  for (const InterestAssignment& one : assignments_.at(account_id)) {
    if (one.from_date <= day) plan_id = one.plan_id;
  }
  return plan_id;
}

std::optional<InterestPlan> FakeInterestStore::VersionOn(const std::string& plan_id,
                                                         absl::CivilDay day) const {
  std::optional<InterestPlan> in_force;
  const auto plan = plans_.find(plan_id);
  if (plan == plans_.end()) return in_force;
  for (const InterestPlan& one : plan->second) {
    if (one.effective_date <= day) in_force = one;
  }
  return in_force;
}

DueInterest FakeInterestStore::DueOf(const Uuid& account_id, const Progress& progress,
                                     bool closed) const {
  DueInterest due{.account_id = account_id,
                  .day = progress.next_day,
                  .carried = progress.carried,
                  .revision = progress.revision,
                  .closed = closed,
                  .plan = VersionOn(PlanOn(account_id, progress.next_day), progress.next_day),
                  .next_plan_id = PlanOn(account_id, progress.next_day + 1)};
  if (!due.next_plan_id.empty()) due.next_time_zone = plans_.at(due.next_plan_id)[0].time_zone;
  due.more_follows = assignments_.at(account_id).back().from_date > progress.next_day + 1;
  return due;
}

Task<absl::StatusOr<std::vector<DueInterest>>> FakeInterestStore::ClaimDays(absl::Time now,
                                                                            absl::Time lease_until,
                                                                            int limit) {
  std::vector<Uuid> due;
  {
    std::lock_guard lock(mutex_);
    for (auto& [id, progress] : progress_) {
      if (progress.due_time > now || due.size() >= static_cast<std::size_t>(limit)) continue;
      progress.due_time = lease_until;
      due.push_back(id);
    }
  }
  std::vector<DueInterest> claimed;
  for (const Uuid& id : due) {
    const AccountRef ref{.user_id = std::nullopt, .account_id = id};
    const absl::StatusOr<AccountRecord> record = co_await accounts_.FindAccount(ref);
    const bool closed = !record.ok() || record->account.state == AccountState::kClosed;
    std::lock_guard lock(mutex_);
    claimed.push_back(DueOf(id, progress_.at(id), closed));
    if (record.ok()) claimed.back().book = record->account.book;
  }
  co_return claimed;
}

Task<absl::Status> FakeInterestStore::WriteDays(std::vector<InterestDay> days, absl::Time now) {
  std::lock_guard lock(mutex_);
  if (failing_days_ > 0) {
    --failing_days_;
    co_return Error(Reason::kUnavailable, "told to fail");
  }
  for (InterestDay& day : days) {
    Progress& progress = progress_.at(day.account_id);
    if (progress.next_day != day.day || progress.revision != day.revision) continue;
    progress.next_day = day.next_day;
    progress.carried = day.carried;
    progress.due_time = day.due_time;
    for (const InterestBooking& booking : day.bookings) {
      bookings_[{booking.account_id, booking.last_day, booking.kind}] = {.booking = booking,
                                                                         .next_attempt_time = now};
    }
    if (day.plan_id.empty()) continue;
    InterestDay kept{.account_id = day.account_id,
                     .day = day.day,
                     .plan_id = day.plan_id,
                     .plan_version = day.plan_version,
                     .balance_minor = day.balance_minor,
                     .parts = day.parts,
                     .booked_minor = day.booked_minor,
                     .carried = day.carried};
    days_[{day.account_id, day.day}] = std::move(kept);
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::vector<InterestBooking>>> FakeInterestStore::Settle(
    Uuid account_id, absl::Time lease_until) {
  const AccountRef ref{.user_id = std::nullopt, .account_id = account_id};
  const absl::StatusOr<AccountRecord> record = co_await accounts_.FindAccount(ref);
  std::lock_guard lock(mutex_);
  std::vector<InterestBooking> claimed;
  const auto found = progress_.find(account_id);
  if (found == progress_.end()) co_return claimed;
  Progress& progress = found->second;
  const std::optional<Capitalised> over = Capitalise(progress.carried);
  if (!over) co_return Error(Reason::kInternal, "more interest than can be booked");
  if (over->booked_minor != 0) {
    const InterestDay* last = nullptr;
    for (const auto& [key, day] : days_) {
      if (key.first == account_id) last = &day;
    }
    const InterestBooking booking{.account_id = account_id,
                                  .last_day = last->day,
                                  .kind = BookingKind::kInterest,
                                  .plan_id = last->plan_id,
                                  .currency = plans_.at(last->plan_id)[0].currency,
                                  .amount_minor = over->booked_minor,
                                  .book = record.ok() ? record->account.book : ""};
    bookings_[{account_id, last->day, BookingKind::kInterest}] = {.booking = booking};
    progress.carried = over->carried_parts;
    ++progress.revision;
  }
  for (auto& [key, kept] : bookings_) {
    if (std::get<0>(key) != account_id || kept.booking.state != BookingState::kDue) continue;
    kept.next_attempt_time = lease_until;
    claimed.push_back(kept.booking);
  }
  co_return claimed;
}

Task<absl::StatusOr<std::vector<InterestBooking>>> FakeInterestStore::ClaimBookings(
    absl::Time now, absl::Time lease_until, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<InterestBooking> claimed;
  for (auto& [key, kept] : bookings_) {
    const bool due = kept.booking.state == BookingState::kDue && kept.next_attempt_time <= now;
    if (!due || claimed.size() >= static_cast<std::size_t>(limit)) continue;
    kept.next_attempt_time = lease_until;
    claimed.push_back(kept.booking);
  }
  co_return claimed;
}

Task<absl::Status> FakeInterestStore::RecordBookings(std::vector<Decided> decided) {
  std::lock_guard lock(mutex_);
  if (failing_bookings_ > 0) {
    --failing_bookings_;
    co_return Error(Reason::kUnavailable, "told to fail");
  }
  for (const Decided& one : decided) {
    Kept& kept = bookings_.at({one.after.account_id, one.after.last_day, one.after.kind});
    if (kept.booking.state != BookingState::kDue || kept.booking.attempt != one.attempt) continue;
    kept.booking = one.after;
    kept.next_attempt_time = one.next_attempt_time;
  }
  co_return absl::OkStatus();
}

std::vector<audit::Event> FakeInterestStore::events() {
  std::lock_guard lock(mutex_);
  return events_;
}

void FakeInterestStore::FailWrites(int days, int bookings) {
  std::lock_guard lock(mutex_);
  failing_days_ = days;
  failing_bookings_ = bookings;
}

}  // namespace florin::accounts
