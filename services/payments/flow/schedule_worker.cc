#include "services/payments/flow/schedule_worker.h"

#include <utility>

#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"
#include "services/payments/domain/passing.h"

namespace florin::payments {
namespace {

constexpr int kSchedulesAtOnce = 100;
constexpr int kOccurrencesAtOnce = 20;

// `occurrence` as the payment leaves it. The payment has ended or waits for its approval.
Occurrence After(Occurrence occurrence, const Payment& payment) {
  occurrence.payment_id = payment.payment_id;
  occurrence.failure_reason = payment.failure_reason;
  occurrence.state = OccurrenceState::kSucceeded;
  if (payment.state == State::kRequiresAction) {
    occurrence.state = OccurrenceState::kRequiresAction;
  } else if (payment.state == State::kFailed || payment.state == State::kCanceled) {
    occurrence.state = OccurrenceState::kFailed;
  }
  return occurrence;
}

}  // namespace

Task<absl::StatusOr<int>> ScheduleWorker::RunOnce() {
  int begun = kSchedulesAtOnce;
  int ended = 0;
  int claimed = kOccurrencesAtOnce;
  while (!stopping_ && (begun > 0 || claimed == kOccurrencesAtOnce)) {
    const absl::StatusOr<int> due =
        co_await store_.BeginOccurrences(NowInMicroseconds(clock_), kSchedulesAtOnce);
    if (!due.ok()) co_return due.status();
    begun = *due;
    absl::StatusOr<std::vector<DueOccurrence>> pending =
        co_await store_.ClaimOccurrences(NowInMicroseconds(clock_), kOccurrencesAtOnce);
    if (!pending.ok()) co_return pending.status();
    claimed = static_cast<int>(pending->size());
    for (DueOccurrence& one : *pending) {
      // What was claimed waits for its lease.
      if (stopping_) break;
      const absl::StatusOr<bool> done = co_await Pay(std::move(one));
      if (!done.ok()) co_return done.status();
      ended += *done;
    }
  }
  co_return ended;
}

Task<absl::StatusOr<bool>> ScheduleWorker::Pay(DueOccurrence due) {
  Occurrence& occurrence = due.occurrence;
  rpc::Outgoing context;
  audit::Origin origin{.caller = "payments"};
  std::string key = OccurrenceKey(occurrence.schedule_id, occurrence.number);
  PaymentRequest request = PaymentOf(due.schedule);
  const auto approval =
      IsApproved(due.schedule) ? CreatePayment::Approval::kGiven : CreatePayment::Approval::kAsk;
  const absl::StatusOr<CreatePayment::Outcome> made =
      co_await create_.Run(std::move(context), occurrence.user_id, std::move(key),
                           std::move(request), std::move(origin), approval);
  if (made.ok()) {
    occurrence = After(std::move(occurrence), made->payment);
  } else if (DecidesNothing(made.status())) {
    telemetry::Log(telemetry::Severity::kWarning, "an occurrence has not ended yet",
                   {{"schedule_id", FormatId(IdKind::kSchedule, occurrence.schedule_id)},
                    {"number", std::to_string(occurrence.number)},
                    {"error", std::string(made.status().message())}});
    co_return false;
  } else {
    occurrence.state = OccurrenceState::kFailed;
    occurrence.failure_reason = InfoOf(*ReasonOf(made.status())).name;
  }
  telemetry::Count("florin_schedule_occurrences_total",
                   {{"result", occurrence.state == OccurrenceState::kFailed
                                   ? occurrence.failure_reason
                                   : std::string(NameOf(occurrence.state))}});
  const absl::Status recorded = co_await store_.RecordOccurrence(occurrence);
  if (!recorded.ok()) co_return recorded;
  co_return true;
}

}  // namespace florin::payments
