#include "services/payments/store/pg_rail_reconcile_store.h"

#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "services/payments/store/payment_rows.h"

namespace florin::payments {
namespace {

#define FLORIN_MICROS(time) "(extract(epoch FROM " time ") * 1000000)::bigint"

constexpr char kBeginProgress[] =
    "INSERT INTO rail_progress (rail) VALUES ($1) ON CONFLICT (rail) DO NOTHING";
constexpr char kProgress[] = "SELECT cursor, kept_lines, compared_lines, " FLORIN_MICROS(
    "payouts_until") ", " FLORIN_MICROS("deposits_until") " FROM rail_progress WHERE rail = $1";
constexpr char kLockProgress[] =
    "SELECT cursor, kept_lines, compared_lines, " FLORIN_MICROS("payouts_until") ", " FLORIN_MICROS(
        "deposits_until") " FROM rail_progress WHERE rail = $1 FOR UPDATE";
constexpr char kMoveCursor[] =
    "UPDATE rail_progress SET cursor = $2, kept_lines = $3::bigint WHERE rail = $1";
constexpr char kRecordCompared[] =
    "UPDATE rail_progress SET compared_lines = greatest(compared_lines, $2::bigint), "
    "payouts_until = greatest(payouts_until, " FLORIN_TIME("$3::bigint") "), "
    "deposits_until = greatest(deposits_until, " FLORIN_TIME("$4::bigint") ") WHERE rail = $1";
constexpr char kAddLines[] =
    "INSERT INTO rail_statement_lines (rail, position, number, event, payout_id, deposit_id, "
    "currency, amount_minor, code, book_time) "
    "SELECT $1, position, number, event, payout_id, deposit_id, currency, amount_minor, code, "
    FLORIN_TIME("micros") " FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::uuid[], "
    "$6::text[], $7::text[], $8::bigint[], $9::text[], $10::bigint[]) AS l (position, number, "
    "event, payout_id, deposit_id, currency, amount_minor, code, micros) "
    "ON CONFLICT (rail, number) DO NOTHING";
constexpr char kLinesAfter[] =
    "SELECT payout_id, deposit_id, " FLORIN_MICROS("book_time") " FROM rail_statement_lines "
    "WHERE rail = $1 AND position > $2::bigint ORDER BY position LIMIT $3::integer";
constexpr char kExecuted[] =
    "SELECT payment_id, NULL, " FLORIN_MICROS("update_time") " FROM payouts "
    "WHERE rail = $1 AND stage IN ('settled', 'returned') "
    "AND update_time >= " FLORIN_TIME("$2::bigint") " "
    "AND update_time < " FLORIN_TIME("$3::bigint") " "
    "ORDER BY update_time FETCH FIRST ($4::integer) ROWS WITH TIES";
constexpr char kReceived[] =
    "SELECT NULL, deposit_id, " FLORIN_MICROS("create_time") " FROM rail_deposits "
    "WHERE rail = $1 AND create_time >= " FLORIN_TIME("$2::bigint") " "
    "AND create_time < " FLORIN_TIME("$3::bigint") " "
    "ORDER BY create_time FETCH FIRST ($4::integer) ROWS WITH TIES";
constexpr char kPayoutsAtUs[] =
    "SELECT payment_id, p.currency, p.amount_minor, d.stage, " FLORIN_MICROS("d.update_time") " "
    "FROM unnest($2::uuid[]) AS k (id) JOIN payouts AS d ON d.payment_id = k.id AND d.rail = $1 "
    "JOIN payments AS p USING (payment_id)";
constexpr char kDepositsAtUs[] =
    "SELECT d.deposit_id, d.currency, d.amount_minor, d.stage, " FLORIN_MICROS("d.create_time") ", "
    "d.payment_id FROM unnest($2::text[]) AS k (id) "
    "JOIN rail_deposits AS d ON d.rail = $1 AND d.deposit_id = k.id";
constexpr char kLinesOf[] =
    "SELECT l.number, l.event, l.payout_id, l.deposit_id, l.currency, l.amount_minor, l.code, "
    FLORIN_MICROS("l.book_time") " FROM rail_statement_lines AS l "
    "WHERE l.rail = $1 AND (l.payout_id = ANY ($2::uuid[]) OR l.deposit_id = ANY ($3::text[])) "
    "ORDER BY l.position";
// What is being booked may be in the ledger already, or not.
constexpr char kSums[] =
    "SELECT currency, sum(least_minor)::bigint, sum(most_minor)::bigint, "
    "sum(statement_minor)::bigint FROM ("
    "SELECT p.currency, -p.amount_minor AS least_minor, "
    "CASE d.stage WHEN 'settled' THEN -p.amount_minor ELSE 0 END AS most_minor, "
    "0 AS statement_minor FROM payouts AS d JOIN payments AS p USING (payment_id) "
    "WHERE d.stage IN ('settling', 'settled', 'returning') "
    "UNION ALL SELECT currency, "
    "CASE WHEN stage IN ('credited', 'unmatched') THEN amount_minor ELSE 0 END, amount_minor, 0 "
    "FROM rail_deposits WHERE stage <> 'received' "
    "UNION ALL SELECT currency, 0, 0, "
    "CASE event WHEN 'settled' THEN -amount_minor ELSE amount_minor END "
    "FROM rail_statement_lines) AS parts GROUP BY currency ORDER BY currency";

absl::Time ReadTime(const pqxx::field& micros) {
  return absl::FromUnixMicros(micros.as<std::int64_t>());
}

RailProgress ReadProgress(const pqxx::result& rows) {
  if (rows.empty()) return {};
  const pqxx::row row = rows[0];
  return {.cursor = row[0].c_str(),
          .kept_lines = row[1].as<std::int64_t>(),
          .compared_lines = row[2].as<std::int64_t>(),
          .payouts_until = ReadTime(row[3]),
          .deposits_until = ReadTime(row[4])};
}

absl::StatusOr<std::vector<RailSubject>> ReadSubjects(const pqxx::result& rows) {
  std::vector<RailSubject> subjects;
  for (const auto& row : rows) {
    RailSubject subject{.deposit_id = row[1].is_null() ? "" : row[1].c_str(),
                        .time = ReadTime(row[2])};
    FLORIN_ASSIGN_OR_RETURN(subject.payout_id, ReadUuid(row[0]));
    subjects.push_back(std::move(subject));
  }
  return subjects;
}

absl::StatusOr<Money> ReadMoney(const pqxx::field& currency, const pqxx::field& amount) {
  FLORIN_ASSIGN_OR_RETURN(const Currency parsed, Currency::Parse(currency.c_str()));
  return Money{.minor_units = amount.as<std::int64_t>(), .currency = parsed};
}

absl::StatusOr<RailEntry> ReadLine(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Money amount, ReadMoney(row[4], row[5]));
  RailEntry line{.number = row[0].as<std::int64_t>(),
                 .deposit_id = row[3].is_null() ? "" : row[3].c_str(),
                 .amount = amount,
                 .code = row[6].c_str(),
                 .book_time = ReadTime(row[7])};
  FLORIN_ASSIGN_OR_RETURN(line.event, ParseRailEvent(row[1].c_str()));
  FLORIN_ASSIGN_OR_RETURN(line.payout_id, ReadUuid(row[2]));
  return line;
}

void AddLines(pqxx::work& transaction, const std::string& rail, std::int64_t kept,
              const std::vector<RailEntry>& lines) {
  pg::Array positions, numbers, events, payouts, deposits, currencies, amounts, codes, times;
  for (const RailEntry& line : lines) {
    const bool deposit = line.event == RailEvent::kDeposit;
    positions.Add(++kept);
    numbers.Add(line.number);
    events.Add(std::string(NameOf(line.event)));
    if (deposit) {
      payouts.AddNull();
      deposits.Add(line.deposit_id);
    } else {
      payouts.Add(line.payout_id);
      deposits.AddNull();
    }
    currencies.Add(std::string(line.amount.currency.code()));
    amounts.Add(line.amount.minor_units);
    codes.Add(line.code);
    times.Add(absl::ToUnixMicros(line.book_time));
  }
  transaction.exec_prepared("add_rail_lines", rail, positions.literal(), numbers.literal(),
                            events.literal(), payouts.literal(), deposits.literal(),
                            currencies.literal(), amounts.literal(), codes.literal(),
                            times.literal());
}

// By payout, or by deposit.
using Key = std::pair<Uuid, std::string>;

absl::Status ReadPayoutsAtUs(const pqxx::result& rows, std::map<Key, RailCase>& cases) {
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(const Uuid id, ReadUuid(row[0]));
    FLORIN_ASSIGN_OR_RETURN(const Money amount, ReadMoney(row[1], row[2]));
    FLORIN_ASSIGN_OR_RETURN(const PayoutStage stage, ParsePayoutStage(row[3].c_str()));
    cases.at({id, ""}).payout =
        PayoutAtUs{.payment_id = id, .amount = amount, .stage = stage, .since = ReadTime(row[4])};
  }
  return absl::OkStatus();
}

absl::Status ReadDepositsAtUs(const pqxx::result& rows, std::map<Key, RailCase>& cases) {
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(const Money amount, ReadMoney(row[1], row[2]));
    FLORIN_ASSIGN_OR_RETURN(const DepositStage stage, ParseDepositStage(row[3].c_str()));
    DepositAtUs deposit{
        .deposit_id = row[0].c_str(), .amount = amount, .stage = stage, .since = ReadTime(row[4])};
    FLORIN_ASSIGN_OR_RETURN(deposit.payment_id, ReadUuid(row[5]));
    const Key key(Uuid(), deposit.deposit_id);
    cases.at(key).deposit = std::move(deposit);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<RailCase>> ReadCases(pqxx::transaction_base& transaction,
                                                const std::string& rail,
                                                const std::vector<RailSubject>& subjects) {
  std::map<Key, RailCase> cases;
  pg::Array payouts, deposits;
  for (const RailSubject& subject : subjects) {
    const Key key(subject.payout_id, subject.deposit_id);
    RailCase one{.rail = rail, .payout_id = subject.payout_id, .deposit_id = subject.deposit_id};
    if (!cases.emplace(key, std::move(one)).second) continue;
    if (subject.deposit_id.empty()) {
      payouts.Add(subject.payout_id);
    } else {
      deposits.Add(subject.deposit_id);
    }
  }
  FLORIN_RETURN_IF_ERROR(
      ReadPayoutsAtUs(transaction.exec_prepared("payouts_at_us", rail, payouts.literal()), cases));
  FLORIN_RETURN_IF_ERROR(ReadDepositsAtUs(
      transaction.exec_prepared("deposits_at_us", rail, deposits.literal()), cases));
  for (const auto& row :
       transaction.exec_prepared("rail_lines_of", rail, payouts.literal(), deposits.literal())) {
    FLORIN_ASSIGN_OR_RETURN(RailEntry line, ReadLine(row));
    cases.at({line.payout_id, line.deposit_id}).lines.push_back(std::move(line));
  }
  std::vector<RailCase> all;
  all.reserve(subjects.size());
  for (const RailSubject& subject : subjects) {
    all.push_back(cases.at({subject.payout_id, subject.deposit_id}));
  }
  return all;
}

}  // namespace

std::vector<pg::Statement> PgRailReconcileStore::Statements() {
  return {{"begin_rail_progress", kBeginProgress},
          {"rail_progress", kProgress},
          {"lock_rail_progress", kLockProgress},
          {"move_rail_cursor", kMoveCursor},
          {"record_rail_compared", kRecordCompared},
          {"add_rail_lines", kAddLines},
          {"rail_lines_after", kLinesAfter},
          {"executed_payouts", kExecuted},
          {"received_deposits", kReceived},
          {"payouts_at_us", kPayoutsAtUs},
          {"deposits_at_us", kDepositsAtUs},
          {"rail_lines_of", kLinesOf},
          {"settlement_sums", kSums}};
}

Task<absl::StatusOr<RailProgress>> PgRailReconcileStore::ProgressOf(std::string rail) {
  std::function<absl::StatusOr<RailProgress>(pqxx::transaction_base&)> work =
      [&rail](pqxx::transaction_base& transaction) -> absl::StatusOr<RailProgress> {
    return ReadProgress(transaction.exec_prepared("rail_progress", rail));
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<RailProgress>> PgRailReconcileStore::KeepStatement(std::string rail,
                                                                       std::string cursor,
                                                                       RailStatement page) {
  std::function<absl::StatusOr<RailProgress>(pqxx::work&)> work =
      [&rail, &cursor, &page](pqxx::work& transaction) -> absl::StatusOr<RailProgress> {
    transaction.exec_prepared("begin_rail_progress", rail);
    RailProgress progress = ReadProgress(transaction.exec_prepared("lock_rail_progress", rail));
    if (progress.cursor != cursor) return progress;
    AddLines(transaction, rail, progress.kept_lines, page.entries);
    progress.cursor = page.next_cursor;
    progress.kept_lines += static_cast<std::int64_t>(page.entries.size());
    transaction.exec_prepared("move_rail_cursor", rail, progress.cursor, progress.kept_lines);
    return progress;
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<std::vector<RailSubject>>> PgRailReconcileStore::LinesAfter(std::string rail,
                                                                                std::int64_t after,
                                                                                int limit) {
  std::function<absl::StatusOr<std::vector<RailSubject>>(pqxx::transaction_base&)> work =
      [&rail, after, limit](pqxx::transaction_base& transaction) {
        return ReadSubjects(transaction.exec_prepared("rail_lines_after", rail, after, limit));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<RailSubject>>> PgRailReconcileStore::Between(
    const char* statement, std::string rail, absl::Time from, absl::Time until, int limit) {
  std::function<absl::StatusOr<std::vector<RailSubject>>(pqxx::transaction_base&)> work =
      [statement, &rail, from, until, limit](pqxx::transaction_base& transaction) {
        return ReadSubjects(transaction.exec_prepared(statement, rail, absl::ToUnixMicros(from),
                                                      absl::ToUnixMicros(until), limit));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<RailSubject>>> PgRailReconcileStore::ExecutedPayouts(
    std::string rail, absl::Time from, absl::Time until, int limit) {
  return Between("executed_payouts", std::move(rail), from, until, limit);
}

Task<absl::StatusOr<std::vector<RailSubject>>> PgRailReconcileStore::ReceivedDeposits(
    std::string rail, absl::Time from, absl::Time until, int limit) {
  return Between("received_deposits", std::move(rail), from, until, limit);
}

Task<absl::StatusOr<std::vector<RailCase>>> PgRailReconcileStore::CasesOf(
    std::string rail, std::vector<RailSubject> subjects) {
  std::function<absl::StatusOr<std::vector<RailCase>>(pqxx::transaction_base&)> work =
      [&rail, &subjects](pqxx::transaction_base& transaction) {
        return ReadCases(transaction, rail, subjects);
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<int>> PgRailReconcileStore::RecordCompared(std::string rail,
                                                               RailProgress progress) {
  std::function<absl::StatusOr<int>(pqxx::work&)> work =
      [&rail, &progress](pqxx::work& transaction) -> absl::StatusOr<int> {
    transaction.exec_prepared("begin_rail_progress", rail);
    const pqxx::result moved = transaction.exec_prepared(
        "record_rail_compared", rail, progress.compared_lines,
        absl::ToUnixMicros(progress.payouts_until), absl::ToUnixMicros(progress.deposits_until));
    return static_cast<int>(moved.affected_rows());
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<std::vector<SettlementSums>>> PgRailReconcileStore::SettlementSumsOf() {
  std::function<absl::StatusOr<std::vector<SettlementSums>>(pqxx::transaction_base&)> work =
      [](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<SettlementSums>> {
    std::vector<SettlementSums> all;
    for (const auto& row : transaction.exec_prepared("settlement_sums")) {
      FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(row[0].c_str()));
      all.push_back({.currency = currency,
                     .least_minor = row[1].as<std::int64_t>(),
                     .most_minor = row[2].as<std::int64_t>(),
                     .statement_minor = row[3].as<std::int64_t>()});
    }
    return all;
  };
  co_return co_await pool_.Read(std::move(work));
}

}  // namespace florin::payments
