#include "services/accounts/store/pg_payee_store.h"

#include <utility>

#include "libs/audit/pg_audit.h"
#include "libs/pg/array.h"
#include "libs/status/check.h"
#include "services/accounts/store/payee_rows.h"

namespace florin::accounts {
namespace {

using rows::kPayeeColumns;
using Events = std::vector<audit::Event>;

// Nothing happens to the customer meanwhile, and its payees are counted by one at a time.
constexpr char kHoldPayer[] =
    "SELECT state, leaving_to IS NOT NULL, " FLORIN_HEX("data_key")
    " FROM customers WHERE user_id = $1::uuid AND customer_id = $2::uuid FOR NO KEY UPDATE";

constexpr char kCountPayees[] =
    "SELECT count(*) FROM payees WHERE user_id = $1::uuid AND state = 'active'";

#define FLORIN_PAYEES_AND_CUSTOMERS \
  " FROM payees AS p JOIN customers AS c USING (user_id, customer_id) "

constexpr char kPayeeOfKey[] =
    "SELECT " FLORIN_PAYEE_COLUMNS ", p.fingerprint = " FLORIN_OCTETS("$3")
        FLORIN_PAYEES_AND_CUSTOMERS "WHERE p.user_id = $1::uuid AND p.idempotency_key = $2";

constexpr char kInsertPayee[] =
    "INSERT INTO payees (payee_id, user_id, customer_id, account_id, details_sealed, name_match, "
    "idempotency_key, fingerprint, create_time, usable_time) VALUES ($1::uuid, $2::uuid, "
    "$3::uuid, nullif($4::text, '')::uuid, " FLORIN_OCTETS("$5") ", $6, $7, " FLORIN_OCTETS("$8")
    ", " FLORIN_TIME("$9::bigint") ", " FLORIN_TIME("$10::bigint") ") "
    "ON CONFLICT (user_id, idempotency_key) DO NOTHING";

constexpr char kGetPayee[] = "SELECT " FLORIN_PAYEE_COLUMNS FLORIN_PAYEES_AND_CUSTOMERS
                             "WHERE p.payee_id = $2::uuid AND p.user_id = $1::uuid";

constexpr char kListPayees[] =
    "SELECT " FLORIN_PAYEE_COLUMNS FLORIN_PAYEES_AND_CUSTOMERS
    "WHERE p.user_id = $1::uuid AND p.payee_id > $2::uuid AND p.state = 'active' "
    "ORDER BY p.payee_id LIMIT $3::integer";

constexpr char kDeletePayee[] =
    "UPDATE payees SET state = 'deleted', details_sealed = NULL "
    "WHERE payee_id = $2::uuid AND user_id = $1::uuid AND state = 'active'";

constexpr char kFindSaved[] =
    "SELECT account_id, " FLORIN_MICROS("min(usable_time)")
    " FROM payees WHERE user_id = $1::uuid AND account_id = ANY ($2::uuid[]) "
    "AND state = 'active' GROUP BY account_id";

constexpr char kPayeesOf[] =
    "SELECT " FLORIN_PAYEE_COLUMNS FLORIN_PAYEES_AND_CUSTOMERS
    "WHERE p.user_id = $1::uuid AND p.customer_id = $2::uuid AND p.state = 'active' "
    "ORDER BY p.payee_id";

absl::Status PayeeNotFound() {
  return Error(Reason::kPayeeNotFound, "no such payee", {.param = "payee_id"});
}

std::string KeyedFingerprint(const RequestKey& request, const PersonalData& data) {
  return crypto::Hex(data.FingerprintOf(crypto::AsOctets(request.fingerprint)));
}

absl::StatusOr<std::optional<StoredPayee>> FindOfKey(pqxx::transaction_base& transaction,
                                                     PersonalData& data, const Uuid& user_id,
                                                     const RequestKey& request) {
  const pqxx::result found = transaction.exec_prepared(
      "payee_of_key", user_id.ToString(), request.idempotency_key, KeyedFingerprint(request, data));
  if (found.empty()) return std::nullopt;
  FLORIN_ASSIGN_OR_RETURN(Payee payee, rows::ReadPayee(found[0], data));
  return StoredPayee{.payee = std::move(payee), .same_request = found[0][kPayeeColumns].as<bool>()};
}

// The key of the payee's customer, which may begin something and does not change meanwhile.
absl::StatusOr<CustomerKey> HoldCustomer(pqxx::work& transaction, PersonalData& data,
                                         const Payee& payee) {
  const pqxx::result held = transaction.exec_prepared("hold_payer", payee.user_id.ToString(),
                                                      payee.customer_id.ToString());
  if (held.empty()) return rows::CustomerNotFound();
  FLORIN_ASSIGN_OR_RETURN(const CustomerState state, ParseCustomerState(held[0][0].c_str()));
  const Circumstances now{.leaving = held[0][1].as<bool>()};
  FLORIN_RETURN_IF_ERROR(
      NextState(state, CustomerEvent::kOpenAccount, Cause::kOwner, now).status());
  const std::string data_key = rows::OctetsOf(held[0][2]);
  if (!data_key.empty()) return data.KeyOf(payee.customer_id, data_key);
  return rows::SealCustomer(transaction, data, payee.user_id, payee.customer_id, data_key);
}

// What an insert works with; it outlives the transaction.
struct NewPayee {
  Payee payee;
  RequestKey request;
  audit::Event event;
};

absl::StatusOr<StoredPayee> Insert(pqxx::work& transaction, PersonalData& data,
                                   const NewPayee& asked, Events& events) {
  const Payee& payee = asked.payee;
  FLORIN_ASSIGN_OR_RETURN(std::optional<StoredPayee> known,
                          FindOfKey(transaction, data, payee.user_id, asked.request));
  if (known) return *std::move(known);
  FLORIN_ASSIGN_OR_RETURN(const CustomerKey key, HoldCustomer(transaction, data, payee));
  const std::string user = payee.user_id.ToString();
  if (transaction.exec_prepared("count_payees", user)[0][0].as<int>() >= kMostPayees) {
    return Error(Reason::kTooManyItems, "at most 1000 payees", {.param = "payees"});
  }
  const pqxx::result inserted = transaction.exec_prepared(
      "insert_payee", payee.payee_id.ToString(), user, payee.customer_id.ToString(),
      payee.account_id ? payee.account_id->ToString() : std::string(),
      crypto::Hex(key.Seal(EncodeDetails(payee.details), rows::kPayeeDetails, payee.payee_id)),
      std::string(NameOf(payee.name_match)), asked.request.idempotency_key,
      KeyedFingerprint(asked.request, data), absl::ToUnixMicros(payee.create_time),
      absl::ToUnixMicros(payee.usable_time));
  if (inserted.affected_rows() == 1) events.push_back(asked.event);
  FLORIN_ASSIGN_OR_RETURN(std::optional<StoredPayee> stored,
                          FindOfKey(transaction, data, payee.user_id, asked.request));
  FLORIN_CHECK(stored.has_value(), "one payee has the key after the insert");
  return *std::move(stored);
}

absl::StatusOr<std::vector<Payee>> ReadPayees(const pqxx::result& rows, PersonalData& data) {
  std::vector<Payee> payees;
  payees.reserve(rows.size());
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(Payee payee, rows::ReadPayee(row, data));
    payees.push_back(std::move(payee));
  }
  return payees;
}

absl::StatusOr<Payee> FindOne(pqxx::transaction_base& transaction, PersonalData& data,
                              const Uuid& user_id, const Uuid& payee_id) {
  const pqxx::result found =
      transaction.exec_prepared("get_payee", user_id.ToString(), payee_id.ToString());
  if (found.empty()) return PayeeNotFound();
  return rows::ReadPayee(found[0], data);
}

}  // namespace

std::vector<pg::Statement> PgPayeeStore::Statements() {
  return {
      {"hold_payer", kHoldPayer},     {"count_payees", kCountPayees}, {"payee_of_key", kPayeeOfKey},
      {"insert_payee", kInsertPayee}, {"get_payee", kGetPayee},       {"list_payees", kListPayees},
      {"delete_payee", kDeletePayee}, {"find_saved", kFindSaved},     {"payees_of", kPayeesOf}};
}

Task<absl::StatusOr<StoredPayee>> PgPayeeStore::InsertPayee(Payee payee, RequestKey request,
                                                            audit::Event event) {
  const NewPayee asked{
      .payee = std::move(payee), .request = std::move(request), .event = std::move(event)};
  std::function<absl::StatusOr<StoredPayee>(pqxx::work&, Events&)> work =
      [this, &asked](pqxx::work& transaction, Events& events) {
        return Insert(transaction, data_, asked, events);
      };
  co_return co_await audit::TransactNoting<StoredPayee>(pool_, std::move(work));
}

Task<absl::StatusOr<std::optional<StoredPayee>>> PgPayeeStore::FindPayeeOfKey(Uuid user_id,
                                                                              RequestKey request) {
  std::function<absl::StatusOr<std::optional<StoredPayee>>(pqxx::transaction_base&)> work =
      [this, user_id, &request](pqxx::transaction_base& transaction) {
        return FindOfKey(transaction, data_, user_id, request);
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<Payee>> PgPayeeStore::GetPayee(Uuid user_id, Uuid payee_id) {
  std::function<absl::StatusOr<Payee>(pqxx::transaction_base&)> work =
      [this, user_id, payee_id](pqxx::transaction_base& transaction) -> absl::StatusOr<Payee> {
    FLORIN_ASSIGN_OR_RETURN(Payee payee, FindOne(transaction, data_, user_id, payee_id));
    if (payee.state == PayeeState::kDeleted) return PayeeNotFound();
    return payee;
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<Payee>>> PgPayeeStore::ListPayees(Uuid user_id,
                                                                  std::optional<Uuid> after,
                                                                  int limit) {
  // The nil id is less than every other.
  const std::string above = after.value_or(Uuid()).ToString();
  std::function<absl::StatusOr<std::vector<Payee>>(pqxx::transaction_base&)> work =
      [this, user_id, &above, limit](pqxx::transaction_base& transaction) {
        return ReadPayees(
            transaction.exec_prepared("list_payees", user_id.ToString(), above, limit), data_);
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<Payee>> PgPayeeStore::DeletePayee(Uuid user_id, Uuid payee_id,
                                                      audit::Event event) {
  std::function<absl::StatusOr<Payee>(pqxx::work&, Events&)> work =
      [this, user_id, payee_id, &event](pqxx::work& transaction,
                                        Events& events) -> absl::StatusOr<Payee> {
    const pqxx::result deleted =
        transaction.exec_prepared("delete_payee", user_id.ToString(), payee_id.ToString());
    if (deleted.affected_rows() == 1) events.push_back(event);
    return FindOne(transaction, data_, user_id, payee_id);
  };
  co_return co_await audit::TransactNoting<Payee>(pool_, std::move(work));
}

Task<absl::StatusOr<std::vector<SavedAccount>>> PgPayeeStore::FindSaved(
    Uuid user_id, std::vector<Uuid> account_ids) {
  pg::Array ids;
  for (const Uuid& id : account_ids) ids.Add(id);
  const std::string literal = ids.literal();
  std::function<absl::StatusOr<std::vector<SavedAccount>>(pqxx::transaction_base&)> work =
      [user_id,
       &literal](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<SavedAccount>> {
    std::vector<SavedAccount> saved;
    for (const auto& row : transaction.exec_prepared("find_saved", user_id.ToString(), literal)) {
      FLORIN_ASSIGN_OR_RETURN(const Uuid id, Uuid::Parse(row[0].c_str()));
      saved.push_back({.account_id = id, .usable_time = rows::TimeOf(row[1])});
    }
    return saved;
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<Payee>>> PgPayeeStore::PayeesOf(Uuid user_id, Uuid customer_id) {
  std::function<absl::StatusOr<std::vector<Payee>>(pqxx::transaction_base&)> work =
      [this, user_id, customer_id](pqxx::transaction_base& transaction) {
        return ReadPayees(
            transaction.exec_prepared("payees_of", user_id.ToString(), customer_id.ToString()),
            data_);
      };
  co_return co_await pool_.Read(std::move(work));
}

}  // namespace florin::accounts
