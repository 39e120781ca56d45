#include "services/payments/store/charge_rows.h"

#include <utility>

namespace florin::payments {
namespace {

absl::Time ReadTime(const pqxx::field& micros) {
  return absl::FromUnixMicros(micros.as<std::int64_t>());
}

std::optional<std::int64_t> NumberOrNull(std::int64_t number) {
  return number == 0 ? std::nullopt : std::optional(number);
}

template <class Row, class Read>
absl::StatusOr<std::vector<Row>> ReadAll(const pqxx::result& rows, Read read) {
  std::vector<Row> all;
  all.reserve(rows.size());
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(Row one, read(row));
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace

absl::StatusOr<Step> ReadStep(const pqxx::row& row) {
  Step step{.amount_minor = row[5].as<std::int64_t>(),
            .final = row[6].as<bool>(),
            .may_owe = row[7].as<bool>(),
            .note = row[8].c_str(),
            .attempt = row[10].as<int>(),
            .owed_minor = row[11].as<std::int64_t>(),
            .failure_reason = row[13].c_str(),
            .create_time = ReadTime(row[14]),
            .update_time = ReadTime(row[15]),
            .trace_id = row[16].c_str()};  // Empty for NULL.
  step.returned = ReadReturned(row, 18);
  if (!row[12].is_null()) step.remaining_minor = row[12].as<std::int64_t>();
  FLORIN_ASSIGN_OR_RETURN(step.step_id, ReadUuid(row[0]));
  FLORIN_ASSIGN_OR_RETURN(step.payment_id, ReadUuid(row[1]));
  FLORIN_ASSIGN_OR_RETURN(step.user_id, ReadUuid(row[2]));
  FLORIN_ASSIGN_OR_RETURN(step.kind, ParseStepKind(row[3].c_str()));
  FLORIN_ASSIGN_OR_RETURN(step.state, ParseStepState(row[4].c_str()));
  FLORIN_ASSIGN_OR_RETURN(step.dispute_id, ReadUuid(row[9]));
  FLORIN_ASSIGN_OR_RETURN(step.payee_account_id, ReadUuid(row[17]));
  return step;
}

absl::StatusOr<Dispute> ReadDispute(const pqxx::row& row) {
  Dispute dispute{.amount_minor = row[3].as<std::int64_t>(),
                  .reason_code = row[4].c_str(),
                  .respond_by = ReadTime(row[5]),
                  .create_time = ReadTime(row[7]),
                  .update_time = ReadTime(row[8])};
  FLORIN_ASSIGN_OR_RETURN(dispute.dispute_id, ReadUuid(row[0]));
  FLORIN_ASSIGN_OR_RETURN(dispute.payment_id, ReadUuid(row[1]));
  FLORIN_ASSIGN_OR_RETURN(dispute.state, ParseDisputeState(row[2].c_str()));
  FLORIN_ASSIGN_OR_RETURN(dispute.deciding_step_id, ReadUuid(row[6]));
  FLORIN_ASSIGN_OR_RETURN(dispute.payee_account_id, ReadUuid(row[9]));
  dispute.returned = ReadReturned(row, 10);
  return dispute;
}

absl::StatusOr<std::vector<Step>> ReadSteps(const pqxx::result& rows) {
  return ReadAll<Step>(rows, ReadStep);
}
absl::StatusOr<std::vector<Dispute>> ReadDisputes(const pqxx::result& rows) {
  return ReadAll<Dispute>(rows, ReadDispute);
}

absl::StatusOr<Payment> ReadAnyPayment(pqxx::transaction_base& transaction, const Uuid& payment_id,
                                       bool lock) {
  const pqxx::result rows =
      transaction.exec_prepared(lock ? "lock_charge" : "get_any_payment", payment_id.ToString());
  if (rows.empty()) return Error(Reason::kPaymentNotFound, "no such payment");
  return ReadPayment(rows[0]);
}

absl::StatusOr<Dispute> ReadAnyDispute(pqxx::transaction_base& transaction, const Uuid& dispute_id,
                                       bool lock) {
  const pqxx::result rows =
      transaction.exec_prepared(lock ? "lock_dispute" : "get_dispute", dispute_id.ToString());
  if (rows.empty()) return Error(Reason::kDisputeNotFound, "no such dispute");
  return ReadDispute(rows[0]);
}

PayeeCounters ReadPayeeCounters(pqxx::work& transaction, const Uuid& payment_id,
                                const Uuid& payee_account_id) {
  const pqxx::result rows = transaction.exec_prepared("payee_counters", payment_id.ToString(),
                                                      payee_account_id.ToString());
  return {.refunded_minor = rows[0][0].as<std::int64_t>(),
          .disputed_minor = rows[0][1].as<std::int64_t>(),
          .upheld_minor = rows[0][2].as<std::int64_t>()};
}

void SavePayment(pqxx::work& transaction, const Payment& payment) {
  const Counters& counters = payment.counters;
  transaction.exec_prepared(
      "save_charge", payment.payment_id.ToString(), std::string(NameOf(payment.state)),
      payment.failure_reason, absl::ToUnixMicros(payment.update_time), counters.captured_minor,
      counters.capturing_minor, counters.refunded_minor, counters.disputed_minor,
      counters.upheld_minor, counters.release_reason, NumberOrNull(counters.returned.payee_minor),
      NumberOrNull(counters.returned.spread_minor), NumberOrNull(counters.returned.rounding_minor));
}

void InsertDispute(pqxx::work& transaction, const Dispute& dispute) {
  transaction.exec_prepared(
      "insert_dispute", dispute.dispute_id.ToString(), dispute.payment_id.ToString(),
      std::string(NameOf(dispute.state)), dispute.amount_minor, dispute.reason_code,
      absl::ToUnixMicros(dispute.respond_by), absl::ToUnixMicros(dispute.create_time),
      TextOrNull(dispute.payee_account_id), NumberOrNull(dispute.returned.payee_minor),
      NumberOrNull(dispute.returned.spread_minor), NumberOrNull(dispute.returned.rounding_minor));
}

void SaveDispute(pqxx::work& transaction, const Dispute& dispute) {
  transaction.exec_prepared(
      "save_dispute", dispute.dispute_id.ToString(), std::string(NameOf(dispute.state)),
      TextOrNull(dispute.deciding_step_id), absl::ToUnixMicros(dispute.update_time));
}

bool InsertStep(pqxx::work& transaction, const StepIntent& intent, const Step& step) {
  const pqxx::result inserted = transaction.exec_prepared(
      "insert_step", step.step_id.ToString(), step.payment_id.ToString(), step.user_id.ToString(),
      std::string(NameOf(step.kind)), intent.idempotency_key,
      ByteaOf(crypto::AsOctets(intent.fingerprint)), std::string(NameOf(step.state)),
      step.amount_minor, step.final, step.may_owe, step.note, TextOrNull(step.dispute_id),
      step.remaining_minor, step.failure_reason, absl::ToUnixMicros(step.create_time),
      absl::ToUnixMicros(step.create_time + kLease), step.trace_id,
      TextOrNull(step.payee_account_id), NumberOrNull(step.returned.payee_minor),
      NumberOrNull(step.returned.spread_minor), NumberOrNull(step.returned.rounding_minor));
  return inserted.affected_rows() == 1;
}

void SaveStep(pqxx::work& transaction, const Step& step) {
  transaction.exec_prepared("save_step", step.step_id.ToString(), std::string(NameOf(step.state)),
                            step.attempt, step.owed_minor, step.failure_reason,
                            absl::ToUnixMicros(step.update_time));
}

}  // namespace florin::payments
