#include "services/payments/store/pg_store.h"

#include <utility>

#include "libs/pg/array.h"
#include "libs/status/check.h"

namespace florin::payments {
namespace {

// The columns of a payment, in the order that ReadPayment expects, of the row `p`.
#define FLORIN_PAYMENT_COLUMNS                                                                \
  "p.payment_id, p.user_id, p.kind, p.state, p.source_account_id, p.destination_account_id, " \
  "p.currency, p.amount_minor, p.reference, p.failure_reason, p.transaction_id, "             \
  "(extract(epoch FROM p.create_time) * 1000000)::bigint, "                                   \
  "(extract(epoch FROM p.update_time) * 1000000)::bigint"
constexpr int kPaymentColumns = 13;

// Times travel as microseconds since the epoch, exactly.
#define FLORIN_TIME(micros) "timestamptz 'epoch' + " micros " * interval '1 microsecond'"

constexpr char kInsertIntents[] =
    "INSERT INTO payments (user_id, payment_id, kind, idempotency_key, fingerprint, "
    "source_account_id, destination_account_id, currency, amount_minor, reference, transaction_id, "
    "create_time, update_time, next_attempt_time) "
    "SELECT i.user_id, i.payment_id, i.kind, i.idempotency_key, i.fingerprint, "
    "i.source_account_id, i.destination_account_id, i.currency, i.amount_minor, i.reference, "
    "i.transaction_id, " FLORIN_TIME("i.created") ", " FLORIN_TIME("i.created") ", "
    FLORIN_TIME("i.next_attempt") " "
    "FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::uuid[], "
    "$7::uuid[], $8::text[], $9::bigint[], $10::text[], $11::uuid[], $12::bigint[], $13::bigint[]) "
    "AS i (user_id, payment_id, kind, idempotency_key, fingerprint, source_account_id, "
    "destination_account_id, currency, amount_minor, reference, transaction_id, created, "
    "next_attempt) "
    "ON CONFLICT (user_id, kind, idempotency_key) DO NOTHING";

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
    "update_time = " FLORIN_TIME("r.updated") " "
    "FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[]) "
    "AS r (user_id, payment_id, state, failure_reason, updated) "
    "WHERE p.user_id = r.user_id AND p.payment_id = r.payment_id "
    "AND p.state NOT IN ('succeeded', 'failed')";

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
    "WHERE state = 'processing' AND next_attempt_time <= " FLORIN_TIME("$1::bigint") " "
    "ORDER BY next_attempt_time LIMIT $3::integer FOR UPDATE SKIP LOCKED) AS due "
    "WHERE p.user_id = due.user_id AND p.payment_id = due.payment_id "
    "RETURNING " FLORIN_PAYMENT_COLUMNS;

// Greater than every id that Florin makes: the first page lists what is below it.
constexpr char kGreatestId[] = "ffffffff-ffff-ffff-ffff-ffffffffffff";

absl::StatusOr<Uuid> ReadUuid(const pqxx::field& field) {
  return field.is_null() ? Uuid() : Uuid::Parse(field.c_str());
}

absl::StatusOr<Payment> ReadPayment(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(row[6].c_str()));
  Payment payment{.amount = {.minor_units = row[7].as<std::int64_t>(), .currency = currency},
                  .reference = row[8].c_str(),
                  .failure_reason = row[9].c_str(),
                  .create_time = absl::FromUnixMicros(row[11].as<std::int64_t>()),
                  .update_time = absl::FromUnixMicros(row[12].as<std::int64_t>())};
  FLORIN_ASSIGN_OR_RETURN(payment.payment_id, ReadUuid(row[0]));
  FLORIN_ASSIGN_OR_RETURN(payment.user_id, ReadUuid(row[1]));
  FLORIN_ASSIGN_OR_RETURN(payment.kind, ParseKind(row[2].c_str()));
  FLORIN_ASSIGN_OR_RETURN(payment.state, ParseState(row[3].c_str()));
  FLORIN_ASSIGN_OR_RETURN(payment.source_account_id, ReadUuid(row[4]));
  FLORIN_ASSIGN_OR_RETURN(payment.destination_account_id, ReadUuid(row[5]));
  FLORIN_ASSIGN_OR_RETURN(payment.transaction_id, ReadUuid(row[10]));
  return payment;
}

absl::StatusOr<std::vector<Payment>> ReadPayments(const pqxx::result& rows) {
  std::vector<Payment> payments;
  payments.reserve(rows.size());
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(Payment payment, ReadPayment(row));
    payments.push_back(std::move(payment));
  }
  return payments;
}

// The columns that InsertIntents binds.
struct IntentArrays {
  pg::Array user_ids, payment_ids, kinds, keys, fingerprints, sources, destinations, currencies,
      amounts, references, transaction_ids, created, next_attempts;

  explicit IntentArrays(const std::vector<Intent>& intents) {
    for (const Intent& intent : intents) {
      const Payment& payment = intent.payment;
      user_ids.Add(payment.user_id);
      payment_ids.Add(payment.payment_id);
      kinds.Add(NameOf(payment.kind));
      keys.Add(intent.idempotency_key);
      fingerprints.Add("\\x" + crypto::Hex(crypto::AsOctets(intent.fingerprint)));
      if (payment.source_account_id.is_nil()) {
        sources.AddNull();
      } else {
        sources.Add(payment.source_account_id);
      }
      destinations.Add(payment.destination_account_id);
      currencies.Add(payment.amount.currency.code());
      amounts.Add(payment.amount.minor_units);
      references.Add(payment.reference);
      transaction_ids.Add(payment.transaction_id);
      created.Add(absl::ToUnixMicros(payment.create_time));
      next_attempts.Add(absl::ToUnixMicros(payment.create_time + kLease));
    }
  }
};

absl::StatusOr<std::vector<StoredIntent>> FindIntents(pqxx::work& transaction,
                                                      const IntentArrays& arrays) {
  const pqxx::result rows =
      transaction.exec_prepared("find_intents", arrays.user_ids.literal(), arrays.kinds.literal(),
                                arrays.keys.literal(), arrays.fingerprints.literal());
  std::vector<StoredIntent> stored;
  stored.reserve(rows.size());
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(Payment payment, ReadPayment(row));
    stored.push_back(StoredIntent{.payment = std::move(payment),
                                  .same_request = row[kPaymentColumns].as<bool>()});
  }
  return stored;
}

absl::StatusOr<std::vector<StoredIntent>> Insert(pqxx::work& transaction,
                                                 const std::vector<Intent>& intents) {
  const IntentArrays arrays(intents);
  const pqxx::result inserted = transaction.exec_prepared(
      "insert_intents", arrays.user_ids.literal(), arrays.payment_ids.literal(),
      arrays.kinds.literal(), arrays.keys.literal(), arrays.fingerprints.literal(),
      arrays.sources.literal(), arrays.destinations.literal(), arrays.currencies.literal(),
      arrays.amounts.literal(), arrays.references.literal(), arrays.transaction_ids.literal(),
      arrays.created.literal(), arrays.next_attempts.literal());
  // A statement of its own, since an insert's snapshot does not show the rows that it ran into
  // (READ COMMITTED); and only where a key was known, which is rare.
  if (inserted.affected_rows() != intents.size()) return FindIntents(transaction, arrays);
  std::vector<StoredIntent> stored;
  stored.reserve(intents.size());
  for (const Intent& intent : intents) {
    stored.push_back(StoredIntent{.payment = intent.payment, .same_request = true});
  }
  return stored;
}

absl::StatusOr<std::vector<Payment>> Record(pqxx::work& transaction,
                                            const std::vector<Payment>& ended) {
  pg::Array user_ids, payment_ids, states, reasons, updated;
  for (const Payment& payment : ended) {
    user_ids.Add(payment.user_id);
    payment_ids.Add(payment.payment_id);
    states.Add(NameOf(payment.state));
    reasons.Add(payment.failure_reason);
    updated.Add(absl::ToUnixMicros(payment.update_time));
  }
  const pqxx::result recorded =
      transaction.exec_prepared("record_results", user_ids.literal(), payment_ids.literal(),
                                states.literal(), reasons.literal(), updated.literal());
  if (recorded.affected_rows() == ended.size()) return ended;
  FLORIN_ASSIGN_OR_RETURN(std::vector<Payment> kept,
                          ReadPayments(transaction.exec_prepared(
                              "find_payments", user_ids.literal(), payment_ids.literal())));
  FLORIN_CHECK(kept.size() == ended.size(), "a result is recorded only for an inserted payment");
  return kept;
}

}  // namespace

std::vector<pg::Statement> PgStore::Statements() {
  return {{"insert_intents", kInsertIntents},    {"find_intents", kFindIntents},
          {"record_results", kRecordResults},    {"find_payments", kFindPayments},
          {"get_payment", kGetPayment},          {"list_payments", kListPayments},
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
