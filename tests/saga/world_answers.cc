// What clients are told: noted in their promises, and held against what they were told before.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/payments/domain/passing.h"
#include "services/payments/domain/state_machine.h"
#include "tests/saga/invariants.h"

namespace florin::saga {
namespace {

using payments::Payment;
using payments::State;
using payments::Step;
using payments::StepState;

// Why a request may be refused without a trace.
constexpr Reason kWithoutTrace[] = {Reason::kQuoteExpired,   Reason::kQuoteUsed,
                                    Reason::kQuoteNotFound,  Reason::kAmountTooSmall,
                                    Reason::kPayeeNotFound,  Reason::kPayeeRequired,
                                    Reason::kPayeeCoolingOff};

// What never changes once it has ended.
Payment WithoutCounters(Payment payment) {
  payment.counters = {};
  return payment;
}

// Of a payout that the rail has paid, and of the same that came back, in whichever order told.
bool IsReturn(const Payment& one, const Payment& other) {
  const auto paid = [](const Payment& payment) {
    return payment.kind == payments::Kind::kPayout &&
           (payment.state == State::kSucceeded || payment.state == State::kReturned);
  };
  return paid(one) && paid(other) && one.state != other.state;
}

}  // namespace

bool Promise::settled() const {
  if (ended) return true;
  if (ordered) return ordered->state != payments::ScheduleState::kRequiresAction;
  if (collected) return true;  // What becomes of it is asked for by name.
  return payment && payment->state != State::kProcessing &&
         payment->state != State::kRequiresAction;
}

const payments::OrderTerms* Promise::awaited() const {
  if (ordered && ordered->state == payments::ScheduleState::kRequiresAction) {
    return &*ordered->approval;
  }
  if (collected && collected->state == payments::BulkState::kRequiresAction) {
    return &*collected->approval;
  }
  return nullptr;
}

bool IsOver(payments::BulkState state) {
  return state == payments::BulkState::kCompleted || state == payments::BulkState::kFailed ||
         state == payments::BulkState::kCanceled;
}

void World::Note(Promise& promise, absl::StatusOr<Payment> payment, bool kept) {
  if (!payment.ok()) {
    const Reason reason = *ReasonOf(payment.status());
    if (DetailOf(payment.status()).metadata.contains("payment_id")) promise.kept = true;
    if (payments::MayPass(reason)) return Count("answers lost");
    const bool leaves_no_trace =
        std::ranges::find(kWithoutTrace, reason) != std::end(kWithoutTrace) ||
        (reason == Reason::kInvalidField && GoesElsewhere(promise));
    if (!leaves_no_trace || kept) {
      Wrong(absl::StrCat(promise.key, " is answered ", std::string(InfoOf(reason).name), ": ",
                         std::string(payment.status().message())));
    }
    promise.refused = true;
    return Count(absl::StrCat("payment ", std::string(InfoOf(reason).name)));
  }
  promise.kept = true;
  if (promise.payment) {
    const Payment& before = *promise.payment;
    const bool same = before.payment_id == payment->payment_id &&
                      before.amount == payment->amount && before.pricing == payment->pricing;
    const bool ended = payments::IsTerminal(before.state) && payments::IsTerminal(payment->state);
    const bool changed = ended && !IsReturn(before, *payment) &&
                         WithoutCounters(before) != WithoutCounters(*payment);
    if (!same || changed) {
      Wrong(absl::StrCat(promise.key, " was ", Text(before), ", and is ", Text(*payment)));
    }
    // An answer that was late.
    if (payments::IsTerminal(before.state)) return;
  }
  const bool authorizes = promise.request && promise.request->authorization_timeout;
  const bool splits = promise.request && !promise.request->splits.empty();
  Count(absl::StrCat(authorizes      ? "authorization "
                     : promise.quote ? "conversion "
                     : splits        ? "split "
                                     : "",
                     std::string(payments::NameOf(payment->kind)), " ",
                     payment->failure_reason.empty() ? std::string(payments::NameOf(payment->state))
                                                     : payment->failure_reason));
  if (payments::AreApart(*payment)) {
    Count(absl::StrCat("between books ", payment->failure_reason.empty()
                                             ? std::string(payments::NameOf(payment->state))
                                             : payment->failure_reason));
  }
  promise.payment = *std::move(payment);
}

void World::Note(Promise& promise, absl::StatusOr<Step> step) {
  if (!step.ok()) {
    const Reason reason = *ReasonOf(step.status());
    if (DetailOf(step.status()).metadata.contains("payment_id")) promise.kept = true;
    if (payments::MayPass(reason)) return Count("answers lost");
    return Wrong(absl::StrCat(promise.key, " is answered ", std::string(InfoOf(reason).name)));
  }
  promise.kept = true;
  if (step->state == StepState::kProcessing) return Wrong(promise.key + " is told of no end");
  if (promise.ended && *promise.ended != *step) {
    return Wrong(promise.key + " is told of another end than before");
  }
  if (promise.ended) return Count("answers repeated");
  Count(absl::StrCat(std::string(payments::NameOf(step->kind)), " ",
                     step->failure_reason.empty() ? "succeeded" : step->failure_reason));
  if (step->attempt == 2) Count("second attempts");
  promise.ended = *std::move(step);
}

void World::Note(Promise& promise, absl::StatusOr<payments::Schedule> schedule) {
  if (!schedule.ok()) {
    const Reason reason = *ReasonOf(schedule.status());
    if (payments::MayPass(reason)) return Count("answers lost");
    // Its rule was for a day that is over.
    if (reason == Reason::kInvalidSchedule && !promise.kept) {
      promise.refused = true;
      return Count("schedule refused");
    }
    return Wrong(absl::StrCat(promise.key, " is answered ", std::string(InfoOf(reason).name)));
  }
  promise.kept = true;
  if (promise.ordered && promise.ordered->schedule_id != schedule->schedule_id) {
    Wrong(promise.key + " has made two schedules");
  }
  const bool waits = schedule->state == payments::ScheduleState::kRequiresAction;
  if (waits && promise.ordered && promise.ordered->state != schedule->state) return;  // Late.
  Count(schedule->cancel_reason.empty()
            ? absl::StrCat("schedule ", std::string(payments::NameOf(schedule->state)))
            : absl::StrCat("schedule ", schedule->cancel_reason));
  promise.ordered = *std::move(schedule);
}

void World::Note(Promise& promise, absl::StatusOr<payments::Bulk> bulk) {
  if (!bulk.ok()) {
    const Reason reason = *ReasonOf(bulk.status());
    if (payments::MayPass(reason)) return Count("answers lost");
    // It was submitted, or canceled, by a call whose answer came later or never.
    if (reason == Reason::kBulkClosed && promise.collected) return Count("bulk bulk_closed");
    return Wrong(absl::StrCat(promise.key, " is answered ", std::string(InfoOf(reason).name)));
  }
  promise.kept = true;
  if (promise.collected) {
    const payments::Bulk& before = *promise.collected;
    if (before.bulk_id != bulk->bulk_id) Wrong(promise.key + " has made two bulks");
    const bool same = before.state == bulk->state && before.total_minor == bulk->total_minor &&
                      before.cancel_reason == bulk->cancel_reason;
    if (IsOver(before.state) && IsOver(bulk->state) && !same) {
      Wrong(promise.key + " is told of another end than before");
    }
    // An answer that was late.
    const bool draft = bulk->state == payments::BulkState::kDraft;
    if (IsOver(before.state) || (draft && before.state != bulk->state)) return;
  }
  Count(absl::StrCat("bulk ", bulk->cancel_reason.empty()
                                  ? std::string(payments::NameOf(bulk->state))
                                  : bulk->cancel_reason));
  promise.collected = *std::move(bulk);
}

void World::NoteWrongChunk(const Promise& promise, const absl::Status& status, Reason wrong) {
  const Reason reason = ReasonOf(status).value_or(Reason::kInternal);
  if (!status.ok() && payments::MayPass(reason)) return;
  if (status.ok() || reason != wrong) {
    return Wrong(absl::StrCat("a wrong chunk of ", promise.key, " is answered ",
                              status.ok() ? "well" : std::string(InfoOf(reason).name)));
  }
  Count(absl::StrCat("chunk ", std::string(InfoOf(reason).name)));
}

void World::NoteReplayed(Promise& promise, bool replayed) {
  promise.made += !replayed;
  if (promise.made > 1) Wrong(promise.key + " was made by two calls");
}

void World::NoteOther(Promise& promise, const absl::Status& status) {
  const Reason reason = ReasonOf(status).value_or(Reason::kInternal);
  if (!status.ok() && payments::MayPass(reason)) return;
  if (status.ok() || reason != Reason::kIdempotencyKeyReused) {
    return Wrong(absl::StrCat("other content under ", promise.key, " is answered ",
                              status.ok() ? "well" : std::string(InfoOf(reason).name)));
  }
  Count("other content refused");
}

}  // namespace florin::saga
