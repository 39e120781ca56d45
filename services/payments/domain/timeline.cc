#include "services/payments/domain/timeline.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace florin::payments {
namespace {

// What a payee is not told.
constexpr std::array<std::string_view, 7> kPayersOwn = {
    "created", "approval_requested", "approved",       "attempts_failed",
    "parked",  "processing",         "requires_action"};

void AddPayment(const Payment& payment, std::vector<TimelineEntry>& timeline) {
  TimelineEntry created{.time = payment.create_time, .event = "created"};
  created.inputs = {{"amount_minor", std::to_string(payment.amount.minor_units)},
                    {"currency", std::string(payment.amount.currency.code())},
                    {"debited_minor", std::to_string(DebitedOf(payment).minor_units)},
                    {"kind", std::string(NameOf(payment.kind))}};
  if (payment.authorization_timeout) {
    created.inputs["authorization_seconds"] =
        std::to_string(absl::ToInt64Seconds(*payment.authorization_timeout));
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

void AddStep(const Step& step, const LedgerRecords& ledger, std::vector<TimelineEntry>& timeline) {
  const std::string kind(NameOf(step.kind));
  TimelineEntry requested{
      .time = step.create_time, .event = kind + "_requested", .step_id = step.step_id};
  requested.inputs["amount_minor"] = std::to_string(step.amount_minor);
  if (step.remaining_minor) {
    requested.inputs["remaining_minor"] = std::to_string(*step.remaining_minor);
  }
  timeline.push_back(std::move(requested));
  for (const Uuid& id : TransactionsOf(step)) {
    AddLedger(ledger.Find(id), step.step_id, false, timeline);
  }
  if (step.state == StepState::kProcessing) return;
  timeline.push_back({.time = step.update_time,
                      .event = kind + "_" + std::string(NameOf(step.state)),
                      .reason = step.failure_reason,
                      .step_id = step.step_id});
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

std::vector<TimelineEntry> TimelineOf(const PaymentHistory& history) {
  std::vector<TimelineEntry> timeline;
  const Payment& payment = history.payment;
  AddPayment(payment, timeline);
  AddLedger(history.ledger.Find(payment.transaction_id), Uuid(),
            payment.authorization_timeout.has_value(), timeline);
  for (const RecoveryFailure& failure : history.failures) AddFailure(failure, timeline);
  for (const Step& step : history.steps) AddStep(step, history.ledger, timeline);
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

std::vector<TimelineEntry> ForPayee(std::vector<TimelineEntry> timeline, const Payment& payment) {
  std::erase_if(timeline, [](const TimelineEntry& entry) {
    return std::ranges::count(kPayersOwn, entry.event) > 0;
  });
  const Uuid& payee = payment.destination_account_id;
  for (TimelineEntry& entry : timeline) {
    std::erase_if(entry.postings, [&payee](const LedgerPosting& posting) {
      return posting.debit_account_id != payee && posting.credit_account_id != payee;
    });
    for (LedgerPosting& posting : entry.postings) {
      if (posting.debit_account_id == payment.source_account_id) posting.debit_account_id = {};
      if (posting.credit_account_id == payment.source_account_id) posting.credit_account_id = {};
    }
  }
  return timeline;
}

}  // namespace florin::payments
