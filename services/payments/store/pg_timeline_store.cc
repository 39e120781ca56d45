#include "services/payments/store/pg_timeline_store.h"

#include <functional>
#include <utility>

#include "services/payments/store/payment_rows.h"

namespace florin::payments {
namespace {

constexpr char kOrigin[] =
    "SELECT p.request_id, d.rail, d.stage, d.code, r.rail, r.deposit_id, r.stage, "
    "(extract(epoch FROM r.create_time) * 1000000)::bigint, p.currency, r.amount_minor, "
    "p.trace_id "
    "FROM payments AS p LEFT JOIN payouts AS d USING (payment_id) "
    "LEFT JOIN rail_deposits AS r USING (payment_id) WHERE payment_id = $1::uuid";

absl::StatusOr<PaymentOrigin> ReadOrigin(const pqxx::result& rows) {
  PaymentOrigin origin;
  if (rows.empty()) return origin;
  const pqxx::row row = rows[0];
  if (!row[0].is_null()) origin.request_id = row[0].c_str();
  origin.trace_id = row[10].c_str();  // Empty for NULL.
  if (!row[1].is_null()) {
    PayoutOnRail payout{.rail = row[1].c_str(), .code = row[3].c_str()};
    FLORIN_ASSIGN_OR_RETURN(payout.stage, ParsePayoutStage(row[2].c_str()));
    origin.payout = std::move(payout);
  }
  if (!row[4].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(row[8].c_str()));
    RailDeposit deposit{.rail = row[4].c_str(),
                        .deposit_id = row[5].c_str(),
                        .amount = {.minor_units = row[9].as<std::int64_t>(), .currency = currency},
                        .account_reference = "",
                        .reference = "",
                        .create_time = absl::FromUnixMicros(row[7].as<std::int64_t>())};
    FLORIN_ASSIGN_OR_RETURN(deposit.stage, ParseDepositStage(row[6].c_str()));
    origin.deposit = std::move(deposit);
  }
  return origin;
}

}  // namespace

std::vector<pg::Statement> PgTimelineStore::Statements() { return {{"payment_origin", kOrigin}}; }

Task<absl::StatusOr<PaymentOrigin>> PgTimelineStore::OriginOf(Uuid payment_id) {
  std::function<absl::StatusOr<PaymentOrigin>(pqxx::transaction_base&)> work =
      [payment_id](pqxx::transaction_base& transaction) {
        return ReadOrigin(transaction.exec_prepared("payment_origin", payment_id.ToString()));
      };
  co_return co_await pool_.Read(std::move(work));
}

}  // namespace florin::payments
