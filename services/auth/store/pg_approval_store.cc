#include "services/auth/store/pg_approval_store.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "libs/audit/pg_audit.h"
#include "libs/crypto/sha256.h"
#include "libs/status/check.h"

namespace florin::auth {
namespace {

#define FLORIN_TIME(micros) "timestamptz 'epoch' + " micros " * interval '1 microsecond'"
#define FLORIN_MICROS(column) "(extract(epoch FROM " column ") * 1000000)::bigint"

// In the order that ReadApproval expects.
#define FLORIN_APPROVAL_COLUMNS \
  "approval_id, user_id, payment_id, currency, amount_minor, payee_account_id, payee_name, " \
  "encode(nonce, 'hex'), " FLORIN_MICROS("expire_time") ", " FLORIN_MICROS("create_time")    \
  ", state, ceremony_id, " FLORIN_MICROS("approve_time") ", " FLORIN_MICROS("end_time")          \
  ", kind, terms"

constexpr char kInsertApproval[] =
    "INSERT INTO payment_approvals (approval_id, user_id, payment_id, currency, amount_minor, "
    "payee_account_id, payee_name, nonce, expire_time, create_time, kind, terms) "
    "VALUES ($1::uuid, $2::uuid, $3::uuid, $4, $5::bigint, $6::uuid, $7, decode($8, 'hex'), "
    FLORIN_TIME("$9::bigint") ", " FLORIN_TIME("$10::bigint") ", $11, $12) "
    "ON CONFLICT (approval_id) DO NOTHING";

constexpr char kFindApproval[] =
    "SELECT " FLORIN_APPROVAL_COLUMNS " FROM payment_approvals WHERE approval_id = $1::uuid";

constexpr char kLockApproval[] = "SELECT " FLORIN_APPROVAL_COLUMNS
                                 " FROM payment_approvals WHERE approval_id = $1::uuid FOR UPDATE";

// Empty text stands for what is not set.
constexpr char kUpdateApproval[] =
    "UPDATE payment_approvals SET state = $2, ceremony_id = nullif($3, '')::uuid, "
    "approve_time = " FLORIN_TIME("nullif($4, '')::bigint") ", "
    "end_time = " FLORIN_TIME("nullif($5, '')::bigint") " WHERE approval_id = $1::uuid";

std::optional<absl::Time> ReadTime(const pqxx::field& micros) {
  if (micros.is_null()) return std::nullopt;
  return absl::FromUnixMicros(micros.as<std::int64_t>());
}

std::string TextOf(const std::optional<absl::Time>& time) {
  return time ? std::to_string(absl::ToUnixMicros(*time)) : std::string();
}

absl::StatusOr<PaymentApproval> ReadApproval(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(row[3].c_str()));
  PaymentApproval approval{
      .amount = {.minor_units = row[4].as<std::int64_t>(), .currency = currency},
      .payee_name = row[6].c_str(),
      .nonce = absl::HexStringToBytes(row[7].c_str()),
      .expire_time = absl::FromUnixMicros(row[8].as<std::int64_t>()),
      .create_time = absl::FromUnixMicros(row[9].as<std::int64_t>())};
  FLORIN_ASSIGN_OR_RETURN(approval.approval_id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(approval.user_id, Uuid::Parse(row[1].c_str()));
  FLORIN_ASSIGN_OR_RETURN(approval.payment_id, Uuid::Parse(row[2].c_str()));
  FLORIN_ASSIGN_OR_RETURN(approval.payee_account_id, Uuid::Parse(row[5].c_str()));
  FLORIN_ASSIGN_OR_RETURN(approval.state, ParseApprovalState(row[10].c_str()));
  if (!row[11].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(approval.ceremony_id, Uuid::Parse(row[11].c_str()));
  }
  approval.approve_time = ReadTime(row[12]);
  approval.end_time = ReadTime(row[13]);
  FLORIN_ASSIGN_OR_RETURN(approval.kind, ParseApprovalKind(row[14].c_str()));
  approval.terms = row[15].c_str();
  return approval;
}

absl::StatusOr<PaymentApproval> Find(pqxx::transaction_base& transaction, const char* statement,
                                     const Uuid& approval_id) {
  const pqxx::result rows = transaction.exec_prepared(statement, approval_id.ToString());
  if (rows.empty()) return Error(Reason::kApprovalNotFound, "no such approval");
  return ReadApproval(rows[0]);
}

absl::StatusOr<PaymentApproval> Insert(pqxx::work& transaction, const PaymentApproval& approval) {
  transaction.exec_prepared(
      "insert_payment_approval", approval.approval_id.ToString(), approval.user_id.ToString(),
      approval.payment_id.ToString(), std::string(approval.amount.currency.code()),
      approval.amount.minor_units, approval.payee_account_id.ToString(), approval.payee_name,
      crypto::Hex(approval.nonce), absl::ToUnixMicros(approval.expire_time),
      absl::ToUnixMicros(approval.create_time), std::string(NameOf(approval.kind)), approval.terms);
  return Find(transaction, "find_payment_approval", approval.approval_id);
}

// What a rule made of an approval, and what it said.
struct Updated {
  PaymentApproval approval;
  absl::Status status;
};

// What the audit trail says of a new state; one event for each, since none comes twice.
std::optional<audit::Event> EventOf(const PaymentApproval& before, const Updated& updated,
                                    const audit::Origin& origin) {
  const PaymentApproval& after = updated.approval;
  const char* action = after.state == ApprovalState::kApproved   ? "auth.approval.approve"
                       : after.state == ApprovalState::kDeclined ? "auth.approval.decline"
                                                                 : "auth.approval.redeem";
  if (after.state == before.state) return std::nullopt;
  audit::Event event;
  event.subject = FormatId(IdKind::kApproval, after.approval_id);
  event.event_id = DeriveId(std::string("florin.auth.approval.") + std::string(NameOf(after.state)),
                            event.subject);
  const std::optional<absl::Time>& when =
      after.state == ApprovalState::kApproved ? after.approve_time : after.end_time;
  FLORIN_CHECK(when.has_value(), "what was decided has a time");
  event.time = *when;
  event.action = action;
  const bool by_payer =
      after.state == ApprovalState::kApproved || after.state == ApprovalState::kDeclined;
  event.actor = by_payer ? FormatId(IdKind::kUser, after.user_id) : origin.caller;
  if (!by_payer) event.on_behalf_of = FormatId(IdKind::kUser, after.user_id);
  switch (after.kind) {
    case ApprovalKind::kPayment:
      event.details["payment_id"] = FormatId(IdKind::kPayment, after.payment_id);
      break;
    case ApprovalKind::kSchedule:
      event.details["schedule_id"] = FormatId(IdKind::kSchedule, after.payment_id);
      break;
    case ApprovalKind::kBulk:
      event.details["bulk_id"] = FormatId(IdKind::kBulk, after.payment_id);
      break;
  }
  event.origin = origin;
  if (!updated.status.ok()) return audit::Refuse(std::move(event), *ReasonOf(updated.status));
  return event;
}

absl::StatusOr<Updated> Update(pqxx::work& transaction, const Uuid& approval_id,
                               const ApprovalStore::Rule& rule, const audit::Origin& origin,
                               std::vector<audit::Event>& events) {
  FLORIN_ASSIGN_OR_RETURN(const PaymentApproval before,
                          Find(transaction, "lock_payment_approval", approval_id));
  Updated updated{.approval = before, .status = absl::OkStatus()};
  updated.status = rule(updated.approval);
  const PaymentApproval& after = updated.approval;
  if (after == before) return updated;
  transaction.exec_prepared(
      "update_payment_approval", approval_id.ToString(), std::string(NameOf(after.state)),
      after.ceremony_id.is_nil() ? std::string() : after.ceremony_id.ToString(),
      TextOf(after.approve_time), TextOf(after.end_time));
  if (std::optional<audit::Event> event = EventOf(before, updated, origin))
    events.push_back(*std::move(event));
  return updated;
}

}  // namespace

std::vector<pg::Statement> PgApprovalStore::Statements() {
  return {{"insert_payment_approval", kInsertApproval},
          {"find_payment_approval", kFindApproval},
          {"lock_payment_approval", kLockApproval},
          {"update_payment_approval", kUpdateApproval}};
}

Task<absl::StatusOr<PaymentApproval>> PgApprovalStore::InsertApproval(PaymentApproval approval) {
  return pool_.Transact<PaymentApproval>([approval = std::move(approval)](pqxx::work& transaction) {
    return Insert(transaction, approval);
  });
}

Task<absl::StatusOr<PaymentApproval>> PgApprovalStore::FindApproval(Uuid approval_id) {
  return pool_.Read<PaymentApproval>([approval_id](pqxx::transaction_base& transaction) {
    return Find(transaction, "find_payment_approval", approval_id);
  });
}

Task<absl::StatusOr<PaymentApproval>> PgApprovalStore::UpdateApproval(Uuid approval_id, Rule rule,
                                                                      audit::Origin origin) {
  std::function<absl::StatusOr<Updated>(pqxx::work&, std::vector<audit::Event>&)> work =
      [approval_id, &rule, &origin](pqxx::work& transaction, std::vector<audit::Event>& events) {
        return Update(transaction, approval_id, rule, origin, events);
      };
  absl::StatusOr<Updated> updated = co_await audit::TransactNoting(pool_, std::move(work));
  if (!updated.ok()) co_return updated.status();
  if (!updated->status.ok()) co_return updated->status;
  co_return std::move(updated->approval);
}

}  // namespace florin::auth
