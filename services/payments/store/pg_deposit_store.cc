#include "services/payments/store/pg_deposit_store.h"

#include <functional>
#include <optional>
#include <utility>

#include "libs/status/check.h"
#include "services/payments/store/payment_rows.h"

namespace florin::payments {
namespace {

constexpr char kReceive[] =
    "INSERT INTO rail_deposits (rail, deposit_id, currency, amount_minor, account_reference, "
    "reference, create_time) VALUES ($1, $2, $3, $4::bigint, $5, $6, " FLORIN_TIME(
        "$7::bigint") ") ON CONFLICT (rail, deposit_id) DO NOTHING";

constexpr char kFind[] =
    "SELECT rail, deposit_id, currency, amount_minor, account_reference, reference, stage, "
    "account_id, user_id, payment_id, (extract(epoch FROM create_time) * 1000000)::bigint "
    "FROM rail_deposits WHERE rail = $1 AND deposit_id = $2";

constexpr char kAdvance[] =
    "UPDATE rail_deposits SET stage = $4, account_id = coalesce(account_id, $5::uuid), "
    "user_id = coalesce(user_id, $6::uuid), payment_id = coalesce(payment_id, $7::uuid) "
    "WHERE rail = $1 AND deposit_id = $2 AND stage = $3";

absl::StatusOr<RailDeposit> Find(pqxx::work& transaction, const RailDeposit& deposit) {
  const pqxx::result rows =
      transaction.exec_prepared("find_deposit", deposit.rail, deposit.deposit_id);
  FLORIN_CHECK(!rows.empty(), "the deposit has been received");
  const pqxx::row row = rows[0];
  FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(row[2].c_str()));
  RailDeposit kept{.rail = row[0].c_str(),
                   .deposit_id = row[1].c_str(),
                   .amount = {.minor_units = row[3].as<std::int64_t>(), .currency = currency},
                   .account_reference = row[4].c_str(),
                   .reference = row[5].c_str(),
                   .create_time = absl::FromUnixMicros(row[10].as<std::int64_t>())};
  FLORIN_ASSIGN_OR_RETURN(kept.stage, ParseDepositStage(row[6].c_str()));
  FLORIN_ASSIGN_OR_RETURN(kept.account_id, ReadUuid(row[7]));
  FLORIN_ASSIGN_OR_RETURN(kept.user_id, ReadUuid(row[8]));
  FLORIN_ASSIGN_OR_RETURN(kept.payment_id, ReadUuid(row[9]));
  return kept;
}

}  // namespace

std::vector<pg::Statement> PgDepositStore::Statements() {
  return {{"receive_deposit", kReceive}, {"find_deposit", kFind}, {"advance_deposit", kAdvance}};
}

Task<absl::StatusOr<RailDeposit>> PgDepositStore::ReceiveDeposit(RailDeposit deposit) {
  std::function<absl::StatusOr<RailDeposit>(pqxx::work&)> work =
      [&deposit](pqxx::work& transaction) {
        transaction.exec_prepared("receive_deposit", deposit.rail, deposit.deposit_id,
                                  std::string(deposit.amount.currency.code()),
                                  deposit.amount.minor_units, deposit.account_reference,
                                  deposit.reference, absl::ToUnixMicros(deposit.create_time));
        return Find(transaction, deposit);
      };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<RailDeposit>> PgDepositStore::AdvanceDeposit(DepositStage from,
                                                                 RailDeposit changed) {
  FLORIN_CHECK(MayAdvance(from, changed.stage), "a deposit goes as its machine says");
  std::function<absl::StatusOr<RailDeposit>(pqxx::work&)> work =
      [from, &changed](pqxx::work& transaction) {
        transaction.exec_prepared("advance_deposit", changed.rail, changed.deposit_id,
                                  std::string(NameOf(from)), std::string(NameOf(changed.stage)),
                                  TextOrNull(changed.account_id), TextOrNull(changed.user_id),
                                  TextOrNull(changed.payment_id));
        return Find(transaction, changed);
      };
  co_return co_await pool_.Transact(std::move(work));
}

}  // namespace florin::payments
