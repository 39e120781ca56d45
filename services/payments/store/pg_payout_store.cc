#include "services/payments/store/pg_payout_store.h"

#include <functional>
#include <utility>

#include "libs/status/check.h"
#include "services/payments/store/payment_rows.h"

namespace florin::payments {
namespace {

#define FLORIN_PAYOUT_COLUMNS \
  FLORIN_PAYMENT_COLUMNS      \
  ", d.beneficiary_name, d.beneficiary_account, d.is_iban, d.rail, d.stage, d.code, d.asked"

constexpr char kFindPayout[] =
    "SELECT " FLORIN_PAYOUT_COLUMNS
    " FROM payouts AS d JOIN payments AS p USING (payment_id) WHERE payment_id = $1::uuid";

constexpr char kLockPayout[] =
    "SELECT " FLORIN_PAYOUT_COLUMNS
    " FROM payouts AS d JOIN payments AS p USING (payment_id) WHERE payment_id = $1::uuid "
    "FOR UPDATE";

constexpr char kAdvancePayout[] =
    "UPDATE payouts SET stage = $2, code = $3, asked = 0, "
    "update_time = " FLORIN_TIME("$4::bigint") ", "
    "next_attempt_time = " FLORIN_TIME("$5::bigint") " WHERE payment_id = $1::uuid";

constexpr char kEndPayout[] =
    "UPDATE payments SET state = $3, failure_reason = $4, "
    "update_time = " FLORIN_TIME("$5::bigint") " "
    "WHERE user_id = $1::uuid AND payment_id = $2::uuid";

constexpr char kClaimPayouts[] =
    "UPDATE payouts AS d SET next_attempt_time = " FLORIN_TIME("$2::bigint") " "
    "FROM payments AS p, (SELECT w.payment_id FROM payouts AS w "
    "JOIN payments AS q USING (payment_id) "
    "WHERE w.stage NOT IN ('settled', 'rejected', 'returned', 'canceled', 'refused') "
    "AND w.next_attempt_time <= " FLORIN_TIME("$1::bigint") " AND q.state <> 'requires_action' "
    "ORDER BY w.next_attempt_time LIMIT $3::integer FOR UPDATE OF w SKIP LOCKED) AS due "
    "WHERE d.payment_id = due.payment_id AND p.payment_id = due.payment_id "
    "RETURNING " FLORIN_PAYOUT_COLUMNS;

constexpr char kPostponePayout[] =
    "UPDATE payouts SET next_attempt_time = " FLORIN_TIME("$2::bigint") ", asked = asked + 1 "
    "WHERE payment_id = $1::uuid";

absl::StatusOr<Payout> ReadPayout(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(Payment payment, ReadPayment(row));
  FLORIN_ASSIGN_OR_RETURN(const PayoutStage stage,
                          ParsePayoutStage(row[kPaymentColumns + 4].c_str()));
  return Payout{.payment = std::move(payment),
                .beneficiary = {.name = row[kPaymentColumns].c_str(),
                                .account = row[kPaymentColumns + 1].c_str(),
                                .is_iban = row[kPaymentColumns + 2].as<bool>()},
                .rail = row[kPaymentColumns + 3].c_str(),
                .stage = stage,
                .code = row[kPaymentColumns + 5].c_str(),
                .asked = row[kPaymentColumns + 6].as<int>()};
}

absl::StatusOr<Payout> ReadOne(const pqxx::result& rows) {
  if (rows.empty()) return Error(Reason::kPaymentNotFound, "no such payout");
  return ReadPayout(rows[0]);
}

absl::StatusOr<Payout> AdvanceIn(pqxx::work& transaction, const Uuid& payment_id, PayoutStage from,
                                 PayoutStage to, const std::string& code, absl::Time now) {
  FLORIN_ASSIGN_OR_RETURN(Payout payout,
                          ReadOne(transaction.exec_prepared("lock_payout", payment_id.ToString())));
  if (payout.stage != from) return payout;
  FLORIN_CHECK(MayAdvance(from, to), "a payout goes as its machine says");
  payout.stage = to;
  payout.asked = 0;
  if (!code.empty()) payout.code = code;
  transaction.exec_prepared("advance_payout", payment_id.ToString(), std::string(NameOf(to)),
                            payout.code, absl::ToUnixMicros(now), absl::ToUnixMicros(now + kLease));
  Payment ended = AtStage(payout.payment, to, payout.code, now);
  if (ended.state != payout.payment.state) {
    transaction.exec_prepared("end_payout", ended.user_id.ToString(), payment_id.ToString(),
                              std::string(NameOf(ended.state)), ended.failure_reason,
                              absl::ToUnixMicros(now));
  }
  payout.payment = std::move(ended);
  return payout;
}

}  // namespace

std::vector<pg::Statement> PgPayoutStore::Statements() {
  return {{"find_payout", kFindPayout},       {"lock_payout", kLockPayout},
          {"advance_payout", kAdvancePayout}, {"end_payout", kEndPayout},
          {"claim_payouts", kClaimPayouts},   {"postpone_payout", kPostponePayout}};
}

Task<absl::StatusOr<Payout>> PgPayoutStore::FindPayout(Uuid payment_id) {
  std::function<absl::StatusOr<Payout>(pqxx::transaction_base&)> work =
      [payment_id](pqxx::transaction_base& transaction) {
        return ReadOne(transaction.exec_prepared("find_payout", payment_id.ToString()));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<Payout>> PgPayoutStore::Advance(Uuid payment_id, PayoutStage from,
                                                    PayoutStage to, std::string code,
                                                    absl::Time now) {
  std::function<absl::StatusOr<Payout>(pqxx::work&)> work = [payment_id, from, to, &code,
                                                             now](pqxx::work& transaction) {
    return AdvanceIn(transaction, payment_id, from, to, code, now);
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<std::vector<Payout>>> PgPayoutStore::ClaimPayouts(absl::Time now, int limit) {
  std::function<absl::StatusOr<std::vector<Payout>>(pqxx::work&)> work =
      [now, limit](pqxx::work& transaction) -> absl::StatusOr<std::vector<Payout>> {
    std::vector<Payout> claimed;
    for (const auto& row : transaction.exec_prepared("claim_payouts", absl::ToUnixMicros(now),
                                                     absl::ToUnixMicros(now + kLease), limit)) {
      FLORIN_ASSIGN_OR_RETURN(Payout payout, ReadPayout(row));
      claimed.push_back(std::move(payout));
    }
    return claimed;
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::Status> PgPayoutStore::Postpone(Uuid payment_id, absl::Time until) {
  std::function<absl::StatusOr<bool>(pqxx::work&)> work =
      [payment_id, until](pqxx::work& transaction) -> absl::StatusOr<bool> {
    transaction.exec_prepared("postpone_payout", payment_id.ToString(), absl::ToUnixMicros(until));
    return true;
  };
  co_return (co_await pool_.Transact(std::move(work))).status();
}

}  // namespace florin::payments
