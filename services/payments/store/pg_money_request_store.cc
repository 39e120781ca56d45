#include "services/payments/store/pg_money_request_store.h"

#include <utility>

#include "libs/status/check.h"
#include "services/payments/store/payment_rows.h"

namespace florin::payments {
namespace {

// In the order that ReadRequest expects, of the row `r`.
#define FLORIN_MONEY_REQUEST_COLUMNS                                                         \
  "r.request_id, r.user_id, r.state, r.destination_account_id, r.currency, r.amount_minor, " \
  "r.reference, r.payer_user_id, (extract(epoch FROM r.expire_time) * 1000000)::bigint, "    \
  "r.paying_user_id, r.paying_source_id, r.paying_key, r.payment_id, "                       \
  "(extract(epoch FROM r.create_time) * 1000000)::bigint, "                                  \
  "(extract(epoch FROM r.update_time) * 1000000)::bigint"
constexpr int kMoneyRequestColumns = 15;

constexpr char kInsertRequest[] =
    "INSERT INTO payment_requests (user_id, request_id, idempotency_key, fingerprint, state, "
    "destination_account_id, currency, amount_minor, reference, payer_user_id, expire_time, "
    "create_time, update_time, next_attempt_time) "
    "VALUES ($1::uuid, $2::uuid, $3, $4::bytea, $5, $6::uuid, $7, $8::bigint, $9, $10::uuid, "
    FLORIN_TIME("$11::bigint") ", " FLORIN_TIME("$12::bigint") ", " FLORIN_TIME("$12::bigint") ", "
    FLORIN_TIME("$12::bigint") ") ON CONFLICT (user_id, idempotency_key) DO NOTHING";
constexpr char kFindRequest[] = "SELECT " FLORIN_MONEY_REQUEST_COLUMNS
                                ", r.fingerprint = $3::bytea FROM payment_requests AS r "
                                "WHERE r.user_id = $1::uuid AND r.idempotency_key = $2";
constexpr char kGetRequest[] = "SELECT " FLORIN_MONEY_REQUEST_COLUMNS
                               " FROM payment_requests AS r WHERE r.request_id = $1::uuid";
constexpr char kLockRequest[] =
    "SELECT " FLORIN_MONEY_REQUEST_COLUMNS
    " FROM payment_requests AS r WHERE r.request_id = $1::uuid FOR UPDATE";
constexpr char kListRequests[] = "SELECT " FLORIN_MONEY_REQUEST_COLUMNS
                                 " FROM payment_requests AS r WHERE r.user_id = $1::uuid "
                                 "AND r.request_id < $2::uuid "
                                 "ORDER BY r.request_id DESC LIMIT $3::integer";
constexpr char kSaveRequest[] =
    "UPDATE payment_requests SET state = $2, paying_user_id = $3::uuid, "
    "paying_source_id = $4::uuid, paying_key = $5, payment_id = $6::uuid, "
    "update_time = " FLORIN_TIME("$7::bigint") ", "
    "next_attempt_time = " FLORIN_TIME("$8::bigint") " WHERE request_id = $1::uuid";
constexpr char kClaimPaying[] =
    "UPDATE payment_requests AS r SET next_attempt_time = " FLORIN_TIME("$2::bigint") " "
    "FROM (SELECT request_id FROM payment_requests "
    "WHERE state = 'paying' AND next_attempt_time <= " FLORIN_TIME("$1::bigint") " "
    "ORDER BY next_attempt_time LIMIT $3::integer FOR UPDATE SKIP LOCKED) AS due "
    "WHERE r.request_id = due.request_id RETURNING " FLORIN_MONEY_REQUEST_COLUMNS;

absl::Status NotFound() {
  return Error(Reason::kPaymentRequestNotFound, "no such payment request");
}

std::optional<std::string> TextOf(const Uuid& id) {
  if (id.is_nil()) return std::nullopt;
  return id.ToString();
}

absl::StatusOr<MoneyRequest> ReadRequest(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(row[4].c_str()));
  MoneyRequest request{.amount = {.minor_units = row[5].as<std::int64_t>(), .currency = currency},
                       .reference = row[6].c_str(),
                       .expire_time = absl::FromUnixMicros(row[8].as<std::int64_t>()),
                       .create_time = absl::FromUnixMicros(row[13].as<std::int64_t>()),
                       .update_time = absl::FromUnixMicros(row[14].as<std::int64_t>())};
  FLORIN_ASSIGN_OR_RETURN(request.request_id, ReadUuid(row[0]));
  FLORIN_ASSIGN_OR_RETURN(request.user_id, ReadUuid(row[1]));
  FLORIN_ASSIGN_OR_RETURN(request.state, ParseMoneyRequestState(row[2].c_str()));
  FLORIN_ASSIGN_OR_RETURN(request.destination_account_id, ReadUuid(row[3]));
  FLORIN_ASSIGN_OR_RETURN(request.payer_user_id, ReadUuid(row[7]));
  if (!row[9].is_null()) {
    Paying paying{.key = row[11].c_str()};
    FLORIN_ASSIGN_OR_RETURN(paying.user_id, ReadUuid(row[9]));
    FLORIN_ASSIGN_OR_RETURN(paying.source_account_id, ReadUuid(row[10]));
    request.paying = std::move(paying);
  }
  FLORIN_ASSIGN_OR_RETURN(request.payment_id, ReadUuid(row[12]));
  return request;
}

absl::StatusOr<std::vector<MoneyRequest>> ReadRequests(const pqxx::result& rows) {
  std::vector<MoneyRequest> requests;
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(MoneyRequest request, ReadRequest(row));
    requests.push_back(std::move(request));
  }
  return requests;
}

void Save(pqxx::work& transaction, const MoneyRequest& request, absl::Time next_attempt) {
  std::optional<std::string> user, source, key;
  if (request.paying) {
    user = request.paying->user_id.ToString();
    source = request.paying->source_account_id.ToString();
    key = request.paying->key;
  }
  transaction.exec_prepared("save_request", request.request_id.ToString(),
                            std::string(NameOf(request.state)), user, source, key,
                            TextOf(request.payment_id), absl::ToUnixMicros(request.update_time),
                            absl::ToUnixMicros(next_attempt));
}

absl::StatusOr<StoredMoneyRequest> Insert(pqxx::work& transaction,
                                          const MoneyRequestIntent& intent) {
  const MoneyRequest& request = intent.request;
  const std::string fingerprint = ByteaOf(crypto::AsOctets(intent.fingerprint));
  const pqxx::result inserted = transaction.exec_prepared(
      "insert_request", request.user_id.ToString(), request.request_id.ToString(),
      intent.idempotency_key, fingerprint, std::string(NameOf(request.state)),
      request.destination_account_id.ToString(), std::string(request.amount.currency.code()),
      request.amount.minor_units, request.reference, TextOf(request.payer_user_id),
      absl::ToUnixMicros(request.expire_time), absl::ToUnixMicros(request.create_time));
  if (inserted.affected_rows() == 1) {
    return StoredMoneyRequest{.request = request, .same_request = true};
  }
  const pqxx::result rows = transaction.exec_prepared("find_request", request.user_id.ToString(),
                                                      intent.idempotency_key, fingerprint);
  FLORIN_CHECK(rows.size() == 1, "an insert ran into the key");
  FLORIN_ASSIGN_OR_RETURN(MoneyRequest known, ReadRequest(rows[0]));
  return StoredMoneyRequest{.request = std::move(known),
                            .same_request = rows[0][kMoneyRequestColumns].as<bool>()};
}

}  // namespace

std::vector<pg::Statement> PgMoneyRequestStore::Statements() {
  return {{"insert_request", kInsertRequest}, {"find_request", kFindRequest},
          {"get_request", kGetRequest},       {"lock_request", kLockRequest},
          {"list_requests", kListRequests},   {"save_request", kSaveRequest},
          {"claim_paying", kClaimPaying}};
}

Task<absl::StatusOr<StoredMoneyRequest>> PgMoneyRequestStore::InsertRequest(
    MoneyRequestIntent intent) {
  std::function<absl::StatusOr<StoredMoneyRequest>(pqxx::work&)> work =
      [&intent](pqxx::work& transaction) { return Insert(transaction, intent); };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<MoneyRequest>> PgMoneyRequestStore::GetRequest(Uuid request_id) {
  std::function<absl::StatusOr<MoneyRequest>(pqxx::transaction_base&)> work =
      [=](pqxx::transaction_base& transaction) -> absl::StatusOr<MoneyRequest> {
    const pqxx::result rows = transaction.exec_prepared("get_request", request_id.ToString());
    if (rows.empty()) return NotFound();
    return ReadRequest(rows[0]);
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<MoneyRequest>>> PgMoneyRequestStore::ListRequests(
    Uuid user_id, std::optional<Uuid> before, int limit) {
  std::function<absl::StatusOr<std::vector<MoneyRequest>>(pqxx::transaction_base&)> work =
      [=](pqxx::transaction_base& transaction) {
        return ReadRequests(transaction.exec_prepared(
            "list_requests", user_id.ToString(), before ? before->ToString() : kGreatestId, limit));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<MoneyRequest>> PgMoneyRequestStore::ChangeLocked(Uuid request_id, Change change,
                                                                     absl::Time now) {
  std::function<absl::StatusOr<MoneyRequest>(pqxx::work&)> work =
      [&](pqxx::work& transaction) -> absl::StatusOr<MoneyRequest> {
    const pqxx::result rows = transaction.exec_prepared("lock_request", request_id.ToString());
    if (rows.empty()) return NotFound();
    FLORIN_ASSIGN_OR_RETURN(MoneyRequest request, ReadRequest(rows[0]));
    const MoneyRequest before = request;
    FLORIN_RETURN_IF_ERROR(change(request));
    if (request != before) Save(transaction, request, now + kMoneyRequestLease);
    return request;
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<MoneyRequest>> PgMoneyRequestStore::BeginPayment(Uuid request_id, Paying paying,
                                                                     absl::Time now) {
  Change change = [&](MoneyRequest& request) { return BeginToPay(request, paying, now); };
  co_return co_await ChangeLocked(request_id, std::move(change), now);
}

Task<absl::StatusOr<MoneyRequest>> PgMoneyRequestStore::EndPayment(Uuid request_id, Paying paying,
                                                                   std::optional<Payment> payment,
                                                                   absl::Time now) {
  Change change = [&](MoneyRequest& request) {
    Conclude(request, paying, payment, now);
    return absl::OkStatus();
  };
  co_return co_await ChangeLocked(request_id, std::move(change), now);
}

Task<absl::StatusOr<MoneyRequest>> PgMoneyRequestStore::CloseRequest(Uuid request_id,
                                                                     MoneyRequestEvent event,
                                                                     absl::Time now) {
  Change change = [&](MoneyRequest& request) { return Close(request, event, now); };
  co_return co_await ChangeLocked(request_id, std::move(change), now);
}

Task<absl::StatusOr<std::vector<MoneyRequest>>> PgMoneyRequestStore::ClaimPaying(absl::Time now,
                                                                                 int limit) {
  std::function<absl::StatusOr<std::vector<MoneyRequest>>(pqxx::work&)> work =
      [=](pqxx::work& transaction) {
        return ReadRequests(transaction.exec_prepared("claim_paying", absl::ToUnixMicros(now),
                                                      absl::ToUnixMicros(now + kMoneyRequestLease),
                                                      limit));
      };
  co_return co_await pool_.Transact(std::move(work));
}

}  // namespace florin::payments
