#include "services/payments/store/pg_charge_store.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "libs/audit/pg_audit.h"
#include "libs/status/check.h"
#include "services/payments/domain/step_rules.h"
#include "services/payments/store/charge_rows.h"

namespace florin::payments {
namespace {

constexpr char kGetAnyPayment[] =
    "SELECT " FLORIN_PAYMENT_COLUMNS " FROM payments AS p WHERE p.payment_id = $1::uuid";
constexpr char kLockCharge[] =
    "SELECT " FLORIN_PAYMENT_COLUMNS " FROM payments AS p WHERE p.payment_id = $1::uuid FOR UPDATE";

constexpr char kSaveCharge[] =
    "UPDATE payments SET state = $2, failure_reason = $3, "
    "update_time = " FLORIN_TIME("$4::bigint") ", captured_minor = $5::bigint, "
    "capturing_minor = $6::bigint, refunded_minor = $7::bigint, disputed_minor = $8::bigint, "
    "upheld_minor = $9::bigint, release_reason = $10, returned_minor = $11::bigint, "
    "returned_spread_minor = $12::bigint, returned_rounding_minor = $13::bigint "
    "WHERE payment_id = $1::uuid";

constexpr char kFindStep[] =
    "SELECT " FLORIN_STEP_COLUMNS
    ", s.fingerprint = $4::bytea FROM payment_steps AS s "
    "WHERE s.user_id = $1::uuid AND s.kind = $2 AND s.idempotency_key = $3";
constexpr char kReadStep[] =
    "SELECT " FLORIN_STEP_COLUMNS " FROM payment_steps AS s WHERE s.step_id = $1::uuid";
constexpr char kGetStep[] = "SELECT " FLORIN_STEP_COLUMNS
                            " FROM payment_steps AS s WHERE s.payment_id = $1::uuid "
                            "AND s.kind = $2 AND s.step_id = $3::uuid";
constexpr char kListSteps[] = "SELECT " FLORIN_STEP_COLUMNS
                              " FROM payment_steps AS s WHERE s.payment_id = $1::uuid "
                              "AND s.kind = $2 AND s.step_id < $3::uuid "
                              "AND ($5::uuid[] = '{}' OR s.payee_account_id = ANY ($5::uuid[])) "
                              "ORDER BY s.step_id DESC LIMIT $4::integer";

// What is in flight, what ended, and of what was disputed what became of it.
constexpr char kPayeeCounters[] =
    "SELECT (SELECT COALESCE(sum(s.amount_minor), 0)::bigint FROM payment_steps AS s "
    "WHERE s.payment_id = $1::uuid AND s.kind = 'refund' AND s.payee_account_id = $2::uuid "
    "AND s.state <> 'failed'), "
    "(SELECT COALESCE(sum(s.amount_minor), 0)::bigint FROM payment_steps AS s "
    "WHERE s.payment_id = $1::uuid AND s.kind = 'dispute' AND s.payee_account_id = $2::uuid "
    "AND s.state = 'processing') + "
    "(SELECT COALESCE(sum(d.amount_minor), 0)::bigint FROM disputes AS d "
    "WHERE d.payment_id = $1::uuid AND d.payee_account_id = $2::uuid "
    "AND d.state IN ('needs_response', 'under_review', 'lost')), "
    "(SELECT COALESCE(sum(d.amount_minor), 0)::bigint FROM disputes AS d "
    "WHERE d.payment_id = $1::uuid AND d.payee_account_id = $2::uuid AND d.state = 'won')";

constexpr char kInsertStep[] =
    "INSERT INTO payment_steps (step_id, payment_id, user_id, kind, idempotency_key, fingerprint, "
    "state, amount_minor, final, may_owe, note, dispute_id, remaining_minor, failure_reason, "
    "create_time, update_time, next_attempt_time, trace_id, payee_account_id, returned_minor, "
    "returned_spread_minor, returned_rounding_minor) VALUES ($1::uuid, $2::uuid, $3::uuid, $4, $5, "
    "$6::bytea, $7, $8::bigint, $9::boolean, $10::boolean, $11, $12::uuid, $13::bigint, $14, "
    FLORIN_TIME("$15::bigint") ", " FLORIN_TIME("$15::bigint") ", " FLORIN_TIME("$16::bigint") ", "
    "nullif($17, ''), $18::uuid, $19::bigint, $20::bigint, $21::bigint) "
    "ON CONFLICT (user_id, kind, idempotency_key) DO NOTHING";

constexpr char kSaveStep[] =
    "UPDATE payment_steps SET state = $2, attempt = $3::integer, owed_minor = $4::bigint, "
    "failure_reason = $5, update_time = " FLORIN_TIME("$6::bigint") " WHERE step_id = $1::uuid";

constexpr char kClaimSteps[] =
    "UPDATE payment_steps AS s SET next_attempt_time = " FLORIN_TIME("$2::bigint") " "
    "FROM (SELECT step_id FROM payment_steps "
    "WHERE state = 'processing' AND next_attempt_time <= " FLORIN_TIME("$1::bigint") " "
    "ORDER BY next_attempt_time LIMIT $3::integer FOR UPDATE SKIP LOCKED) AS due "
    "WHERE s.step_id = due.step_id RETURNING " FLORIN_STEP_COLUMNS;

constexpr char kClaimExpired[] =
    "UPDATE payments AS p SET next_attempt_time = " FLORIN_TIME("$2::bigint") " "
    "FROM (SELECT payment_id FROM payments "
    "WHERE state = 'requires_capture' AND next_attempt_time <= " FLORIN_TIME("$1::bigint") " "
    "ORDER BY next_attempt_time LIMIT $3::integer FOR UPDATE SKIP LOCKED) AS due "
    "WHERE p.payment_id = due.payment_id RETURNING " FLORIN_PAYMENT_COLUMNS;

constexpr char kGetDispute[] =
    "SELECT " FLORIN_DISPUTE_COLUMNS " FROM disputes AS d WHERE d.dispute_id = $1::uuid";
constexpr char kLockDispute[] =
    "SELECT " FLORIN_DISPUTE_COLUMNS " FROM disputes AS d WHERE d.dispute_id = $1::uuid FOR UPDATE";
constexpr char kListDisputes[] =
    "SELECT " FLORIN_DISPUTE_COLUMNS
    " FROM disputes AS d WHERE d.payment_id = $1::uuid ORDER BY d.dispute_id";
constexpr char kInsertDispute[] =
    "INSERT INTO disputes (dispute_id, payment_id, state, amount_minor, reason_code, respond_by, "
    "create_time, update_time, payee_account_id, returned_minor, returned_spread_minor, "
    "returned_rounding_minor) VALUES ($1::uuid, $2::uuid, $3, $4::bigint, $5, " FLORIN_TIME(
        "$6::bigint") ", " FLORIN_TIME("$7::bigint") ", " FLORIN_TIME("$7::bigint") ", "
    "$8::uuid, $9::bigint, $10::bigint, $11::bigint)";
constexpr char kSaveDispute[] =
    "UPDATE disputes SET state = $2, deciding_step_id = $3::uuid, "
    "update_time = " FLORIN_TIME("$4::bigint") " WHERE dispute_id = $1::uuid";
constexpr char kEndResponseTimes[] =
    "UPDATE disputes SET state = 'under_review', update_time = " FLORIN_TIME("$1::bigint") " "
    "WHERE state = 'needs_response' AND respond_by <= " FLORIN_TIME("$1::bigint");

constexpr char kListEvidence[] =
    "SELECT e.text, (extract(epoch FROM e.create_time) * 1000000)::bigint "
    "FROM dispute_evidence AS e WHERE e.dispute_id = $1::uuid ORDER BY e.number";
constexpr char kFindEvidence[] =
    "SELECT bool_and(e.fingerprint = $3::bytea) FROM dispute_evidence AS e "
    "WHERE e.user_id = $1::uuid AND e.idempotency_key = $2";
constexpr char kInsertEvidence[] =
    "INSERT INTO dispute_evidence (dispute_id, number, user_id, idempotency_key, fingerprint, "
    "text, create_time) VALUES ($1::uuid, $2::integer, $3::uuid, $4, $5::bytea, $6, " FLORIN_TIME(
        "$7::bigint") ")";

// The payment, held until the transaction ends, and the dispute that the step is about.
absl::StatusOr<Charge> Lock(pqxx::work& transaction, const Step& step) {
  FLORIN_ASSIGN_OR_RETURN(Payment payment, ReadAnyPayment(transaction, step.payment_id, true));
  Charge charge{.payment = std::move(payment)};
  const Uuid dispute_id = DisputeOf(step);
  if (!dispute_id.is_nil()) {
    FLORIN_ASSIGN_OR_RETURN(charge.dispute, ReadAnyDispute(transaction, dispute_id, true));
  }
  return charge;
}

absl::StatusOr<std::optional<StoredStep>> Known(pqxx::work& transaction, const StepIntent& intent) {
  const pqxx::result rows = transaction.exec_prepared(
      "find_step", intent.step.user_id.ToString(), std::string(NameOf(intent.step.kind)),
      intent.idempotency_key, ByteaOf(crypto::AsOctets(intent.fingerprint)));
  if (rows.empty()) return std::optional<StoredStep>();
  FLORIN_ASSIGN_OR_RETURN(Step step, ReadStep(rows[0]));
  FLORIN_ASSIGN_OR_RETURN(Payment payment, ReadAnyPayment(transaction, step.payment_id, false));
  StoredStep stored{.step = std::move(step),
                    .charge = {.payment = std::move(payment)},
                    .same_request = rows[0][kStepColumns].as<bool>()};
  const Uuid dispute_id = DisputeOf(stored.step);
  if (!dispute_id.is_nil()) {
    FLORIN_ASSIGN_OR_RETURN(stored.charge.dispute, ReadAnyDispute(transaction, dispute_id, false));
  }
  return std::optional(std::move(stored));
}

absl::StatusOr<StoredStep> Begin(pqxx::work& transaction, const StepIntent& intent,
                                 std::vector<audit::Event>& events) {
  FLORIN_ASSIGN_OR_RETURN(Charge charge, Lock(transaction, intent.step));
  FLORIN_ASSIGN_OR_RETURN(std::optional<StoredStep> known, Known(transaction, intent));
  if (known) return *std::move(known);
  Step step = intent.step;
  if (!step.payee_account_id.is_nil()) {
    charge.of_payee = ReadPayeeCounters(transaction, step.payment_id, step.payee_account_id);
  }
  const std::optional<Objection> objection = Reserve(charge, step);
  if (objection) step = Refuse(std::move(step), *objection);
  if (!InsertStep(transaction, intent, step)) {
    // Taken in between, for a step of another payment.
    FLORIN_ASSIGN_OR_RETURN(known, Known(transaction, intent));
    FLORIN_CHECK(known.has_value(), "an insert ran into the key");
    return *std::move(known);
  }
  if (!objection) {
    SavePayment(transaction, charge.payment);
    if (charge.dispute) SaveDispute(transaction, *charge.dispute);
  }
  StepIntent begun = intent;
  begun.step = step;
  events.push_back(EventOf(begun, charge));
  return StoredStep{.step = std::move(step), .charge = std::move(charge)};
}

absl::StatusOr<StoredStep> Record(pqxx::work& transaction, const StepResult& result) {
  // The payment's lock keeps its steps as they are.
  FLORIN_RETURN_IF_ERROR(ReadAnyPayment(transaction, result.step.payment_id, true).status());
  const pqxx::result rows = transaction.exec_prepared("read_step", result.step.step_id.ToString());
  FLORIN_CHECK(!rows.empty(), "a result is recorded only for a step that was begun");
  FLORIN_ASSIGN_OR_RETURN(Step step, ReadStep(rows[0]));
  FLORIN_ASSIGN_OR_RETURN(Charge charge, Lock(transaction, step));
  if (step.state == StepState::kProcessing) {
    step.attempt = result.step.attempt;
    const bool applied = ApplyAnswer(charge, step, result.answer, result.time);
    FLORIN_CHECK(applied, "only final answers are recorded");
    SaveStep(transaction, step);
    SavePayment(transaction, charge.payment);
    if (charge.dispute && step.kind == StepKind::kDispute) {
      InsertDispute(transaction, *charge.dispute);
    } else if (charge.dispute) {
      SaveDispute(transaction, *charge.dispute);
    }
  }
  return StoredStep{.step = std::move(step), .charge = std::move(charge)};
}

// In the order of their payments, so that two batches do not wait for each other.
absl::StatusOr<std::vector<StoredStep>> RecordAll(pqxx::work& transaction,
                                                  const std::vector<StepResult>& results) {
  std::vector<std::size_t> order(results.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {},
                           [&results](std::size_t i) { return results[i].step.payment_id; });
  std::vector<std::optional<StoredStep>> each(results.size());
  for (const std::size_t i : order) {
    FLORIN_ASSIGN_OR_RETURN(each[i], Record(transaction, results[i]));
  }
  std::vector<StoredStep> recorded;
  recorded.reserve(each.size());
  for (std::optional<StoredStep>& one : each) recorded.push_back(*std::move(one));
  return recorded;
}

absl::StatusOr<std::vector<StoredStep>> Claim(pqxx::work& transaction, absl::Time now, int limit) {
  FLORIN_ASSIGN_OR_RETURN(std::vector<Step> steps, ReadSteps(transaction.exec_prepared(
                                                       "claim_steps", absl::ToUnixMicros(now),
                                                       absl::ToUnixMicros(now + kLease), limit)));
  std::vector<StoredStep> claimed;
  claimed.reserve(steps.size());
  for (Step& step : steps) {
    FLORIN_ASSIGN_OR_RETURN(Payment payment, ReadAnyPayment(transaction, step.payment_id, false));
    claimed.push_back({.step = std::move(step), .charge = {.payment = std::move(payment)}});
  }
  return claimed;
}

audit::Event Responded(const EvidenceIntent& intent, const Dispute& dispute, absl::Time now) {
  audit::Event event;
  event.action = "payments.dispute.respond";
  event.subject = FormatId(IdKind::kDispute, dispute.dispute_id);
  event.event_id =
      DeriveId("florin.payments.dispute.respond", event.subject + " " + intent.idempotency_key);
  event.time = now;
  event.actor = FormatId(IdKind::kUser, intent.user_id);
  event.origin = intent.origin;
  event.details = {{"texts", std::to_string(intent.texts.size())}};
  return event;
}

absl::StatusOr<Dispute> Respond(pqxx::work& transaction, const EvidenceIntent& intent,
                                absl::Time now, std::vector<audit::Event>& events) {
  FLORIN_ASSIGN_OR_RETURN(Dispute dispute, ReadAnyDispute(transaction, intent.dispute_id, false));
  FLORIN_RETURN_IF_ERROR(ReadAnyPayment(transaction, dispute.payment_id, true).status());
  FLORIN_ASSIGN_OR_RETURN(dispute, ReadAnyDispute(transaction, intent.dispute_id, true));
  const std::string fingerprint = ByteaOf(crypto::AsOctets(intent.fingerprint));
  const pqxx::result known = transaction.exec_prepared("find_evidence", intent.user_id.ToString(),
                                                       intent.idempotency_key, fingerprint);
  if (!known[0][0].is_null()) {
    if (known[0][0].as<bool>()) return dispute;
    return Error(Reason::kIdempotencyKeyReused, "the key stands for another request");
  }
  int number = static_cast<int>(
      transaction.exec_prepared("list_evidence", dispute.dispute_id.ToString()).size());
  FLORIN_RETURN_IF_ERROR(MayRespond(dispute, number, static_cast<int>(intent.texts.size()), now));
  for (const std::string& text : intent.texts) {
    transaction.exec_prepared("insert_evidence", dispute.dispute_id.ToString(), ++number,
                              intent.user_id.ToString(), intent.idempotency_key, fingerprint, text,
                              absl::ToUnixMicros(now));
  }
  if (dispute.state != DisputeState::kUnderReview) dispute.update_time = now;
  dispute.state = DisputeState::kUnderReview;
  SaveDispute(transaction, dispute);
  events.push_back(Responded(intent, dispute, now));
  return dispute;
}

}  // namespace

std::vector<pg::Statement> PgChargeStore::Statements() {
  return {{"get_any_payment", kGetAnyPayment},
          {"lock_charge", kLockCharge},
          {"save_charge", kSaveCharge},
          {"find_step", kFindStep},
          {"read_step", kReadStep},
          {"get_step", kGetStep},
          {"list_steps", kListSteps},
          {"payee_counters", kPayeeCounters},
          {"insert_step", kInsertStep},
          {"save_step", kSaveStep},
          {"claim_steps", kClaimSteps},
          {"claim_expired", kClaimExpired},
          {"get_dispute", kGetDispute},
          {"lock_dispute", kLockDispute},
          {"list_disputes", kListDisputes},
          {"insert_dispute", kInsertDispute},
          {"save_dispute", kSaveDispute},
          {"end_response_times", kEndResponseTimes},
          {"list_evidence", kListEvidence},
          {"find_evidence", kFindEvidence},
          {"insert_evidence", kInsertEvidence}};
}

Task<absl::StatusOr<Payment>> PgChargeStore::FindPayment(Uuid payment_id) {
  std::function<absl::StatusOr<Payment>(pqxx::transaction_base&)> work =
      [payment_id](pqxx::transaction_base& transaction) {
        return ReadAnyPayment(transaction, payment_id, false);
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<StoredStep>> PgChargeStore::BeginStep(StepIntent intent) {
  std::function<absl::StatusOr<StoredStep>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&intent](pqxx::work& transaction, std::vector<audit::Event>& events) {
        return Begin(transaction, intent, events);
      };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<std::vector<StoredStep>>> PgChargeStore::RecordSteps(
    std::vector<StepResult> results) {
  std::function<absl::StatusOr<std::vector<StoredStep>>(pqxx::work&)> work =
      [&results](pqxx::work& transaction) { return RecordAll(transaction, results); };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<std::vector<StoredStep>>> PgChargeStore::ClaimSteps(absl::Time now, int limit) {
  std::function<absl::StatusOr<std::vector<StoredStep>>(pqxx::work&)> work =
      [now, limit](pqxx::work& transaction) { return Claim(transaction, now, limit); };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<std::vector<Payment>>> PgChargeStore::ClaimExpired(absl::Time now, int limit) {
  std::function<absl::StatusOr<std::vector<Payment>>(pqxx::work&)> work =
      [now, limit](pqxx::work& transaction) {
        return ReadPayments(transaction.exec_prepared("claim_expired", absl::ToUnixMicros(now),
                                                      absl::ToUnixMicros(now + kLease), limit));
      };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<Step>> PgChargeStore::GetStep(Uuid payment_id, StepKind kind, Uuid step_id) {
  std::function<absl::StatusOr<Step>(pqxx::transaction_base&)> work =
      [payment_id, kind, step_id](pqxx::transaction_base& transaction) -> absl::StatusOr<Step> {
    const pqxx::result rows = transaction.exec_prepared(
        "get_step", payment_id.ToString(), std::string(NameOf(kind)), step_id.ToString());
    if (rows.empty()) return Error(Reason::kRefundNotFound, "no such refund");
    return ReadStep(rows[0]);
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<Step>>> PgChargeStore::ListSteps(Uuid payment_id, StepKind kind,
                                                                 std::vector<Uuid> payees,
                                                                 std::optional<Uuid> before,
                                                                 int limit) {
  const std::string below = before ? before->ToString() : kGreatestId;
  pg::Array of;
  for (const Uuid& payee : payees) of.Add(payee);
  std::function<absl::StatusOr<std::vector<Step>>(pqxx::transaction_base&)> work =
      [payment_id, kind, &of, &below, limit](pqxx::transaction_base& transaction) {
        return ReadSteps(transaction.exec_prepared("list_steps", payment_id.ToString(),
                                                   std::string(NameOf(kind)), below, limit,
                                                   of.literal()));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<Dispute>> PgChargeStore::GetDispute(Uuid dispute_id) {
  std::function<absl::StatusOr<Dispute>(pqxx::transaction_base&)> work =
      [dispute_id](pqxx::transaction_base& transaction) {
        return ReadAnyDispute(transaction, dispute_id, false);
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<Dispute>>> PgChargeStore::ListDisputes(Uuid payment_id) {
  std::function<absl::StatusOr<std::vector<Dispute>>(pqxx::transaction_base&)> work =
      [payment_id](pqxx::transaction_base& transaction) {
        return ReadDisputes(transaction.exec_prepared("list_disputes", payment_id.ToString()));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<Evidence>>> PgChargeStore::ListEvidence(Uuid dispute_id) {
  std::function<absl::StatusOr<std::vector<Evidence>>(pqxx::transaction_base&)> work =
      [dispute_id](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<Evidence>> {
    std::vector<Evidence> all;
    for (const auto& row : transaction.exec_prepared("list_evidence", dispute_id.ToString())) {
      all.push_back(
          {.text = row[0].c_str(), .create_time = absl::FromUnixMicros(row[1].as<std::int64_t>())});
    }
    return all;
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<Dispute>> PgChargeStore::AddEvidence(EvidenceIntent intent, absl::Time now) {
  std::function<absl::StatusOr<Dispute>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&intent, now](pqxx::work& transaction, std::vector<audit::Event>& events) {
        return Respond(transaction, intent, now, events);
      };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<int>> PgChargeStore::EndResponseTimes(absl::Time now) {
  std::function<absl::StatusOr<int>(pqxx::work&)> work =
      [now](pqxx::work& transaction) -> absl::StatusOr<int> {
    const pqxx::result ended =
        transaction.exec_prepared("end_response_times", absl::ToUnixMicros(now));
    return static_cast<int>(ended.affected_rows());
  };
  co_return co_await pool_.Transact(std::move(work));
}

}  // namespace florin::payments
