// Rows of holders as values, and their end with a customer. Only for the pg_*.cc of this directory.
#pragma once

#include <string>
#include <vector>

#include <pqxx/pqxx>

#include "libs/audit/event.h"
#include "libs/pg/pool.h"
#include "services/accounts/domain/holder.h"
#include "services/accounts/store/customer_rows.h"

// Of `holders AS h`, as ReadHolder expects them.
#define FLORIN_HOLDER_COLUMNS                                             \
  "h.holder_id, h.account_id, h.user_id, h.role, h.state, h.invited_by, " \
  "h.customer_id, " FLORIN_MICROS("h.create_time") ", " FLORIN_MICROS("h.update_time")

namespace florin::accounts::rows {

inline constexpr int kHolderColumns = 9;

// Error: kInternal.
absl::StatusOr<Holder> ReadHolder(const pqxx::row& row);
absl::StatusOr<std::vector<Holder>> ReadHolders(const pqxx::result& rows);

// What EndHoldings prepares.
std::vector<pg::Statement> EndHoldingStatements();
// Ends whatever others hold of the customer's accounts, and whatever it holds of others': each is
// an event accounts.holder.end of the account.
absl::Status EndHoldings(pqxx::work& transaction, const Uuid& user_id, const Uuid& customer_id,
                         absl::Time now, const audit::Origin& origin,
                         std::vector<audit::Event>& events);

}  // namespace florin::accounts::rows
