#include "services/payments/store/pg_suspense_store.h"

#include <functional>
#include <utility>

#include "libs/audit/pg_audit.h"
#include "services/payments/store/payment_rows.h"

namespace florin::payments {
namespace {

#define FLORIN_MICROS(column) "(extract(epoch FROM " column ") * 1000000)::bigint"

// Of an item as i, its deposit as d and its payout's payment as p.
#define FLORIN_SUSPENSE_ITEM                                                  \
  "i.item_id, i.rail, coalesce(i.deposit_id, ''), i.payment_id, "             \
  "coalesce(d.account_id, p.source_account_id), i.currency, i.amount_minor, " \
  "coalesce(d.account_reference, ''), coalesce(d.reference, ''), " FLORIN_MICROS("i.create_time")
// Of a resolution as r.
#define FLORIN_SUSPENSE_RESOLUTION                                                   \
  "r.resolution_id, r.kind, r.account_id, r.owner_id, r.payment_id, r.operator_id, " \
  "r.proposal_id, r.state, r.failure_reason, r.rail_code, " FLORIN_MICROS(           \
      "r.create_time") ", " FLORIN_MICROS("r.update_time")
#define FLORIN_SUSPENSE_JOINS                              \
  "LEFT JOIN rail_deposits AS d USING (rail, deposit_id) " \
  "LEFT JOIN payments AS p ON p.payment_id = i.payment_id "
// The last one of the item.
#define FLORIN_LAST_RESOLUTION                                                           \
  "LEFT JOIN LATERAL (SELECT x.resolution_id, x.kind, x.account_id, x.owner_id, "        \
  "x.payment_id, x.operator_id, x.proposal_id, x.state, x.failure_reason, x.rail_code, " \
  "x.create_time, x.update_time FROM suspense_resolutions AS x "                         \
  "WHERE x.item_id = i.item_id ORDER BY x.number DESC LIMIT 1) AS r ON true "

constexpr int kItemColumns = 10;
constexpr int kResolutionColumns = 12;

constexpr char kKeep[] =
    "INSERT INTO suspense_items (item_id, rail, deposit_id, payment_id, currency, amount_minor, "
    "create_time) VALUES ($1::uuid, $2, nullif($3, ''), $4::uuid, $5, $6::bigint, " FLORIN_TIME(
        "$7::bigint") ") ON CONFLICT DO NOTHING";

constexpr char kFind[] = "SELECT " FLORIN_SUSPENSE_ITEM ", " FLORIN_SUSPENSE_RESOLUTION
                         " FROM suspense_items AS i " FLORIN_SUSPENSE_JOINS FLORIN_LAST_RESOLUTION
                         "WHERE i.item_id = $1::uuid";

constexpr char kList[] =
    "SELECT " FLORIN_SUSPENSE_ITEM ", " FLORIN_SUSPENSE_RESOLUTION
    " FROM suspense_items AS i " FLORIN_SUSPENSE_JOINS FLORIN_LAST_RESOLUTION
    "WHERE ($1::uuid IS NULL OR i.item_id < $1::uuid) AND ($2 = '' OR $2 = "
    "CASE WHEN r.state IS NULL OR r.state = 'refused' THEN 'open' "
    "WHEN r.kind = 'assign' THEN CASE r.state WHEN 'done' THEN 'assigned' ELSE 'assigning' END "
    "ELSE CASE r.state WHEN 'done' THEN 'returned' ELSE 'returning' END END) "
    "ORDER BY i.item_id DESC LIMIT $3::integer";

constexpr char kFindKey[] = "SELECT " FLORIN_SUSPENSE_ITEM ", " FLORIN_SUSPENSE_RESOLUTION
                            ", r.fingerprint = $3::bytea FROM suspense_resolutions AS r "
                            "JOIN suspense_items AS i USING (item_id) " FLORIN_SUSPENSE_JOINS
                            "WHERE r.operator_id = $1::uuid AND r.idempotency_key = $2";

constexpr char kLock[] =
    "SELECT pg_advisory_xact_lock(hashtextextended('payments.suspense ' || $1, 0))";

constexpr char kBegin[] =
    "INSERT INTO suspense_resolutions (resolution_id, item_id, kind, account_id, owner_id, "
    "payment_id, operator_id, proposal_id, idempotency_key, fingerprint, create_time, "
    "update_time, next_attempt_time) VALUES ($1::uuid, $2::uuid, $3, $4::uuid, $5::uuid, "
    "$6::uuid, $7::uuid, $8::uuid, $9, $10::bytea, " FLORIN_TIME("$11::bigint") ", " FLORIN_TIME(
        "$11::bigint") ", " FLORIN_TIME("$12::bigint") ")";

constexpr char kLockPayment[] =
    "SELECT " FLORIN_SUSPENSE_ITEM ", " FLORIN_SUSPENSE_RESOLUTION
    " FROM suspense_resolutions AS r JOIN suspense_items AS i USING "
    "(item_id) " FLORIN_SUSPENSE_JOINS "WHERE r.payment_id = $1::uuid FOR UPDATE OF r";

constexpr char kEnd[] =
    "UPDATE suspense_resolutions SET state = $2, failure_reason = $3, rail_code = $4, "
    "update_time = " FLORIN_TIME("$5::bigint") " WHERE payment_id = $1::uuid";

constexpr char kClaim[] =
    "WITH due AS (UPDATE suspense_resolutions AS u SET next_attempt_time = "
    FLORIN_TIME("$2::bigint") " FROM (SELECT resolution_id FROM suspense_resolutions "
    "WHERE state = 'pending' AND next_attempt_time <= " FLORIN_TIME("$1::bigint") " "
    "ORDER BY next_attempt_time LIMIT $3::integer FOR UPDATE SKIP LOCKED) AS w "
    "WHERE u.resolution_id = w.resolution_id RETURNING u.*) "
    "SELECT " FLORIN_SUSPENSE_ITEM ", " FLORIN_SUSPENSE_RESOLUTION
    " FROM due AS r JOIN suspense_items AS i USING (item_id) " FLORIN_SUSPENSE_JOINS;

absl::StatusOr<SuspenseItem> ReadItem(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(row[5].c_str()));
  SuspenseItem item{.rail = row[1].c_str(),
                    .deposit_id = row[2].c_str(),
                    .amount = {.minor_units = row[6].as<std::int64_t>(), .currency = currency},
                    .account_reference = row[7].c_str(),
                    .reference = row[8].c_str(),
                    .create_time = absl::FromUnixMicros(row[9].as<std::int64_t>())};
  FLORIN_ASSIGN_OR_RETURN(item.item_id, ReadUuid(row[0]));
  FLORIN_ASSIGN_OR_RETURN(item.payment_id, ReadUuid(row[3]));
  FLORIN_ASSIGN_OR_RETURN(item.account_id, ReadUuid(row[4]));
  return item;
}

absl::StatusOr<SuspenseResolution> ReadResolution(const pqxx::row& row) {
  constexpr int kFrom = kItemColumns;
  SuspenseResolution resolution{
      .failure_reason = row[kFrom + 8].c_str(),
      .rail_code = row[kFrom + 9].c_str(),
      .create_time = absl::FromUnixMicros(row[kFrom + 10].as<std::int64_t>()),
      .update_time = absl::FromUnixMicros(row[kFrom + 11].as<std::int64_t>())};
  FLORIN_ASSIGN_OR_RETURN(resolution.item_id, ReadUuid(row[0]));
  FLORIN_ASSIGN_OR_RETURN(resolution.resolution_id, ReadUuid(row[kFrom]));
  FLORIN_ASSIGN_OR_RETURN(resolution.kind, ParseResolutionKind(row[kFrom + 1].c_str()));
  FLORIN_ASSIGN_OR_RETURN(resolution.account_id, ReadUuid(row[kFrom + 2]));
  FLORIN_ASSIGN_OR_RETURN(resolution.owner_id, ReadUuid(row[kFrom + 3]));
  FLORIN_ASSIGN_OR_RETURN(resolution.payment_id, ReadUuid(row[kFrom + 4]));
  FLORIN_ASSIGN_OR_RETURN(resolution.operator_id, ReadUuid(row[kFrom + 5]));
  FLORIN_ASSIGN_OR_RETURN(resolution.proposal_id, ReadUuid(row[kFrom + 6]));
  FLORIN_ASSIGN_OR_RETURN(resolution.state, ParseResolutionState(row[kFrom + 7].c_str()));
  return resolution;
}

absl::StatusOr<KeptSuspense> ReadKept(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(SuspenseItem item, ReadItem(row));
  KeptSuspense kept{.item = std::move(item), .resolution = {}};
  if (row[kItemColumns].is_null()) return kept;
  FLORIN_ASSIGN_OR_RETURN(kept.resolution, ReadResolution(row));
  return kept;
}

absl::StatusOr<KeptSuspense> ReadOne(const pqxx::result& rows) {
  if (rows.empty()) return NoSuchSuspense();
  return ReadKept(rows[0]);
}

absl::StatusOr<std::vector<KeptSuspense>> ReadAll(const pqxx::result& rows) {
  std::vector<KeptSuspense> all;
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(KeptSuspense kept, ReadKept(row));
    all.push_back(std::move(kept));
  }
  return all;
}

absl::StatusOr<std::optional<StoredResolution>> FindKey(pqxx::transaction_base& transaction,
                                                        const Uuid& operator_id,
                                                        const std::string& key,
                                                        const crypto::Digest& fingerprint) {
  const pqxx::result rows = transaction.exec_prepared("find_suspense_key", operator_id.ToString(),
                                                      key, ByteaOf(crypto::AsOctets(fingerprint)));
  if (rows.empty()) return std::nullopt;
  FLORIN_ASSIGN_OR_RETURN(KeptSuspense kept, ReadKept(rows[0]));
  StoredResolution stored{.kept = std::move(kept),
                          .same_request = rows[0][kItemColumns + kResolutionColumns].as<bool>(),
                          .replayed = true};
  return std::optional<StoredResolution>(std::move(stored));
}

struct Beginning {
  SuspenseResolution resolution;
  std::string key;
  crypto::Digest fingerprint;
  audit::Origin origin;
};

absl::StatusOr<StoredResolution> BeginIn(pqxx::work& transaction, const Beginning& beginning,
                                         std::vector<audit::Event>& events) {
  const SuspenseResolution& resolution = beginning.resolution;
  // One after another for each item.
  transaction.exec_prepared("lock_suspense_item", resolution.item_id.ToString());
  FLORIN_ASSIGN_OR_RETURN(
      std::optional<StoredResolution> known,
      FindKey(transaction, resolution.operator_id, beginning.key, beginning.fingerprint));
  if (known) return *std::move(known);
  FLORIN_ASSIGN_OR_RETURN(
      KeptSuspense kept,
      ReadOne(transaction.exec_prepared("find_suspense_item", resolution.item_id.ToString())));
  if (StateOf(kept) != SuspenseState::kOpen) return AlreadyResolved();
  transaction.exec_prepared("begin_suspense_resolution", resolution.resolution_id.ToString(),
                            resolution.item_id.ToString(), std::string(NameOf(resolution.kind)),
                            TextOrNull(resolution.account_id), TextOrNull(resolution.owner_id),
                            resolution.payment_id.ToString(), resolution.operator_id.ToString(),
                            resolution.proposal_id.ToString(), beginning.key,
                            ByteaOf(crypto::AsOctets(beginning.fingerprint)),
                            absl::ToUnixMicros(resolution.create_time),
                            absl::ToUnixMicros(resolution.create_time + kLease));
  kept.resolution = resolution;
  events.push_back(EventOf(kept.item, resolution, beginning.origin));
  return StoredResolution{.kept = std::move(kept), .same_request = true};
}

// How a resolution is to end.
struct Ending {
  Uuid payment_id;
  ResolutionState state;
  std::string failure_reason;
  std::string rail_code;
  absl::Time time;
};

absl::StatusOr<KeptSuspense> EndIn(pqxx::work& transaction, const Ending& ending,
                                   std::vector<audit::Event>& events) {
  const std::string payment_id = ending.payment_id.ToString();
  FLORIN_ASSIGN_OR_RETURN(KeptSuspense kept,
                          ReadOne(transaction.exec_prepared("lock_suspense_payment", payment_id)));
  SuspenseResolution& resolution = *kept.resolution;
  if (!MayEnd(resolution.kind, resolution.state, ending.state)) return kept;
  resolution.state = ending.state;
  resolution.failure_reason = ending.failure_reason;
  resolution.rail_code = ending.rail_code;
  resolution.update_time = ending.time;
  transaction.exec_prepared("end_suspense_resolution", payment_id,
                            std::string(NameOf(ending.state)), ending.failure_reason,
                            ending.rail_code, absl::ToUnixMicros(ending.time));
  const audit::Origin nobody;
  events.push_back(EventOf(kept.item, resolution, nobody));
  return kept;
}

}  // namespace

std::vector<pg::Statement> PgSuspenseStore::Statements() {
  return {{"keep_suspense_item", kKeep},
          {"find_suspense_item", kFind},
          {"list_suspense_items", kList},
          {"find_suspense_key", kFindKey},
          {"lock_suspense_item", kLock},
          {"begin_suspense_resolution", kBegin},
          {"lock_suspense_payment", kLockPayment},
          {"end_suspense_resolution", kEnd},
          {"claim_suspense", kClaim}};
}

Task<absl::Status> PgSuspenseStore::KeepItem(SuspenseItem item) {
  std::function<absl::StatusOr<bool>(pqxx::work&)> work =
      [&item](pqxx::work& transaction) -> absl::StatusOr<bool> {
    const pqxx::result kept = transaction.exec_prepared(
        "keep_suspense_item", item.item_id.ToString(), item.rail, item.deposit_id,
        TextOrNull(item.payment_id), std::string(item.amount.currency.code()),
        item.amount.minor_units, absl::ToUnixMicros(item.create_time));
    return kept.affected_rows() > 0;
  };
  audit::Event event = EventOf(item);
  const absl::StatusOr<bool> kept =
      co_await audit::TransactWith(pool_, std::move(event), std::move(work));
  co_return kept.status();
}

Task<absl::StatusOr<KeptSuspense>> PgSuspenseStore::FindItem(Uuid item_id) {
  std::function<absl::StatusOr<KeptSuspense>(pqxx::transaction_base&)> work =
      [item_id](pqxx::transaction_base& transaction) {
        return ReadOne(transaction.exec_prepared("find_suspense_item", item_id.ToString()));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<KeptSuspense>>> PgSuspenseStore::ListItems(
    std::optional<SuspenseState> state, std::optional<Uuid> before, int limit) {
  std::function<absl::StatusOr<std::vector<KeptSuspense>>(pqxx::transaction_base&)> work =
      [state, before, limit](pqxx::transaction_base& transaction) {
        return ReadAll(transaction.exec_prepared("list_suspense_items",
                                                 TextOrNull(before.value_or(Uuid())),
                                                 state ? std::string(NameOf(*state)) : "", limit));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::optional<StoredResolution>>> PgSuspenseStore::FindResolution(
    Uuid operator_id, std::string idempotency_key, crypto::Digest fingerprint) {
  std::function<absl::StatusOr<std::optional<StoredResolution>>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) {
        return FindKey(transaction, operator_id, idempotency_key, fingerprint);
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<StoredResolution>> PgSuspenseStore::Begin(SuspenseResolution resolution,
                                                              std::string idempotency_key,
                                                              crypto::Digest fingerprint,
                                                              audit::Origin origin) {
  const Beginning beginning{.resolution = std::move(resolution),
                            .key = std::move(idempotency_key),
                            .fingerprint = fingerprint,
                            .origin = std::move(origin)};
  std::function<absl::StatusOr<StoredResolution>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&beginning](pqxx::work& transaction, std::vector<audit::Event>& events) {
        return BeginIn(transaction, beginning, events);
      };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<KeptSuspense>> PgSuspenseStore::End(Uuid payment_id, ResolutionState state,
                                                        std::string failure_reason,
                                                        std::string rail_code, absl::Time now) {
  const Ending ending{.payment_id = payment_id,
                      .state = state,
                      .failure_reason = std::move(failure_reason),
                      .rail_code = std::move(rail_code),
                      .time = now};
  std::function<absl::StatusOr<KeptSuspense>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&ending](pqxx::work& transaction, std::vector<audit::Event>& events) {
        return EndIn(transaction, ending, events);
      };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<std::vector<KeptSuspense>>> PgSuspenseStore::ClaimPending(absl::Time now,
                                                                              int limit) {
  std::function<absl::StatusOr<std::vector<KeptSuspense>>(pqxx::work&)> work =
      [now, limit](pqxx::work& transaction) {
        return ReadAll(transaction.exec_prepared("claim_suspense", absl::ToUnixMicros(now),
                                                 absl::ToUnixMicros(now + kLease), limit));
      };
  co_return co_await pool_.Transact(std::move(work));
}

}  // namespace florin::payments
