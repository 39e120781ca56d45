// What of a world is about orders: payouts and the rail, schedules and bulks.
#include <algorithm>

#include "services/payments/domain/state_machine.h"
#include "tests/saga/world.h"

namespace florin::saga {
namespace {

using payments::Payment;
using payments::State;

constexpr int kEverything = 1'000'000;

}  // namespace

void World::SavePayee(const Uuid& user, const std::string& payee, absl::Time usable_time) {
  DeletePayee(user, payee);
  payees_->Save(user, payee, usable_time);
  saved_.push_back(
      {.user = user, .payee = payee, .usable_time = usable_time, .saved = kept_.clock.Now()});
}

bool World::DeletePayee(const Uuid& user, const std::string& payee) {
  const auto kept = std::ranges::find_if(saved_, [&](const SavedPayee& one) {
    return one.user == user && one.payee == payee && one.deleted == absl::InfiniteFuture();
  });
  if (kept == saved_.end()) return false;
  payees_->Delete(user, payee);
  kept->deleted = kept_.clock.Now();
  return true;
}

bool World::OrdersAreUnfinished(absl::Time soon) {
  if (PayoutsAreUnfinished(soon)) return true;
  for (const payments::Schedule& schedule : Schedules()) {
    const bool active = schedule.state == payments::ScheduleState::kActive;
    if (active && *schedule.next_time <= soon) return true;
    const bool waits = schedule.state == payments::ScheduleState::kRequiresAction;
    if (waits && WaitsForAWorker(*schedule.approval, soon)) return true;
    for (const payments::Occurrence& occurrence : OccurrencesOf(schedule)) {
      if (occurrence.state == payments::OccurrenceState::kPending) return true;
    }
  }
  return std::ranges::any_of(Bulks(), [this, soon](const payments::Bulk& bulk) {
    const bool waits = bulk.state == payments::BulkState::kRequiresAction;
    return payments::IsWorkedOn(bulk.state) || (waits && WaitsForAWorker(*bulk.approval, soon));
  });
}

// Payouts, and what a rail notifies of.
bool World::PayoutsAreUnfinished(absl::Time soon) {
  for (const Payment& payment : AllPayments()) {
    if (payment.kind != payments::Kind::kPayout) continue;
    const auto payout = Read(stores_.rows->FindPayout(payment.payment_id));
    const bool over =
        payments::IsTerminal(payout->stage) || payout->stage == payments::PayoutStage::kSettled;
    const bool waits =
        payment.state == State::kRequiresAction ||
        (payout->stage == payments::PayoutStage::kSent && RailIsSilent(payment.payment_id, soon));
    if (!over && !waits) return true;
  }
  return !Read(stores_.rail->DueNotifications(soon, 1))->empty();
}

bool World::WaitsForAWorker(const payments::OrderTerms& terms, absl::Time soon) {
  const auto approval = approvals_.Get(FormatId(IdKind::kApproval, terms.approval_id));
  return terms.expire_time <= soon || approval.state() == auth::v1::Approval::REDEEMED;
}

bool World::RailIsSilent(const Uuid& payment_id, absl::Time time) {
  const auto taken = *Read(stores_.rail->FindTaken(payment_id));
  if (!taken) return false;
  return taken->silent_until > time ||
         std::ranges::none_of(taken->entries, [time](const payments::RailEntry& entry) {
           return entry.book_time <= time;
         });
}

std::vector<payments::RailEntry> World::RailEntries() {
  return *Read(stores_.rail->BookedAfter(absl::UnixEpoch(), 0, kept_.clock.Now(), kEverything));
}

std::vector<payments::Schedule> World::Schedules() {
  std::vector<payments::Schedule> all;
  for (const Person& person : people_) {
    const auto some = *Read(stores_.schedules->ListSchedules(person.user, {}, kEverything));
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

std::vector<payments::Occurrence> World::OccurrencesOf(const payments::Schedule& schedule) {
  return *Read(
      stores_.schedules->ListOccurrences(schedule.user_id, schedule.schedule_id, {}, kEverything));
}

std::vector<payments::Bulk> World::Bulks() {
  std::vector<payments::Bulk> all;
  for (const auto& [user, bulk] : stores_.bulks->all()) {
    all.push_back(*Read(stores_.bulks->GetBulk(user, bulk)));
  }
  return all;
}

std::vector<payments::BulkItem> World::ItemsOf(const payments::Bulk& bulk) {
  return *Read(stores_.bulks->ListItems(bulk.user_id, bulk.bulk_id, {}, 0, kEverything));
}

}  // namespace florin::saga
