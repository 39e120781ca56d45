#include "services/payments/store/pg_schedule_store.h"

#include <utility>

#include "libs/audit/pg_audit.h"
#include "libs/status/check.h"
#include "services/payments/store/order_rows.h"
#include "services/payments/store/payment_rows.h"

namespace florin::payments {
namespace {

// In the order that ReadSchedule expects, of the row `s`.
#define FLORIN_SCHEDULE_COLUMNS                                                        \
  "s.schedule_id, s.user_id, s.state, s.source_account_id, s.destination_account_id, " \
  "s.currency, s.amount_minor, s.reference, s.frequency, s.step, s.day_of_month, "     \
  "to_char(s.first_day, 'YYYY-MM-DD'), s.minute_of_day, s.time_zone, "                 \
  "to_char(s.last_day, 'YYYY-MM-DD'), s.occurrences, s.catch_up, s.next_number, "      \
  "(extract(epoch FROM s.next_time) * 1000000)::bigint, "                              \
  "(extract(epoch FROM s.create_time) * 1000000)::bigint, "                            \
  "(extract(epoch FROM s.update_time) * 1000000)::bigint, " FLORIN_ORDER_TERMS("s")
constexpr int kOrderTermsAt = 21;
constexpr int kScheduleColumns = kOrderTermsAt + kOrderTermsColumns;

#define FLORIN_OCCURRENCE_COLUMNS                                                            \
  "o.schedule_id, o.user_id, o.number, (extract(epoch FROM o.due_time) * 1000000)::bigint, " \
  "o.state, o.payment_id, o.failure_reason"

constexpr char kInsertSchedule[] =
    "INSERT INTO schedules (user_id, schedule_id, idempotency_key, fingerprint, state, "
    "source_account_id, destination_account_id, currency, amount_minor, reference, frequency, "
    "step, day_of_month, first_day, minute_of_day, time_zone, last_day, occurrences, catch_up, "
    "next_number, next_time, create_time, update_time, approval_id, payee_name, approval_terms, "
    "approval_nonce, approval_expire_time, approval_check_time) "
    "VALUES ($1::uuid, $2::uuid, $3, $4::bytea, $5, $6::uuid, $7::uuid, $8, $9::bigint, $10, $11, "
    "$12::integer, $13::integer, $14::date, $15::integer, $16, $17::date, $18::integer, $19, "
    "$20::integer, " FLORIN_TIME("$21::bigint") ", " FLORIN_TIME("$22::bigint") ", " FLORIN_TIME(
        "$22::bigint") ", $23::uuid, $24, $25, $26::bytea, " FLORIN_TIME("$27::bigint") ", "
    FLORIN_TIME("$27::bigint") ") ON CONFLICT (user_id, idempotency_key) DO NOTHING";

constexpr char kFindSchedule[] = "SELECT " FLORIN_SCHEDULE_COLUMNS
                                 ", s.fingerprint = $3::bytea FROM schedules AS s "
                                 "WHERE s.user_id = $1::uuid AND s.idempotency_key = $2";

constexpr char kGetSchedule[] = "SELECT " FLORIN_SCHEDULE_COLUMNS
                                " FROM schedules AS s "
                                "WHERE s.user_id = $1::uuid AND s.schedule_id = $2::uuid";
constexpr char kLockSchedule[] =
    "SELECT " FLORIN_SCHEDULE_COLUMNS
    " FROM schedules AS s "
    "WHERE s.user_id = $1::uuid AND s.schedule_id = $2::uuid FOR UPDATE";

constexpr char kListSchedules[] = "SELECT " FLORIN_SCHEDULE_COLUMNS
                                  " FROM schedules AS s "
                                  "WHERE s.user_id = $1::uuid AND s.schedule_id < $2::uuid "
                                  "ORDER BY s.schedule_id DESC LIMIT $3::integer";

constexpr char kSaveSchedules[] =
    "UPDATE schedules AS s SET state = c.state, next_number = c.next_number, "
    "next_time = " FLORIN_TIME("c.next_time") ", update_time = " FLORIN_TIME("c.updated") " "
    "FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::integer[], $5::bigint[], $6::bigint[]) "
    "AS c (user_id, schedule_id, state, next_number, next_time, updated) "
    "WHERE s.user_id = c.user_id AND s.schedule_id = c.schedule_id";

constexpr char kStartSchedule[] =
    "UPDATE schedules SET state = $3, approved_binding = nullif($4, '')::bytea, "
    "cancel_reason = $5, next_time = CASE WHEN $3 = 'canceled' THEN NULL ELSE next_time END, "
    "update_time = " FLORIN_TIME("$6::bigint") " "
    "WHERE user_id = $1::uuid AND schedule_id = $2::uuid";
constexpr char kCheckSchedule[] =
    "UPDATE schedules SET approval_check_time = " FLORIN_TIME("$3::bigint") " "
    "WHERE user_id = $1::uuid AND schedule_id = $2::uuid";
constexpr char kClaimAwaiting[] =
    "UPDATE schedules AS s SET approval_check_time = "
    "greatest(s.approval_expire_time, " FLORIN_TIME("$2::bigint") ") "
    "FROM (SELECT user_id, schedule_id FROM schedules "
    "WHERE state = 'requires_action' AND approval_check_time <= " FLORIN_TIME("$1::bigint") " "
    "ORDER BY approval_check_time LIMIT $3::integer FOR UPDATE SKIP LOCKED) AS due "
    "WHERE s.user_id = due.user_id AND s.schedule_id = due.schedule_id "
    "RETURNING " FLORIN_SCHEDULE_COLUMNS;

// SKIP LOCKED: replicas share the work, and none waits for a user who pauses.
constexpr char kLockDueSchedules[] =
    "SELECT " FLORIN_SCHEDULE_COLUMNS
    " FROM schedules AS s "
    "WHERE s.state = 'active' AND s.next_time <= " FLORIN_TIME("$1::bigint") " "
    "ORDER BY s.next_time LIMIT $2::integer FOR UPDATE SKIP LOCKED";

constexpr char kInsertOccurrences[] =
    "INSERT INTO schedule_occurrences (schedule_id, number, user_id, due_time, state, "
    "next_attempt_time) "
    "SELECT o.schedule_id, o.number, o.user_id, " FLORIN_TIME("o.due") ", o.state, "
    FLORIN_TIME("$6::bigint") " "
    "FROM unnest($1::uuid[], $2::integer[], $3::uuid[], $4::bigint[], $5::text[]) "
    "AS o (schedule_id, number, user_id, due, state)";

constexpr char kClaimOccurrences[] =
    "UPDATE schedule_occurrences AS o SET next_attempt_time = " FLORIN_TIME("$2::bigint") " "
    "FROM (SELECT schedule_id, number FROM schedule_occurrences "
    "WHERE state = 'pending' AND next_attempt_time <= " FLORIN_TIME("$1::bigint") " "
    "ORDER BY next_attempt_time LIMIT $3::integer FOR UPDATE SKIP LOCKED) AS due, "
    "schedules AS s "
    "WHERE o.schedule_id = due.schedule_id AND o.number = due.number "
    "AND s.schedule_id = due.schedule_id "
    "RETURNING " FLORIN_SCHEDULE_COLUMNS ", " FLORIN_OCCURRENCE_COLUMNS;

constexpr char kRecordOccurrence[] =
    "UPDATE schedule_occurrences SET state = $3, payment_id = $4::uuid, failure_reason = $5 "
    "WHERE schedule_id = $1::uuid AND number = $2::integer AND state = 'pending'";

constexpr char kListOccurrences[] = "SELECT " FLORIN_OCCURRENCE_COLUMNS
                                    " FROM schedule_occurrences AS o "
                                    "WHERE o.schedule_id = $1::uuid AND o.number < $2::integer "
                                    "ORDER BY o.number DESC LIMIT $3::integer";

constexpr int kGreatestNumber = 2'000'000'000;

absl::Status NotFound() { return Error(Reason::kScheduleNotFound, "no such schedule"); }

absl::Time TimeIn(const pqxx::field& field) {
  return absl::FromUnixMicros(field.as<std::int64_t>());
}

absl::StatusOr<RecurrenceRule> ReadRule(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Frequency frequency, ParseFrequency(row[8].c_str()));
  const std::optional<absl::CivilDay> first = ParseDay(row[11].c_str());
  if (!first) return Error(Reason::kInternal, "a schedule's day cannot be read");
  RecurrenceRule rule{.frequency = frequency,
                      .interval = row[9].as<int>(),
                      .day_of_month = row[10].as<int>(),
                      .first_day = *first,
                      .minute_of_day = row[12].as<int>(),
                      .zone_name = row[13].c_str()};
  if (!absl::LoadTimeZone(rule.zone_name, &rule.zone)) {
    return Error(Reason::kInternal, "a schedule's time zone is not known here");
  }
  if (!row[14].is_null()) rule.last_day = ParseDay(row[14].c_str());
  if (!row[15].is_null()) rule.count = row[15].as<int>();
  return rule;
}

absl::StatusOr<Schedule> ReadSchedule(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(row[5].c_str()));
  Schedule schedule{.amount = {.minor_units = row[6].as<std::int64_t>(), .currency = currency},
                    .reference = row[7].c_str(),
                    .next_number = row[17].as<int>(),
                    .create_time = TimeIn(row[19]),
                    .update_time = TimeIn(row[20])};
  FLORIN_ASSIGN_OR_RETURN(schedule.schedule_id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(schedule.user_id, Uuid::Parse(row[1].c_str()));
  FLORIN_ASSIGN_OR_RETURN(schedule.state, ParseScheduleState(row[2].c_str()));
  FLORIN_ASSIGN_OR_RETURN(schedule.source_account_id, Uuid::Parse(row[3].c_str()));
  FLORIN_ASSIGN_OR_RETURN(schedule.destination_account_id, Uuid::Parse(row[4].c_str()));
  FLORIN_ASSIGN_OR_RETURN(schedule.rule, ReadRule(row));
  FLORIN_ASSIGN_OR_RETURN(schedule.catch_up, ParseCatchUp(row[16].c_str()));
  if (!row[18].is_null()) schedule.next_time = TimeIn(row[18]);
  FLORIN_ASSIGN_OR_RETURN(schedule.approval, ReadOrderTerms(row, kOrderTermsAt));
  schedule.cancel_reason = row[kScheduleColumns - 1].c_str();
  return schedule;
}

absl::StatusOr<std::vector<Schedule>> ReadSchedules(const pqxx::result& rows) {
  std::vector<Schedule> schedules;
  schedules.reserve(rows.size());
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(Schedule schedule, ReadSchedule(row));
    schedules.push_back(std::move(schedule));
  }
  return schedules;
}

// From column `at` on.
absl::StatusOr<Occurrence> ReadOccurrence(const pqxx::row& row, int at) {
  Occurrence occurrence{.number = row[at + 2].as<int>(), .due_time = TimeIn(row[at + 3])};
  FLORIN_ASSIGN_OR_RETURN(occurrence.schedule_id, Uuid::Parse(row[at].c_str()));
  FLORIN_ASSIGN_OR_RETURN(occurrence.user_id, Uuid::Parse(row[at + 1].c_str()));
  FLORIN_ASSIGN_OR_RETURN(occurrence.state, ParseOccurrenceState(row[at + 4].c_str()));
  if (!row[at + 5].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(occurrence.payment_id, Uuid::Parse(row[at + 5].c_str()));
  }
  occurrence.failure_reason = row[at + 6].c_str();
  return occurrence;
}

void Save(pqxx::work& transaction, const std::vector<Schedule>& schedules) {
  pg::Array users, ids, states, numbers, times, updated;
  for (const Schedule& schedule : schedules) {
    users.Add(schedule.user_id);
    ids.Add(schedule.schedule_id);
    states.Add(NameOf(schedule.state));
    numbers.Add(static_cast<std::int64_t>(schedule.next_number));
    if (schedule.next_time) {
      times.Add(absl::ToUnixMicros(*schedule.next_time));
    } else {
      times.AddNull();
    }
    updated.Add(absl::ToUnixMicros(schedule.update_time));
  }
  transaction.exec_prepared("save_schedules", users.literal(), ids.literal(), states.literal(),
                            numbers.literal(), times.literal(), updated.literal());
}

audit::Event EventOf(const Schedule& schedule, std::string_view verb, absl::Time time,
                     const audit::Origin& origin) {
  audit::Event event;
  event.subject = FormatId(IdKind::kSchedule, schedule.schedule_id);
  event.action = "payments.schedule." + std::string(verb);
  // Pausing and resuming may happen again; each at its time.
  event.event_id = DeriveId("florin." + event.action,
                            event.subject + ' ' + std::to_string(absl::ToUnixMicros(time)));
  event.time = time;
  // The user, or the worker that goes on with what a crash has left.
  const std::string user = FormatId(IdKind::kUser, schedule.user_id);
  event.actor = origin.caller.empty() ? "payments" : user;
  if (event.actor != user) event.on_behalf_of = user;
  event.origin = origin;
  event.details = {{"amount_minor", std::to_string(schedule.amount.minor_units)},
                   {"currency", std::string(schedule.amount.currency.code())},
                   {"destination", FormatId(IdKind::kAccount, schedule.destination_account_id)},
                   {"frequency", std::string(NameOf(schedule.rule.frequency))},
                   {"source", FormatId(IdKind::kAccount, schedule.source_account_id)}};
  return event;
}

bool InsertNew(pqxx::work& transaction, const ScheduleIntent& intent) {
  const Schedule& schedule = intent.schedule;
  const RecurrenceRule& rule = schedule.rule;
  FLORIN_CHECK(schedule.next_time.has_value(), "a new schedule has an occurrence");
  std::optional<std::string> last_day;
  if (rule.last_day) last_day = FormatDay(*rule.last_day);
  const OrderTermsParams terms(schedule.approval);
  const pqxx::result inserted = transaction.exec_prepared(
      "insert_schedule", schedule.user_id.ToString(), schedule.schedule_id.ToString(),
      intent.idempotency_key, ByteaOf(crypto::AsOctets(intent.fingerprint)),
      std::string(NameOf(schedule.state)), schedule.source_account_id.ToString(),
      schedule.destination_account_id.ToString(), std::string(schedule.amount.currency.code()),
      schedule.amount.minor_units, schedule.reference, std::string(NameOf(rule.frequency)),
      rule.interval, rule.day_of_month, FormatDay(rule.first_day), rule.minute_of_day,
      rule.zone_name, last_day, rule.count, std::string(NameOf(schedule.catch_up)),
      schedule.next_number, absl::ToUnixMicros(*schedule.next_time),
      absl::ToUnixMicros(schedule.create_time), terms.approval_id, terms.payee_name, terms.text,
      terms.nonce, terms.expire_micros);
  return inserted.affected_rows() == 1;
}

absl::StatusOr<StoredSchedule> Insert(pqxx::work& transaction, const ScheduleIntent& intent,
                                      std::vector<audit::Event>& events) {
  if (InsertNew(transaction, intent)) {
    events.push_back(
        EventOf(intent.schedule, "create", intent.schedule.create_time, intent.origin));
    return StoredSchedule{.schedule = intent.schedule, .same_request = true};
  }
  const pqxx::result rows = transaction.exec_prepared(
      "find_schedule", intent.schedule.user_id.ToString(), intent.idempotency_key,
      ByteaOf(crypto::AsOctets(intent.fingerprint)));
  FLORIN_CHECK(rows.size() == 1, "an insert ran into the key");
  FLORIN_ASSIGN_OR_RETURN(Schedule known, ReadSchedule(rows[0]));
  return StoredSchedule{.schedule = std::move(known),
                        .same_request = rows[0][kScheduleColumns].as<bool>()};
}

void InsertBegun(pqxx::work& transaction, const std::vector<Occurrence>& begun, absl::Time now) {
  pg::Array ids, numbers, users, due, states;
  for (const Occurrence& occurrence : begun) {
    ids.Add(occurrence.schedule_id);
    numbers.Add(static_cast<std::int64_t>(occurrence.number));
    users.Add(occurrence.user_id);
    due.Add(absl::ToUnixMicros(occurrence.due_time));
    states.Add(NameOf(occurrence.state));
  }
  transaction.exec_prepared("insert_occurrences", ids.literal(), numbers.literal(), users.literal(),
                            due.literal(), states.literal(), absl::ToUnixMicros(now));
}

absl::StatusOr<Schedule> Lock(pqxx::work& transaction, const Uuid& user_id,
                              const Uuid& schedule_id) {
  const pqxx::result rows =
      transaction.exec_prepared("lock_schedule", user_id.ToString(), schedule_id.ToString());
  if (rows.empty()) return NotFound();
  return ReadSchedule(rows[0]);
}

// After its approval was redeemed, or refused for good.
void SaveDecided(pqxx::work& transaction, const Schedule& schedule) {
  const std::string& binding = schedule.approval->approved_binding;
  transaction.exec_prepared("start_schedule", schedule.user_id.ToString(),
                            schedule.schedule_id.ToString(), std::string(NameOf(schedule.state)),
                            binding.empty() ? std::string() : ByteaOf(binding),
                            schedule.cancel_reason, absl::ToUnixMicros(schedule.update_time));
}

absl::StatusOr<int> Begin(pqxx::work& transaction, absl::Time now, int limit) {
  FLORIN_ASSIGN_OR_RETURN(std::vector<Schedule> schedules,
                          ReadSchedules(transaction.exec_prepared("lock_due_schedules",
                                                                  absl::ToUnixMicros(now), limit)));
  if (schedules.empty()) return 0;
  std::vector<Occurrence> begun;
  for (Schedule& schedule : schedules) {
    for (Occurrence& occurrence : BeginDue(schedule, now)) begun.push_back(std::move(occurrence));
  }
  InsertBegun(transaction, begun, now);
  Save(transaction, schedules);
  return static_cast<int>(schedules.size());
}

absl::StatusOr<std::vector<DueOccurrence>> Claim(pqxx::work& transaction, absl::Time now,
                                                 int limit) {
  const pqxx::result rows =
      transaction.exec_prepared("claim_occurrences", absl::ToUnixMicros(now),
                                absl::ToUnixMicros(now + kOccurrenceLease), limit);
  std::vector<DueOccurrence> claimed;
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(Schedule schedule, ReadSchedule(row));
    FLORIN_ASSIGN_OR_RETURN(Occurrence occurrence, ReadOccurrence(row, kScheduleColumns));
    claimed.push_back({std::move(occurrence), std::move(schedule)});
  }
  return claimed;
}

}  // namespace

std::vector<pg::Statement> PgScheduleStore::Statements() {
  return {{"insert_schedule", kInsertSchedule},
          {"find_schedule", kFindSchedule},
          {"get_schedule", kGetSchedule},
          {"lock_schedule", kLockSchedule},
          {"list_schedules", kListSchedules},
          {"save_schedules", kSaveSchedules},
          {"start_schedule", kStartSchedule},
          {"check_schedule", kCheckSchedule},
          {"claim_awaiting_schedules", kClaimAwaiting},
          {"lock_due_schedules", kLockDueSchedules},
          {"insert_occurrences", kInsertOccurrences},
          {"claim_occurrences", kClaimOccurrences},
          {"record_occurrence", kRecordOccurrence},
          {"list_occurrences", kListOccurrences}};
}

Task<absl::StatusOr<StoredSchedule>> PgScheduleStore::InsertSchedule(ScheduleIntent intent) {
  std::function<absl::StatusOr<StoredSchedule>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&intent](pqxx::work& transaction, std::vector<audit::Event>& events) {
        return Insert(transaction, intent, events);
      };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<Schedule>> PgScheduleStore::GetSchedule(Uuid user_id, Uuid schedule_id) {
  std::function<absl::StatusOr<Schedule>(pqxx::transaction_base&)> work =
      [user_id, schedule_id](pqxx::transaction_base& transaction) -> absl::StatusOr<Schedule> {
    const pqxx::result rows =
        transaction.exec_prepared("get_schedule", user_id.ToString(), schedule_id.ToString());
    if (rows.empty()) return NotFound();
    return ReadSchedule(rows[0]);
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<Schedule>>> PgScheduleStore::ListSchedules(
    Uuid user_id, std::optional<Uuid> before, int limit) {
  std::function<absl::StatusOr<std::vector<Schedule>>(pqxx::transaction_base&)> work =
      [user_id, before, limit](pqxx::transaction_base& transaction) {
        return ReadSchedules(transaction.exec_prepared("list_schedules", user_id.ToString(),
                                                       before ? before->ToString() : kGreatestId,
                                                       limit));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<Schedule>> PgScheduleStore::ChangeSchedule(Uuid user_id, Uuid schedule_id,
                                                               ScheduleEvent event, absl::Time now,
                                                               audit::Origin origin) {
  std::function<absl::StatusOr<Schedule>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&](pqxx::work& transaction, std::vector<audit::Event>& events) -> absl::StatusOr<Schedule> {
    FLORIN_ASSIGN_OR_RETURN(Schedule schedule, Lock(transaction, user_id, schedule_id));
    const Schedule before = schedule;
    FLORIN_RETURN_IF_ERROR(Apply(schedule, event, now));
    if (schedule == before) return schedule;
    Save(transaction, {schedule});
    events.push_back(EventOf(schedule, NameOf(event), now, origin));
    return schedule;
  };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<int>> PgScheduleStore::BeginOccurrences(absl::Time now, int limit) {
  std::function<absl::StatusOr<int>(pqxx::work&)> work = [now, limit](pqxx::work& transaction) {
    return Begin(transaction, now, limit);
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<std::vector<DueOccurrence>>> PgScheduleStore::ClaimOccurrences(absl::Time now,
                                                                                   int limit) {
  std::function<absl::StatusOr<std::vector<DueOccurrence>>(pqxx::work&)> work =
      [now, limit](pqxx::work& transaction) { return Claim(transaction, now, limit); };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::Status> PgScheduleStore::RecordOccurrence(Occurrence ended) {
  std::function<absl::StatusOr<bool>(pqxx::work&)> work =
      [&ended](pqxx::work& transaction) -> absl::StatusOr<bool> {
    std::optional<std::string> payment_id;
    if (!ended.payment_id.is_nil()) payment_id = ended.payment_id.ToString();
    const pqxx::result recorded = transaction.exec_prepared(
        "record_occurrence", ended.schedule_id.ToString(), ended.number,
        std::string(NameOf(ended.state)), payment_id, ended.failure_reason);
    return recorded.affected_rows() == 1;
  };
  co_return (co_await pool_.Transact(std::move(work))).status();
}

Task<absl::StatusOr<std::vector<Occurrence>>> PgScheduleStore::ListOccurrences(
    Uuid user_id, Uuid schedule_id, std::optional<int> before, int limit) {
  std::function<absl::StatusOr<std::vector<Occurrence>>(pqxx::transaction_base&)> work =
      [=](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<Occurrence>> {
    if (transaction.exec_prepared("get_schedule", user_id.ToString(), schedule_id.ToString())
            .empty()) {
      return NotFound();
    }
    const pqxx::result rows = transaction.exec_prepared("list_occurrences", schedule_id.ToString(),
                                                        before.value_or(kGreatestNumber), limit);
    std::vector<Occurrence> occurrences;
    for (const auto& row : rows) {
      FLORIN_ASSIGN_OR_RETURN(Occurrence occurrence, ReadOccurrence(row, 0));
      occurrences.push_back(std::move(occurrence));
    }
    return occurrences;
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<AwaitedOrder>> PgScheduleStore::BeginConfirm(Uuid user_id, Uuid order_id,
                                                                 absl::Time now) {
  std::function<absl::StatusOr<AwaitedOrder>(pqxx::work&)> work =
      [=](pqxx::work& transaction) -> absl::StatusOr<AwaitedOrder> {
    FLORIN_ASSIGN_OR_RETURN(const Schedule schedule, Lock(transaction, user_id, order_id));
    if (schedule.state == ScheduleState::kRequiresAction) {
      transaction.exec_prepared("check_schedule", user_id.ToString(), order_id.ToString(),
                                absl::ToUnixMicros(now + kLease));
    }
    return AwaitedOf(schedule);
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<AwaitedOrder>> PgScheduleStore::StartApproved(Uuid user_id, Uuid order_id,
                                                                  crypto::Digest redeemed,
                                                                  absl::Time now,
                                                                  audit::Origin origin) {
  std::function<absl::StatusOr<AwaitedOrder>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&](pqxx::work& transaction,
          std::vector<audit::Event>& events) -> absl::StatusOr<AwaitedOrder> {
    FLORIN_ASSIGN_OR_RETURN(Schedule schedule, Lock(transaction, user_id, order_id));
    if (schedule.state != ScheduleState::kRequiresAction) return AwaitedOf(schedule);
    if (sca::BindingDigest(AskedOf(schedule).binding) != redeemed) {
      return Error(Reason::kApprovalMismatch, "the schedule is not the one that was approved");
    }
    Start(schedule, std::string(crypto::AsOctets(redeemed)), now);
    SaveDecided(transaction, schedule);
    events.push_back(EventOf(schedule, "confirm", now, origin));
    return AwaitedOf(schedule);
  };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<AwaitedOrder>> PgScheduleStore::GiveUpAwaited(Uuid user_id, Uuid order_id,
                                                                  Reason reason, absl::Time now,
                                                                  audit::Origin origin) {
  std::function<absl::StatusOr<AwaitedOrder>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&](pqxx::work& transaction,
          std::vector<audit::Event>& events) -> absl::StatusOr<AwaitedOrder> {
    FLORIN_ASSIGN_OR_RETURN(Schedule schedule, Lock(transaction, user_id, order_id));
    if (schedule.state != ScheduleState::kRequiresAction) return AwaitedOf(schedule);
    GiveUp(schedule, reason, now);
    SaveDecided(transaction, schedule);
    events.push_back(EventOf(schedule, "cancel", now, origin));
    events.back().reason = schedule.cancel_reason;
    return AwaitedOf(schedule);
  };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<std::vector<AwaitedOrder>>> PgScheduleStore::ClaimAwaiting(absl::Time now,
                                                                               int limit) {
  std::function<absl::StatusOr<std::vector<AwaitedOrder>>(pqxx::work&)> work =
      [=](pqxx::work& transaction) -> absl::StatusOr<std::vector<AwaitedOrder>> {
    FLORIN_ASSIGN_OR_RETURN(
        const std::vector<Schedule> schedules,
        ReadSchedules(transaction.exec_prepared("claim_awaiting_schedules", absl::ToUnixMicros(now),
                                                absl::ToUnixMicros(now + kLease), limit)));
    std::vector<AwaitedOrder> claimed;
    for (const Schedule& schedule : schedules) claimed.push_back(AwaitedOf(schedule));
    return claimed;
  };
  co_return co_await pool_.Transact(std::move(work));
}

}  // namespace florin::payments
