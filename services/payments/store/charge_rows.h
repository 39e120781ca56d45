// How steps and disputes travel between the program and their rows. Only for sources of payments'
// store.
#pragma once

#include <vector>

#include <pqxx/pqxx>

#include "services/payments/store/charge_store.h"
#include "services/payments/store/payment_rows.h"

namespace florin::payments {

// The columns of a step, in the order that ReadStep expects, of the row `s`.
#define FLORIN_STEP_COLUMNS                                                                   \
  "s.step_id, s.payment_id, s.user_id, s.kind, s.state, s.amount_minor, s.final, s.may_owe, " \
  "s.note, s.dispute_id, s.attempt, s.owed_minor, s.remaining_minor, s.failure_reason, "      \
  "(extract(epoch FROM s.create_time) * 1000000)::bigint, "                                   \
  "(extract(epoch FROM s.update_time) * 1000000)::bigint, s.trace_id, "                       \
  "s.payee_account_id, " FLORIN_RETURNED_COLUMNS("s")
inline constexpr int kStepColumns = 21;

// The same of a dispute, of the row `d`.
#define FLORIN_DISPUTE_COLUMNS                                                 \
  "d.dispute_id, d.payment_id, d.state, d.amount_minor, d.reason_code, "       \
  "(extract(epoch FROM d.respond_by) * 1000000)::bigint, d.deciding_step_id, " \
  "(extract(epoch FROM d.create_time) * 1000000)::bigint, "                    \
  "(extract(epoch FROM d.update_time) * 1000000)::bigint, "                    \
  "d.payee_account_id, " FLORIN_RETURNED_COLUMNS("d")

absl::StatusOr<Step> ReadStep(const pqxx::row& row);
absl::StatusOr<std::vector<Step>> ReadSteps(const pqxx::result& rows);
absl::StatusOr<Dispute> ReadDispute(const pqxx::row& row);
absl::StatusOr<std::vector<Dispute>> ReadDisputes(const pqxx::result& rows);

// Statements lock_charge, get_any_payment: the payment, held until the transaction ends or not.
// Error: kPaymentNotFound.
absl::StatusOr<Payment> ReadAnyPayment(pqxx::transaction_base& transaction, const Uuid& payment_id,
                                       bool lock);
// Statements lock_dispute, get_dispute: the same of a dispute. Error: kDisputeNotFound.
absl::StatusOr<Dispute> ReadAnyDispute(pqxx::transaction_base& transaction, const Uuid& dispute_id,
                                       bool lock);

// Statement payee_counters: what of a payment went back from one of several payees.
PayeeCounters ReadPayeeCounters(pqxx::work& transaction, const Uuid& payment_id,
                                const Uuid& payee_account_id);

// Statement save_charge: writes what steps change of a payment.
void SavePayment(pqxx::work& transaction, const Payment& payment);
// Statements insert_dispute and save_dispute.
void InsertDispute(pqxx::work& transaction, const Dispute& dispute);
void SaveDispute(pqxx::work& transaction, const Dispute& dispute);
// Statements insert_step and save_step. The first gives false where the key is known.
bool InsertStep(pqxx::work& transaction, const StepIntent& intent, const Step& step);
void SaveStep(pqxx::work& transaction, const Step& step);

}  // namespace florin::payments
