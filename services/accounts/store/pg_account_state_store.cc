#include "services/accounts/store/pg_account_state_store.h"

#include <utility>

#include "libs/audit/pg_audit.h"
#include "libs/pg/array.h"
#include "services/accounts/store/customer_rows.h"

namespace florin::accounts {
namespace {

using rows::kAccountColumns;
using Events = std::vector<audit::Event>;

// Accounts that an AccountStateStore knows, as ReadRecord expects them.
#define FLORIN_STANDING_COLUMNS \
  FLORIN_ACCOUNT_COLUMNS        \
  ", CASE WHEN a.state = 'closed' THEN 'closed' ELSE coalesce(s.life, 'open') END, "              \
  "coalesce(s.operator_debits, false), coalesce(s.operator_credits, false), "                     \
  "coalesce(s.freeze_reason, ''), coalesce(s.suspended, false), " FLORIN_MICROS("s.wake_time")    \
  ", s.sweep_to, " FLORIN_MICROS("s.next_attempt_time") ", coalesce(s.closing_attempt, 0), "      \
  "c.state = 'active' AND c.leaving_to IS NULL"
#define FLORIN_STANDING_ACCOUNTS                                      \
  " FROM accounts AS a JOIN customers AS c ON c.user_id = a.user_id " \
  "AND c.customer_id = a.customer_id LEFT JOIN account_states AS s "  \
  "ON s.account_id = a.account_id "                                   \
  "WHERE a.state <> 'opening' AND c.state IN ('active', 'suspended') "

// $1: the user, empty for anybody's; $2: the account.
constexpr char kFindStanding[] =
    "SELECT " FLORIN_STANDING_COLUMNS FLORIN_STANDING_ACCOUNTS
    "AND a.account_id = $2::uuid AND a.user_id = coalesce(nullif($1::text, '')::uuid, a.user_id)";

// The customer's row, as everybody who changes something of a customer.
constexpr char kLockStanding[] =
    "SELECT 1 FROM customers AS c JOIN accounts AS a USING (user_id, customer_id) "
    "WHERE a.account_id = $1::uuid FOR NO KEY UPDATE OF c";

constexpr char kWriteStanding[] =
    "INSERT INTO account_states (account_id, life, operator_debits, operator_credits, "
    "freeze_reason, suspended, wake_time, sweep_to, next_attempt_time, closing_attempt) "
    "VALUES ($1::uuid, $2, $3::boolean, $4::boolean, $5, $6::boolean, "
    FLORIN_TIME("nullif($7::text, '')::bigint") ", nullif($8::text, '')::uuid, "
    FLORIN_TIME("nullif($9::text, '')::bigint") ", $10::integer) "
    "ON CONFLICT (account_id) DO UPDATE SET life = excluded.life, "
    "operator_debits = excluded.operator_debits, operator_credits = excluded.operator_credits, "
    "freeze_reason = excluded.freeze_reason, suspended = excluded.suspended, "
    "wake_time = excluded.wake_time, sweep_to = excluded.sweep_to, "
    "next_attempt_time = excluded.next_attempt_time, closing_attempt = excluded.closing_attempt";

constexpr char kCloseAccount[] =
    "UPDATE accounts SET state = 'closed' WHERE account_id = $1::uuid AND state = 'open'";

constexpr char kListUntold[] =
    "SELECT f.account_id, f.revision, f.debits, f.credits, a.book FROM account_freezes AS f "
    "JOIN accounts AS a USING (account_id) WHERE NOT f.told AND a.state <> 'opening' "
    "AND f.account_id = coalesce(nullif($1::text, '')::uuid, f.account_id) "
    "AND a.customer_id = coalesce(nullif($2::text, '')::uuid, a.customer_id) "
    "ORDER BY f.account_id, f.revision LIMIT $3::integer";

constexpr char kMarkTold[] =
    "UPDATE account_freezes AS f SET told = true "
    "FROM unnest($1::uuid[], $2::bigint[]) AS t (id, revision) "
    "WHERE f.account_id = t.id AND f.revision = t.revision AND NOT f.told";

constexpr char kClaimClosing[] =
    "UPDATE account_states AS s SET next_attempt_time = " FLORIN_TIME("$2::bigint") " "
    "FROM (SELECT account_id FROM account_states "
    "  WHERE life = 'closing' AND next_attempt_time <= " FLORIN_TIME("$1::bigint") " "
    "  ORDER BY next_attempt_time LIMIT $3::integer FOR UPDATE SKIP LOCKED) AS due "
    "WHERE s.account_id = due.account_id RETURNING s.account_id";

constexpr char kListAwake[] =
    "SELECT " FLORIN_STANDING_COLUMNS FLORIN_STANDING_ACCOUNTS
    "AND a.state = 'open' AND coalesce(s.life, 'open') = 'open' AND c.state = 'active' "
    "AND a.account_id > $1::uuid AND a.create_time <= " FLORIN_TIME("$2::bigint") " "
    "ORDER BY a.account_id LIMIT $3::integer";

std::string IdOrNothing(const std::optional<Uuid>& id) { return id ? id->ToString() : ""; }

std::string MicrosOrNothing(absl::Time time) {
  return time == absl::InfinitePast() ? "" : std::to_string(absl::ToUnixMicros(time));
}

absl::Time TimeOrPast(const pqxx::field& field) {
  return field.is_null() ? absl::InfinitePast() : rows::TimeOf(field);
}

absl::StatusOr<AccountRecord> ReadRecord(const pqxx::row& row, PersonalData& data) {
  FLORIN_ASSIGN_OR_RETURN(Account account, rows::ReadAccount(row, data));
  AccountRecord record{.account = std::move(account)};
  AccountStanding& standing = record.standing;
  const int first = kAccountColumns;
  FLORIN_ASSIGN_OR_RETURN(standing.life, ParseAccountLife(row[first].c_str()));
  standing.frozen_by_operator = {.debits = row[first + 1].as<bool>(),
                                 .credits = row[first + 2].as<bool>()};
  standing.freeze_reason = row[first + 3].c_str();
  standing.suspended = row[first + 4].as<bool>();
  standing.wake_time = TimeOrPast(row[first + 5]);
  if (!row[first + 6].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(standing.sweep_to, Uuid::Parse(row[first + 6].c_str()));
  }
  standing.next_attempt_time = TimeOrPast(row[first + 7]);
  standing.closing_attempt = row[first + 8].as<int>();
  record.customer_active = row[first + 9].as<bool>();
  return record;
}

absl::StatusOr<AccountRecord> Find(pqxx::transaction_base& transaction, const AccountRef& ref,
                                   PersonalData& data) {
  const pqxx::result found = transaction.exec_prepared("find_standing", IdOrNothing(ref.user_id),
                                                       ref.account_id.ToString());
  if (found.empty()) {
    return Error(Reason::kAccountNotFound, "no such account", {.param = "account_id"});
  }
  return ReadRecord(found[0], data);
}

void Write(pqxx::work& transaction, const Uuid& account_id, const AccountStanding& standing) {
  const std::string id = account_id.ToString();
  transaction.exec_prepared("write_standing", id, std::string(NameOf(standing.life)),
                            standing.frozen_by_operator.debits, standing.frozen_by_operator.credits,
                            standing.freeze_reason, standing.suspended,
                            MicrosOrNothing(standing.wake_time), IdOrNothing(standing.sweep_to),
                            MicrosOrNothing(standing.next_attempt_time), standing.closing_attempt);
  if (standing.life == AccountLife::kClosed) transaction.exec_prepared("close_account", id);
}

}  // namespace

std::vector<pg::Statement> PgAccountStateStore::Statements() {
  return {{"find_standing", kFindStanding},   {"lock_standing", kLockStanding},
          {"write_standing", kWriteStanding}, {"close_account", kCloseAccount},
          {"list_untold", kListUntold},       {"mark_told", kMarkTold},
          {"claim_closing", kClaimClosing},   {"list_awake", kListAwake}};
}

Task<absl::StatusOr<AccountRecord>> PgAccountStateStore::FindAccount(AccountRef ref) {
  std::function<absl::StatusOr<AccountRecord>(pqxx::transaction_base&)> work =
      [this, &ref](pqxx::transaction_base& transaction) { return Find(transaction, ref, data_); };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<AccountRecord>> PgAccountStateStore::ChangeAccount(AccountRef ref,
                                                                       DecideAccount decide,
                                                                       audit::Event event) {
  std::function<absl::StatusOr<AccountRecord>(pqxx::work&, Events&)> work =
      [this, &ref, &decide, &event](pqxx::work& transaction,
                                    Events& events) -> absl::StatusOr<AccountRecord> {
    transaction.exec_prepared("lock_standing", ref.account_id.ToString());
    FLORIN_ASSIGN_OR_RETURN(AccountRecord record, Find(transaction, ref, data_));
    FLORIN_ASSIGN_OR_RETURN(AccountDecided decided, decide(record));
    if (decided.after == record.standing) return record;
    Write(transaction, ref.account_id, decided.after);
    events.push_back(event);
    events.back().details.merge(decided.details);
    record.standing = std::move(decided.after);
    if (record.standing.life == AccountLife::kClosed) record.account.state = AccountState::kClosed;
    return record;
  };
  co_return co_await audit::TransactNoting<AccountRecord>(pool_, std::move(work));
}

Task<absl::StatusOr<std::vector<FreezeRevision>>> PgAccountStateStore::ListUntold(FreezesOf of,
                                                                                  int limit) {
  std::function<absl::StatusOr<std::vector<FreezeRevision>>(pqxx::transaction_base&)> work =
      [&of,
       limit](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<FreezeRevision>> {
    std::vector<FreezeRevision> untold;
    for (const auto& row : transaction.exec_prepared("list_untold", IdOrNothing(of.account_id),
                                                     IdOrNothing(of.customer_id), limit)) {
      FreezeRevision one{.account_id = {}, .revision = row[1].as<std::int64_t>(), .frozen = {}};
      FLORIN_ASSIGN_OR_RETURN(one.account_id, Uuid::Parse(row[0].c_str()));
      one.frozen = {.debits = row[2].as<bool>(), .credits = row[3].as<bool>()};
      one.book = row[4].c_str();  // Empty for NULL.
      untold.push_back(one);
    }
    return untold;
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::Status> PgAccountStateStore::MarkTold(std::vector<FreezeRevision> revisions) {
  pg::Array ids, numbers;
  for (const FreezeRevision& one : revisions) {
    ids.Add(one.account_id);
    numbers.Add(one.revision);
  }
  std::function<absl::StatusOr<int>(pqxx::work&)> work =
      [&ids, &numbers](pqxx::work& transaction) -> absl::StatusOr<int> {
    return static_cast<int>(
        transaction.exec_prepared("mark_told", ids.literal(), numbers.literal()).affected_rows());
  };
  const absl::StatusOr<int> marked = co_await pool_.Transact(std::move(work));
  co_return marked.status();
}

Task<absl::StatusOr<std::vector<AccountRecord>>> PgAccountStateStore::ClaimClosing(
    absl::Time now, absl::Time next_attempt_time, int limit) {
  std::function<absl::StatusOr<std::vector<AccountRecord>>(pqxx::work&)> work =
      [this, now, next_attempt_time,
       limit](pqxx::work& transaction) -> absl::StatusOr<std::vector<AccountRecord>> {
    std::vector<AccountRecord> closing;
    for (const auto& row :
         transaction.exec_prepared("claim_closing", absl::ToUnixMicros(now),
                                   absl::ToUnixMicros(next_attempt_time), limit)) {
      AccountRef ref;
      FLORIN_ASSIGN_OR_RETURN(ref.account_id, Uuid::Parse(row[0].c_str()));
      absl::StatusOr<AccountRecord> record = Find(transaction, ref, data_);
      // One that was closed with its customer meanwhile.
      if (ReasonOf(record.status()) == Reason::kAccountNotFound) continue;
      if (!record.ok()) return record.status();
      if (record->standing.life == AccountLife::kClosing) closing.push_back(*std::move(record));
    }
    return closing;
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<std::vector<AccountRecord>>> PgAccountStateStore::ListAwake(
    std::optional<Uuid> after, absl::Time created, int limit) {
  // The nil id is less than every other.
  const std::string above = after.value_or(Uuid()).ToString();
  std::function<absl::StatusOr<std::vector<AccountRecord>>(pqxx::transaction_base&)> work =
      [this, &above, created,
       limit](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<AccountRecord>> {
    std::vector<AccountRecord> awake;
    for (const auto& row :
         transaction.exec_prepared("list_awake", above, absl::ToUnixMicros(created), limit)) {
      FLORIN_ASSIGN_OR_RETURN(AccountRecord record, ReadRecord(row, data_));
      awake.push_back(std::move(record));
    }
    return awake;
  };
  co_return co_await pool_.Read(std::move(work));
}

}  // namespace florin::accounts
