#include "services/payments/flow/sandbox_rail.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "services/payments/domain/sandbox_rail.h"
#include "services/payments/flow/settlement.h"

namespace florin::payments {
namespace {

// What the rail says about a payout that it has taken.
absl::StatusOr<RailStatus> StatusAt(const TakenPayout& taken, absl::Time now) {
  if (now < taken.silent_until) return Error(Reason::kUnavailable, "the rail does not answer");
  RailStatus status{.state = RailState::kPending};
  for (const RailEntry& entry : taken.entries) {
    if (entry.book_time > now) continue;
    status.code = entry.code;
    switch (entry.event) {
      case RailEvent::kSettled:
        status.state = RailState::kSettled;
        break;
      case RailEvent::kRejected:
        status.state = RailState::kRejected;
        break;
      case RailEvent::kReturned:
        status.state = RailState::kReturned;
        break;
      case RailEvent::kDeposit:
        break;
    }
  }
  return status;
}

// "MICROSECONDS.NUMBER" of the last line.
std::string CursorOf(const RailEntry& entry) {
  return std::to_string(absl::ToUnixMicros(entry.book_time)) + "." + std::to_string(entry.number);
}

absl::StatusOr<std::pair<absl::Time, std::int64_t>> ParseCursor(const std::string& cursor) {
  if (cursor.empty()) return std::pair(absl::UnixEpoch(), std::int64_t{0});
  const std::vector<std::string> parts = absl::StrSplit(cursor, '.');
  std::int64_t micros = 0;
  std::int64_t number = 0;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &micros) ||
      !absl::SimpleAtoi(parts[1], &number)) {
    return Error(Reason::kInvalidField, "not a cursor of this rail", {.param = "cursor"});
  }
  return std::pair(absl::FromUnixMicros(micros), number);
}

}  // namespace

Task<absl::StatusOr<RailStatus>> SandboxRail::Submit(RailPayout payout) {
  const absl::Time now = NowInMicroseconds(clock_);
  const SandboxPlan plan = PlanOf(payout.beneficiary);
  std::vector<PlannedEntry> entries;
  for (const SandboxPlan::Event& event : plan.events) {
    entries.push_back({.entry = {.event = event.event,
                                 .payout_id = payout.payout_id,
                                 .amount = event.charged ? ChargedOf(payout.amount) : payout.amount,
                                 .code = event.code,
                                 .book_time = now + event.after},
                       .notifications = event.notifications,
                       .told = event.told,
                       .on_statement = event.on_statement});
  }
  TakenPayout taking{.payout_id = payout.payout_id,
                     .amount = payout.amount,
                     .silent_until = now + plan.silence,
                     .entries = {}};
  const absl::StatusOr<TakenPayout> taken =
      co_await store_.Take(std::move(taking), std::move(entries));
  if (!taken.ok()) co_return taken.status();
  if (taken->amount != payout.amount) {
    co_return Error(Reason::kInternal, "the rail knows another payout by this id");
  }
  co_return StatusAt(*taken, now);
}

Task<absl::StatusOr<RailStatus>> SandboxRail::StatusOf(Uuid payout_id) {
  const absl::StatusOr<std::optional<TakenPayout>> taken = co_await store_.FindTaken(payout_id);
  if (!taken.ok()) co_return taken.status();
  if (!taken->has_value()) co_return RailStatus{};
  co_return StatusAt(**taken, NowInMicroseconds(clock_));
}

Task<absl::StatusOr<std::vector<RailEntry>>> SandboxRail::Notifications(int limit) {
  co_return co_await store_.DueNotifications(NowInMicroseconds(clock_), limit);
}

Task<absl::Status> SandboxRail::Acknowledge(std::int64_t number) {
  co_return co_await store_.Notified(number);
}

Task<absl::StatusOr<RailStatement>> SandboxRail::Statement(std::string cursor, int limit) {
  const auto after = ParseCursor(cursor);
  if (!after.ok()) co_return after.status();
  const absl::Time until = NowInMicroseconds(clock_) - kStatementDelay;
  absl::StatusOr<std::vector<RailEntry>> entries =
      co_await store_.BookedAfter(after->first, after->second, until, limit);
  if (!entries.ok()) co_return entries.status();
  RailStatement statement{.entries = *std::move(entries), .next_cursor = std::move(cursor)};
  if (!statement.entries.empty()) statement.next_cursor = CursorOf(statement.entries.back());
  co_return statement;
}

Task<absl::Status> SandboxRail::Receive(RailEntry deposit, int notifications) {
  deposit.event = RailEvent::kDeposit;
  deposit.book_time = NowInMicroseconds(clock_);
  PlannedEntry planned{.entry = deposit, .notifications = notifications};
  const absl::StatusOr<RailEntry> kept = co_await store_.AddDeposit(std::move(planned));
  if (!kept.ok()) co_return kept.status();
  if (kept->amount != deposit.amount || kept->account_reference != deposit.account_reference ||
      kept->reference != deposit.reference) {
    co_return Error(Reason::kIdempotencyKeyReused, "the id stands for another deposit",
                    {.param = "deposit_id"});
  }
  co_return absl::OkStatus();
}

}  // namespace florin::payments
