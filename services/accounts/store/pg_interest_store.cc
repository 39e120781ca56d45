#include "services/accounts/store/pg_interest_store.h"

#include <utility>

#include "libs/audit/pg_audit.h"
#include "libs/pg/array.h"
#include "services/accounts/domain/account_statement.h"
#include "services/accounts/store/customer_rows.h"

namespace florin::accounts {
namespace {

using Events = std::vector<audit::Event>;

#define FLORIN_PLAN_COLUMNS(table)                                                                 \
  table ".plan_id, " table ".version, " table ".currency, " table ".account_kind, " table          \
        ".time_zone, " table ".effective_date, " table ".day_count, " table ".credit_rate, " table \
        ".debit_rate, " table ".monthly_fee_minor"
#define FLORIN_BOOKING_COLUMNS                                                                    \
  "b.account_id, b.last_day, b.kind, b.plan_id, b.currency, b.amount_minor, b.state, b.attempt, " \
  "b.reason, (SELECT a.book FROM accounts AS a WHERE a.account_id = b.account_id)"

constexpr char kInsertPlan[] =
    "INSERT INTO interest_plans (plan_id, version, currency, account_kind, time_zone, "
    "effective_date, day_count, credit_rate, debit_rate, monthly_fee_minor, create_time) "
    "VALUES ($1, $2::integer, $3, nullif($4::text, ''), $5, $6::date, $7, $8::bigint, $9::bigint, "
    "$10::bigint, " FLORIN_TIME("$11::bigint") ") ON CONFLICT DO NOTHING";

constexpr char kListVersions[] =
    "SELECT " FLORIN_PLAN_COLUMNS("p") " FROM interest_plans AS p WHERE p.plan_id = $1 "
    "ORDER BY p.version";

constexpr char kListPlans[] =
    "SELECT DISTINCT ON (p.plan_id) " FLORIN_PLAN_COLUMNS("p") " FROM interest_plans AS p "
    "ORDER BY p.plan_id, p.version DESC LIMIT 1000";

// Whoever assigns to an account waits here for the others.
constexpr char kLockAccount[] =
    "SELECT a.currency, a.kind, a.state = 'closed', a.user_id FROM accounts AS a "
    "WHERE a.account_id = $1::uuid AND a.state <> 'opening' FOR NO KEY UPDATE";

constexpr char kListAssignments[] =
    "SELECT from_date, coalesce(plan_id, '') FROM interest_assignments "
    "WHERE account_id = $1::uuid ORDER BY from_date";

constexpr char kInsertAssignment[] =
    "INSERT INTO interest_assignments (account_id, from_date, plan_id, create_time) "
    "VALUES ($1::uuid, $2::date, nullif($3::text, ''), " FLORIN_TIME("$4::bigint") ")";

// Begins, or begins again, or goes on with one assignment more.
constexpr char kBeginProgress[] =
    "INSERT INTO interest_progress AS p (account_id, next_day, revision, due_time) "
    "VALUES ($1::uuid, $2::date, 1, " FLORIN_TIME("$3::bigint") ") "
    "ON CONFLICT (account_id) DO UPDATE SET revision = p.revision + 1, "
    "next_day = CASE WHEN p.due_time = 'infinity' THEN excluded.next_day ELSE p.next_day END, "
    "due_time = CASE WHEN p.due_time = 'infinity' THEN excluded.due_time ELSE p.due_time END";

constexpr char kGetProgress[] =
    "SELECT a.account_id, p.next_day, p.carried_parts FROM accounts AS a "
    "LEFT JOIN interest_progress AS p USING (account_id) "
    "WHERE a.account_id = $1::uuid AND a.state <> 'opening'";

constexpr char kListBookings[] = "SELECT " FLORIN_BOOKING_COLUMNS
                                 " FROM interest_bookings AS b WHERE b.account_id = $1::uuid "
                                 "ORDER BY b.last_day DESC, b.kind LIMIT 100";

constexpr char kListDays[] =
    "SELECT day, plan_id, plan_version, balance_minor, parts, booked_minor, carried_parts "
    "FROM interest_days WHERE account_id = $1::uuid AND day < $2::date "
    "ORDER BY day DESC LIMIT $3::integer";

constexpr char kClaimDays[] =
    "WITH claimed AS (UPDATE interest_progress AS p SET due_time = " FLORIN_TIME("$2::bigint") " "
    "  FROM (SELECT account_id FROM interest_progress "
    "    WHERE due_time <= " FLORIN_TIME("$1::bigint") " "
    "    ORDER BY due_time LIMIT $3::integer FOR UPDATE SKIP LOCKED) AS due "
    "  WHERE p.account_id = due.account_id "
    "  RETURNING p.account_id, p.next_day, p.carried_parts, p.revision) "
    "SELECT c.account_id, c.next_day, c.carried_parts, c.revision, a.state = 'closed', a.book, "
    "coalesce(n.plan_id, ''), coalesce(z.time_zone, 'UTC'), "
    "EXISTS (SELECT 1 FROM interest_assignments AS m WHERE m.account_id = c.account_id "
    "  AND m.from_date > c.next_day + 1), " FLORIN_PLAN_COLUMNS("v") " "
    "FROM claimed AS c JOIN accounts AS a USING (account_id) "
    "LEFT JOIN LATERAL (SELECT i.plan_id FROM interest_assignments AS i "
    "  WHERE i.account_id = c.account_id AND i.from_date <= c.next_day "
    "  ORDER BY i.from_date DESC LIMIT 1) AS i ON true "
    "LEFT JOIN LATERAL (SELECT " FLORIN_PLAN_COLUMNS("w") " FROM interest_plans AS w "
    "  WHERE w.plan_id = i.plan_id AND w.effective_date <= c.next_day "
    "  ORDER BY w.version DESC LIMIT 1) AS v ON true "
    "LEFT JOIN LATERAL (SELECT i.plan_id FROM interest_assignments AS i "
    "  WHERE i.account_id = c.account_id AND i.from_date <= c.next_day + 1 "
    "  ORDER BY i.from_date DESC LIMIT 1) AS n ON true "
    "LEFT JOIN interest_plans AS z ON z.plan_id = n.plan_id AND z.version = 1";

// Who still has the account's day moves it on; only then there are the day and its bookings.
constexpr char kWriteDays[] =
    "WITH t AS (SELECT id, day, revision, plan, version, balance, parts, booked, carried, "
    "  next_day, due FROM unnest($1::uuid[], $2::date[], $3::integer[], $4::text[], "
    "  $5::integer[], $6::bigint[], $7::numeric[], $8::bigint[], $9::numeric[], $10::date[], "
    "  $11::bigint[]) AS u (id, day, revision, plan, version, balance, parts, booked, carried, "
    "  next_day, due)), "
    "moved AS (UPDATE interest_progress AS p SET next_day = t.next_day, "
    "  carried_parts = t.carried, "
    "  due_time = coalesce(" FLORIN_TIME("t.due") ", 'infinity') FROM t "
    "  WHERE p.account_id = t.id AND p.next_day = t.day AND p.revision = t.revision "
    "  RETURNING p.account_id), "
    "days AS (INSERT INTO interest_days (account_id, day, plan_id, plan_version, balance_minor, "
    "  parts, booked_minor, carried_parts) SELECT t.id, t.day, t.plan, t.version, t.balance, "
    "  t.parts, t.booked, t.carried FROM t JOIN moved ON moved.account_id = t.id "
    "  WHERE t.plan <> '') "
    "INSERT INTO interest_bookings (account_id, last_day, kind, plan_id, currency, amount_minor, "
    "  next_attempt_time) SELECT b.id, b.day, b.kind, b.plan, b.currency, b.amount, "
    FLORIN_TIME("$18::bigint") " FROM unnest($12::uuid[], $13::date[], $14::text[], $15::text[], "
    "  $16::text[], $17::bigint[]) AS b (id, day, kind, plan, currency, amount) "
    "JOIN moved ON moved.account_id = b.id";

constexpr char kLockProgress[] =
    "SELECT p.carried_parts, a.currency FROM interest_progress AS p "
    "JOIN accounts AS a USING (account_id) WHERE p.account_id = $1::uuid FOR UPDATE OF p";

// On the last day that has accrued.
constexpr char kSettle[] =
    "INSERT INTO interest_bookings (account_id, last_day, kind, plan_id, currency, amount_minor, "
    "  next_attempt_time) SELECT d.account_id, d.day, 'interest', d.plan_id, $2, $3::bigint, "
    FLORIN_TIME("$4::bigint") " FROM interest_days AS d WHERE d.account_id = $1::uuid "
    "ORDER BY d.day DESC LIMIT 1";

constexpr char kCarryRest[] =
    "UPDATE interest_progress SET carried_parts = $2::numeric, revision = revision + 1 "
    "WHERE account_id = $1::uuid";

constexpr char kClaimAccountsBookings[] =
    "UPDATE interest_bookings AS b SET next_attempt_time = " FLORIN_TIME("$2::bigint") " "
    "WHERE b.account_id = $1::uuid AND b.state = 'due' RETURNING " FLORIN_BOOKING_COLUMNS;

constexpr char kClaimBookings[] =
    "UPDATE interest_bookings AS b SET next_attempt_time = " FLORIN_TIME("$2::bigint") " "
    "FROM (SELECT account_id, last_day, kind FROM interest_bookings "
    "  WHERE state = 'due' AND next_attempt_time <= " FLORIN_TIME("$1::bigint") " "
    "  ORDER BY next_attempt_time LIMIT $3::integer FOR UPDATE SKIP LOCKED) AS due "
    "WHERE b.account_id = due.account_id AND b.last_day = due.last_day AND b.kind = due.kind "
    "RETURNING " FLORIN_BOOKING_COLUMNS;

constexpr char kRecordBookings[] =
    "UPDATE interest_bookings AS b SET state = t.state, attempt = t.attempt, reason = t.reason, "
    "next_attempt_time = " FLORIN_TIME("t.next") " FROM unnest($1::uuid[], $2::date[], $3::text[], "
    "  $4::integer[], $5::text[], $6::integer[], $7::text[], $8::bigint[]) "
    "  AS t (id, day, kind, decided, state, attempt, reason, next) "
    "WHERE b.account_id = t.id AND b.last_day = t.day AND b.kind = t.kind "
    "AND b.attempt = t.decided AND b.state = 'due'";

std::int64_t Micros(absl::Time time) { return absl::ToUnixMicros(time); }

absl::StatusOr<absl::CivilDay> DayOf(const pqxx::field& field) {
  return ParseDate(field.c_str(), "day");
}

absl::StatusOr<InterestPlan> ReadPlan(const pqxx::row& row, int first) {
  InterestPlan plan;
  plan.plan_id = row[first].c_str();
  plan.version = row[first + 1].as<int>();
  plan.currency = row[first + 2].c_str();
  if (!row[first + 3].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(plan.account_kind, ParseAccountKind(row[first + 3].c_str()));
  }
  plan.time_zone = row[first + 4].c_str();
  FLORIN_ASSIGN_OR_RETURN(plan.effective_date, DayOf(row[first + 5]));
  FLORIN_ASSIGN_OR_RETURN(plan.terms.convention, ParseDayCount(row[first + 6].c_str()));
  plan.terms.credit_rate = row[first + 7].as<std::int64_t>();
  plan.terms.debit_rate = row[first + 8].as<std::int64_t>();
  plan.monthly_fee_minor = row[first + 9].as<std::int64_t>();
  return plan;
}

absl::StatusOr<std::vector<InterestPlan>> ReadPlans(const pqxx::result& rows) {
  std::vector<InterestPlan> plans;
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(InterestPlan plan, ReadPlan(row, 0));
    plans.push_back(std::move(plan));
  }
  return plans;
}

absl::StatusOr<std::vector<InterestAssignment>> ReadAssignments(pqxx::transaction_base& transaction,
                                                                const Uuid& account_id) {
  std::vector<InterestAssignment> assignments;
  for (const auto& row :
       transaction.exec_prepared("list_interest_assignments", account_id.ToString())) {
    FLORIN_ASSIGN_OR_RETURN(const absl::CivilDay from, DayOf(row[0]));
    assignments.push_back({.account_id = account_id, .from_date = from, .plan_id = row[1].c_str()});
  }
  return assignments;
}

absl::StatusOr<std::vector<InterestBooking>> ReadBookings(const pqxx::result& rows) {
  std::vector<InterestBooking> bookings;
  for (const auto& row : rows) {
    InterestBooking one;
    FLORIN_ASSIGN_OR_RETURN(one.account_id, Uuid::Parse(row[0].c_str()));
    FLORIN_ASSIGN_OR_RETURN(one.last_day, DayOf(row[1]));
    FLORIN_ASSIGN_OR_RETURN(one.kind, ParseBookingKind(row[2].c_str()));
    one.plan_id = row[3].c_str();
    one.currency = row[4].c_str();
    one.amount_minor = row[5].as<std::int64_t>();
    FLORIN_ASSIGN_OR_RETURN(one.state, ParseBookingState(row[6].c_str()));
    one.attempt = row[7].as<int>();
    one.reason = row[8].c_str();
    one.book = row[9].c_str();  // Empty for NULL.
    bookings.push_back(std::move(one));
  }
  return bookings;
}

absl::StatusOr<DueInterest> ReadDue(const pqxx::row& row) {
  DueInterest due;
  FLORIN_ASSIGN_OR_RETURN(due.account_id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(due.day, DayOf(row[1]));
  FLORIN_ASSIGN_OR_RETURN(due.carried, ParseParts(row[2].c_str()));
  due.revision = row[3].as<int>();
  due.closed = row[4].as<bool>();
  due.book = row[5].c_str();  // Empty for NULL.
  due.next_plan_id = row[6].c_str();
  due.next_time_zone = row[7].c_str();
  due.more_follows = row[8].as<bool>();
  if (!row[9].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(due.plan, ReadPlan(row, 9));
  }
  return due;
}

// The account and its plan, locked. Error: kAccountNotFound; kSelfApproval.
absl::StatusOr<AssignmentFacts> ReadFacts(pqxx::work& transaction,
                                          const InterestAssignment& assignment,
                                          const Uuid& acting_user) {
  const pqxx::result account =
      transaction.exec_prepared("lock_interest_account", assignment.account_id.ToString());
  if (account.empty()) {
    return Error(Reason::kAccountNotFound, "no such account", {.param = "account_id"});
  }
  if (account[0][3].c_str() == acting_user.ToString()) {
    return Error(Reason::kSelfApproval, "nobody decides on themselves");
  }
  AssignmentFacts facts{.currency = account[0][0].c_str(), .closed = account[0][2].as<bool>()};
  FLORIN_ASSIGN_OR_RETURN(facts.account_kind, ParseAccountKind(account[0][1].c_str()));
  FLORIN_ASSIGN_OR_RETURN(
      const std::vector<InterestPlan> versions,
      ReadPlans(transaction.exec_prepared("list_interest_versions", assignment.plan_id)));
  if (!versions.empty()) facts.first_version = versions.front();
  return facts;
}

// A column for each field of the days, and of their bookings.
struct DayColumns {
  pg::Array ids, days, revisions, plans, versions, balances, parts, booked, carried, next_days, due;
  pg::Array b_ids, b_days, b_kinds, b_plans, b_currencies, b_amounts;

  void Add(const InterestDay& day) {
    ids.Add(day.account_id);
    days.Add(DateText(day.day));
    revisions.Add(std::int64_t{day.revision});
    plans.Add(day.plan_id);
    versions.Add(std::int64_t{day.plan_version});
    balances.Add(day.balance_minor);
    parts.Add(TextOf(day.parts));
    booked.Add(day.booked_minor);
    carried.Add(TextOf(day.carried));
    next_days.Add(DateText(day.next_day));
    if (day.due_time == absl::InfiniteFuture()) {
      due.AddNull();
    } else {
      due.Add(Micros(day.due_time));
    }
    for (const InterestBooking& booking : day.bookings) {
      b_ids.Add(booking.account_id);
      b_days.Add(DateText(booking.last_day));
      b_kinds.Add(NameOf(booking.kind));
      b_plans.Add(booking.plan_id);
      b_currencies.Add(booking.currency);
      b_amounts.Add(booking.amount_minor);
    }
  }
};

}  // namespace

std::vector<pg::Statement> PgInterestStore::Statements() {
  return {{"insert_interest_plan", kInsertPlan},
          {"list_interest_versions", kListVersions},
          {"list_interest_plans", kListPlans},
          {"lock_interest_account", kLockAccount},
          {"list_interest_assignments", kListAssignments},
          {"insert_interest_assignment", kInsertAssignment},
          {"begin_interest_progress", kBeginProgress},
          {"get_interest_progress", kGetProgress},
          {"list_interest_bookings", kListBookings},
          {"list_interest_days", kListDays},
          {"claim_interest_days", kClaimDays},
          {"write_interest_days", kWriteDays},
          {"lock_interest_progress", kLockProgress},
          {"settle_interest", kSettle},
          {"carry_interest_rest", kCarryRest},
          {"claim_accounts_interest_bookings", kClaimAccountsBookings},
          {"claim_interest_bookings", kClaimBookings},
          {"record_interest_bookings", kRecordBookings}};
}

Task<absl::StatusOr<InterestPlan>> PgInterestStore::PutPlan(InterestPlan plan, absl::CivilDay today,
                                                            absl::Time now, audit::Event event) {
  std::function<absl::StatusOr<InterestPlan>(pqxx::work&, Events&)> work =
      [&](pqxx::work& transaction, Events& events) -> absl::StatusOr<InterestPlan> {
    FLORIN_ASSIGN_OR_RETURN(
        const std::vector<InterestPlan> versions,
        ReadPlans(transaction.exec_prepared("list_interest_versions", plan.plan_id)));
    for (const InterestPlan& one : versions) {
      if (one.version != plan.version) continue;
      if (one == plan) return plan;
      return Error(Reason::kIdConflict, "the version has other content", {.param = "version"});
    }
    std::optional<InterestPlan> latest;
    if (!versions.empty()) latest = versions.back();
    FLORIN_RETURN_IF_ERROR(CheckNextVersion(latest, plan, today));
    const pqxx::result inserted = transaction.exec_prepared(
        "insert_interest_plan", plan.plan_id, plan.version, plan.currency,
        plan.account_kind ? std::string(NameOf(*plan.account_kind)) : "", plan.time_zone,
        DateText(plan.effective_date), std::string(NameOf(plan.terms.convention)),
        plan.terms.credit_rate, plan.terms.debit_rate, plan.monthly_fee_minor, Micros(now));
    // Somebody else has added it in this moment.
    if (inserted.affected_rows() == 0) return Error(Reason::kUnavailable, "try again");
    events.push_back(event);
    return plan;
  };
  co_return co_await audit::TransactNoting<InterestPlan>(pool_, std::move(work));
}

Task<absl::StatusOr<std::vector<InterestPlan>>> PgInterestStore::ListPlans(
    std::optional<std::string> plan_id) {
  std::function<absl::StatusOr<std::vector<InterestPlan>>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) {
        return ReadPlans(plan_id ? transaction.exec_prepared("list_interest_versions", *plan_id)
                                 : transaction.exec_prepared("list_interest_plans"));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<InterestAssignment>> PgInterestStore::Assign(
    InterestAssignment assignment, Uuid acting_user, absl::CivilDay today, absl::Time now,
    absl::Time due_time, audit::Event event) {
  std::function<absl::StatusOr<InterestAssignment>(pqxx::work&, Events&)> work =
      [&](pqxx::work& transaction, Events& events) -> absl::StatusOr<InterestAssignment> {
    FLORIN_ASSIGN_OR_RETURN(AssignmentFacts facts, ReadFacts(transaction, assignment, acting_user));
    FLORIN_ASSIGN_OR_RETURN(const std::vector<InterestAssignment> assignments,
                            ReadAssignments(transaction, assignment.account_id));
    for (const InterestAssignment& one : assignments) {
      if (one.from_date != assignment.from_date) continue;
      if (one == assignment) return assignment;
      return Error(Reason::kIdConflict, "the day has another plan", {.param = "from_date"});
    }
    if (!assignments.empty()) facts.latest = assignments.back();
    FLORIN_RETURN_IF_ERROR(CheckAssignment(facts, assignment, today));
    const std::string id = assignment.account_id.ToString();
    const std::string from = DateText(assignment.from_date);
    transaction.exec_prepared("insert_interest_assignment", id, from, assignment.plan_id,
                              Micros(now));
    transaction.exec_prepared("begin_interest_progress", id, from, Micros(due_time));
    events.push_back(event);
    return assignment;
  };
  co_return co_await audit::TransactNoting<InterestAssignment>(pool_, std::move(work));
}

Task<absl::StatusOr<AccountInterest>> PgInterestStore::GetInterest(Uuid account_id) {
  std::function<absl::StatusOr<AccountInterest>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) -> absl::StatusOr<AccountInterest> {
    const std::string id = account_id.ToString();
    const pqxx::result found = transaction.exec_prepared("get_interest_progress", id);
    if (found.empty()) {
      return Error(Reason::kAccountNotFound, "no such account", {.param = "account_id"});
    }
    AccountInterest interest;
    if (!found[0][1].is_null()) {
      FLORIN_ASSIGN_OR_RETURN(interest.next_day, DayOf(found[0][1]));
      FLORIN_ASSIGN_OR_RETURN(interest.carried, ParseParts(found[0][2].c_str()));
    }
    FLORIN_ASSIGN_OR_RETURN(interest.assignments, ReadAssignments(transaction, account_id));
    FLORIN_ASSIGN_OR_RETURN(interest.bookings,
                            ReadBookings(transaction.exec_prepared("list_interest_bookings", id)));
    return interest;
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<InterestDay>>> PgInterestStore::ListDays(Uuid account_id,
                                                                         absl::CivilDay before,
                                                                         int limit) {
  std::function<absl::StatusOr<std::vector<InterestDay>>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<InterestDay>> {
    std::vector<InterestDay> days;
    for (const auto& row : transaction.exec_prepared("list_interest_days", account_id.ToString(),
                                                     DateText(before), limit)) {
      InterestDay day{.account_id = account_id,
                      .plan_id = row[1].c_str(),
                      .plan_version = row[2].as<int>(),
                      .balance_minor = row[3].as<std::int64_t>(),
                      .booked_minor = row[5].as<std::int64_t>()};
      FLORIN_ASSIGN_OR_RETURN(day.day, DayOf(row[0]));
      FLORIN_ASSIGN_OR_RETURN(day.parts, ParseParts(row[4].c_str()));
      FLORIN_ASSIGN_OR_RETURN(day.carried, ParseParts(row[6].c_str()));
      days.push_back(std::move(day));
    }
    return days;
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<DueInterest>>> PgInterestStore::ClaimDays(absl::Time now,
                                                                          absl::Time lease_until,
                                                                          int limit) {
  std::function<absl::StatusOr<std::vector<DueInterest>>(pqxx::work&)> work =
      [=](pqxx::work& transaction) -> absl::StatusOr<std::vector<DueInterest>> {
    std::vector<DueInterest> claimed;
    for (const auto& row : transaction.exec_prepared("claim_interest_days", Micros(now),
                                                     Micros(lease_until), limit)) {
      FLORIN_ASSIGN_OR_RETURN(DueInterest due, ReadDue(row));
      claimed.push_back(std::move(due));
    }
    return claimed;
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::Status> PgInterestStore::WriteDays(std::vector<InterestDay> days, absl::Time now) {
  DayColumns c;
  for (const InterestDay& day : days) c.Add(day);
  std::function<absl::StatusOr<bool>(pqxx::work&)> work =
      [&](pqxx::work& transaction) -> absl::StatusOr<bool> {
    transaction.exec_prepared(
        "write_interest_days", c.ids.literal(), c.days.literal(), c.revisions.literal(),
        c.plans.literal(), c.versions.literal(), c.balances.literal(), c.parts.literal(),
        c.booked.literal(), c.carried.literal(), c.next_days.literal(), c.due.literal(),
        c.b_ids.literal(), c.b_days.literal(), c.b_kinds.literal(), c.b_plans.literal(),
        c.b_currencies.literal(), c.b_amounts.literal(), Micros(now));
    return true;
  };
  co_return (co_await pool_.Transact(std::move(work))).status();
}

Task<absl::StatusOr<std::vector<InterestBooking>>> PgInterestStore::Settle(Uuid account_id,
                                                                           absl::Time lease_until) {
  std::function<absl::StatusOr<std::vector<InterestBooking>>(pqxx::work&)> work =
      [=](pqxx::work& transaction) -> absl::StatusOr<std::vector<InterestBooking>> {
    const std::string id = account_id.ToString();
    const pqxx::result progress = transaction.exec_prepared("lock_interest_progress", id);
    if (progress.empty()) return std::vector<InterestBooking>();
    FLORIN_ASSIGN_OR_RETURN(const Int128 carried, ParseParts(progress[0][0].c_str()));
    const std::optional<Capitalised> over = Capitalise(carried);
    if (!over) return Error(Reason::kInternal, "more interest than can be booked");
    if (over->booked_minor != 0) {
      transaction.exec_prepared("settle_interest", id, progress[0][1].c_str(), over->booked_minor,
                                Micros(lease_until));
      transaction.exec_prepared("carry_interest_rest", id, TextOf(over->carried_parts));
    }
    return ReadBookings(
        transaction.exec_prepared("claim_accounts_interest_bookings", id, Micros(lease_until)));
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<std::vector<InterestBooking>>> PgInterestStore::ClaimBookings(
    absl::Time now, absl::Time lease_until, int limit) {
  std::function<absl::StatusOr<std::vector<InterestBooking>>(pqxx::work&)> work =
      [=](pqxx::work& transaction) {
        return ReadBookings(transaction.exec_prepared("claim_interest_bookings", Micros(now),
                                                      Micros(lease_until), limit));
      };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::Status> PgInterestStore::RecordBookings(std::vector<Decided> decided) {
  pg::Array ids, days, kinds, attempts, states, next_attempts, reasons, times;
  for (const Decided& one : decided) {
    ids.Add(one.after.account_id);
    days.Add(DateText(one.after.last_day));
    kinds.Add(NameOf(one.after.kind));
    attempts.Add(std::int64_t{one.attempt});
    states.Add(NameOf(one.after.state));
    next_attempts.Add(std::int64_t{one.after.attempt});
    reasons.Add(one.after.reason);
    times.Add(Micros(one.next_attempt_time));
  }
  std::function<absl::StatusOr<bool>(pqxx::work&)> work =
      [&](pqxx::work& transaction) -> absl::StatusOr<bool> {
    transaction.exec_prepared("record_interest_bookings", ids.literal(), days.literal(),
                              kinds.literal(), attempts.literal(), states.literal(),
                              next_attempts.literal(), reasons.literal(), times.literal());
    return true;
  };
  co_return (co_await pool_.Transact(std::move(work))).status();
}

}  // namespace florin::accounts
