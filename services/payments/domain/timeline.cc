#include "services/payments/domain/timeline.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace florin::payments {
namespace {

// What a payee is not told.
constexpr std::array<std::string_view, 10> kPayersOwn = {
    "created",    "approval_requested", "approved",   "attempts_failed", "parked",
    "processing", "requires_action",    "limit_used", "limit_refused",   "limit_asked"};

void AddTrace(const std::string& trace_id, const Uuid& asked_by, const Uuid& viewer,
              TimelineEntry& entry) {
  if (!trace_id.empty() && asked_by == viewer) entry.inputs["trace_id"] = trace_id;
}

void AddPayment(const PaymentHistory& history, std::vector<TimelineEntry>& timeline) {
  const Payment& payment = history.payment;
  const PaymentOrigin& origin = history.origin;
  TimelineEntry created{.time = payment.create_time, .event = "created"};
  created.inputs = {{"amount_minor", std::to_string(payment.amount.minor_units)},
                    {"currency", std::string(payment.amount.currency.code())},
                    {"debited_minor", std::to_string(DebitedOf(payment).minor_units)},
                    {"kind", std::string(NameOf(payment.kind))}};
  if (payment.authorization_timeout) {
    created.inputs["authorization_seconds"] =
        std::to_string(absl::ToInt64Seconds(*payment.authorization_timeout));
  }
  if (!origin.request_id.empty()) created.inputs["request_id"] = origin.request_id;
  AddTrace(origin.trace_id, payment.user_id, history.viewer, created);
  if (origin.payout) {
    created.inputs["rail"] = origin.payout->rail;
    const std::int64_t fee = DebitedOf(payment).minor_units - payment.amount.minor_units;
    if (fee > 0) created.inputs["fee_minor"] = std::to_string(fee);
  }
  timeline.push_back(std::move(created));
  if (!payment.approval) return;
  // Asked for with the payment itself.
  timeline.push_back({.time = payment.create_time,
                      .event = "approval_requested",
                      .inputs = {{"expire_time", absl::FormatTime(absl::RFC3339_full,
                                                                  payment.approval->expire_time,
                                                                  absl::UTCTimeZone())}}});
}

std::string_view NameOf(JudgedLimit::Outcome outcome) {
  switch (outcome) {
    case JudgedLimit::Outcome::kUsed:
      return "limit_used";
    case JudgedLimit::Outcome::kRefused:
      return "limit_refused";
    case JudgedLimit::Outcome::kAsked:
      return "limit_asked";
  }
  return "";
}

void AddLimit(const JudgedLimit& judged, std::vector<TimelineEntry>& timeline) {
  TimelineEntry entry{.time = judged.time, .event = std::string(NameOf(judged.outcome))};
  entry.inputs = {{"asked", std::to_string(judged.asked)},
                  {"limit_id", FormatId(IdKind::kLimit, judged.limit_id)}};
  if (judged.maximum) entry.inputs["maximum"] = std::to_string(*judged.maximum);
  if (judged.remaining) entry.inputs["remaining"] = std::to_string(*judged.remaining);
  if (judged.maximum && judged.remaining) {
    entry.inputs["used"] = std::to_string(*judged.maximum - *judged.remaining);
  }
  if (judged.window) {
    entry.inputs["window_seconds"] = std::to_string(absl::ToInt64Seconds(*judged.window));
  }
  if (judged.limit) {
    entry.inputs["scope"] = std::string(NameOf(judged.limit->scope));
    entry.inputs["measure"] = std::string(NameOf(judged.limit->measure));
  }
  timeline.push_back(std::move(entry));
}

Uuid PayoutBookingIdOf(const Payment& payment, PayoutStage stage, int attempt) {
  const Payout payout{.payment = payment, .beneficiary = {}, .rail = "", .stage = stage};
  return BookingOf(payout, attempt).transaction_id;
}

Uuid SettlingIdOf(RailDeposit deposit) {
  deposit.stage = DepositStage::kCrediting;
  return BookingOf(deposit).transaction_id;
}

// What was booked of it over the rail, in whatever stage.
void AddPayout(const Payment& payment, const PayoutOnRail& payout, const LedgerRecords& ledger,
               std::vector<TimelineEntry>& timeline) {
  constexpr std::array<PayoutStage, 5> kBooked = {PayoutStage::kSending, PayoutStage::kSettling,
                                                  PayoutStage::kRejecting, PayoutStage::kReturning,
                                                  PayoutStage::kCanceling};
  for (const PayoutStage stage : kBooked) {
    for (const int attempt : {1, 2}) {
      const LedgerRecord* const record = ledger.Find(PayoutBookingIdOf(payment, stage, attempt));
      if (record == nullptr || !record->committed) continue;
      const bool why = stage == PayoutStage::kRejecting || stage == PayoutStage::kReturning;
      timeline.push_back({.time = record->commit_time,
                          .event = "payout_" + std::string(NameOf(BookedStageOf(stage))),
                          .transaction_id = record->transaction_id,
                          .postings = record->postings});
      if (why) timeline.back().inputs["rail_code"] = payout.code;
      const Payout then{.payment = payment,
                        .beneficiary = {},
                        .rail = payout.rail,
                        .stage = BookedStageOf(stage)};
      const FeeState fee = FeeStateOf(then);
      if (fee != FeeState::kNone) timeline.back().inputs["fee"] = std::string(NameOf(fee));
    }
  }
}

// Before it was credited, and after.
void AddDeposit(const RailDeposit& deposit, const LedgerRecords& ledger,
                std::vector<TimelineEntry>& timeline) {
  timeline.push_back({.time = deposit.create_time,
                      .event = "deposit_received",
                      .inputs = {{"deposit_id", deposit.deposit_id}, {"rail", deposit.rail}}});
  const LedgerRecord* const record = ledger.Find(SettlingIdOf(deposit));
  if (record == nullptr || !record->committed) return;
  timeline.push_back({.time = record->commit_time,
                      .event = "deposit_settled",
                      .transaction_id = record->transaction_id,
                      .postings = record->postings});
}

void AddLedger(const LedgerRecord* record, const Uuid& step_id, bool held,
               std::vector<TimelineEntry>& timeline) {
  if (record == nullptr || !record->committed) return;
  timeline.push_back({.time = record->commit_time,
                      .event = held ? "ledger_held" : "ledger_moved",
                      .step_id = step_id,
                      .transaction_id = record->transaction_id,
                      .postings = record->postings});
}

// How the payment came to where it is. Of what was authorized the end is that of its last step.
void AddState(const Payment& payment, std::vector<TimelineEntry>& timeline) {
  if (payment.state == State::kProcessing || payment.state == State::kRequiresAction) return;
  timeline.push_back({.time = payment.update_time,
                      .event = std::string(NameOf(payment.state)),
                      .reason = payment.failure_reason});
}

void AddStep(const Step& step, const PaymentHistory& history,
             std::vector<TimelineEntry>& timeline) {
  const std::string kind(NameOf(step.kind));
  TimelineEntry requested{
      .time = step.create_time, .event = kind + "_requested", .step_id = step.step_id};
  requested.inputs["amount_minor"] = std::to_string(step.amount_minor);
  if (step.remaining_minor) {
    requested.inputs["remaining_minor"] = std::to_string(*step.remaining_minor);
  }
  AddTrace(step.trace_id, step.user_id, history.viewer, requested);
  timeline.push_back(std::move(requested));
  for (const Uuid& id : TransactionsOf(step)) {
    AddLedger(history.ledger.Find(id), step.step_id, false, timeline);
  }
  if (step.state == StepState::kProcessing) return;
  timeline.push_back({.time = step.update_time,
                      .event = kind + "_" + std::string(NameOf(step.state)),
                      .reason = step.failure_reason,
                      .step_id = step.step_id});
}

// Drops refunds and disputes that name another payee than `payees`, and what decides these.
void KeepOnlyAbout(const std::vector<Uuid>& payees, PaymentHistory& history) {
  const auto about_another = [&payees](const Uuid& payee) {
    return !payee.is_nil() && std::ranges::count(payees, payee) == 0;
  };
  std::vector<Uuid> dropped;
  for (const Dispute& dispute : history.disputes) {
    if (about_another(dispute.payee_account_id)) dropped.push_back(dispute.dispute_id);
  }
  std::erase_if(history.disputes, [&about_another](const Dispute& dispute) {
    return about_another(dispute.payee_account_id);
  });
  for (const Step& step : history.steps) {
    if (about_another(step.payee_account_id) || std::ranges::count(dropped, step.dispute_id) > 0) {
      dropped.push_back(step.step_id);
    }
  }
  std::erase_if(history.steps, [&dropped](const Step& step) {
    return std::ranges::count(dropped, step.step_id) > 0;
  });
  std::erase_if(history.failures, [&dropped](const RecoveryFailure& failure) {
    return std::ranges::count(dropped, failure.step_id) > 0;
  });
}

void AddFailure(const RecoveryFailure& failure, std::vector<TimelineEntry>& timeline) {
  timeline.push_back(
      {.time = failure.last_time,
       .event = failure.parked ? "parked" : "attempts_failed",
       .reason = failure.reason,
       .step_id = failure.step_id,
       .inputs = {{"attempts", std::to_string(failure.failures)},
                  {"first_time", absl::FormatTime(absl::RFC3339_full, failure.first_time,
                                                  absl::UTCTimeZone())}}});
}

}  // namespace

JudgedLimit UsedLimit(const LimitUse& use, const BucketCounters& after, absl::Time time) {
  const std::int64_t used = after.debits_pending - use.units;
  const std::int64_t left =
      after.credits_posted - after.debits_posted - after.debits_pending + use.units;
  return {.outcome = JudgedLimit::Outcome::kUsed,
          .limit_id = use.limit_id,
          .asked = use.units,
          .maximum = used + left,
          .remaining = left,
          .window = use.window,
          .time = time};
}

std::optional<JudgedLimit> RefusedLimit(const Payment& payment) {
  if (!payment.limit_refusal) return std::nullopt;
  const LimitRefusal& refusal = *payment.limit_refusal;
  JudgedLimit judged{.outcome = JudgedLimit::Outcome::kRefused,
                     .limit_id = refusal.limit_id,
                     .asked = DebitedOf(payment).minor_units,
                     .remaining = refusal.remaining,
                     .time = payment.update_time};
  for (const LimitUse& use : payment.limit_uses) {
    if (use.limit_id != refusal.limit_id) continue;
    judged.asked = use.units;
    judged.window = use.window;
  }
  // Of each payment for itself.
  if (!judged.window) judged.maximum = refusal.remaining;
  return judged;
}

std::vector<Uuid> LedgerIdsOf(const Payment& payment, const PaymentOrigin& origin) {
  std::vector<Uuid> ids = TransactionsOf(payment);
  if (origin.payout) {
    const std::vector<Uuid> bookings = BookingIdsOf(payment.payment_id);
    ids.insert(ids.end(), bookings.begin(), bookings.end());
  }
  if (origin.deposit) ids.push_back(SettlingIdOf(*origin.deposit));
  return ids;
}

std::vector<TimelineEntry> TimelineOf(const PaymentHistory& history) {
  std::vector<TimelineEntry> timeline;
  const Payment& payment = history.payment;
  const PaymentOrigin& origin = history.origin;
  if (origin.deposit) AddDeposit(*origin.deposit, history.ledger, timeline);
  AddPayment(history, timeline);
  for (const JudgedLimit& judged : history.limits) AddLimit(judged, timeline);
  AddLedger(history.ledger.Find(payment.transaction_id), Uuid(),
            payment.authorization_timeout.has_value() || payment.kind == Kind::kPayout, timeline);
  if (origin.payout) AddPayout(payment, *origin.payout, history.ledger, timeline);
  for (const RecoveryFailure& failure : history.failures) AddFailure(failure, timeline);
  for (const Step& step : history.steps) AddStep(step, history, timeline);
  for (const Dispute& dispute : history.disputes) {
    timeline.push_back({.time = dispute.update_time,
                        .event = "dispute_" + std::string(NameOf(dispute.state)),
                        .reason = dispute.reason_code,
                        .step_id = dispute.dispute_id});
  }
  AddState(payment, timeline);
  // What happened at the same time stays in the order of cause and effect.
  std::ranges::stable_sort(timeline, {}, &TimelineEntry::time);
  return timeline;
}

std::vector<TimelineEntry> TimelineForPayee(PaymentHistory history,
                                            const std::vector<Uuid>& payees) {
  KeepOnlyAbout(payees, history);
  std::vector<TimelineEntry> timeline = TimelineOf(history);
  std::erase_if(timeline, [](const TimelineEntry& entry) {
    return std::ranges::count(kPayersOwn, entry.event) > 0;
  });
  const Uuid& payer = history.payment.source_account_id;
  for (TimelineEntry& entry : timeline) {
    std::erase_if(entry.postings, [&payees](const LedgerPosting& posting) {
      return std::ranges::count(payees, posting.debit_account_id) == 0 &&
             std::ranges::count(payees, posting.credit_account_id) == 0;
    });
    for (LedgerPosting& posting : entry.postings) {
      if (posting.debit_account_id == payer) posting.debit_account_id = {};
      if (posting.credit_account_id == payer) posting.credit_account_id = {};
    }
  }
  return timeline;
}

}  // namespace florin::payments
