#include "services/payments/store/pg_store.h"

#include <utility>

#include "libs/pg/array.h"
#include "libs/status/check.h"
#include "services/payments/store/payment_rows.h"

namespace florin::payments {
namespace {

constexpr char kInsertIntents[] =
    "INSERT INTO payments (user_id, payment_id, kind, idempotency_key, fingerprint, "
    "source_account_id, destination_account_id, currency, amount_minor, reference, transaction_id, "
    "create_time, update_time, next_attempt_time, pricing, authorization_timeout_seconds, "
    "limit_uses, limit_refusal, request_id, trace_id, source_book, target_book) "
    "SELECT i.user_id, i.payment_id, i.kind, i.idempotency_key, i.fingerprint, "
    "i.source_account_id, i.destination_account_id, i.currency, i.amount_minor, i.reference, "
    "i.transaction_id, " FLORIN_TIME("i.created") ", " FLORIN_TIME("i.created") ", "
    FLORIN_TIME("i.next_attempt") ", i.pricing, i.authorization_timeout, i.limit_uses, "
    "i.limit_refusal, i.request_id, i.trace_id, i.source_book, i.target_book "
    "FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::uuid[], "
    "$7::uuid[], $8::text[], $9::bigint[], $10::text[], $11::uuid[], $12::bigint[], "
    "$13::bigint[], $14::text[], $15::integer[], $16::text[], $17::text[], $18::text[], "
    "$19::text[], $20::text[], $21::text[]) "
    "AS i (user_id, payment_id, kind, idempotency_key, fingerprint, source_account_id, "
    "destination_account_id, currency, amount_minor, reference, transaction_id, created, "
    "next_attempt, pricing, authorization_timeout, limit_uses, limit_refusal, "
    "request_id, trace_id, source_book, target_book) "
    "ON CONFLICT (user_id, kind, idempotency_key) DO NOTHING";

// A payment that was there before has another id, and so no row here.
constexpr char kInsertPayouts[] =
    "INSERT INTO payouts (payment_id, beneficiary_name, beneficiary_account, is_iban, rail, "
    "update_time, next_attempt_time) "
    "SELECT i.payment_id, i.name, i.account, i.is_iban, i.rail, p.create_time, "
    "p.create_time + interval '3 seconds' "
    "FROM unnest($1::uuid[], $2::text[], $3::text[], $4::boolean[], $5::text[]) "
    "AS i (payment_id, name, account, is_iban, rail) JOIN payments AS p USING (payment_id) "
    "ON CONFLICT (payment_id) DO NOTHING";

// The same of those between two books.
constexpr char kInsertTransfers[] =
    "WITH made AS (INSERT INTO book_transfers (payment_id, source_book, target_book, currency, "
    "amount_minor, create_time, update_time) "
    "SELECT p.payment_id, p.source_book, p.target_book, p.currency, i.amount, p.create_time, "
    "p.create_time FROM unnest($1::uuid[], $2::bigint[]) AS i (payment_id, amount) "
    "JOIN payments AS p USING (payment_id) ON CONFLICT (payment_id) DO NOTHING "
    "RETURNING source_book, target_book, currency) "
    "INSERT INTO book_pairs SELECT DISTINCT source_book, target_book, currency FROM made "
    "ON CONFLICT DO NOTHING";

constexpr char kFindIntents[] =
    "SELECT " FLORIN_PAYMENT_COLUMNS
    ", p.fingerprint = i.fingerprint "
    "FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[]) "
    "WITH ORDINALITY AS i (user_id, kind, idempotency_key, fingerprint, position) "
    "JOIN payments AS p USING (user_id, kind, idempotency_key) ORDER BY i.position";

// What has ended stays. Not `state = 'processing'`, which would let the planner walk the index of
// all payments in processing, dead entries included, instead of the primary key.
constexpr char kRecordResults[] =
    "UPDATE payments AS p SET state = r.state, failure_reason = r.failure_reason, "
    "update_time = " FLORIN_TIME("r.updated") ", "
    "authorization_expire_time = " FLORIN_TIME("r.expires") ", "
    "next_attempt_time = coalesce(" FLORIN_TIME("r.expires") ", p.next_attempt_time), "
    "limit_refusal = r.limit_refusal "
    "FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], "
    "$7::text[]) "
    "AS r (user_id, payment_id, state, failure_reason, updated, expires, limit_refusal) "
    "WHERE p.user_id = r.user_id AND p.payment_id = r.payment_id "
    "AND p.state NOT IN ('succeeded', 'failed', 'requires_action', 'canceled', "
    "'requires_capture', 'returned')";

constexpr char kFindPayments[] =
    "SELECT " FLORIN_PAYMENT_COLUMNS
    " "
    "FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS r (user_id, payment_id, position) "
    "JOIN payments AS p USING (user_id, payment_id) ORDER BY r.position";

constexpr char kGetPayment[] = "SELECT " FLORIN_PAYMENT_COLUMNS
                               " FROM payments AS p "
                               "WHERE p.user_id = $1::uuid AND p.payment_id = $2::uuid";

constexpr char kListPayments[] = "SELECT " FLORIN_PAYMENT_COLUMNS
                                 " FROM payments AS p "
                                 "WHERE p.user_id = $1::uuid AND p.payment_id < $2::uuid "
                                 "ORDER BY p.payment_id DESC LIMIT $3::integer";

// SKIP LOCKED: replicas that claim at the same time share the work instead of waiting for each
// other.
constexpr char kClaimUnfinished[] =
    "UPDATE payments AS p SET next_attempt_time = " FLORIN_TIME("$2::bigint") " "
    "FROM (SELECT user_id, payment_id FROM payments "
    "WHERE state = 'processing' AND kind <> 'payout' "
    "AND next_attempt_time <= " FLORIN_TIME("$1::bigint") " "
    "ORDER BY next_attempt_time LIMIT $3::integer FOR UPDATE SKIP LOCKED) AS due "
    "WHERE p.user_id = due.user_id AND p.payment_id = due.payment_id "
    "RETURNING " FLORIN_PAYMENT_COLUMNS;

absl::StatusOr<std::vector<StoredIntent>> Insert(pqxx::work& transaction,
                                                 const std::vector<Intent>& intents) {
  const IntentArrays arrays(intents);
  // A statement of its own, since an insert's snapshot does not show the rows that it ran into
  // (READ COMMITTED); and only where a key was known, which is rare.
  if (InsertNewIntents(transaction, arrays) != intents.size())
    return FindIntents(transaction, arrays);
  std::vector<StoredIntent> stored;
  stored.reserve(intents.size());
  for (const Intent& intent : intents) {
    stored.push_back(StoredIntent{.payment = intent.payment, .same_request = true});
  }
  return stored;
}

absl::StatusOr<std::vector<Payment>> Record(pqxx::work& transaction,
                                            const std::vector<Payment>& ended) {
  pg::Array user_ids, payment_ids, states, reasons, updated, expires, limit_refusals;
  for (const Payment& payment : ended) {
    user_ids.Add(payment.user_id);
    payment_ids.Add(payment.payment_id);
    states.Add(NameOf(payment.state));
    reasons.Add(payment.failure_reason);
    updated.Add(absl::ToUnixMicros(payment.update_time));
    if (payment.authorization_expire_time) {
      expires.Add(absl::ToUnixMicros(*payment.authorization_expire_time));
    } else {
      expires.AddNull();
    }
    if (payment.limit_refusal) {
      limit_refusals.Add(TextOf(*payment.limit_refusal));
    } else {
      limit_refusals.AddNull();
    }
  }
  const pqxx::result recorded = transaction.exec_prepared(
      "record_results", user_ids.literal(), payment_ids.literal(), states.literal(),
      reasons.literal(), updated.literal(), expires.literal(), limit_refusals.literal());
  if (recorded.affected_rows() == ended.size()) return ended;
  FLORIN_ASSIGN_OR_RETURN(std::vector<Payment> kept,
                          ReadPayments(transaction.exec_prepared(
                              "find_payments", user_ids.literal(), payment_ids.literal())));
  FLORIN_CHECK(kept.size() == ended.size(), "a result is recorded only for an inserted payment");
  return kept;
}

}  // namespace

std::vector<pg::Statement> PgStore::Statements() {
  return {{"insert_intents", kInsertIntents},     {"insert_payouts", kInsertPayouts},
          {"insert_transfers", kInsertTransfers}, {"find_intents", kFindIntents},
          {"record_results", kRecordResults},     {"find_payments", kFindPayments},
          {"get_payment", kGetPayment},           {"list_payments", kListPayments},
          {"claim_unfinished", kClaimUnfinished}};
}

Task<absl::StatusOr<std::vector<StoredIntent>>> PgStore::InsertIntents(
    std::vector<Intent> intents) {
  std::function<absl::StatusOr<std::vector<StoredIntent>>(pqxx::work&)> work =
      [&intents](pqxx::work& transaction) { return Insert(transaction, intents); };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<std::vector<Payment>>> PgStore::RecordResults(std::vector<Payment> ended) {
  std::function<absl::StatusOr<std::vector<Payment>>(pqxx::work&)> work =
      [&ended](pqxx::work& transaction) { return Record(transaction, ended); };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<Store::Written>> PgStore::Write(std::shared_ptr<const Writes> writes) {
  std::function<absl::StatusOr<Written>(pqxx::work&)> work =
      [writes = std::move(writes)](pqxx::work& transaction) -> absl::StatusOr<Written> {
    Written written;
    if (!writes->ended.empty()) {
      FLORIN_ASSIGN_OR_RETURN(written.ended, Record(transaction, writes->ended));
    }
    if (!writes->intents.empty()) {
      FLORIN_ASSIGN_OR_RETURN(written.intents, Insert(transaction, writes->intents));
    }
    return written;
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<Payment>> PgStore::GetPayment(Uuid user_id, Uuid payment_id) {
  std::function<absl::StatusOr<Payment>(pqxx::transaction_base&)> work =
      [user_id, payment_id](pqxx::transaction_base& transaction) -> absl::StatusOr<Payment> {
    const pqxx::result rows =
        transaction.exec_prepared("get_payment", user_id.ToString(), payment_id.ToString());
    if (rows.empty()) return Error(Reason::kPaymentNotFound, "no such payment");
    return ReadPayment(rows[0]);
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<Payment>>> PgStore::ListPayments(Uuid user_id,
                                                                 std::optional<Uuid> before,
                                                                 int limit) {
  const std::string below = before ? before->ToString() : kGreatestId;
  std::function<absl::StatusOr<std::vector<Payment>>(pqxx::transaction_base&)> work =
      [user_id, &below, limit](pqxx::transaction_base& transaction) {
        return ReadPayments(
            transaction.exec_prepared("list_payments", user_id.ToString(), below, limit));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<Payment>>> PgStore::ClaimUnfinished(absl::Time now, int limit) {
  std::function<absl::StatusOr<std::vector<Payment>>(pqxx::work&)> work =
      [now, limit](pqxx::work& transaction) {
        return ReadPayments(transaction.exec_prepared("claim_unfinished", absl::ToUnixMicros(now),
                                                      absl::ToUnixMicros(now + kLease), limit));
      };
  co_return co_await pool_.Transact(std::move(work));
}

}  // namespace florin::payments
