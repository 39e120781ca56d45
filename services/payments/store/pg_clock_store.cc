#include "services/payments/store/pg_clock_store.h"

#include <cstdint>
#include <functional>

namespace florin::payments {
namespace {

constexpr char kRead[] = "SELECT ahead_micros FROM sandbox_clock";

constexpr char kGoAhead[] =
    "INSERT INTO sandbox_clock AS c (ahead_micros) VALUES ($1::bigint) "
    "ON CONFLICT (only_row) DO UPDATE SET ahead_micros = excluded.ahead_micros "
    "WHERE c.ahead_micros < excluded.ahead_micros";

}  // namespace

std::vector<pg::Statement> PgClockStore::Statements() {
  return {{"read_sandbox_clock", kRead}, {"go_ahead", kGoAhead}};
}

Task<absl::StatusOr<absl::Duration>> PgClockStore::GoAhead(absl::Duration ahead) {
  std::function<absl::StatusOr<absl::Duration>(pqxx::work&)> work =
      [ahead](pqxx::work& transaction) -> absl::StatusOr<absl::Duration> {
    if (ahead > absl::ZeroDuration()) {
      transaction.exec_prepared("go_ahead", absl::ToInt64Microseconds(ahead));
    }
    const pqxx::result rows = transaction.exec_prepared("read_sandbox_clock");
    return rows.empty() ? absl::ZeroDuration() : absl::Microseconds(rows[0][0].as<std::int64_t>());
  };
  co_return co_await pool_.Transact(std::move(work));
}

}  // namespace florin::payments
