#include "services/auth/store/pg_throttle_store.h"

#include <map>
#include <optional>
#include <utility>

#include "services/auth/store/pg_values.h"

namespace florin::auth {
namespace {

using pgvalues::ToSql;

// Makes the row if there is none, locks it and gives it.
constexpr char kLockLane[] =
    "INSERT INTO throttles AS t (lane) VALUES (" FLORIN_OCTETS("$1") ") "
    "ON CONFLICT (lane) DO UPDATE SET failures = t.failures "
    "RETURNING failures, " FLORIN_MICROS("last_attempt") ", " FLORIN_MICROS("blocked_until");

constexpr char kSetLane[] =
    "UPDATE throttles SET failures = $2, last_attempt = " FLORIN_AT("$3") ", "
    "blocked_until = " FLORIN_AT("$4") " WHERE lane = " FLORIN_OCTETS("$1");

constexpr char kClearLane[] = "DELETE FROM throttles WHERE lane = " FLORIN_OCTETS("$1");

// A few at a time, each time: as many as come are forgotten.
constexpr char kForgetLanes[] =
    "DELETE FROM throttles WHERE lane IN (SELECT lane FROM throttles "
    "WHERE last_attempt < " FLORIN_AT("$1") " ORDER BY last_attempt LIMIT 4 "
    "FOR UPDATE SKIP LOCKED)";

constexpr char kAddDevice[] =
    "INSERT INTO known_devices (user_id, device_hash, create_time) "
    "VALUES ($1::uuid, " FLORIN_OCTETS("$2") ", " FLORIN_AT("$3") ") ON CONFLICT DO NOTHING";

constexpr char kFindDevice[] =
    "SELECT 1 FROM known_devices JOIN users USING (user_id) "
    "WHERE email = $1 AND device_hash = " FLORIN_OCTETS("$2");

// Only what was there before the statement is seen by its SELECTs.
constexpr char kNoteNetwork[] =
    "WITH noted AS (INSERT INTO known_networks (user_id, network_hash, create_time) "
    "VALUES ($1::uuid, " FLORIN_OCTETS("$2") ", " FLORIN_AT("$3") ") ON CONFLICT DO NOTHING "
    "RETURNING 1) "
    "SELECT EXISTS (SELECT 1 FROM noted) "
    "AND EXISTS (SELECT 1 FROM known_networks WHERE user_id = $1::uuid)";

// By the hash of its name, so that every transaction locks in one order.
using LanesByKey = std::map<std::string, Lane>;
LanesByKey ByKey(const std::vector<Lane>& lanes) {
  LanesByKey by_key;
  for (const Lane& lane : lanes) by_key.emplace(ToSql(crypto::Sha256(lane.name)), lane);
  return by_key;
}

ThrottleState Lock(pqxx::work& transaction, const std::string& key) {
  const pqxx::result rows = transaction.exec_prepared("lock_lane", key);
  ThrottleState state{.failures = rows[0][0].as<int>()};
  state.last_attempt = pgvalues::OptionalTimeOf(rows[0][1]).value_or(absl::InfinitePast());
  state.blocked_until = pgvalues::OptionalTimeOf(rows[0][2]).value_or(absl::InfinitePast());
  return state;
}

std::optional<std::int64_t> ToNullable(absl::Time time) {
  if (time == absl::InfinitePast()) return std::nullopt;
  return ToSql(time);
}

void Set(pqxx::work& transaction, const std::string& key, const ThrottleState& state) {
  const auto last_attempt = ToNullable(state.last_attempt);
  const auto blocked_until = ToNullable(state.blocked_until);
  transaction.exec_prepared("set_lane", key, state.failures,
                            last_attempt ? std::to_string(*last_attempt).c_str() : nullptr,
                            blocked_until ? std::to_string(*blocked_until).c_str() : nullptr);
}

absl::StatusOr<bool> AdmitIn(pqxx::work& transaction, const LanesByKey& lanes, absl::Time now) {
  transaction.exec_prepared("forget_lanes", ToSql(now - ThrottleRule().forget_after));
  std::map<std::string, ThrottleState> states;
  for (const auto& [key, lane] : lanes) {
    const ThrottleState state = Lock(transaction, key);
    if (!MayAttempt(state, now)) return false;
    states.emplace(key, CountAttempt(lane.rule, state, now));
  }
  for (const auto& [key, state] : states) Set(transaction, key, state);
  return true;
}

absl::StatusOr<bool> SucceedIn(pqxx::work& transaction, const LanesByKey& lanes) {
  for (const auto& [key, lane] : lanes) {
    if (lane.cleared_by_success) {
      transaction.exec_prepared("clear_lane", key);
    } else {
      Set(transaction, key, TakeBackAttempt(lane.rule, Lock(transaction, key)));
    }
  }
  return true;
}

}  // namespace

std::vector<pg::Statement> PgThrottleStore::Statements() {
  return {{"lock_lane", kLockLane},       {"set_lane", kSetLane},     {"clear_lane", kClearLane},
          {"forget_lanes", kForgetLanes}, {"add_device", kAddDevice}, {"find_device", kFindDevice},
          {"note_network", kNoteNetwork}};
}

Task<absl::StatusOr<bool>> PgThrottleStore::Admit(std::vector<Lane> lanes, absl::Time now) {
  return pool_.Transact<bool>([lanes = ByKey(lanes), now](pqxx::work& transaction) {
    return AdmitIn(transaction, lanes, now);
  });
}

Task<absl::StatusOr<bool>> PgThrottleStore::Succeed(std::vector<Lane> lanes) {
  return pool_.Transact<bool>(
      [lanes = ByKey(lanes)](pqxx::work& transaction) { return SucceedIn(transaction, lanes); });
}

Task<absl::StatusOr<bool>> PgThrottleStore::AddDevice(Uuid user_id, crypto::Digest device_hash,
                                                      absl::Time now) {
  return pool_.Transact<bool>(
      [user_id, device_hash, now](pqxx::work& transaction) -> absl::StatusOr<bool> {
        transaction.exec_prepared("add_device", user_id.ToString(), ToSql(device_hash), ToSql(now));
        return true;
      });
}

Task<absl::StatusOr<bool>> PgThrottleStore::KnowsDevice(std::string email,
                                                        crypto::Digest device_hash) {
  return pool_.Read<bool>([email = std::move(email), device_hash](
                              pqxx::transaction_base& transaction) -> absl::StatusOr<bool> {
    return !transaction.exec_prepared("find_device", email, ToSql(device_hash)).empty();
  });
}

Task<absl::StatusOr<bool>> PgThrottleStore::NoteNetwork(Uuid user_id, crypto::Digest network_hash,
                                                        absl::Time now) {
  return pool_.Transact<bool>([user_id, network_hash,
                               now](pqxx::work& transaction) -> absl::StatusOr<bool> {
    return transaction
        .exec_prepared("note_network", user_id.ToString(), ToSql(network_hash), ToSql(now))[0][0]
        .as<bool>();
  });
}

}  // namespace florin::auth
