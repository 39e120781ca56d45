#include "services/payments/domain/discrepancy.h"

#include <algorithm>
#include <array>
#include <utility>

#include "services/payments/domain/book_transfer.h"
#include "services/payments/domain/ledger_transaction.h"
#include "services/payments/domain/payout.h"
#include "services/payments/domain/step_transaction.h"

namespace florin::payments {
namespace {

constexpr std::array<std::pair<DiscrepancyKind, std::string_view>, 13> kNames = {{
    {DiscrepancyKind::kUnfinished, "unfinished"},
    {DiscrepancyKind::kParked, "parked"},
    {DiscrepancyKind::kMissingInLedger, "missing_in_ledger"},
    {DiscrepancyKind::kMovedAlthoughEnded, "moved_although_ended"},
    {DiscrepancyKind::kAmountDiffers, "amount_differs"},
    {DiscrepancyKind::kClearingDiffers, "clearing_differs"},
    {DiscrepancyKind::kUnknownTransaction, "unknown_transaction"},
    {DiscrepancyKind::kMissingHere, "missing_here"},
    {DiscrepancyKind::kMissingAtRail, "missing_at_rail"},
    {DiscrepancyKind::kRailAmountDiffers, "rail_amount_differs"},
    {DiscrepancyKind::kExecutedTwice, "executed_twice"},
    {DiscrepancyKind::kStageDiffers, "stage_differs"},
    {DiscrepancyKind::kSettlementDiffers, "settlement_differs"},
}};

Discrepancy AboutPayment(DiscrepancyKind kind, const Payment& payment, std::string found) {
  return {.discrepancy_id = DiscrepancyIdOf(kind, payment.payment_id),
          .kind = kind,
          .payment_id = payment.payment_id,
          .step_id = {},
          .transaction_id = payment.transaction_id,
          .at_risk_minor = DebitedOf(payment).minor_units,
          .currency = DebitedOf(payment).currency,
          .expected = "the payment is " + std::string(NameOf(payment.state)),
          .found = std::move(found)};
}

Discrepancy AboutStep(DiscrepancyKind kind, const Payment& payment, const Step& step,
                      std::string found) {
  return {.discrepancy_id = DiscrepancyIdOf(kind, step.step_id),
          .kind = kind,
          .payment_id = payment.payment_id,
          .step_id = step.step_id,
          .transaction_id = TransactionIdOf(step, step.attempt),
          .at_risk_minor = step.amount_minor,
          .currency = payment.amount.currency,
          .expected =
              "the " + std::string(NameOf(step.kind)) + " is " + std::string(NameOf(step.state)),
          .found = std::move(found)};
}

// Whether the ledger has to have committed something for it.
bool MovesMoney(const Payment& payment) {
  if (payment.state == State::kSucceeded || payment.state == State::kRequiresCapture) return true;
  if (payment.state == State::kReturned) return true;
  // What was released after it was set aside.
  return payment.state == State::kCanceled && payment.authorization_expire_time.has_value();
}

// Whether it may have: what a payout set aside went back when it was canceled or rejected.
bool MayHaveMoved(const Payment& payment) {
  return payment.kind == Kind::kPayout &&
         (payment.state == State::kCanceled ||
          payment.failure_reason == InfoOf(Reason::kRailRejected).name);
}

std::int64_t SumOf(const std::vector<LedgerPosting>& postings) {
  std::int64_t sum = 0;
  for (const LedgerPosting& posting : postings) {
    if (__builtin_add_overflow(sum, posting.amount_minor, &sum)) return INT64_MAX;
  }
  return sum;
}

// Balancing postings move at most what they say.
bool Agrees(const std::vector<StepPosting>& said, const std::vector<LedgerPosting>& moved) {
  return std::ranges::equal(said, moved, [](const StepPosting& a, const LedgerPosting& b) {
    const bool balancing = a.balancing_debit || a.balancing_credit;
    return a.debit_account_id == b.debit_account_id && a.credit_account_id == b.credit_account_id &&
           (balancing ? b.amount_minor <= a.amount_minor : b.amount_minor == a.amount_minor);
  });
}

bool Agrees(const Payment& payment, const Step& step, const LedgerRecord& record) {
  const StepTransaction said = TransactionOf(payment, step, step.attempt);
  switch (said.kind) {
    case StepTransaction::Kind::kPost:
      return Agrees(said.postings, record.postings);
    case StepTransaction::Kind::kCapture:
      return SumOf(record.postings) == said.amount_minor;
    case StepTransaction::Kind::kVoid:
      return true;  // Whatever was left.
  }
  return false;
}

const LedgerRecord* CommittedOf(const std::vector<Uuid>& ids, const LedgerRecords& ledger) {
  for (const Uuid& id : ids) {
    const LedgerRecord* const record = ledger.Find(id);
    if (record != nullptr && record->committed) return record;
  }
  return nullptr;
}

}  // namespace

std::string_view NameOf(DiscrepancyKind kind) {
  return std::ranges::find(kNames, kind, &decltype(kNames)::value_type::first)->second;
}

absl::StatusOr<DiscrepancyKind> ParseDiscrepancyKind(std::string_view name) {
  const auto found = std::ranges::find(kNames, name, &decltype(kNames)::value_type::second);
  if (found != kNames.end()) return found->first;
  return Error(Reason::kInternal, "no kind of discrepancy");
}

Uuid DiscrepancyIdOf(DiscrepancyKind kind, const Uuid& subject_id) {
  return DeriveId("florin.payments.discrepancy",
                  std::string(NameOf(kind)) + " " + subject_id.ToString());
}

LedgerRecords::LedgerRecords(std::vector<LedgerRecord> records) : records_(std::move(records)) {
  std::ranges::sort(records_, {}, &LedgerRecord::transaction_id);
}

const LedgerRecord* LedgerRecords::Find(const Uuid& transaction_id) const {
  const auto found =
      std::ranges::lower_bound(records_, transaction_id, {}, &LedgerRecord::transaction_id);
  if (found == records_.end() || found->transaction_id != transaction_id) return nullptr;
  return &*found;
}

std::vector<Uuid> TransactionsOf(const Payment& payment) {
  if (!AreApart(payment)) return {payment.transaction_id};
  const Uuid& id = payment.payment_id;
  return {payment.transaction_id, CreditIdOf(id), CaptureIdOf(id), VoidIdOf(id)};
}

std::vector<Uuid> TransactionsOf(const Step& step) {
  return {TransactionIdOf(step, 1), TransactionIdOf(step, 2)};
}

std::vector<Uuid> TransactionsOf(const WholePayment& whole) {
  std::vector<Uuid> all = TransactionsOf(whole.payment);
  for (const Step& step : whole.steps) {
    const std::vector<Uuid> its = TransactionsOf(step);
    all.insert(all.end(), its.begin(), its.end());
  }
  return all;
}

namespace {

// Of a payment between books: money has moved once its credit has committed.
std::optional<Discrepancy> CompareApart(const Payment& payment, const LedgerRecords& ledger) {
  using K = DiscrepancyKind;
  const auto committed = [&ledger](const Uuid& id) {
    const LedgerRecord* const record = ledger.Find(id);
    return record != nullptr && record->committed ? record : nullptr;
  };
  const LedgerRecord* const credit = committed(CreditIdOf(payment.payment_id));
  const LedgerRecord* const capture = committed(CaptureIdOf(payment.payment_id));
  if (payment.state == State::kProcessing) {
    return AboutPayment(
        K::kUnfinished, payment,
        credit == nullptr ? "the payee's book has moved nothing" : "the payee's book has moved");
  }
  if (!MovesMoney(payment)) {
    if (credit == nullptr && capture == nullptr) return std::nullopt;
    return AboutPayment(K::kMovedAlthoughEnded, payment, "the ledger has moved");
  }
  if (credit == nullptr || capture == nullptr) {
    return AboutPayment(
        K::kMissingInLedger, payment,
        credit == nullptr ? "nothing in the payee's book" : "nothing in the payer's book");
  }
  if (credit->postings == CreditPostingsOf(payment) &&
      capture->postings == HoldPostingsOf(payment)) {
    return std::nullopt;
  }
  Discrepancy found =
      AboutPayment(K::kAmountDiffers, payment, "other accounts or amounts than the payment has");
  found.at_risk_minor =
      std::max({found.at_risk_minor, SumOf(credit->postings), SumOf(capture->postings)});
  return found;
}

}  // namespace

std::optional<Discrepancy> Compare(const Payment& payment, const LedgerRecords& ledger) {
  if (AreApart(payment)) return CompareApart(payment, ledger);
  const LedgerRecord* const record = CommittedOf(TransactionsOf(payment), ledger);
  if (payment.state == State::kProcessing) {
    // A rail takes its time.
    if (payment.kind == Kind::kPayout && record != nullptr) return std::nullopt;
    return AboutPayment(
        DiscrepancyKind::kUnfinished, payment,
        record == nullptr ? "the ledger has moved nothing" : "the ledger has moved");
  }
  if (!MovesMoney(payment)) {
    if (record == nullptr || MayHaveMoved(payment)) return std::nullopt;
    return AboutPayment(DiscrepancyKind::kMovedAlthoughEnded, payment, "the ledger has moved");
  }
  if (record == nullptr) {
    return AboutPayment(DiscrepancyKind::kMissingInLedger, payment, "the ledger has moved nothing");
  }
  if (record->postings == PostingsOf(payment)) return std::nullopt;
  Discrepancy found = AboutPayment(DiscrepancyKind::kAmountDiffers, payment,
                                   "other accounts or amounts than the payment has");
  found.at_risk_minor = std::max(found.at_risk_minor, SumOf(record->postings));
  return found;
}

std::optional<Discrepancy> Compare(const Payment& payment, const Step& step,
                                   const LedgerRecords& ledger) {
  const LedgerRecord* const record = CommittedOf(TransactionsOf(step), ledger);
  if (step.state == StepState::kProcessing) {
    return AboutStep(DiscrepancyKind::kUnfinished, payment, step,
                     record == nullptr ? "the ledger has moved nothing" : "the ledger has moved");
  }
  if (step.state == StepState::kFailed) {
    if (record == nullptr) return std::nullopt;
    return AboutStep(DiscrepancyKind::kMovedAlthoughEnded, payment, step, "the ledger has moved");
  }
  if (record == nullptr) {
    return AboutStep(DiscrepancyKind::kMissingInLedger, payment, step,
                     "the ledger has moved nothing");
  }
  if (Agrees(payment, step, *record)) return std::nullopt;
  Discrepancy found = AboutStep(DiscrepancyKind::kAmountDiffers, payment, step,
                                "other accounts or amounts than the step has");
  found.at_risk_minor = std::max(found.at_risk_minor, SumOf(record->postings));
  return found;
}

std::optional<Discrepancy> Explain(const LedgerRecord& record,
                                   const std::optional<WholePayment>& whole) {
  const LedgerRecords ledger({record});
  if (whole) {
    const auto is_its = [&record](const auto& subject) {
      return std::ranges::count(TransactionsOf(subject), record.transaction_id) > 0;
    };
    if (is_its(whole->payment)) {
      // One transaction of several, in one book of two: for the walk through payments to say.
      if (AreApart(whole->payment)) return std::nullopt;
      std::optional<Discrepancy> found = Compare(whole->payment, ledger);
      // Not for the walk through the ledger to say, which sees the newest.
      if (found && found->kind == DiscrepancyKind::kUnfinished) return std::nullopt;
      return found;
    }
    if (whole->payment.kind == Kind::kPayout) {
      const std::vector<Uuid> bookings = BookingIdsOf(whole->payment.payment_id);
      if (std::ranges::count(bookings, record.transaction_id) > 0) return std::nullopt;
    }
    for (const Step& step : whole->steps) {
      if (!is_its(step)) continue;
      std::optional<Discrepancy> found = Compare(whole->payment, step, ledger);
      if (found && found->kind == DiscrepancyKind::kUnfinished) return std::nullopt;
      return found;
    }
  }
  if (!record.committed) return std::nullopt;
  std::optional<Currency> currency;
  if (whole) currency = whole->payment.amount.currency;
  return Discrepancy{
      .discrepancy_id =
          DiscrepancyIdOf(DiscrepancyKind::kUnknownTransaction, record.transaction_id),
      .kind = DiscrepancyKind::kUnknownTransaction,
      .payment_id = record.payment_id.value_or(Uuid()),
      .step_id = {},
      .transaction_id = record.transaction_id,
      .at_risk_minor = SumOf(record.postings),
      .currency = currency,
      .expected = whole ? "the payment has no such transaction" : "there is no such payment",
      .found = "the ledger has moved"};
}

Discrepancy Parked(const Payment& payment, std::string reason) {
  return AboutPayment(DiscrepancyKind::kParked, payment, std::move(reason));
}

Discrepancy Parked(const Payment& payment, const Step& step, std::string reason) {
  return AboutStep(DiscrepancyKind::kParked, payment, step, std::move(reason));
}

}  // namespace florin::payments
