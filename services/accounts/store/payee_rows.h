// Rows of payees as values, and their end with a customer. Only for the pg_*.cc of this directory.
#pragma once

#include <string_view>
#include <vector>

#include <pqxx/pqxx>

#include "libs/pg/pool.h"
#include "services/accounts/domain/payee.h"
#include "services/accounts/store/customer_rows.h"

// Of `payees AS p` and its customer `customers AS c`, as ReadPayee expects them.
#define FLORIN_PAYEE_COLUMNS \
  "p.payee_id, p.user_id, p.customer_id, p.account_id, " FLORIN_HEX("p.details_sealed") \
  ", p.name_match, p.state, " FLORIN_MICROS("p.create_time") ", "                       \
  FLORIN_MICROS("p.usable_time") ", " FLORIN_HEX("c.data_key")

namespace florin::accounts::rows {

inline constexpr int kPayeeColumns = 10;
inline constexpr std::string_view kPayeeDetails = "payees.details_sealed";

// Error: kInternal if something does not open.
absl::StatusOr<Payee> ReadPayee(const pqxx::row& row, PersonalData& data);

// What ErasePayees prepares.
std::vector<pg::Statement> ErasePayeeStatements();
void ErasePayees(pqxx::work& transaction, const Uuid& user_id, const Uuid& customer_id);

}  // namespace florin::accounts::rows
