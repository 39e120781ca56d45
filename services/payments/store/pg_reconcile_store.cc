#include "services/payments/store/pg_reconcile_store.h"

#include <algorithm>
#include <map>
#include <utility>

#include "libs/audit/pg_audit.h"
#include "services/payments/store/charge_rows.h"

namespace florin::payments {
namespace {

#define FLORIN_MICROS(time) "(extract(epoch FROM " time ") * 1000000)::bigint"
#define FLORIN_FAILURE_COLUMNS                                               \
  "f.payment_id, f.step_id, f.failures, f.reason, f.parked, " FLORIN_MICROS( \
      "f.first_time") ", " FLORIN_MICROS("f.last_time")
#define FLORIN_DISCREPANCY_COLUMNS                                                        \
  "d.discrepancy_id, d.kind, d.payment_id, d.step_id, d.transaction_id, d.currency, "     \
  "d.at_risk_minor, d.expected, d.found, d.state, d.resolved_by, d.note, " FLORIN_MICROS( \
      "d.create_time") ", " FLORIN_MICROS("d.update_time") ", d.rail, d.deposit_id"

constexpr char kRestPayment[] =
    "UPDATE payments SET next_attempt_time = coalesce(" FLORIN_TIME("$2::bigint") ", 'infinity') "
    "WHERE payment_id = $1::uuid AND state = 'processing'";
constexpr char kRestStep[] = "UPDATE payment_steps SET next_attempt_time = coalesce(" FLORIN_TIME(
    "$2::bigint") ", 'infinity') WHERE step_id = $1::uuid AND state = 'processing'";
constexpr char kCountFailure[] =
    "INSERT INTO recovery_failures AS f (subject_id, payment_id, step_id, failures, reason, "
    "parked, first_time, last_time) VALUES ($1::uuid, $2::uuid, $3::uuid, 1, $4, false, "
    FLORIN_TIME("$5::bigint") ", " FLORIN_TIME("$5::bigint") ") "
    "ON CONFLICT (subject_id) DO UPDATE SET failures = f.failures + 1, reason = excluded.reason, "
    "last_time = excluded.last_time RETURNING f.failures";
constexpr char kPark[] = "UPDATE recovery_failures SET parked = true WHERE subject_id = $1::uuid";
constexpr char kListFailures[] = "SELECT " FLORIN_FAILURE_COLUMNS
                                 " FROM recovery_failures AS f WHERE f.payment_id = $1::uuid "
                                 "ORDER BY f.first_time, f.subject_id";
constexpr char kUnpark[] =
    "UPDATE recovery_failures AS f SET parked = false, failures = 0 "
    "WHERE f.payment_id = $1::uuid AND f.parked RETURNING f.subject_id, f.step_id IS NULL";
constexpr char kAgreeParked[] =
    "UPDATE discrepancies SET state = 'agreed', update_time = " FLORIN_TIME("$2::bigint") " "
    "WHERE payment_id = $1::uuid AND kind = 'parked' AND state = 'open'";

constexpr char kPositionOfWalk[] = "SELECT position FROM reconcile_positions WHERE walk = $1";
constexpr char kMoveWalk[] =
    "INSERT INTO reconcile_positions AS p (walk, position) VALUES ($1, $2::bigint) "
    "ON CONFLICT (walk) DO UPDATE SET position = greatest(p.position, excluded.position)";
constexpr char kPaymentsMade[] =
    "SELECT " FLORIN_PAYMENT_COLUMNS " FROM payments AS p "
    "WHERE p.create_time >= " FLORIN_TIME("$1::bigint") " "
    "AND p.create_time < " FLORIN_TIME("$2::bigint") " LIMIT $3::integer";
constexpr char kStepsMade[] =
    "SELECT " FLORIN_STEP_COLUMNS " FROM payment_steps AS s "
    "WHERE s.create_time >= " FLORIN_TIME("$1::bigint") " "
    "AND s.create_time < " FLORIN_TIME("$2::bigint") " LIMIT $3::integer";
constexpr char kPaymentsOfIds[] = "SELECT " FLORIN_PAYMENT_COLUMNS
                                  " FROM unnest($1::uuid[]) AS k (id) "
                                  "JOIN payments AS p ON p.payment_id = k.id";
constexpr char kStepsOfIds[] =
    "SELECT " FLORIN_STEP_COLUMNS
    " FROM unnest($1::uuid[]) AS k (id) "
    "JOIN payment_steps AS s ON s.payment_id = k.id ORDER BY s.create_time, s.step_id";

constexpr char kOpenDiscrepancy[] =
    "INSERT INTO discrepancies AS d (discrepancy_id, kind, payment_id, step_id, transaction_id, "
    "currency, at_risk_minor, expected, found, state, note, create_time, update_time, rail, "
    "deposit_id) "
    "VALUES ($1::uuid, $2, $3::uuid, $4::uuid, $5::uuid, $6, $7::bigint, $8, $9, 'open', '', "
    FLORIN_TIME("$10::bigint") ", " FLORIN_TIME("$10::bigint") ", $11, $12) "
    "ON CONFLICT (discrepancy_id) DO UPDATE SET state = 'open', "
    "at_risk_minor = excluded.at_risk_minor, expected = excluded.expected, "
    "found = excluded.found, update_time = excluded.update_time WHERE d.state = 'agreed'";
constexpr char kListDiscrepancies[] =
    "SELECT " FLORIN_DISCREPANCY_COLUMNS
    " FROM discrepancies AS d WHERE ($1::text IS NULL OR d.state = $1::text) "
    "AND d.discrepancy_id < $2::uuid ORDER BY d.discrepancy_id DESC LIMIT $3::integer";
constexpr char kGetDiscrepancy[] = "SELECT " FLORIN_DISCREPANCY_COLUMNS
                                   " FROM discrepancies AS d WHERE d.discrepancy_id = $1::uuid";
constexpr char kLockDiscrepancy[] =
    "SELECT " FLORIN_DISCREPANCY_COLUMNS
    " FROM discrepancies AS d WHERE d.discrepancy_id = $1::uuid FOR UPDATE";
constexpr char kDiscrepanciesOf[] =
    "SELECT " FLORIN_DISCREPANCY_COLUMNS
    " FROM discrepancies AS d WHERE d.payment_id = $1::uuid ORDER BY d.create_time, "
    "d.discrepancy_id";
constexpr char kResolveDiscrepancy[] =
    "UPDATE discrepancies SET state = 'resolved', resolved_by = $2::uuid, note = $3, "
    "update_time = " FLORIN_TIME("$4::bigint") " WHERE discrepancy_id = $1::uuid";
constexpr char kAgreeDiscrepancies[] =
    "UPDATE discrepancies AS d SET state = 'agreed', update_time = " FLORIN_TIME("$2::bigint") " "
    "FROM unnest($1::uuid[]) AS k (id) WHERE d.discrepancy_id = k.id AND d.state = 'open' "
    "AND d.kind <> 'parked'";
constexpr char kListExposure[] =
    "SELECT coalesce(currency, ''), count(*) FILTER (WHERE state = 'open'), "
    "coalesce(sum(at_risk_minor) FILTER (WHERE state = 'open'), 0)::text "
    "FROM discrepancies GROUP BY 1 ORDER BY 1";

absl::Time ReadTime(const pqxx::field& micros) {
  return absl::FromUnixMicros(micros.as<std::int64_t>());
}

std::string LiteralOf(const std::vector<Uuid>& ids) {
  pg::Array array;
  for (const Uuid& id : ids) array.Add(id);
  return array.literal();
}

absl::StatusOr<KeptDiscrepancy> ReadDiscrepancy(const pqxx::row& row) {
  KeptDiscrepancy kept{.discrepancy = {.discrepancy_id = {},
                                       .payment_id = {},
                                       .step_id = {},
                                       .transaction_id = {},
                                       .at_risk_minor = row[6].as<std::int64_t>(),
                                       .expected = row[7].c_str(),
                                       .found = row[8].c_str(),
                                       .rail = row[14].is_null() ? "" : row[14].c_str(),
                                       .deposit_id = row[15].is_null() ? "" : row[15].c_str()},
                       .note = row[11].c_str(),
                       .create_time = ReadTime(row[12]),
                       .update_time = ReadTime(row[13])};
  Discrepancy& discrepancy = kept.discrepancy;
  FLORIN_ASSIGN_OR_RETURN(discrepancy.discrepancy_id, ReadUuid(row[0]));
  FLORIN_ASSIGN_OR_RETURN(discrepancy.kind, ParseDiscrepancyKind(row[1].c_str()));
  FLORIN_ASSIGN_OR_RETURN(discrepancy.payment_id, ReadUuid(row[2]));
  FLORIN_ASSIGN_OR_RETURN(discrepancy.step_id, ReadUuid(row[3]));
  FLORIN_ASSIGN_OR_RETURN(discrepancy.transaction_id, ReadUuid(row[4]));
  if (!row[5].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(discrepancy.currency, Currency::Parse(row[5].c_str()));
  }
  FLORIN_ASSIGN_OR_RETURN(kept.state, ParseDiscrepancyState(row[9].c_str()));
  if (!row[10].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(kept.resolved_by, Uuid::Parse(row[10].c_str()));
  }
  return kept;
}

absl::StatusOr<std::vector<KeptDiscrepancy>> ReadDiscrepancies(const pqxx::result& rows) {
  std::vector<KeptDiscrepancy> all;
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(KeptDiscrepancy one, ReadDiscrepancy(row));
    all.push_back(std::move(one));
  }
  return all;
}

void Open(pqxx::work& transaction, const Discrepancy& found, absl::Time now) {
  std::optional<std::string> currency, rail, deposit_id;
  if (!found.rail.empty()) rail = found.rail;
  if (!found.deposit_id.empty()) deposit_id = found.deposit_id;
  if (found.currency) currency = std::string(found.currency->code());
  transaction.exec_prepared("open_discrepancy", found.discrepancy_id.ToString(),
                            std::string(NameOf(found.kind)), TextOrNull(found.payment_id),
                            TextOrNull(found.step_id), TextOrNull(found.transaction_id), currency,
                            found.at_risk_minor, found.expected, found.found,
                            absl::ToUnixMicros(now), rail, deposit_id);
}

// What was parked by it, if this was its last failure.
std::optional<Discrepancy> CountOne(pqxx::work& transaction, const VainAttempt& attempt,
                                    absl::Time now) {
  const Uuid subject = attempt.step ? attempt.step->step_id : attempt.payment.payment_id;
  const std::string payment_id = attempt.payment.payment_id.ToString();
  const pqxx::result counted = transaction.exec_prepared(
      "count_failure", subject.ToString(), payment_id,
      attempt.step ? std::optional<std::string>(subject.ToString()) : std::nullopt, attempt.reason,
      absl::ToUnixMicros(now));
  const std::optional<absl::Duration> pause = RestAfter(counted[0][0].as<int>());
  std::optional<std::int64_t> next;
  if (pause) next = absl::ToUnixMicros(now + *pause);
  const pqxx::result resting = transaction.exec_prepared(
      attempt.step ? "rest_step" : "rest_payment", subject.ToString(), next);
  // Somebody has ended it meanwhile.
  if (pause || resting.affected_rows() == 0) return std::nullopt;
  transaction.exec_prepared("park", subject.ToString());
  Discrepancy parked = attempt.step ? Parked(attempt.payment, *attempt.step, attempt.reason)
                                    : Parked(attempt.payment, attempt.reason);
  Open(transaction, parked, now);
  return parked;
}

absl::StatusOr<int> Unpark(pqxx::work& transaction, const Uuid& payment_id, absl::Time now) {
  const pqxx::result parked = transaction.exec_prepared("unpark", payment_id.ToString());
  for (const auto& row : parked) {
    transaction.exec_prepared(row[1].as<bool>() ? "rest_payment" : "rest_step",
                              std::string(row[0].c_str()), absl::ToUnixMicros(now));
  }
  transaction.exec_prepared("agree_parked", payment_id.ToString(), absl::ToUnixMicros(now));
  return static_cast<int>(parked.size());
}

absl::StatusOr<std::vector<WholePayment>> ReadWhole(pqxx::transaction_base& transaction,
                                                    const std::vector<Uuid>& payment_ids) {
  const std::string ids = LiteralOf(payment_ids);
  FLORIN_ASSIGN_OR_RETURN(std::vector<Payment> payments,
                          ReadPayments(transaction.exec_prepared("payments_of_ids", ids)));
  FLORIN_ASSIGN_OR_RETURN(std::vector<Step> steps,
                          ReadSteps(transaction.exec_prepared("steps_of_ids", ids)));
  std::map<Uuid, WholePayment> whole;
  for (Payment& payment : payments) {
    const Uuid id = payment.payment_id;
    whole.emplace(id, WholePayment{.payment = std::move(payment), .steps = {}});
  }
  for (Step& step : steps) whole.at(step.payment_id).steps.push_back(std::move(step));
  std::vector<WholePayment> all;
  all.reserve(whole.size());
  for (auto& [id, one] : whole) all.push_back(std::move(one));
  return all;
}

// Each step with its payment.
absl::StatusOr<std::vector<WholePayment>> ReadStepsMade(pqxx::transaction_base& transaction,
                                                        absl::Time from, absl::Time until,
                                                        int limit) {
  FLORIN_ASSIGN_OR_RETURN(std::vector<Step> steps, ReadSteps(transaction.exec_prepared(
                                                       "steps_made", absl::ToUnixMicros(from),
                                                       absl::ToUnixMicros(until), limit)));
  std::vector<Uuid> ids;
  for (const Step& step : steps) ids.push_back(step.payment_id);
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  FLORIN_ASSIGN_OR_RETURN(
      const std::vector<Payment> payments,
      ReadPayments(transaction.exec_prepared("payments_of_ids", LiteralOf(ids))));
  std::map<Uuid, const Payment*> by_id;
  for (const Payment& payment : payments) by_id[payment.payment_id] = &payment;
  std::vector<WholePayment> all;
  for (Step& step : steps) {
    const Payment& payment = *by_id.at(step.payment_id);
    all.push_back({.payment = payment, .steps = {std::move(step)}});
  }
  return all;
}

absl::StatusOr<KeptDiscrepancy> ResolveOne(pqxx::work& transaction, const Resolution& resolution,
                                           absl::Time now, std::vector<audit::Event>& events) {
  const std::string id = resolution.discrepancy_id.ToString();
  const pqxx::result rows = transaction.exec_prepared("lock_discrepancy", id);
  if (rows.empty()) return Error(Reason::kDiscrepancyNotFound, "no such discrepancy");
  FLORIN_ASSIGN_OR_RETURN(KeptDiscrepancy kept, ReadDiscrepancy(rows[0]));
  if (kept.resolved_by == resolution.user_id && kept.note == resolution.note) return kept;
  if (kept.state != DiscrepancyState::kOpen) {
    return Error(Reason::kDiscrepancyClosed, "the discrepancy is not open");
  }
  transaction.exec_prepared("resolve_discrepancy", id, resolution.user_id.ToString(),
                            resolution.note, absl::ToUnixMicros(now));
  events.push_back(Resolved(resolution, now));
  kept.state = DiscrepancyState::kResolved;
  kept.resolved_by = resolution.user_id;
  kept.note = resolution.note;
  kept.update_time = now;
  return kept;
}

}  // namespace

std::vector<pg::Statement> PgReconcileStore::Statements() {
  return {{"rest_payment", kRestPayment},
          {"rest_step", kRestStep},
          {"count_failure", kCountFailure},
          {"park", kPark},
          {"list_failures", kListFailures},
          {"unpark", kUnpark},
          {"agree_parked", kAgreeParked},
          {"position_of_walk", kPositionOfWalk},
          {"move_walk", kMoveWalk},
          {"payments_made", kPaymentsMade},
          {"steps_made", kStepsMade},
          {"payments_of_ids", kPaymentsOfIds},
          {"steps_of_ids", kStepsOfIds},
          {"open_discrepancy", kOpenDiscrepancy},
          {"list_discrepancies", kListDiscrepancies},
          {"get_discrepancy", kGetDiscrepancy},
          {"lock_discrepancy", kLockDiscrepancy},
          {"discrepancies_of", kDiscrepanciesOf},
          {"resolve_discrepancy", kResolveDiscrepancy},
          {"agree_discrepancies", kAgreeDiscrepancies},
          {"list_exposure", kListExposure}};
}

Task<absl::StatusOr<std::vector<Discrepancy>>> PgReconcileStore::RecordFailures(
    std::vector<VainAttempt> attempts, absl::Time now) {
  std::function<absl::StatusOr<std::vector<Discrepancy>>(pqxx::work&)> work =
      [&attempts, now](pqxx::work& transaction) -> absl::StatusOr<std::vector<Discrepancy>> {
    std::vector<Discrepancy> parked;
    for (const VainAttempt& attempt : attempts) {
      std::optional<Discrepancy> one = CountOne(transaction, attempt, now);
      if (one) parked.push_back(*std::move(one));
    }
    return parked;
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<std::vector<RecoveryFailure>>> PgReconcileStore::ListFailures(Uuid payment_id) {
  std::function<absl::StatusOr<std::vector<RecoveryFailure>>(pqxx::transaction_base&)> work =
      [payment_id](
          pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<RecoveryFailure>> {
    std::vector<RecoveryFailure> all;
    for (const auto& row : transaction.exec_prepared("list_failures", payment_id.ToString())) {
      RecoveryFailure failure{.failures = row[2].as<int>(),
                              .reason = row[3].c_str(),
                              .parked = row[4].as<bool>(),
                              .first_time = ReadTime(row[5]),
                              .last_time = ReadTime(row[6])};
      FLORIN_ASSIGN_OR_RETURN(failure.payment_id, ReadUuid(row[0]));
      FLORIN_ASSIGN_OR_RETURN(failure.step_id, ReadUuid(row[1]));
      all.push_back(std::move(failure));
    }
    return all;
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<int>> PgReconcileStore::TakeUpAgain(Uuid payment_id, Uuid operator_id,
                                                        absl::Time now, audit::Origin origin) {
  std::function<absl::StatusOr<int>(pqxx::work&)> work =
      [payment_id, now](pqxx::work& transaction) { return Unpark(transaction, payment_id, now); };
  co_return co_await audit::TransactWith(pool_, TakenUpAgain(payment_id, operator_id, now, origin),
                                         std::move(work));
}

Task<absl::StatusOr<std::int64_t>> PgReconcileStore::PositionOf(Walk walk) {
  std::function<absl::StatusOr<std::int64_t>(pqxx::transaction_base&)> work =
      [walk](pqxx::transaction_base& transaction) -> absl::StatusOr<std::int64_t> {
    const pqxx::result rows =
        transaction.exec_prepared("position_of_walk", std::string(NameOf(walk)));
    return rows.empty() ? 0 : rows[0][0].as<std::int64_t>();
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<int>> PgReconcileStore::RecordWalk(Walk walk, std::int64_t position,
                                                       std::vector<Discrepancy> found,
                                                       absl::Time now) {
  std::function<absl::StatusOr<int>(pqxx::work&)> work =
      [walk, position, &found, now](pqxx::work& transaction) -> absl::StatusOr<int> {
    for (const Discrepancy& one : found) Open(transaction, one, now);
    transaction.exec_prepared("move_walk", std::string(NameOf(walk)), position);
    return static_cast<int>(found.size());
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<int>> PgReconcileStore::OpenDiscrepancies(std::vector<Discrepancy> found,
                                                              absl::Time now) {
  std::function<absl::StatusOr<int>(pqxx::work&)> work =
      [&found, now](pqxx::work& transaction) -> absl::StatusOr<int> {
    for (const Discrepancy& one : found) Open(transaction, one, now);
    return static_cast<int>(found.size());
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<std::vector<Payment>>> PgReconcileStore::PaymentsMade(absl::Time from,
                                                                          absl::Time until,
                                                                          int limit) {
  std::function<absl::StatusOr<std::vector<Payment>>(pqxx::transaction_base&)> work =
      [from, until, limit](pqxx::transaction_base& transaction) {
        return ReadPayments(transaction.exec_prepared("payments_made", absl::ToUnixMicros(from),
                                                      absl::ToUnixMicros(until), limit));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<WholePayment>>> PgReconcileStore::StepsMade(absl::Time from,
                                                                            absl::Time until,
                                                                            int limit) {
  std::function<absl::StatusOr<std::vector<WholePayment>>(pqxx::transaction_base&)> work =
      [from, until, limit](pqxx::transaction_base& transaction) {
        return ReadStepsMade(transaction, from, until, limit);
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<WholePayment>>> PgReconcileStore::WholePayments(
    std::vector<Uuid> payment_ids) {
  std::function<absl::StatusOr<std::vector<WholePayment>>(pqxx::transaction_base&)> work =
      [&payment_ids](pqxx::transaction_base& transaction) {
        return ReadWhole(transaction, payment_ids);
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<KeptDiscrepancy>>> PgReconcileStore::ListDiscrepancies(
    std::optional<DiscrepancyState> state, std::optional<Uuid> before, int limit) {
  std::optional<std::string> wanted;
  if (state) wanted = std::string(NameOf(*state));
  const std::string below = before ? before->ToString() : kGreatestId;
  std::function<absl::StatusOr<std::vector<KeptDiscrepancy>>(pqxx::transaction_base&)> work =
      [&wanted, &below, limit](pqxx::transaction_base& transaction) {
        return ReadDiscrepancies(
            transaction.exec_prepared("list_discrepancies", wanted, below, limit));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<KeptDiscrepancy>> PgReconcileStore::GetDiscrepancy(Uuid discrepancy_id) {
  std::function<absl::StatusOr<KeptDiscrepancy>(pqxx::transaction_base&)> work =
      [discrepancy_id](pqxx::transaction_base& transaction) -> absl::StatusOr<KeptDiscrepancy> {
    const pqxx::result rows =
        transaction.exec_prepared("get_discrepancy", discrepancy_id.ToString());
    if (rows.empty()) return Error(Reason::kDiscrepancyNotFound, "no such discrepancy");
    return ReadDiscrepancy(rows[0]);
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<KeptDiscrepancy>>> PgReconcileStore::DiscrepanciesOf(
    Uuid payment_id) {
  std::function<absl::StatusOr<std::vector<KeptDiscrepancy>>(pqxx::transaction_base&)> work =
      [payment_id](pqxx::transaction_base& transaction) {
        return ReadDiscrepancies(
            transaction.exec_prepared("discrepancies_of", payment_id.ToString()));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<KeptDiscrepancy>> PgReconcileStore::Resolve(Resolution resolution,
                                                                absl::Time now) {
  std::function<absl::StatusOr<KeptDiscrepancy>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&resolution, now](pqxx::work& transaction, std::vector<audit::Event>& events) {
        return ResolveOne(transaction, resolution, now, events);
      };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<int>> PgReconcileStore::Agree(std::vector<Uuid> discrepancy_ids,
                                                  absl::Time now) {
  std::function<absl::StatusOr<int>(pqxx::work&)> work =
      [&discrepancy_ids, now](pqxx::work& transaction) -> absl::StatusOr<int> {
    const pqxx::result agreed = transaction.exec_prepared(
        "agree_discrepancies", LiteralOf(discrepancy_ids), absl::ToUnixMicros(now));
    return static_cast<int>(agreed.affected_rows());
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<std::vector<Exposure>>> PgReconcileStore::ListExposure() {
  std::function<absl::StatusOr<std::vector<Exposure>>(pqxx::transaction_base&)> work =
      [](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<Exposure>> {
    std::vector<Exposure> all;
    for (const auto& row : transaction.exec_prepared("list_exposure")) {
      all.push_back({.currency = row[0].c_str(),
                     .discrepancies = row[1].as<std::int64_t>(),
                     .at_risk_minor = row[2].c_str()});
    }
    return all;
  };
  co_return co_await pool_.Read(std::move(work));
}

}  // namespace florin::payments
