#include "services/payments/store/pg_sandbox_rail_store.h"

#include <functional>
#include <string>
#include <utility>

#include "libs/status/check.h"
#include "services/payments/store/payment_rows.h"

namespace florin::payments {
namespace {

#define FLORIN_ENTRY_COLUMNS                                                                     \
  "number, event, payout_id, deposit_id, currency, amount_minor, account_reference, reference, " \
  "code, (extract(epoch FROM book_time) * 1000000)::bigint"

constexpr char kTake[] =
    "INSERT INTO sandbox_rail_payouts (payout_id, currency, amount_minor, silent_until) "
    "VALUES ($1::uuid, $2, $3::bigint, " FLORIN_TIME(
        "$4::bigint") ") ON CONFLICT (payout_id) DO NOTHING";

constexpr char kFindTaken[] =
    "SELECT currency, amount_minor, (extract(epoch FROM silent_until) * 1000000)::bigint "
    "FROM sandbox_rail_payouts WHERE payout_id = $1::uuid";

constexpr char kAddEntry[] =
    "INSERT INTO sandbox_rail_entries (event, payout_id, deposit_id, currency, amount_minor, "
    "account_reference, reference, code, book_time, notifications, told, on_statement) "
    "VALUES ($1, $2::uuid, $3, $4, $5::bigint, $6, $7, $8, " FLORIN_TIME(
        "$9::bigint") ", $10::integer, $11::boolean, $12::boolean) "
    "ON CONFLICT (deposit_id) DO NOTHING";

constexpr char kEntriesOf[] =
    "SELECT " FLORIN_ENTRY_COLUMNS
    " FROM sandbox_rail_entries WHERE payout_id = $1::uuid AND told ORDER BY book_time, number";

constexpr char kEntryOfDeposit[] =
    "SELECT " FLORIN_ENTRY_COLUMNS " FROM sandbox_rail_entries WHERE deposit_id = $1";

constexpr char kDue[] =
    "SELECT " FLORIN_ENTRY_COLUMNS
    " FROM sandbox_rail_entries WHERE notifications > 0 "
    "AND book_time <= " FLORIN_TIME("$1::bigint") " ORDER BY book_time, number LIMIT $2::integer";

constexpr char kNotified[] =
    "UPDATE sandbox_rail_entries SET notifications = notifications - 1 "
    "WHERE number = $1::bigint AND notifications > 0";

constexpr char kBookedAfter[] =
    "SELECT " FLORIN_ENTRY_COLUMNS
    " FROM sandbox_rail_entries WHERE event <> 'rejected' AND on_statement "
    "AND (book_time, number) > (" FLORIN_TIME("$1::bigint") ", $2::bigint) "
    "AND book_time <= " FLORIN_TIME("$3::bigint") " ORDER BY book_time, number LIMIT $4::integer";

absl::StatusOr<RailEntry> ReadEntry(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(row[4].c_str()));
  RailEntry entry{.number = row[0].as<std::int64_t>(),
                  .deposit_id = row[3].is_null() ? "" : row[3].c_str(),
                  .amount = {.minor_units = row[5].as<std::int64_t>(), .currency = currency},
                  .account_reference = row[6].c_str(),
                  .reference = row[7].c_str(),
                  .code = row[8].c_str(),
                  .book_time = absl::FromUnixMicros(row[9].as<std::int64_t>())};
  FLORIN_ASSIGN_OR_RETURN(entry.event, ParseRailEvent(row[1].c_str()));
  if (!row[2].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(entry.payout_id, Uuid::Parse(row[2].c_str()));
  }
  return entry;
}

absl::StatusOr<std::vector<RailEntry>> ReadEntries(const pqxx::result& rows) {
  std::vector<RailEntry> entries;
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(RailEntry entry, ReadEntry(row));
    entries.push_back(std::move(entry));
  }
  return entries;
}

void Add(pqxx::work& transaction, const PlannedEntry& planned) {
  const RailEntry& entry = planned.entry;
  const bool deposit = entry.event == RailEvent::kDeposit;
  std::optional<std::string> payout_id, deposit_id;
  if (deposit) {
    deposit_id = entry.deposit_id;
  } else {
    payout_id = entry.payout_id.ToString();
  }
  transaction.exec_prepared("add_rail_entry", std::string(NameOf(entry.event)), payout_id,
                            deposit_id, std::string(entry.amount.currency.code()),
                            entry.amount.minor_units, entry.account_reference, entry.reference,
                            entry.code, absl::ToUnixMicros(entry.book_time), planned.notifications,
                            planned.told, planned.on_statement);
}

absl::StatusOr<std::optional<TakenPayout>> Find(pqxx::transaction_base& transaction,
                                                const Uuid& payout_id) {
  const pqxx::result rows = transaction.exec_prepared("find_taken", payout_id.ToString());
  if (rows.empty()) return std::optional<TakenPayout>();
  FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(rows[0][0].c_str()));
  TakenPayout taken{.payout_id = payout_id,
                    .amount = {.minor_units = rows[0][1].as<std::int64_t>(), .currency = currency},
                    .silent_until = absl::FromUnixMicros(rows[0][2].as<std::int64_t>()),
                    .entries = {}};
  FLORIN_ASSIGN_OR_RETURN(taken.entries, ReadEntries(transaction.exec_prepared(
                                             "rail_entries_of", payout_id.ToString())));
  return std::optional(std::move(taken));
}

}  // namespace

std::vector<pg::Statement> PgSandboxRailStore::Statements() {
  return {{"take_payout", kTake},
          {"find_taken", kFindTaken},
          {"add_rail_entry", kAddEntry},
          {"rail_entries_of", kEntriesOf},
          {"rail_deposit", kEntryOfDeposit},
          {"due_notifications", kDue},
          {"rail_notified", kNotified},
          {"rail_booked_after", kBookedAfter}};
}

Task<absl::StatusOr<TakenPayout>> PgSandboxRailStore::Take(TakenPayout payout,
                                                           std::vector<PlannedEntry> entries) {
  std::function<absl::StatusOr<TakenPayout>(pqxx::work&)> work =
      [&payout, &entries](pqxx::work& transaction) -> absl::StatusOr<TakenPayout> {
    const pqxx::result taken = transaction.exec_prepared(
        "take_payout", payout.payout_id.ToString(), std::string(payout.amount.currency.code()),
        payout.amount.minor_units, absl::ToUnixMicros(payout.silent_until));
    if (taken.affected_rows() == 1) {
      for (const PlannedEntry& entry : entries) Add(transaction, entry);
    }
    FLORIN_ASSIGN_OR_RETURN(std::optional<TakenPayout> kept, Find(transaction, payout.payout_id));
    FLORIN_CHECK(kept.has_value(), "a payout that was taken is known");
    return *std::move(kept);
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<std::optional<TakenPayout>>> PgSandboxRailStore::FindTaken(Uuid payout_id) {
  std::function<absl::StatusOr<std::optional<TakenPayout>>(pqxx::transaction_base&)> work =
      [payout_id](pqxx::transaction_base& transaction) { return Find(transaction, payout_id); };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<RailEntry>> PgSandboxRailStore::AddDeposit(PlannedEntry deposit) {
  std::function<absl::StatusOr<RailEntry>(pqxx::work&)> work =
      [&deposit](pqxx::work& transaction) -> absl::StatusOr<RailEntry> {
    Add(transaction, deposit);
    const pqxx::result rows = transaction.exec_prepared("rail_deposit", deposit.entry.deposit_id);
    FLORIN_CHECK(rows.size() == 1, "a deposit that was added is known");
    return ReadEntry(rows[0]);
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<std::vector<RailEntry>>> PgSandboxRailStore::DueNotifications(absl::Time now,
                                                                                  int limit) {
  std::function<absl::StatusOr<std::vector<RailEntry>>(pqxx::transaction_base&)> work =
      [now, limit](pqxx::transaction_base& transaction) {
        return ReadEntries(
            transaction.exec_prepared("due_notifications", absl::ToUnixMicros(now), limit));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::Status> PgSandboxRailStore::Notified(std::int64_t number) {
  std::function<absl::StatusOr<bool>(pqxx::work&)> work =
      [number](pqxx::work& transaction) -> absl::StatusOr<bool> {
    transaction.exec_prepared("rail_notified", number);
    return true;
  };
  co_return (co_await pool_.Transact(std::move(work))).status();
}

Task<absl::StatusOr<std::vector<RailEntry>>> PgSandboxRailStore::BookedAfter(absl::Time book_time,
                                                                             std::int64_t number,
                                                                             absl::Time now,
                                                                             int limit) {
  std::function<absl::StatusOr<std::vector<RailEntry>>(pqxx::transaction_base&)> work =
      [book_time, number, now, limit](pqxx::transaction_base& transaction) {
        return ReadEntries(transaction.exec_prepared("rail_booked_after",
                                                     absl::ToUnixMicros(book_time), number,
                                                     absl::ToUnixMicros(now), limit));
      };
  co_return co_await pool_.Read(std::move(work));
}

}  // namespace florin::payments
