#include "services/accounts/store/holder_rows.h"

namespace florin::accounts::rows {
namespace {

constexpr char kEndHoldings[] =
    "UPDATE holders AS h SET state = 'ended', update_time = " FLORIN_TIME("$3::bigint") " "
    "WHERE h.state <> 'ended' AND (h.user_id = $1::uuid AND h.customer_id = $2::uuid "
    "OR h.account_id IN (SELECT account_id FROM accounts "
    "  WHERE user_id = $1::uuid AND customer_id = $2::uuid)) RETURNING " FLORIN_HOLDER_COLUMNS;

}  // namespace

absl::StatusOr<Holder> ReadHolder(const pqxx::row& row) {
  Holder holder{.create_time = TimeOf(row[7]), .update_time = TimeOf(row[8])};
  FLORIN_ASSIGN_OR_RETURN(holder.holder_id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(holder.account_id, Uuid::Parse(row[1].c_str()));
  FLORIN_ASSIGN_OR_RETURN(holder.user_id, Uuid::Parse(row[2].c_str()));
  FLORIN_ASSIGN_OR_RETURN(holder.role, ParseHolderRole(row[3].c_str()));
  FLORIN_ASSIGN_OR_RETURN(holder.state, ParseHolderState(row[4].c_str()));
  FLORIN_ASSIGN_OR_RETURN(holder.invited_by, Uuid::Parse(row[5].c_str()));
  if (!row[6].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(holder.customer_id, Uuid::Parse(row[6].c_str()));
  }
  return holder;
}

absl::StatusOr<std::vector<Holder>> ReadHolders(const pqxx::result& rows) {
  std::vector<Holder> holders;
  holders.reserve(rows.size());
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(Holder holder, ReadHolder(row));
    holders.push_back(std::move(holder));
  }
  return holders;
}

std::vector<pg::Statement> EndHoldingStatements() { return {{"end_holdings", kEndHoldings}}; }

absl::Status EndHoldings(pqxx::work& transaction, const Uuid& user_id, const Uuid& customer_id,
                         absl::Time now, const audit::Origin& origin,
                         std::vector<audit::Event>& events) {
  for (const auto& row : transaction.exec_prepared(
           "end_holdings", user_id.ToString(), customer_id.ToString(), absl::ToUnixMicros(now))) {
    FLORIN_ASSIGN_OR_RETURN(const Holder holder, ReadHolder(row));
    audit::Event event;
    event.event_id = DeriveId("florin.accounts.holder.end", holder.holder_id.ToString());
    event.time = now;
    event.action = "accounts.holder.end";
    event.actor = FormatId(IdKind::kUser, user_id);
    event.subject = FormatId(IdKind::kAccount, holder.account_id);
    event.origin = origin;
    event.details = {{"holder", FormatId(IdKind::kUser, holder.user_id)},
                     {"role", std::string(NameOf(holder.role))}};
    events.push_back(std::move(event));
  }
  return absl::OkStatus();
}

}  // namespace florin::accounts::rows
