#include "services/payments/flow/reconcile.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "libs/rpc/timestamp.h"
#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"
#include "services/payments/domain/rail_match.h"
#include "services/payments/flow/settlement.h"

namespace florin::payments {
namespace {

// What is read at once: of a step two transactions are asked for, of the ledger's 1000 at most.
constexpr int kAtOnce = 500;
constexpr absl::Duration kTick = absl::Microseconds(1);
constexpr absl::Duration kFirstWindow = absl::Minutes(1);

absl::StatusOr<LedgerRecord> ReadRecord(const ledger::v1::TransactionResult& result) {
  LedgerRecord record{.transaction_id = {}, .committed = result.has_committed()};
  const std::string& id =
      record.committed ? result.committed().transaction_id() : result.refused().transaction_id();
  FLORIN_ASSIGN_OR_RETURN(record.transaction_id,
                          ParseId(IdKind::kTransaction, id, "transaction_id"));
  if (!record.committed) return record;
  const ledger::v1::Transaction& transaction = result.committed();
  record.commit_time = TimeOf(transaction.commit_time());
  for (const ledger::v1::Posting& posting : transaction.postings()) {
    LedgerPosting moved{.amount_minor = posting.amount_minor()};
    FLORIN_ASSIGN_OR_RETURN(moved.debit_account_id,
                            ParseId(IdKind::kAccount, posting.debit_account_id(), "account"));
    FLORIN_ASSIGN_OR_RETURN(moved.credit_account_id,
                            ParseId(IdKind::kAccount, posting.credit_account_id(), "account"));
    record.postings.push_back(moved);
  }
  const auto payment = transaction.metadata().find("payment_id");
  if (payment != transaction.metadata().end()) {
    FLORIN_ASSIGN_OR_RETURN(record.payment_id,
                            ParseId(IdKind::kPayment, payment->second, "payment_id"));
  }
  return record;
}

std::int64_t SequenceOf(const ledger::v1::TransactionResult& result) {
  return result.has_committed() ? result.committed().sequence() : result.refused().sequence();
}

void Log(const std::vector<Discrepancy>& found) {
  for (const Discrepancy& one : found) {
    telemetry::Log(telemetry::Severity::kError, "payments and ledger do not agree",
                   {{"discrepancy_id", FormatId(IdKind::kDiscrepancy, one.discrepancy_id)},
                    {"kind", std::string(NameOf(one.kind))},
                    {"payment_id", FormatId(IdKind::kPayment, one.payment_id)},
                    {"at_risk_minor", std::to_string(one.at_risk_minor)},
                    {"currency", one.currency ? std::string(one.currency->code()) : ""}});
  }
}

// Whether what an open discrepancy is about agrees now.
bool AgreesNow(const Discrepancy& discrepancy, const std::optional<WholePayment>& whole,
               const LedgerRecords& ledger) {
  if (IsOfRails(discrepancy.kind)) return false;  // For RailReconcile to say.
  if (discrepancy.kind == DiscrepancyKind::kUnknownTransaction) {
    const LedgerRecord* const record = ledger.Find(discrepancy.transaction_id);
    return record == nullptr || !Explain(*record, whole).has_value();
  }
  if (!whole) return false;
  if (discrepancy.step_id.is_nil()) return !Compare(whole->payment, ledger).has_value();
  const auto step = std::ranges::find(whole->steps, discrepancy.step_id, &Step::step_id);
  return step != whole->steps.end() && !Compare(whole->payment, *step, ledger).has_value();
}

std::optional<WholePayment> Find(const std::map<Uuid, WholePayment>& known, const Uuid& id) {
  const auto found = known.find(id);
  if (found == known.end()) return std::nullopt;
  return found->second;
}

}  // namespace

void Reconcile::AddIds(const WholePayment& whole, Ids& ids) const {
  const Payment& payment = whole.payment;
  const std::string& source = payment.books ? payment.books->source : book_;
  const std::string& target = payment.books ? payment.books->target : book_;
  // Of one that is between two books, some are in the one and some in the other.
  for (const Uuid& id : TransactionsOf(payment)) {
    ids[id == CreditIdOf(payment.payment_id) ? target : source].push_back(id);
  }
  for (const Step& step : whole.steps) {
    for (const Uuid& id : TransactionsOf(step)) ids[target].push_back(id);
  }
}

Task<absl::StatusOr<LedgerRecords>> Reconcile::Records(const std::vector<WholePayment>& payments,
                                                       std::vector<Uuid> further) {
  Ids ids;
  if (!further.empty()) {
    const Payment& payment = payments.front().payment;
    ids[payment.books ? payment.books->source : book_] = std::move(further);
  }
  for (const WholePayment& whole : payments) AddIds(whole, ids);
  co_return co_await Records(std::move(ids));
}

Task<absl::StatusOr<LedgerRecords>> Reconcile::Records(Ids transaction_ids) {
  std::vector<LedgerRecord> records;
  for (auto& [book, ids] : transaction_ids) {
    std::ranges::sort(ids);
    ids.erase(std::ranges::unique(ids).begin(), ids.end());
    FLORIN_CO_RETURN_IF_ERROR(co_await ReadFrom(book, std::move(ids), records));
  }
  co_return LedgerRecords(std::move(records));
}

Task<absl::Status> Reconcile::ReadFrom(std::string book, std::vector<Uuid> transaction_ids,
                                       std::vector<LedgerRecord>& records) {
  for (std::size_t from = 0; from < transaction_ids.size(); from += 2 * kAtOnce) {
    ledger::v1::GetTransactionsRequest request;
    request.set_book(book);
    const std::size_t until = std::min(transaction_ids.size(), from + 2 * kAtOnce);
    for (std::size_t i = from; i < until; ++i) {
      request.add_transaction_ids(FormatId(IdKind::kTransaction, transaction_ids[i]));
    }
    rpc::Outgoing context;
    context.route = book;
    const absl::StatusOr<ledger::v1::GetTransactionsResponse> response =
        co_await reader_.GetTransactions(std::move(context), request);
    if (!response.ok()) co_return response.status();
    for (const ledger::v1::TransactionResult& result : response->results()) {
      FLORIN_CO_ASSIGN_OR_RETURN(LedgerRecord record, ReadRecord(result));
      records.push_back(std::move(record));
    }
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::vector<WholePayment>>> Reconcile::PaymentsMade(absl::Time from,
                                                                        absl::Time until,
                                                                        int limit) {
  absl::StatusOr<std::vector<Payment>> payments = co_await store_.PaymentsMade(from, until, limit);
  if (!payments.ok()) co_return payments.status();
  std::vector<WholePayment> made;
  for (Payment& payment : *payments) made.push_back({.payment = std::move(payment), .steps = {}});
  co_return made;
}

Task<absl::Status> Reconcile::CompareAll(const std::vector<WholePayment>& made, bool steps,
                                         std::vector<Discrepancy>& found) {
  const absl::StatusOr<LedgerRecords> ledger = co_await Records(made);
  if (!ledger.ok()) co_return ledger.status();
  for (const WholePayment& whole : made) {
    std::optional<Discrepancy> one =
        steps ? Compare(whole.payment, whole.steps[0], *ledger) : Compare(whole.payment, *ledger);
    if (one) found.push_back(*std::move(one));
  }
  co_return absl::OkStatus();
}

// In windows of time that hold about as many as are read at once: of which there is no knowing
// beforehand.
Task<absl::StatusOr<std::int64_t>> Reconcile::WalkByTime(Walk walk, absl::Time until,
                                                         ReconcileResult& result) {
  const absl::StatusOr<std::int64_t> position = co_await store_.PositionOf(walk);
  if (!position.ok()) co_return position.status();
  absl::Time from = absl::FromUnixMicros(*position);
  absl::Duration window = kFirstWindow;
  std::int64_t compared = 0;
  while (from < until) {
    const absl::Time to = std::min(from + window, until);
    const int limit = window <= kTick ? std::numeric_limits<int>::max() : kAtOnce;
    absl::StatusOr<std::vector<WholePayment>> made =
        absl::StatusOr<std::vector<WholePayment>>(std::vector<WholePayment>());
    if (walk == Walk::kPayments) {
      made = co_await PaymentsMade(from, to, limit);
    } else {
      made = co_await store_.StepsMade(from, to, limit);
    }
    if (!made.ok()) co_return made.status();
    if (made->size() >= static_cast<std::size_t>(limit)) {
      window = std::max(absl::Floor(window / 2, kTick), kTick);
      continue;
    }
    std::vector<Discrepancy> found;
    FLORIN_CO_RETURN_IF_ERROR(co_await CompareAll(*made, walk == Walk::kSteps, found));
    Log(found);
    result.found += static_cast<std::int64_t>(found.size());
    compared += static_cast<std::int64_t>(made->size());
    const bool sparse = made->size() < kAtOnce / 4;
    const absl::StatusOr<int> recorded = co_await store_.RecordWalk(
        walk, absl::ToUnixMicros(to), std::move(found), NowInMicroseconds(clock_));
    if (!recorded.ok()) co_return recorded.status();
    from = to;
    // Where there is next to nothing there is nothing to leave room for.
    if (pause_ && !sparse) co_await pause_();
    if (sparse) window *= 2;
  }
  co_return compared;
}

Task<absl::StatusOr<Reconcile::WholeById>> Reconcile::Known(std::vector<Uuid> payment_ids) {
  std::ranges::sort(payment_ids);
  payment_ids.erase(std::unique(payment_ids.begin(), payment_ids.end()), payment_ids.end());
  absl::StatusOr<std::vector<WholePayment>> known =
      co_await store_.WholePayments(std::move(payment_ids));
  if (!known.ok()) co_return known.status();
  WholeById by_id;
  for (WholePayment& whole : *known) {
    const Uuid id = whole.payment.payment_id;
    by_id.emplace(id, std::move(whole));
  }
  co_return by_id;
}

Task<absl::StatusOr<std::vector<Discrepancy>>> Reconcile::ExplainAll(
    const ledger::v1::ListTransactionsResponse& page, ReconcileResult& result) {
  std::vector<LedgerRecord> records;
  std::vector<Uuid> payment_ids;
  for (const ledger::v1::TransactionResult& one : page.results()) {
    FLORIN_CO_ASSIGN_OR_RETURN(LedgerRecord record, ReadRecord(one));
    if (!record.payment_id) continue;
    payment_ids.push_back(*record.payment_id);
    records.push_back(std::move(record));
  }
  const absl::StatusOr<WholeById> known = co_await Known(std::move(payment_ids));
  if (!known.ok()) co_return known.status();
  std::vector<Discrepancy> found;
  for (const LedgerRecord& record : records) {
    std::optional<Discrepancy> one = Explain(record, Find(*known, *record.payment_id));
    if (one) found.push_back(*std::move(one));
  }
  result.transactions += static_cast<std::int64_t>(records.size());
  co_return found;
}

Task<absl::Status> Reconcile::WalkLedger(ReconcileResult& result) {
  const absl::StatusOr<std::int64_t> position = co_await store_.PositionOf(Walk::kLedger);
  if (!position.ok()) co_return position.status();
  result.sequence = *position;
  while (true) {
    ledger::v1::ListTransactionsRequest request;
    request.set_book(book_);
    request.set_after_sequence(result.sequence);
    request.set_page_size(kAtOnce);
    rpc::Outgoing context;
    context.route = book_;
    const absl::StatusOr<ledger::v1::ListTransactionsResponse> page =
        co_await reader_.ListTransactions(std::move(context), request);
    if (!page.ok()) co_return page.status();
    if (page->results().empty()) co_return absl::OkStatus();
    absl::StatusOr<std::vector<Discrepancy>> found = co_await ExplainAll(*page, result);
    if (!found.ok()) co_return found.status();
    Log(*found);
    result.found += static_cast<std::int64_t>(found->size());
    result.sequence = SequenceOf(page->results(page->results_size() - 1));
    const absl::StatusOr<int> recorded = co_await store_.RecordWalk(
        Walk::kLedger, result.sequence, *std::move(found), NowInMicroseconds(clock_));
    if (!recorded.ok()) co_return recorded.status();
    if (pause_ && page->results_size() == kAtOnce) co_await pause_();
  }
}

Task<absl::StatusOr<std::vector<Uuid>>> Reconcile::AgreedOf(
    const std::vector<KeptDiscrepancy>& open) {
  std::vector<Uuid> payment_ids;
  Ids transaction_ids;
  for (const KeptDiscrepancy& kept : open) {
    payment_ids.push_back(kept.discrepancy.payment_id);
    transaction_ids[book_].push_back(kept.discrepancy.transaction_id);
  }
  const absl::StatusOr<WholeById> known = co_await Known(std::move(payment_ids));
  if (!known.ok()) co_return known.status();
  for (const auto& [id, whole] : *known) AddIds(whole, transaction_ids);
  const absl::StatusOr<LedgerRecords> ledger = co_await Records(std::move(transaction_ids));
  if (!ledger.ok()) co_return ledger.status();
  std::vector<Uuid> agreed;
  for (const KeptDiscrepancy& kept : open) {
    const Discrepancy& discrepancy = kept.discrepancy;
    if (AgreesNow(discrepancy, Find(*known, discrepancy.payment_id), *ledger)) {
      agreed.push_back(discrepancy.discrepancy_id);
    }
  }
  co_return agreed;
}

Task<absl::Status> Reconcile::CheckClearings(ReconcileResult& result) {
  if (clearing_ == nullptr) co_return absl::OkStatus();
  absl::StatusOr<std::vector<Clearing>> clearings = co_await clearing_->Run();
  if (!clearings.ok()) co_return clearings.status();
  result.clearings = *std::move(clearings);
  std::vector<Discrepancy> found;
  std::vector<Uuid> agreed;
  for (const Clearing& clearing : result.clearings) {
    std::optional<Discrepancy> one = Check(clearing);
    if (one) {
      found.push_back(*std::move(one));
    } else {
      agreed.push_back(DiscrepancyIdOf(clearing.pair));
    }
  }
  Log(found);
  result.found += static_cast<std::int64_t>(found.size());
  const absl::Time now = NowInMicroseconds(clock_);
  // Moves no walk.
  const absl::StatusOr<int> recorded =
      co_await store_.RecordWalk(Walk::kLedger, 0, std::move(found), now);
  if (!recorded.ok()) co_return recorded.status();
  const absl::StatusOr<int> ended = co_await store_.Agree(std::move(agreed), now);
  if (!ended.ok()) co_return ended.status();
  result.agreed += *ended;
  co_return absl::OkStatus();
}

Task<absl::Status> Reconcile::LookAgain(ReconcileResult& result) {
  std::optional<Uuid> before;
  while (true) {
    const absl::StatusOr<std::vector<KeptDiscrepancy>> open =
        co_await store_.ListDiscrepancies(DiscrepancyState::kOpen, before, kAtOnce);
    if (!open.ok()) co_return open.status();
    if (open->empty()) co_return absl::OkStatus();
    before = open->back().discrepancy.discrepancy_id;
    absl::StatusOr<std::vector<Uuid>> agreed = co_await AgreedOf(*open);
    if (!agreed.ok()) co_return agreed.status();
    const absl::StatusOr<int> recorded =
        co_await store_.Agree(*std::move(agreed), NowInMicroseconds(clock_));
    if (!recorded.ok()) co_return recorded.status();
    result.agreed += *recorded;
  }
}

Task<absl::Status> Reconcile::ShowExposure() {
  const absl::StatusOr<std::vector<Exposure>> exposure = co_await store_.ListExposure();
  if (!exposure.ok()) co_return exposure.status();
  std::int64_t open = 0;
  for (const Exposure& one : *exposure) {
    open += one.discrepancies;
    double at_risk = 0;  // Of a gauge, which is for eyes.
    if (absl::SimpleAtod(one.at_risk_minor, &at_risk)) {
      telemetry::SetGauge("florin_payments_at_risk_minor", {{"currency", one.currency}}, at_risk);
    }
  }
  telemetry::SetGauge("florin_payments_discrepancies_open", {}, static_cast<double>(open));
  co_return absl::OkStatus();
}

Task<absl::StatusOr<ReconcileResult>> Reconcile::RunOnce() {
  ReconcileResult result;
  result.complete_until = NowInMicroseconds(clock_) - kReconcileAfter;
  const absl::StatusOr<std::int64_t> payments =
      co_await WalkByTime(Walk::kPayments, result.complete_until, result);
  if (!payments.ok()) co_return payments.status();
  result.payments = *payments;
  const absl::StatusOr<std::int64_t> steps =
      co_await WalkByTime(Walk::kSteps, result.complete_until, result);
  if (!steps.ok()) co_return steps.status();
  result.steps = *steps;
  FLORIN_CO_RETURN_IF_ERROR(co_await WalkLedger(result));
  FLORIN_CO_RETURN_IF_ERROR(co_await CheckClearings(result));
  FLORIN_CO_RETURN_IF_ERROR(co_await LookAgain(result));
  FLORIN_CO_RETURN_IF_ERROR(co_await ShowExposure());
  co_return result;
}

}  // namespace florin::payments
