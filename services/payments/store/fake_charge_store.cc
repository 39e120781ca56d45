// FakeStore's side of ChargeStore.
#include <algorithm>
#include <utility>

#include "libs/status/check.h"
#include "services/payments/domain/state_machine.h"
#include "services/payments/domain/step_rules.h"
#include "services/payments/store/fake_store.h"

namespace florin::payments {
namespace {

// As the trigger of the SQL: what has ended keeps all but what refunds and disputes count.
bool ChangesEnded(const Payment& before, Payment after) {
  after.counters.refunded_minor = before.counters.refunded_minor;
  after.counters.disputed_minor = before.counters.disputed_minor;
  after.counters.upheld_minor = before.counters.upheld_minor;
  after.counters.returned = before.counters.returned;
  return IsTerminal(before.state) && after != before;
}

}  // namespace

FakeStore::Row* FakeStore::FindAny(const Uuid& payment_id) {
  for (auto& [id, row] : rows_) {
    if (id.second == payment_id) return &row;
  }
  return nullptr;
}

StoredStep FakeStore::StoredOf(const StepRow& row) {
  StoredStep stored{.step = row.step, .charge = {.payment = FindAny(row.step.payment_id)->payment}};
  const auto dispute = disputes_.find(DisputeOf(row.step));
  if (dispute != disputes_.end()) stored.charge.dispute = dispute->second;
  return stored;
}

PayeeCounters FakeStore::CountersOf(const Uuid& payment_id, const Uuid& payee_account_id) {
  PayeeCounters counters;
  for (const auto& [id, row] : steps_) {
    const Step& step = row.step;
    if (step.payment_id != payment_id || step.payee_account_id != payee_account_id) continue;
    const bool refund = step.kind == StepKind::kRefund && step.state != StepState::kFailed;
    const bool opens = step.kind == StepKind::kDispute && step.state == StepState::kProcessing;
    if (refund) counters.refunded_minor += step.amount_minor;
    if (opens) counters.disputed_minor += step.amount_minor;
  }
  for (const auto& [id, dispute] : disputes_) {
    if (dispute.payment_id != payment_id || dispute.payee_account_id != payee_account_id) continue;
    if (dispute.state == DisputeState::kWon) counters.upheld_minor += dispute.amount_minor;
    if (dispute.state == DisputeState::kWon || dispute.state == DisputeState::kWithdrawn) continue;
    counters.disputed_minor += dispute.amount_minor;
  }
  return counters;
}

Task<absl::StatusOr<Payment>> FakeStore::FindPayment(Uuid payment_id) {
  std::lock_guard lock(mutex_);
  const Row* const row = FindAny(payment_id);
  if (row == nullptr) co_return Error(Reason::kPaymentNotFound, "no such payment");
  co_return row->payment;
}

Task<absl::StatusOr<StoredStep>> FakeStore::BeginStep(StepIntent intent) {
  std::lock_guard lock(mutex_);
  Step step = intent.step;
  Row* const row = FindAny(step.payment_id);
  if (row == nullptr) co_return Error(Reason::kPaymentNotFound, "no such payment");
  Charge charge{.payment = row->payment};
  if (!step.dispute_id.is_nil()) {
    const auto dispute = disputes_.find(step.dispute_id);
    if (dispute == disputes_.end()) co_return Error(Reason::kDisputeNotFound, "no such dispute");
    charge.dispute = dispute->second;
  }
  const auto [key, inserted] = step_keys_.try_emplace(
      std::tuple(step.user_id, step.kind, intent.idempotency_key), step.step_id);
  if (!inserted) {
    const StepRow& known = steps_.at(key->second);
    StoredStep stored = StoredOf(known);
    stored.same_request = known.fingerprint == intent.fingerprint;
    co_return stored;
  }
  if (!step.payee_account_id.is_nil()) {
    charge.of_payee = CountersOf(step.payment_id, step.payee_account_id);
  }
  const std::optional<Objection> objection = Reserve(charge, step);
  if (objection) step = Refuse(std::move(step), *objection);
  row->payment = charge.payment;
  if (charge.dispute) disputes_[step.dispute_id] = *charge.dispute;
  steps_[step.step_id] = {step, intent.fingerprint, step.create_time + kLease};
  co_return StoredStep{.step = std::move(step), .charge = std::move(charge)};
}

Task<absl::StatusOr<std::vector<StoredStep>>> FakeStore::RecordSteps(
    std::vector<StepResult> results) {
  std::lock_guard lock(mutex_);
  if (fail_records_) co_return Error(Reason::kUnavailable, "told to fail");
  std::vector<StoredStep> recorded;
  for (const StepResult& result : results) {
    StepRow& row = steps_.at(result.step.step_id);
    if (row.step.state == StepState::kProcessing) {
      StoredStep now = StoredOf(row);
      Step step = row.step;
      step.attempt = result.step.attempt;
      const bool applied = ApplyAnswer(now.charge, step, result.answer, result.time);
      FLORIN_CHECK(applied, "only final answers are recorded");
      if (ChangesEnded(FindAny(step.payment_id)->payment, now.charge.payment)) {
        co_return Error(Reason::kInternal, "the payment has ended and cannot change");
      }
      row.step = std::move(step);
      FindAny(row.step.payment_id)->payment = now.charge.payment;
      if (now.charge.dispute) disputes_[now.charge.dispute->dispute_id] = *now.charge.dispute;
    }
    recorded.push_back(StoredOf(row));
  }
  co_return recorded;
}

Task<absl::StatusOr<std::vector<StoredStep>>> FakeStore::ClaimSteps(absl::Time now, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<StepRow*> due;
  for (auto& [id, row] : steps_) {
    if (row.step.state == StepState::kProcessing && row.next_attempt_time <= now) {
      due.push_back(&row);
    }
  }
  std::ranges::stable_sort(due, {}, &StepRow::next_attempt_time);
  std::vector<StoredStep> claimed;
  for (StepRow* row : due) {
    if (claimed.size() == static_cast<std::size_t>(limit)) break;
    row->next_attempt_time = now + kLease;
    claimed.push_back(StoredOf(*row));
  }
  co_return claimed;
}

Task<absl::StatusOr<std::vector<Payment>>> FakeStore::ClaimExpired(absl::Time now, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<Payment> claimed;
  for (auto& [id, row] : rows_) {
    if (claimed.size() == static_cast<std::size_t>(limit)) break;
    if (row.payment.state != State::kRequiresCapture || row.next_attempt_time > now) continue;
    row.next_attempt_time = now + kLease;
    claimed.push_back(row.payment);
  }
  co_return claimed;
}

Task<absl::StatusOr<Step>> FakeStore::GetStep(Uuid payment_id, StepKind kind, Uuid step_id) {
  std::lock_guard lock(mutex_);
  const auto row = steps_.find(step_id);
  if (row == steps_.end() || row->second.step.payment_id != payment_id ||
      row->second.step.kind != kind) {
    co_return Error(Reason::kRefundNotFound, "no such refund");
  }
  co_return row->second.step;
}

Task<absl::StatusOr<std::vector<Step>>> FakeStore::ListSteps(Uuid payment_id, StepKind kind,
                                                             std::vector<Uuid> payees,
                                                             std::optional<Uuid> before,
                                                             int limit) {
  std::lock_guard lock(mutex_);
  std::vector<Step> found;
  for (auto row = steps_.rbegin(); row != steps_.rend(); ++row) {
    const Step& step = row->second.step;
    if (step.payment_id != payment_id || step.kind != kind) continue;
    if (before && step.step_id >= *before) continue;
    if (!payees.empty() && std::ranges::count(payees, step.payee_account_id) == 0) continue;
    if (found.size() == static_cast<std::size_t>(limit)) break;
    found.push_back(step);
  }
  co_return found;
}

Task<absl::StatusOr<Dispute>> FakeStore::GetDispute(Uuid dispute_id) {
  std::lock_guard lock(mutex_);
  const auto dispute = disputes_.find(dispute_id);
  if (dispute == disputes_.end()) co_return Error(Reason::kDisputeNotFound, "no such dispute");
  co_return dispute->second;
}

Task<absl::StatusOr<std::vector<Dispute>>> FakeStore::ListDisputes(Uuid payment_id) {
  std::lock_guard lock(mutex_);
  std::vector<Dispute> found;
  for (const auto& [id, dispute] : disputes_) {
    if (dispute.payment_id == payment_id) found.push_back(dispute);
  }
  co_return found;
}

Task<absl::StatusOr<std::vector<Evidence>>> FakeStore::ListEvidence(Uuid dispute_id) {
  std::lock_guard lock(mutex_);
  std::vector<Evidence> texts;
  for (const EvidenceRow& row : evidence_[dispute_id]) texts.push_back(row.evidence);
  co_return texts;
}

Task<absl::StatusOr<Dispute>> FakeStore::AddEvidence(EvidenceIntent intent, absl::Time now) {
  std::lock_guard lock(mutex_);
  const auto found = disputes_.find(intent.dispute_id);
  if (found == disputes_.end()) co_return Error(Reason::kDisputeNotFound, "no such dispute");
  Dispute& dispute = found->second;
  const std::string key = intent.user_id.ToString() + " " + intent.idempotency_key;
  for (const auto& [id, rows] : evidence_) {
    for (const EvidenceRow& row : rows) {
      if (row.key != key) continue;
      if (row.fingerprint == intent.fingerprint) co_return dispute;
      co_return Error(Reason::kIdempotencyKeyReused, "the key stands for another request");
    }
  }
  std::vector<EvidenceRow>& rows = evidence_[intent.dispute_id];
  FLORIN_CO_RETURN_IF_ERROR(MayRespond(dispute, static_cast<int>(rows.size()),
                                       static_cast<int>(intent.texts.size()), now));
  for (std::string& text : intent.texts) {
    rows.push_back({key, intent.fingerprint, {.text = std::move(text), .create_time = now}});
  }
  if (dispute.state != DisputeState::kUnderReview) dispute.update_time = now;
  dispute.state = DisputeState::kUnderReview;
  co_return dispute;
}

Task<absl::StatusOr<int>> FakeStore::EndResponseTimes(absl::Time now) {
  std::lock_guard lock(mutex_);
  int ended = 0;
  for (auto& [id, dispute] : disputes_) {
    if (dispute.state != DisputeState::kNeedsResponse || dispute.respond_by > now) continue;
    dispute.state = DisputeState::kUnderReview;
    dispute.update_time = now;
    ++ended;
  }
  co_return ended;
}

}  // namespace florin::payments
