#include "services/accounts/store/pg_store.h"

#include <utility>

#include "libs/audit/pg_audit.h"
#include "libs/pg/array.h"
#include "libs/status/check.h"
#include "services/accounts/store/customer_rows.h"

namespace florin::accounts {
namespace {

using rows::kAccountColumns;
using rows::kCustomerColumns;

constexpr char kInsertCustomer[] =
    "INSERT INTO customers (user_id, customer_id, display_name_sealed, data_key, data_key_id, "
    "idempotency_key, fingerprint, create_time) VALUES ($1::uuid, $2::uuid, " FLORIN_OCTETS("$3")
    ", " FLORIN_OCTETS("$4") ", $5, $6, " FLORIN_OCTETS("$7") ", " FLORIN_TIME("$8::bigint") ") "
    "ON CONFLICT (user_id, idempotency_key) DO NOTHING";

// A row that is not sealed yet has the fingerprint itself, the others its HMAC.
constexpr char kFindCustomer[] =
    "SELECT " FLORIN_CUSTOMER_COLUMNS ", c.fingerprint = CASE WHEN c.display_name IS NOT NULL "
    "THEN " FLORIN_OCTETS("$3") " ELSE " FLORIN_OCTETS("$4") " END FROM customers AS c "
    "WHERE c.user_id = $1::uuid AND c.idempotency_key = $2";

constexpr char kGetCustomer[] = "SELECT " FLORIN_CUSTOMER_COLUMNS
                                " FROM customers AS c "
                                "WHERE c.user_id = $1::uuid AND c.customer_id = $2::uuid";

// Until the account is there nothing happens to its customer: whoever closes or erases one sees all
// of its accounts.
constexpr char kHoldCustomer[] =
    "SELECT state, leaving_to IS NOT NULL, " FLORIN_HEX("data_key")
    " FROM customers WHERE user_id = $1::uuid AND customer_id = $2::uuid FOR NO KEY UPDATE";

constexpr char kInsertAccount[] =
    "INSERT INTO accounts (account_id, user_id, customer_id, currency, display_name_sealed, "
    "idempotency_key, fingerprint, create_time, kind, book) "
    "VALUES ($1::uuid, $2::uuid, $3::uuid, $4, "
    FLORIN_OCTETS("$5") ", $6, " FLORIN_OCTETS("$7") ", " FLORIN_TIME("$8::bigint") ", $9, "
    "nullif($10::text, '')) "
    "ON CONFLICT (user_id, idempotency_key) DO NOTHING";

#define FLORIN_ACCOUNTS_AND_CUSTOMERS \
  " FROM accounts AS a JOIN customers AS c USING (user_id, customer_id) "

constexpr char kFindAccount[] = "SELECT " FLORIN_ACCOUNT_COLUMNS
                                ", a.fingerprint = CASE WHEN a.display_name IS NOT NULL "
                                "THEN " FLORIN_OCTETS("$3") " ELSE " FLORIN_OCTETS(
                                    "$4") " END, c.state" FLORIN_ACCOUNTS_AND_CUSTOMERS
                                          "WHERE a.user_id = $1::uuid AND a.idempotency_key = $2";

constexpr char kMarkOpen[] =
    "UPDATE accounts SET state = 'open' WHERE account_id = $1::uuid AND state = 'opening'";

constexpr char kListOpening[] =
    "SELECT " FLORIN_ACCOUNT_COLUMNS FLORIN_ACCOUNTS_AND_CUSTOMERS
    "WHERE a.state = 'opening' AND a.create_time <= " FLORIN_TIME("$1::bigint") " "
    "ORDER BY a.create_time LIMIT $2::integer";

constexpr char kGetAccount[] =
    "SELECT " FLORIN_ACCOUNT_COLUMNS FLORIN_ACCOUNTS_AND_CUSTOMERS
    "WHERE a.account_id = $2::uuid AND a.user_id = $1::uuid AND " FLORIN_SHOWN_ACCOUNT;

constexpr char kListAccounts[] =
    "SELECT " FLORIN_ACCOUNT_COLUMNS FLORIN_ACCOUNTS_AND_CUSTOMERS
    "WHERE a.user_id = $1::uuid AND a.account_id > $2::uuid AND a.state = 'open' "
    "ORDER BY a.account_id LIMIT $3::integer";

constexpr char kLookUp[] =
    "SELECT " FLORIN_ACCOUNT_COLUMNS ", " FLORIN_CUSTOMER_COLUMNS
    ", coalesce(c.country, ''), EXISTS (SELECT 1 FROM account_states AS s "
    "WHERE s.account_id = a.account_id AND s.life = 'dormant')" FLORIN_ACCOUNTS_AND_CUSTOMERS
    "WHERE a.account_id = ANY ($1::uuid[]) AND " FLORIN_SHOWN_ACCOUNT;

absl::StatusOr<std::vector<HeldAccount>> ReadHeldAccounts(const pqxx::result& rows,
                                                          PersonalData& data) {
  std::vector<HeldAccount> accounts;
  accounts.reserve(rows.size());
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(Account account, rows::ReadAccount(row, data));
    FLORIN_ASSIGN_OR_RETURN(Customer holder,
                            rows::ReadCustomer(row.slice(kAccountColumns, row.size()), data));
    accounts.push_back({.account = std::move(account),
                        .holder_name = std::move(holder.display_name),
                        .kyc_level = holder.kyc_level,
                        .country = row[kAccountColumns + kCustomerColumns].c_str(),
                        .dormant = row[kAccountColumns + kCustomerColumns + 1].as<bool>()});
  }
  return accounts;
}

// A request's fingerprint as it was kept before names were sealed, and as it is.
struct Fingerprints {
  std::string plain;
  std::string keyed;
};
Fingerprints FingerprintsOf(const crypto::Digest& digest, const PersonalData& data) {
  return {.plain = crypto::Hex(crypto::AsOctets(digest)),
          .keyed = crypto::Hex(data.FingerprintOf(crypto::AsOctets(digest)))};
}

audit::Event EventOf(const Customer& customer, const audit::Origin& origin) {
  return rows::Once("accounts.customer.create", FormatId(IdKind::kCustomer, customer.customer_id),
                    customer.user_id, customer.create_time, origin);
}

audit::Event EventOf(const Account& account, const audit::Origin& origin) {
  return rows::Once("accounts.account.open", FormatId(IdKind::kAccount, account.account_id),
                    account.user_id, account.create_time, origin);
}

absl::StatusOr<StoredCustomer> Insert(pqxx::work& transaction, PersonalData& data,
                                      const Customer& customer, const RequestKey& request) {
  const std::string user = customer.user_id.ToString();
  const Fingerprints fingerprints = FingerprintsOf(request.fingerprint, data);
  const PersonalData::NewKey made = data.MakeKey(customer.customer_id);
  transaction.exec_prepared(
      "insert_customer", user, customer.customer_id.ToString(),
      crypto::Hex(made.key.Seal(customer.display_name, rows::kCustomerName, customer.customer_id)),
      crypto::Hex(made.kept.sealed), made.kept.ring_id, request.idempotency_key, fingerprints.keyed,
      absl::ToUnixMicros(customer.create_time));
  const pqxx::result found = transaction.exec_prepared(
      "find_customer", user, request.idempotency_key, fingerprints.plain, fingerprints.keyed);
  FLORIN_CHECK(found.size() == 1, "one customer has the key after the insert");
  FLORIN_ASSIGN_OR_RETURN(Customer stored, rows::ReadCustomer(found[0], data));
  FLORIN_RETURN_IF_ERROR(CheckNotErased(stored.state));
  if (stored.customer_id == customer.customer_id) {
    audit::Insert(transaction, {EventOf(customer, request.origin)});
  }
  return StoredCustomer{.customer = std::move(stored),
                        .same_request = found[0][kCustomerColumns].as<bool>()};
}

// Whether the customer may open an account; its key, and nothing happens to it meanwhile.
absl::StatusOr<CustomerKey> HoldCustomer(pqxx::work& transaction, PersonalData& data,
                                         const Account& account) {
  const pqxx::result held = transaction.exec_prepared("hold_customer", account.user_id.ToString(),
                                                      account.customer_id.ToString());
  if (held.empty()) return rows::CustomerNotFound();
  FLORIN_ASSIGN_OR_RETURN(const CustomerState state, ParseCustomerState(held[0][0].c_str()));
  const Circumstances now{.leaving = held[0][1].as<bool>()};
  FLORIN_RETURN_IF_ERROR(
      NextState(state, CustomerEvent::kOpenAccount, Cause::kOwner, now).status());
  const std::string data_key = rows::OctetsOf(held[0][2]);
  if (!data_key.empty()) return data.KeyOf(account.customer_id, data_key);
  return rows::SealCustomer(transaction, data, account.user_id, account.customer_id, data_key);
}

absl::StatusOr<StoredAccount> Insert(pqxx::work& transaction, PersonalData& data,
                                     const Account& account, const RequestKey& request) {
  const std::string user = account.user_id.ToString();
  const Fingerprints fingerprints = FingerprintsOf(request.fingerprint, data);
  const auto find = [&] {
    return transaction.exec_prepared("find_account", user, request.idempotency_key,
                                     fingerprints.plain, fingerprints.keyed);
  };
  pqxx::result found = find();
  if (found.empty()) {
    FLORIN_ASSIGN_OR_RETURN(const CustomerKey key, HoldCustomer(transaction, data, account));
    const std::string name = key.Seal(account.display_name, rows::kAccountName, account.account_id);
    transaction.exec_prepared("insert_account", account.account_id.ToString(), user,
                              account.customer_id.ToString(), std::string(account.currency.code()),
                              crypto::Hex(name), request.idempotency_key, fingerprints.keyed,
                              absl::ToUnixMicros(account.create_time),
                              std::string(NameOf(account.kind)), account.book);
    found = find();
  }
  FLORIN_CHECK(found.size() == 1, "one account has the key after the insert");
  FLORIN_ASSIGN_OR_RETURN(const CustomerState state,
                          ParseCustomerState(found[0][kAccountColumns + 1].c_str()));
  FLORIN_RETURN_IF_ERROR(CheckNotErased(state));
  FLORIN_ASSIGN_OR_RETURN(Account stored, rows::ReadAccount(found[0], data));
  if (stored.account_id == account.account_id) {
    audit::Insert(transaction, {EventOf(account, request.origin)});
  }
  return StoredAccount{.account = std::move(stored),
                       .same_request = found[0][kAccountColumns].as<bool>()};
}

}  // namespace

std::vector<pg::Statement> PgStore::Statements() {
  std::vector<pg::Statement> all = {{"insert_customer", kInsertCustomer},
                                    {"find_customer", kFindCustomer},
                                    {"get_customer", kGetCustomer},
                                    {"hold_customer", kHoldCustomer},
                                    {"insert_account", kInsertAccount},
                                    {"find_account", kFindAccount},
                                    {"mark_open", kMarkOpen},
                                    {"list_opening", kListOpening},
                                    {"get_account", kGetAccount},
                                    {"list_accounts", kListAccounts},
                                    {"look_up", kLookUp}};
  for (pg::Statement& one : rows::SealStatements()) all.push_back(std::move(one));
  return all;
}

Task<absl::StatusOr<StoredCustomer>> PgStore::InsertCustomer(Customer customer,
                                                             RequestKey request) {
  std::function<absl::StatusOr<StoredCustomer>(pqxx::work&)> work =
      [this, &customer, &request](pqxx::work& transaction) {
        return Insert(transaction, data_, customer, request);
      };
  absl::StatusOr<StoredCustomer> stored = co_await pool_.Transact(std::move(work));
  if (stored.ok() && stored->customer.customer_id == customer.customer_id) {
    audit::CountEvent(EventOf(customer, request.origin));
  }
  co_return stored;
}

Task<absl::StatusOr<Customer>> PgStore::GetCustomer(Uuid user_id, Uuid customer_id) {
  std::function<absl::StatusOr<Customer>(pqxx::transaction_base&)> work =
      [this, user_id,
       customer_id](pqxx::transaction_base& transaction) -> absl::StatusOr<Customer> {
    const pqxx::result found =
        transaction.exec_prepared("get_customer", user_id.ToString(), customer_id.ToString());
    if (found.empty()) return rows::CustomerNotFound();
    FLORIN_ASSIGN_OR_RETURN(Customer customer, rows::ReadCustomer(found[0], data_));
    FLORIN_RETURN_IF_ERROR(CheckNotErased(customer.state));
    return customer;
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<StoredAccount>> PgStore::InsertAccount(Account account, RequestKey request) {
  std::function<absl::StatusOr<StoredAccount>(pqxx::work&)> work =
      [this, &account, &request](pqxx::work& transaction) {
        return Insert(transaction, data_, account, request);
      };
  absl::StatusOr<StoredAccount> stored = co_await pool_.Transact(std::move(work));
  if (stored.ok() && stored->account.account_id == account.account_id) {
    audit::CountEvent(EventOf(account, request.origin));
  }
  co_return stored;
}

Task<absl::Status> PgStore::MarkOpen(Uuid account_id) {
  std::function<absl::StatusOr<int>(pqxx::work&)> work =
      [account_id](pqxx::work& transaction) -> absl::StatusOr<int> {
    return static_cast<int>(
        transaction.exec_prepared("mark_open", account_id.ToString()).affected_rows());
  };
  const absl::StatusOr<int> marked = co_await pool_.Transact(std::move(work));
  co_return marked.status();
}

Task<absl::StatusOr<std::vector<Account>>> PgStore::ListOpening(absl::Time created, int limit) {
  std::function<absl::StatusOr<std::vector<Account>>(pqxx::transaction_base&)> work =
      [this, created, limit](pqxx::transaction_base& transaction) {
        return rows::ReadAccounts(
            transaction.exec_prepared("list_opening", absl::ToUnixMicros(created), limit), data_);
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<Account>> PgStore::GetAccount(Uuid user_id, Uuid account_id) {
  std::function<absl::StatusOr<Account>(pqxx::transaction_base&)> work =
      [this, user_id, account_id](pqxx::transaction_base& transaction) -> absl::StatusOr<Account> {
    const pqxx::result found =
        transaction.exec_prepared("get_account", user_id.ToString(), account_id.ToString());
    if (found.empty()) {
      return Error(Reason::kAccountNotFound, "no such account", {.param = "account_id"});
    }
    return rows::ReadAccount(found[0], data_);
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<Account>>> PgStore::ListAccounts(Uuid user_id,
                                                                 std::optional<Uuid> after,
                                                                 int limit) {
  // The nil id is less than every other.
  const std::string above = after.value_or(Uuid()).ToString();
  std::function<absl::StatusOr<std::vector<Account>>(pqxx::transaction_base&)> work =
      [this, user_id, &above, limit](pqxx::transaction_base& transaction) {
        return rows::ReadAccounts(
            transaction.exec_prepared("list_accounts", user_id.ToString(), above, limit), data_);
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<HeldAccount>>> PgStore::LookUp(std::vector<Uuid> account_ids) {
  pg::Array ids;
  for (const Uuid& id : account_ids) ids.Add(id);
  const std::string literal = ids.literal();
  std::function<absl::StatusOr<std::vector<HeldAccount>>(pqxx::transaction_base&)> work =
      [this, &literal](pqxx::transaction_base& transaction) {
        return ReadHeldAccounts(transaction.exec_prepared("look_up", literal), data_);
      };
  co_return co_await pool_.Read(std::move(work));
}

}  // namespace florin::accounts
