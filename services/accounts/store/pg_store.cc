#include "services/accounts/store/pg_store.h"

#include <utility>

#include "libs/audit/pg_audit.h"
#include "libs/pg/array.h"
#include "libs/status/check.h"

namespace florin::accounts {
namespace {

// Times travel as microseconds since the epoch, exactly.
#define FLORIN_TIME(micros) "timestamptz 'epoch' + " micros " * interval '1 microsecond'"

// The columns of a customer and of an account, in the order that ReadCustomer and ReadAccount
// expect.
#define FLORIN_CUSTOMER_COLUMNS \
  "customer_id, user_id, display_name, (extract(epoch FROM create_time) * 1000000)::bigint"
constexpr int kCustomerColumns = 4;
#define FLORIN_ACCOUNT_COLUMNS                                                \
  "account_id, user_id, customer_id, currency, display_name, state = 'open'," \
  "(extract(epoch FROM create_time) * 1000000)::bigint"
constexpr int kAccountColumns = 7;

constexpr char kInsertCustomer[] =
    "INSERT INTO customers (user_id, customer_id, display_name, idempotency_key, fingerprint, "
    "create_time) VALUES ($1::uuid, $2::uuid, $3, $4, $5::bytea, " FLORIN_TIME("$6::bigint") ") "
    "ON CONFLICT (user_id, idempotency_key) DO NOTHING";

constexpr char kFindCustomer[] = "SELECT " FLORIN_CUSTOMER_COLUMNS
                                 ", fingerprint = $3::bytea FROM customers "
                                 "WHERE user_id = $1::uuid AND idempotency_key = $2";

constexpr char kGetCustomer[] = "SELECT " FLORIN_CUSTOMER_COLUMNS
                                " FROM customers "
                                "WHERE user_id = $1::uuid AND customer_id = $2::uuid";

// Inserts nothing unless the customer is the user's.
constexpr char kInsertAccount[] =
    "INSERT INTO accounts (account_id, user_id, customer_id, currency, display_name, "
    "idempotency_key, fingerprint, create_time) "
    "SELECT $1::uuid, c.user_id, c.customer_id, $4, $5, $6, $7::bytea, " FLORIN_TIME("$8::bigint")
    " FROM customers AS c WHERE c.user_id = $2::uuid AND c.customer_id = $3::uuid "
    "ON CONFLICT (user_id, idempotency_key) DO NOTHING";

constexpr char kFindAccount[] = "SELECT " FLORIN_ACCOUNT_COLUMNS
                                ", fingerprint = $3::bytea FROM accounts "
                                "WHERE user_id = $1::uuid AND idempotency_key = $2";

constexpr char kMarkOpen[] =
    "UPDATE accounts SET state = 'open' WHERE account_id = $1::uuid AND state = 'opening'";

constexpr char kListOpening[] =
    "SELECT " FLORIN_ACCOUNT_COLUMNS " FROM accounts "
    "WHERE state = 'opening' AND create_time <= " FLORIN_TIME("$1::bigint") " "
    "ORDER BY create_time LIMIT $2::integer";

constexpr char kGetAccount[] =
    "SELECT " FLORIN_ACCOUNT_COLUMNS
    " FROM accounts "
    "WHERE account_id = $2::uuid AND user_id = $1::uuid AND state = 'open'";

constexpr char kListAccounts[] =
    "SELECT " FLORIN_ACCOUNT_COLUMNS
    " FROM accounts "
    "WHERE user_id = $1::uuid AND account_id > $2::uuid AND state = 'open' "
    "ORDER BY account_id LIMIT $3::integer";

constexpr char kLookUp[] =
    "SELECT a.account_id, a.user_id, a.customer_id, a.currency, a.display_name, a.state = 'open', "
    "(extract(epoch FROM a.create_time) * 1000000)::bigint, c.display_name "
    "FROM accounts AS a JOIN customers AS c USING (user_id, customer_id) "
    "WHERE a.account_id = ANY ($1::uuid[]) AND a.state = 'open'";

absl::StatusOr<Customer> ReadCustomer(const pqxx::row& row) {
  Customer customer{.display_name = row[2].c_str(),
                    .create_time = absl::FromUnixMicros(row[3].as<std::int64_t>())};
  FLORIN_ASSIGN_OR_RETURN(customer.customer_id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(customer.user_id, Uuid::Parse(row[1].c_str()));
  return customer;
}

absl::StatusOr<Account> ReadAccount(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(row[3].c_str()));
  Account account{.currency = currency,
                  .display_name = row[4].c_str(),
                  .state = row[5].as<bool>() ? AccountState::kOpen : AccountState::kOpening,
                  .create_time = absl::FromUnixMicros(row[6].as<std::int64_t>())};
  FLORIN_ASSIGN_OR_RETURN(account.account_id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(account.user_id, Uuid::Parse(row[1].c_str()));
  FLORIN_ASSIGN_OR_RETURN(account.customer_id, Uuid::Parse(row[2].c_str()));
  return account;
}

absl::StatusOr<std::vector<Account>> ReadAccounts(const pqxx::result& rows) {
  std::vector<Account> accounts;
  accounts.reserve(rows.size());
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(Account account, ReadAccount(row));
    accounts.push_back(std::move(account));
  }
  return accounts;
}

absl::StatusOr<std::vector<HeldAccount>> ReadHeldAccounts(const pqxx::result& rows) {
  std::vector<HeldAccount> accounts;
  accounts.reserve(rows.size());
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(Account account, ReadAccount(row));
    accounts.push_back(
        {.account = std::move(account), .holder_name = row[kAccountColumns].c_str()});
  }
  return accounts;
}

std::string BytesOf(const crypto::Digest& digest) {
  return "\\x" + crypto::Hex(crypto::AsOctets(digest));
}

// One for each resource, which is made once.
audit::Event Made(std::string action, std::string subject, const Uuid& user_id, absl::Time time,
                  const audit::Origin& origin) {
  audit::Event event;
  event.event_id = DeriveId("florin." + action, subject);
  event.time = time;
  event.action = std::move(action);
  event.actor = FormatId(IdKind::kUser, user_id);
  event.subject = std::move(subject);
  event.origin = origin;
  return event;
}

audit::Event EventOf(const Customer& customer, const audit::Origin& origin) {
  return Made("accounts.customer.create", FormatId(IdKind::kCustomer, customer.customer_id),
              customer.user_id, customer.create_time, origin);
}

audit::Event EventOf(const Account& account, const audit::Origin& origin) {
  return Made("accounts.account.open", FormatId(IdKind::kAccount, account.account_id),
              account.user_id, account.create_time, origin);
}

absl::StatusOr<StoredCustomer> Insert(pqxx::work& transaction, const Customer& customer,
                                      const RequestKey& request) {
  const std::string user = customer.user_id.ToString();
  const std::string fingerprint = BytesOf(request.fingerprint);
  transaction.exec_prepared("insert_customer", user, customer.customer_id.ToString(),
                            customer.display_name, request.idempotency_key, fingerprint,
                            absl::ToUnixMicros(customer.create_time));
  const pqxx::result rows =
      transaction.exec_prepared("find_customer", user, request.idempotency_key, fingerprint);
  FLORIN_CHECK(rows.size() == 1, "one customer has the key after the insert");
  FLORIN_ASSIGN_OR_RETURN(Customer stored, ReadCustomer(rows[0]));
  if (stored.customer_id == customer.customer_id) {
    audit::Insert(transaction, {EventOf(customer, request.origin)});
  }
  return StoredCustomer{.customer = std::move(stored),
                        .same_request = rows[0][kCustomerColumns].as<bool>()};
}

absl::StatusOr<StoredAccount> Insert(pqxx::work& transaction, const Account& account,
                                     const RequestKey& request) {
  const std::string user = account.user_id.ToString();
  const std::string fingerprint = BytesOf(request.fingerprint);
  transaction.exec_prepared("insert_account", account.account_id.ToString(), user,
                            account.customer_id.ToString(), std::string(account.currency.code()),
                            account.display_name, request.idempotency_key, fingerprint,
                            absl::ToUnixMicros(account.create_time));
  const pqxx::result rows =
      transaction.exec_prepared("find_account", user, request.idempotency_key, fingerprint);
  if (rows.empty()) {
    return Error(Reason::kCustomerNotFound, "no such customer", {.param = "customer_id"});
  }
  FLORIN_ASSIGN_OR_RETURN(Account stored, ReadAccount(rows[0]));
  if (stored.account_id == account.account_id) {
    audit::Insert(transaction, {EventOf(account, request.origin)});
  }
  return StoredAccount{.account = std::move(stored),
                       .same_request = rows[0][kAccountColumns].as<bool>()};
}

}  // namespace

std::vector<pg::Statement> PgStore::Statements() {
  return {{"insert_customer", kInsertCustomer}, {"find_customer", kFindCustomer},
          {"get_customer", kGetCustomer},       {"insert_account", kInsertAccount},
          {"find_account", kFindAccount},       {"mark_open", kMarkOpen},
          {"list_opening", kListOpening},       {"get_account", kGetAccount},
          {"list_accounts", kListAccounts},     {"look_up", kLookUp}};
}

Task<absl::StatusOr<StoredCustomer>> PgStore::InsertCustomer(Customer customer,
                                                             RequestKey request) {
  std::function<absl::StatusOr<StoredCustomer>(pqxx::work&)> work =
      [&customer, &request](pqxx::work& transaction) {
        return Insert(transaction, customer, request);
      };
  absl::StatusOr<StoredCustomer> stored = co_await pool_.Transact(std::move(work));
  if (stored.ok() && stored->customer.customer_id == customer.customer_id) {
    audit::CountEvent(EventOf(customer, request.origin));
  }
  co_return stored;
}

Task<absl::StatusOr<Customer>> PgStore::GetCustomer(Uuid user_id, Uuid customer_id) {
  std::function<absl::StatusOr<Customer>(pqxx::transaction_base&)> work =
      [user_id, customer_id](pqxx::transaction_base& transaction) -> absl::StatusOr<Customer> {
    const pqxx::result rows =
        transaction.exec_prepared("get_customer", user_id.ToString(), customer_id.ToString());
    if (rows.empty()) {
      return Error(Reason::kCustomerNotFound, "no such customer", {.param = "customer_id"});
    }
    return ReadCustomer(rows[0]);
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<StoredAccount>> PgStore::InsertAccount(Account account, RequestKey request) {
  std::function<absl::StatusOr<StoredAccount>(pqxx::work&)> work =
      [&account, &request](pqxx::work& transaction) {
        return Insert(transaction, account, request);
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
      [created, limit](pqxx::transaction_base& transaction) {
        return ReadAccounts(
            transaction.exec_prepared("list_opening", absl::ToUnixMicros(created), limit));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<Account>> PgStore::GetAccount(Uuid user_id, Uuid account_id) {
  std::function<absl::StatusOr<Account>(pqxx::transaction_base&)> work =
      [user_id, account_id](pqxx::transaction_base& transaction) -> absl::StatusOr<Account> {
    const pqxx::result rows =
        transaction.exec_prepared("get_account", user_id.ToString(), account_id.ToString());
    if (rows.empty()) {
      return Error(Reason::kAccountNotFound, "no such account", {.param = "account_id"});
    }
    return ReadAccount(rows[0]);
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<Account>>> PgStore::ListAccounts(Uuid user_id,
                                                                 std::optional<Uuid> after,
                                                                 int limit) {
  // The nil id is less than every other.
  const std::string above = after.value_or(Uuid()).ToString();
  std::function<absl::StatusOr<std::vector<Account>>(pqxx::transaction_base&)> work =
      [user_id, &above, limit](pqxx::transaction_base& transaction) {
        return ReadAccounts(
            transaction.exec_prepared("list_accounts", user_id.ToString(), above, limit));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<HeldAccount>>> PgStore::LookUp(std::vector<Uuid> account_ids) {
  pg::Array ids;
  for (const Uuid& id : account_ids) ids.Add(id);
  const std::string literal = ids.literal();
  std::function<absl::StatusOr<std::vector<HeldAccount>>(pqxx::transaction_base&)> work =
      [&literal](pqxx::transaction_base& transaction) {
        return ReadHeldAccounts(transaction.exec_prepared("look_up", literal));
      };
  co_return co_await pool_.Read(std::move(work));
}

}  // namespace florin::accounts
