#include "services/payments/store/pg_approval_store.h"

#include <utility>

#include "libs/audit/pg_audit.h"
#include "libs/status/check.h"
#include "services/payments/domain/approval.h"
#include "services/payments/store/payment_rows.h"
#include "services/payments/store/quote_use.h"

namespace florin::payments {
namespace {

// One payer's transfers are judged, and their use of exemptions set back, one after the other: also
// where there is no row yet that could be locked. Payers whose hashes collide wait for each other.
constexpr char kLockPayer[] = "SELECT pg_advisory_xact_lock(hashtextextended($1, 16))";

constexpr char kInsertAwaiting[] =
    "INSERT INTO payments (user_id, payment_id, kind, idempotency_key, fingerprint, state, "
    "source_account_id, destination_account_id, currency, amount_minor, reference, transaction_id, "
    "create_time, update_time, next_attempt_time, approval_id, payee_name, approval_nonce, "
    "approval_expire_time, pricing, authorization_timeout_seconds, source_book, target_book, "
    "limit_uses, request_id, trace_id) "
    "VALUES ($1::uuid, $2::uuid, $3, $4, $5::bytea, 'requires_action', $6::uuid, $7::uuid, $8, "
    "$9::bigint, $10, $11::uuid, " FLORIN_TIME("$12::bigint") ", " FLORIN_TIME("$12::bigint") ", "
    FLORIN_TIME("$16::bigint") ", $13::uuid, $14, $15::bytea, " FLORIN_TIME("$16::bigint") ", "
    "nullif($17, ''), $18::integer, $19, $20, nullif($21::text, ''), nullif($22, ''), "
    "nullif($23, '')) "
    "ON CONFLICT (user_id, kind, idempotency_key) DO NOTHING";

// All currencies count for the number, one for the total.
constexpr char kGetUse[] =
    "SELECT coalesce(sum(payments), 0)::integer, "
    "coalesce(sum(total_minor) FILTER (WHERE currency = $2), 0)::bigint "
    "FROM low_value_use WHERE user_id = $1::uuid";

constexpr char kAddUse[] =
    "INSERT INTO low_value_use AS u (user_id, currency, payments, total_minor) "
    "VALUES ($1::uuid, $2, 1, $3::bigint) ON CONFLICT (user_id, currency) DO UPDATE SET "
    "payments = u.payments + 1, total_minor = u.total_minor + excluded.total_minor";

constexpr char kResetUse[] =
    "UPDATE low_value_use SET payments = 0, total_minor = 0 WHERE user_id = $1::uuid";

constexpr char kLockPayment[] =
    "SELECT " FLORIN_PAYMENT_COLUMNS
    " FROM payments AS p WHERE p.user_id = $1::uuid AND p.payment_id = $2::uuid FOR UPDATE";

constexpr char kChangeAwaiting[] =
    "UPDATE payments SET state = $3, failure_reason = $4, "
    "approved_binding = nullif($5, '')::bytea, update_time = " FLORIN_TIME("$6::bigint") ", "
    "next_attempt_time = " FLORIN_TIME("$7::bigint") " "
    "WHERE user_id = $1::uuid AND payment_id = $2::uuid";

constexpr char kClaimAwaiting[] =
    "UPDATE payments AS p "
    "SET next_attempt_time = " FLORIN_TIME("$2::bigint") " "
    "FROM (SELECT user_id, payment_id FROM payments "
    "WHERE state = 'requires_action' AND next_attempt_time <= " FLORIN_TIME("$1::bigint") " "
    "ORDER BY next_attempt_time LIMIT $3::integer FOR UPDATE SKIP LOCKED) AS due "
    "WHERE p.user_id = due.user_id AND p.payment_id = due.payment_id "
    "RETURNING " FLORIN_PAYMENT_COLUMNS;

LowValueUse UseOf(pqxx::work& transaction, const Payment& payment) {
  const pqxx::result rows = transaction.exec_prepared("get_use", payment.user_id.ToString(),
                                                      std::string(payment.amount.currency.code()));
  return {.payments = rows[0][0].as<int>(), .total_minor = rows[0][1].as<std::int64_t>()};
}

std::size_t InsertAwaiting(pqxx::work& transaction, const Intent& intent,
                           const ApprovalTerms& terms) {
  const Payment& payment = intent.payment;
  std::optional<std::int64_t> timeout;
  if (payment.authorization_timeout) timeout = absl::ToInt64Seconds(*payment.authorization_timeout);
  std::optional<std::string> source_book;
  std::optional<std::string> target_book;
  if (payment.books) source_book = payment.books->source;
  if (payment.books) target_book = payment.books->target;
  const pqxx::result inserted = transaction.exec_prepared(
      "insert_awaiting", payment.user_id.ToString(), payment.payment_id.ToString(),
      std::string(NameOf(payment.kind)), intent.idempotency_key,
      ByteaOf(crypto::AsOctets(intent.fingerprint)), payment.source_account_id.ToString(),
      payment.destination_account_id.ToString(), std::string(payment.amount.currency.code()),
      payment.amount.minor_units, payment.reference, payment.transaction_id.ToString(),
      absl::ToUnixMicros(payment.create_time), terms.approval_id.ToString(), terms.payee_name,
      ByteaOf(terms.nonce), absl::ToUnixMicros(terms.expire_time),
      payment.pricing ? TextOf(*payment.pricing) : std::string(), timeout, source_book, target_book,
      payment.limit_uses.empty() ? std::string() : TextOf(payment.limit_uses),
      intent.origin.request_id, intent.trace_id);
  return static_cast<std::size_t>(inserted.affected_rows());
}

absl::StatusOr<Judged> Insert(pqxx::work& transaction, const Intent& intent,
                              const ApprovalTerms& terms, const ApprovalPolicy& policy,
                              std::vector<audit::Event>& events) {
  const Payment& payment = intent.payment;
  transaction.exec_prepared("lock_payer", payment.user_id.ToString());
  const IntentArrays arrays({intent});
  FLORIN_ASSIGN_OR_RETURN(std::vector<StoredIntent> known, FindIntents(transaction, arrays));
  if (!known.empty()) return Judged{.stored = std::move(known.front()), .verdict = std::nullopt};

  const LowValueUse use = UseOf(transaction, payment);
  const Money debited = DebitedOf(payment);
  const Verdict verdict = Judge(policy, payment.kind, debited, false, use);
  const std::size_t inserted = verdict.needs_approval ? InsertAwaiting(transaction, intent, terms)
                                                      : InsertNewIntents(transaction, arrays);
  if (inserted == 0) {
    // Another kind of request took the key in between: one that is not judged.
    FLORIN_ASSIGN_OR_RETURN(known, FindIntents(transaction, arrays));
    FLORIN_CHECK(known.size() == 1, "an insert ran into the key");
    return Judged{.stored = std::move(known.front()), .verdict = std::nullopt};
  }
  if (verdict.needs_approval) {
    InsertPayouts(transaction, arrays);
    InsertTransfers(transaction, arrays);
  }
  FLORIN_RETURN_IF_ERROR(UseQuote(transaction, payment));
  if (!verdict.needs_approval) {
    transaction.exec_prepared("add_use", payment.user_id.ToString(),
                              std::string(debited.currency.code()), debited.minor_units);
  }
  events.push_back(EventOf(payment, "payments.payment.create", payment.create_time, intent.origin));
  events.back().reason = std::string(NameOf(verdict.basis));
  Payment kept = verdict.needs_approval ? AwaitApproval(payment, terms) : payment;
  return Judged{.stored = {.payment = std::move(kept), .same_request = true}, .verdict = verdict};
}

absl::StatusOr<Payment> Lock(pqxx::work& transaction, const Uuid& user_id, const Uuid& payment_id) {
  const pqxx::result rows =
      transaction.exec_prepared("lock_payment", user_id.ToString(), payment_id.ToString());
  if (rows.empty()) return Error(Reason::kPaymentNotFound, "no such payment");
  return ReadPayment(rows[0]);
}

void Save(pqxx::work& transaction, const Payment& payment, absl::Time next_attempt) {
  const std::string& binding = payment.approval->approved_binding;
  transaction.exec_prepared(
      "change_awaiting", payment.user_id.ToString(), payment.payment_id.ToString(),
      std::string(NameOf(payment.state)), payment.failure_reason,
      binding.empty() ? std::string() : ByteaOf(binding), absl::ToUnixMicros(payment.update_time),
      absl::ToUnixMicros(next_attempt));
}

// The user, or the worker that goes on with what a crash has left.
std::string ActorOf(const audit::Origin& origin) { return origin.caller.empty() ? "payments" : ""; }

absl::StatusOr<Payment> StartIn(pqxx::work& transaction, const Uuid& user_id,
                                const Uuid& payment_id, const crypto::Digest& redeemed,
                                absl::Time now, const audit::Origin& origin,
                                std::vector<audit::Event>& events) {
  transaction.exec_prepared("lock_payer", user_id.ToString());
  FLORIN_ASSIGN_OR_RETURN(Payment payment, Lock(transaction, user_id, payment_id));
  if (payment.state != State::kRequiresAction) return payment;
  if (sca::BindingDigest(BindingOf(payment)) != redeemed) {
    return Error(Reason::kApprovalMismatch, "the payment is not the one that was approved");
  }
  payment = StartApproved(std::move(payment), std::string(crypto::AsOctets(redeemed)), now);
  Save(transaction, payment, now + kLease);
  transaction.exec_prepared("reset_use", user_id.ToString());
  events.push_back(EventOf(payment, "payments.payment.confirm", now, origin, ActorOf(origin)));
  return payment;
}

}  // namespace

std::vector<pg::Statement> PgApprovalStore::Statements() {
  return {{"lock_payer", kLockPayer},
          {"insert_awaiting", kInsertAwaiting},
          {"get_use", kGetUse},
          {"add_use", kAddUse},
          {"reset_use", kResetUse},
          {"lock_payment", kLockPayment},
          {"change_awaiting", kChangeAwaiting},
          {"claim_awaiting", kClaimAwaiting}};
}

Task<absl::StatusOr<Judged>> PgApprovalStore::InsertJudged(Intent intent, ApprovalTerms terms,
                                                           ApprovalPolicy policy) {
  std::function<absl::StatusOr<Judged>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&intent, &terms, &policy](pqxx::work& transaction, std::vector<audit::Event>& events) {
        return Insert(transaction, intent, terms, policy, events);
      };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<Payment>> PgApprovalStore::BeginConfirm(Uuid user_id, Uuid payment_id,
                                                            absl::Time now) {
  std::function<absl::StatusOr<Payment>(pqxx::work&)> work =
      [user_id, payment_id, now](pqxx::work& transaction) -> absl::StatusOr<Payment> {
    FLORIN_ASSIGN_OR_RETURN(Payment payment, Lock(transaction, user_id, payment_id));
    if (payment.state == State::kRequiresAction) Save(transaction, payment, now + kLease);
    return payment;
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<Payment>> PgApprovalStore::Start(Uuid user_id, Uuid payment_id,
                                                     crypto::Digest redeemed, absl::Time now,
                                                     audit::Origin origin) {
  std::function<absl::StatusOr<Payment>(pqxx::work&, std::vector<audit::Event>&)> work =
      [user_id, payment_id, &redeemed, now, &origin](pqxx::work& transaction,
                                                     std::vector<audit::Event>& events) {
        return StartIn(transaction, user_id, payment_id, redeemed, now, origin, events);
      };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<Payment>> PgApprovalStore::GiveUp(Uuid user_id, Uuid payment_id, Reason reason,
                                                      absl::Time now, audit::Origin origin) {
  std::function<absl::StatusOr<Payment>(pqxx::work&, std::vector<audit::Event>&)> work =
      [user_id, payment_id, reason, now, &origin](
          pqxx::work& transaction, std::vector<audit::Event>& events) -> absl::StatusOr<Payment> {
    FLORIN_ASSIGN_OR_RETURN(Payment payment, Lock(transaction, user_id, payment_id));
    if (payment.state != State::kRequiresAction) return payment;
    payment = payments::GiveUp(std::move(payment), reason, now);
    Save(transaction, payment, now);
    events.push_back(EventOf(payment, "payments.payment.cancel", now, origin, ActorOf(origin)));
    events.back().reason = payment.failure_reason;
    return payment;
  };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<std::vector<Payment>>> PgApprovalStore::ClaimAwaiting(absl::Time now,
                                                                          int limit) {
  std::function<absl::StatusOr<std::vector<Payment>>(pqxx::work&)> work =
      [now, limit](pqxx::work& transaction) {
        return ReadPayments(transaction.exec_prepared("claim_awaiting", absl::ToUnixMicros(now),
                                                      absl::ToUnixMicros(now + kLease), limit));
      };
  co_return co_await pool_.Transact(std::move(work));
}

}  // namespace florin::payments
