#include "services/accounts/store/payee_rows.h"

namespace florin::accounts::rows {
namespace {

constexpr char kErasePayees[] =
    "UPDATE payees SET state = 'deleted', details_sealed = NULL, "
    "fingerprint = decode(repeat('00', 32), 'hex') "
    "WHERE user_id = $1::uuid AND customer_id = $2::uuid";

absl::StatusOr<PayeeState> ParsePayeeState(std::string_view name) {
  if (name == "active") return PayeeState::kActive;
  if (name == "deleted") return PayeeState::kDeleted;
  return Error(Reason::kInternal, "the database has a state that there is not");
}

}  // namespace

absl::StatusOr<Payee> ReadPayee(const pqxx::row& row, PersonalData& data) {
  Payee payee{.create_time = TimeOf(row[7]), .usable_time = TimeOf(row[8])};
  FLORIN_ASSIGN_OR_RETURN(payee.payee_id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(payee.user_id, Uuid::Parse(row[1].c_str()));
  FLORIN_ASSIGN_OR_RETURN(payee.customer_id, Uuid::Parse(row[2].c_str()));
  if (!row[3].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(payee.account_id, Uuid::Parse(row[3].c_str()));
  }
  FLORIN_ASSIGN_OR_RETURN(payee.name_match, ParseNameMatch(row[5].c_str()));
  FLORIN_ASSIGN_OR_RETURN(payee.state, ParsePayeeState(row[6].c_str()));
  if (row[4].is_null()) return payee;
  FLORIN_ASSIGN_OR_RETURN(const CustomerKey key, data.KeyOf(payee.customer_id, OctetsOf(row[9])));
  FLORIN_ASSIGN_OR_RETURN(const std::string octets,
                          key.Open(OctetsOf(row[4]), kPayeeDetails, payee.payee_id));
  FLORIN_ASSIGN_OR_RETURN(payee.details, DecodeDetails(octets));
  return payee;
}

std::vector<pg::Statement> ErasePayeeStatements() { return {{"erase_payees", kErasePayees}}; }

void ErasePayees(pqxx::work& transaction, const Uuid& user_id, const Uuid& customer_id) {
  transaction.exec_prepared("erase_payees", user_id.ToString(), customer_id.ToString());
}

}  // namespace florin::accounts::rows
