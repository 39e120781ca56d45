#include "services/accounts/store/pg_holder_store.h"

#include <algorithm>
#include <utility>

#include "libs/audit/pg_audit.h"
#include "libs/pg/array.h"
#include "libs/status/check.h"
#include "services/accounts/store/customer_rows.h"
#include "services/accounts/store/holder_rows.h"

namespace florin::accounts {
namespace {

using rows::kAccountColumns;
using rows::kCustomerColumns;
using rows::kHolderColumns;
using Events = std::vector<audit::Event>;

// Whatever happens to an account's holders happens under the lock of its customer, and of the
// customer who accepts: in the order of their ids, so that two who accept each other's invitations
// do not wait for one another.
constexpr char kLockHeld[] =
    "SELECT 1 FROM customers WHERE customer_id IN (SELECT customer_id FROM accounts "
    "WHERE account_id = $1::uuid UNION SELECT nullif($2::text, '')::uuid) "
    "ORDER BY customer_id FOR NO KEY UPDATE";

constexpr char kReadHeld[] =
    "SELECT " FLORIN_ACCOUNT_COLUMNS
    ", c.state, c.leaving_to IS NOT NULL FROM accounts AS a JOIN customers AS c "
    "USING (user_id, customer_id) WHERE a.account_id = $1::uuid AND a.state = 'open'";

constexpr char kReadStanding[] =
    "SELECT state, leaving_to IS NOT NULL FROM customers "
    "WHERE user_id = $1::uuid AND customer_id = $2::uuid";

// The last invitation of each user.
constexpr char kLastHolders[] =
    "SELECT DISTINCT ON (h.user_id) " FLORIN_HOLDER_COLUMNS
    " FROM holders AS h WHERE h.account_id = $1::uuid ORDER BY h.user_id, h.holder_id DESC";

constexpr char kHolderOfKey[] = "SELECT " FLORIN_HOLDER_COLUMNS ", h.fingerprint = " FLORIN_OCTETS(
    "$3") " FROM holders AS h WHERE h.invited_by = $1::uuid AND h.idempotency_key = $2";

constexpr char kInsertHolder[] =
    "INSERT INTO holders (holder_id, account_id, user_id, role, invited_by, idempotency_key, "
    "fingerprint, create_time, update_time) VALUES ($1::uuid, $2::uuid, $3::uuid, $4, $5::uuid, "
    "$6, " FLORIN_OCTETS("$7") ", " FLORIN_TIME("$8::bigint") ", " FLORIN_TIME("$8::bigint") ")";

constexpr char kWriteHolder[] =
    "UPDATE holders SET role = $2, state = $3, customer_id = nullif($4::text, '')::uuid, "
    "update_time = " FLORIN_TIME("$5::bigint") " WHERE holder_id = $1::uuid AND state <> 'ended'";

// Of `accounts AS a` with its customer, and `holders AS h` of the user $1 unless it is theirs.
#define FLORIN_SEEN                                                                \
  "SELECT " FLORIN_ACCOUNT_COLUMNS ", " FLORIN_CUSTOMER_COLUMNS                    \
  ", CASE WHEN a.user_id = $1::uuid THEN 'owner' ELSE h.role END "                 \
  "FROM accounts AS a JOIN customers AS c USING (user_id, customer_id) LEFT JOIN " \
  "holders AS h ON h.account_id = a.account_id AND h.user_id = $1::uuid AND h.state = 'active' "

constexpr char kSeeAccount[] = FLORIN_SEEN
    "WHERE a.account_id = $2::uuid AND " FLORIN_SHOWN_ACCOUNT " "
    "AND (a.user_id = $1::uuid OR h.role IS NOT NULL)";

// Two searches by index, each of which needs no more rows than the page.
constexpr char kListSeen[] = FLORIN_SEEN
    "WHERE a.state = 'open' AND a.account_id IN ("
    "(SELECT account_id FROM accounts WHERE user_id = $1::uuid "
    "  AND account_id > $2::uuid AND state = 'open' "
    "  ORDER BY account_id LIMIT $3::integer) UNION "
    "(SELECT held.account_id FROM holders AS held JOIN accounts AS its "
    "  USING (account_id) WHERE held.user_id = $1::uuid "
    "  AND held.account_id > $2::uuid AND held.state = 'active' "
    "  AND its.state = 'open' ORDER BY held.account_id LIMIT $3::integer)) "
    "ORDER BY a.account_id LIMIT $3::integer";

constexpr char kListHolders[] =
    "SELECT " FLORIN_HOLDER_COLUMNS ", " FLORIN_CUSTOMER_COLUMNS
    " FROM holders AS h LEFT JOIN customers AS c "
    "ON c.user_id = h.user_id AND c.customer_id = h.customer_id "
    "WHERE h.account_id = $1::uuid AND h.state <> 'ended' ORDER BY h.holder_id";

constexpr char kHoldersOf[] = "SELECT " FLORIN_HOLDER_COLUMNS
                              " FROM holders AS h WHERE h.account_id = ANY ($1::uuid[]) "
                              "AND h.state = 'active'";

constexpr char kListHoldings[] =
    "SELECT " FLORIN_HOLDER_COLUMNS ", " FLORIN_CUSTOMER_COLUMNS
    " FROM holders AS h JOIN accounts AS a USING (account_id) "
    "JOIN customers AS c ON c.user_id = a.user_id AND c.customer_id = a.customer_id "
    "WHERE h.user_id = $1::uuid AND h.state <> 'ended' AND a.state = 'open' ORDER BY h.holder_id";

constexpr char kHoldingsOf[] =
    "SELECT " FLORIN_HOLDER_COLUMNS
    " FROM holders AS h WHERE h.user_id = $1::uuid AND h.customer_id = $2::uuid "
    "ORDER BY h.holder_id";

absl::Status AccountNotFound() {
  return Error(Reason::kAccountNotFound, "no such account", {.param = "account_id"});
}

absl::StatusOr<CustomerStanding> ReadStanding(const Uuid& customer_id, const pqxx::field& state,
                                              const pqxx::field& leaving) {
  CustomerStanding standing{.customer_id = customer_id, .leaving = leaving.as<bool>()};
  FLORIN_ASSIGN_OR_RETURN(standing.state, ParseCustomerState(state.c_str()));
  return standing;
}

// In several statements: what the first one waited for, the next ones see.
absl::StatusOr<AccountHolding> LockHeld(pqxx::work& transaction, PersonalData& data,
                                        const HolderStore::HolderChange& change) {
  const std::string account = change.account_id.ToString();
  transaction.exec_prepared("lock_held", account,
                            change.as ? change.as->second.ToString() : std::string());
  const pqxx::result found = transaction.exec_prepared("read_held", account);
  if (found.empty()) return AccountNotFound();
  FLORIN_ASSIGN_OR_RETURN(Account held, rows::ReadAccount(found[0], data));
  FLORIN_ASSIGN_OR_RETURN(
      const CustomerStanding owner,
      ReadStanding(held.customer_id, found[0][kAccountColumns], found[0][kAccountColumns + 1]));
  AccountHolding holding{.account = std::move(held), .owner = owner};
  FLORIN_ASSIGN_OR_RETURN(holding.holders,
                          rows::ReadHolders(transaction.exec_prepared("last_holders", account)));
  if (!change.as) return holding;
  const pqxx::result standing = transaction.exec_prepared(
      "read_standing", change.as->first.ToString(), change.as->second.ToString());
  if (standing.empty()) return holding;
  FLORIN_ASSIGN_OR_RETURN(holding.as_customer,
                          ReadStanding(change.as->second, standing[0][0], standing[0][1]));
  return holding;
}

// What an invitation works with; it outlives the transaction.
struct NewHolder {
  Holder holder;
  RequestKey request;
  DecideHolder decide;
  audit::Event event;
};

absl::StatusOr<StoredHolder> Insert(pqxx::work& transaction, PersonalData& data,
                                    const NewHolder& asked, Events& events) {
  const std::string inviter = asked.holder.invited_by.ToString();
  const std::string fingerprint = crypto::Hex(crypto::AsOctets(asked.request.fingerprint));
  const auto find = [&] {
    return transaction.exec_prepared("holder_of_key", inviter, asked.request.idempotency_key,
                                     fingerprint);
  };
  pqxx::result found = find();
  if (found.empty()) {
    const HolderStore::HolderChange change{.account_id = asked.holder.account_id};
    FLORIN_ASSIGN_OR_RETURN(const AccountHolding held, LockHeld(transaction, data, change));
    found = find();  // The same request may have been before this one at the lock.
    if (found.empty()) {
      FLORIN_ASSIGN_OR_RETURN(const Holder holder, asked.decide(held));
      transaction.exec_prepared(
          "insert_holder", holder.holder_id.ToString(), holder.account_id.ToString(),
          holder.user_id.ToString(), std::string(NameOf(holder.role)), inviter,
          asked.request.idempotency_key, fingerprint, absl::ToUnixMicros(holder.create_time));
      events.push_back(asked.event);
      found = find();
    }
  }
  FLORIN_CHECK(found.size() == 1, "one invitation has the key after the insert");
  FLORIN_ASSIGN_OR_RETURN(Holder stored, rows::ReadHolder(found[0]));
  return StoredHolder{.holder = std::move(stored),
                      .same_request = found[0][kHolderColumns].as<bool>()};
}

// What a change works with.
struct Changing {
  const HolderStore::HolderChange& change;
  const DecideHolder& decide;
  const audit::Event& event;
};

// Error besides those of the store's: kUnavailable where the holding ended at this moment.
absl::StatusOr<Holder> Change(pqxx::work& transaction, PersonalData& data, const Changing& asked,
                              Events& events) {
  FLORIN_ASSIGN_OR_RETURN(const AccountHolding held, LockHeld(transaction, data, asked.change));
  FLORIN_ASSIGN_OR_RETURN(Holder after, asked.decide(held));
  if (std::ranges::find(held.holders, after) != held.holders.end()) return after;
  const pqxx::result written =
      transaction.exec_prepared("write_holder", after.holder_id.ToString(),
                                std::string(NameOf(after.role)), std::string(NameOf(after.state)),
                                after.customer_id ? after.customer_id->ToString() : std::string(),
                                absl::ToUnixMicros(after.update_time));
  if (written.affected_rows() == 0) {
    return Error(Reason::kUnavailable, "the holding has just ended");
  }
  events.push_back(asked.event);
  events.back().details["role"] = NameOf(after.role);
  return after;
}

absl::StatusOr<SeenAccount> ReadSeen(const pqxx::row& row, PersonalData& data) {
  FLORIN_ASSIGN_OR_RETURN(Account account, rows::ReadAccount(row, data));
  FLORIN_ASSIGN_OR_RETURN(Customer owner,
                          rows::ReadCustomer(row.slice(kAccountColumns, row.size()), data));
  FLORIN_ASSIGN_OR_RETURN(const HolderRole role,
                          ParseHolderRole(row[kAccountColumns + kCustomerColumns].c_str()));
  return SeenAccount{
      .account = std::move(account), .role = role, .owner_name = std::move(owner.display_name)};
}

// The customer's name in the columns after a holder's; empty where there is none.
absl::StatusOr<std::string> ReadName(const pqxx::row& row, PersonalData& data) {
  if (row[kHolderColumns].is_null()) return std::string();
  FLORIN_ASSIGN_OR_RETURN(Customer customer,
                          rows::ReadCustomer(row.slice(kHolderColumns, row.size()), data));
  return std::move(customer.display_name);
}

}  // namespace

std::vector<pg::Statement> PgHolderStore::Statements() {
  return {{"lock_held", kLockHeld},         {"read_held", kReadHeld},
          {"read_standing", kReadStanding}, {"last_holders", kLastHolders},
          {"holder_of_key", kHolderOfKey},  {"insert_holder", kInsertHolder},
          {"write_holder", kWriteHolder},   {"see_account", kSeeAccount},
          {"list_seen", kListSeen},         {"list_holders", kListHolders},
          {"holders_of", kHoldersOf},       {"list_holdings", kListHoldings},
          {"holdings_of", kHoldingsOf}};
}

Task<absl::StatusOr<StoredHolder>> PgHolderStore::InsertHolder(Holder holder, RequestKey request,
                                                               DecideHolder decide,
                                                               audit::Event event) {
  const NewHolder asked{.holder = std::move(holder),
                        .request = std::move(request),
                        .decide = std::move(decide),
                        .event = std::move(event)};
  std::function<absl::StatusOr<StoredHolder>(pqxx::work&, Events&)> work =
      [this, &asked](pqxx::work& transaction, Events& events) {
        return Insert(transaction, data_, asked, events);
      };
  co_return co_await audit::TransactNoting<StoredHolder>(pool_, std::move(work));
}

Task<absl::StatusOr<Holder>> PgHolderStore::ChangeHolder(HolderChange change, DecideHolder decide,
                                                         audit::Event event) {
  std::function<absl::StatusOr<Holder>(pqxx::work&, Events&)> work =
      [this, &change, &decide, &event](pqxx::work& transaction,
                                       Events& events) -> absl::StatusOr<Holder> {
    absl::StatusOr<Holder> after = Change(transaction, data_, {change, decide, event}, events);
    // The customer of the holder may have ended it meanwhile, which is under a lock of its own.
    // What has ended stays so: the second time it is known.
    if (ReasonOf(after.status()) == Reason::kUnavailable) {
      after = Change(transaction, data_, {change, decide, event}, events);
    }
    return after;
  };
  co_return co_await audit::TransactNoting<Holder>(pool_, std::move(work));
}

Task<absl::StatusOr<SeenAccount>> PgHolderStore::SeeAccount(Uuid user_id, Uuid account_id) {
  std::function<absl::StatusOr<SeenAccount>(pqxx::transaction_base&)> work =
      [this, user_id,
       account_id](pqxx::transaction_base& transaction) -> absl::StatusOr<SeenAccount> {
    const pqxx::result found =
        transaction.exec_prepared("see_account", user_id.ToString(), account_id.ToString());
    if (found.empty()) return AccountNotFound();
    return ReadSeen(found[0], data_);
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<SeenAccount>>> PgHolderStore::ListSeenAccounts(
    Uuid user_id, std::optional<Uuid> after, int limit) {
  // The nil id is less than every other.
  const std::string above = after.value_or(Uuid()).ToString();
  std::function<absl::StatusOr<std::vector<SeenAccount>>(pqxx::transaction_base&)> work =
      [this, user_id, &above,
       limit](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<SeenAccount>> {
    std::vector<SeenAccount> accounts;
    for (const auto& row :
         transaction.exec_prepared("list_seen", user_id.ToString(), above, limit)) {
      FLORIN_ASSIGN_OR_RETURN(SeenAccount one, ReadSeen(row, data_));
      accounts.push_back(std::move(one));
    }
    return accounts;
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<NamedHolder>>> PgHolderStore::ListHolders(Uuid account_id) {
  std::function<absl::StatusOr<std::vector<NamedHolder>>(pqxx::transaction_base&)> work =
      [this, account_id](
          pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<NamedHolder>> {
    std::vector<NamedHolder> holders;
    for (const auto& row : transaction.exec_prepared("list_holders", account_id.ToString())) {
      FLORIN_ASSIGN_OR_RETURN(Holder holder, rows::ReadHolder(row));
      FLORIN_ASSIGN_OR_RETURN(std::string name, ReadName(row, data_));
      holders.push_back({.holder = std::move(holder), .name = std::move(name)});
    }
    return holders;
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<Holder>>> PgHolderStore::HoldersOf(std::vector<Uuid> account_ids) {
  pg::Array ids;
  for (const Uuid& id : account_ids) ids.Add(id);
  const std::string literal = ids.literal();
  std::function<absl::StatusOr<std::vector<Holder>>(pqxx::transaction_base&)> work =
      [&literal](pqxx::transaction_base& transaction) {
        return rows::ReadHolders(transaction.exec_prepared("holders_of", literal));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<SeenHolding>>> PgHolderStore::ListHoldings(Uuid user_id) {
  std::function<absl::StatusOr<std::vector<SeenHolding>>(pqxx::transaction_base&)> work =
      [this,
       user_id](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<SeenHolding>> {
    std::vector<SeenHolding> holdings;
    for (const auto& row : transaction.exec_prepared("list_holdings", user_id.ToString())) {
      FLORIN_ASSIGN_OR_RETURN(Holder holder, rows::ReadHolder(row));
      FLORIN_ASSIGN_OR_RETURN(std::string name, ReadName(row, data_));
      holdings.push_back({.holder = std::move(holder), .owner_name = std::move(name)});
    }
    return holdings;
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<Holder>>> PgHolderStore::HoldingsOf(Uuid user_id,
                                                                    Uuid customer_id) {
  std::function<absl::StatusOr<std::vector<Holder>>(pqxx::transaction_base&)> work =
      [user_id, customer_id](pqxx::transaction_base& transaction) {
        return rows::ReadHolders(
            transaction.exec_prepared("holdings_of", user_id.ToString(), customer_id.ToString()));
      };
  co_return co_await pool_.Read(std::move(work));
}

}  // namespace florin::accounts
