// Rows of customers and accounts, sealed and from before they were, as values. Only for the pg_*.cc
// of this directory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <pqxx/pqxx>

#include "libs/audit/event.h"
#include "libs/pg/pool.h"
#include "services/accounts/domain/account.h"
#include "services/accounts/store/personal_data.h"
#include "services/accounts/store/store.h"

// Times travel as microseconds since the epoch, octets as hexadecimal digits; no digits are NULL.
#define FLORIN_TIME(micros) "(timestamptz 'epoch' + " micros " * interval '1 microsecond')"
#define FLORIN_MICROS(column) "(extract(epoch FROM " column ") * 1000000)::bigint"
#define FLORIN_HEX(column) "encode(" column ", 'hex')"
#define FLORIN_OCTETS(parameter) "decode(nullif(" parameter "::text, ''), 'hex')"

// Of `accounts AS a` with `customers AS c`: open, or closed by itself.
#define FLORIN_SHOWN_ACCOUNT \
  "(a.state = 'open' OR a.state = 'closed' AND c.state IN ('active', 'suspended'))"

// Of `customers AS c`, as ReadCustomer expects them; of `accounts AS a` and its customer, as
// ReadAccount does.
#define FLORIN_CUSTOMER_COLUMNS \
  "c.customer_id, c.user_id, c.display_name, " FLORIN_HEX("c.display_name_sealed") ", "        \
  FLORIN_HEX("c.data_key") ", c.state, c.kind, c.kyc_level, " FLORIN_MICROS("c.create_time")
#define FLORIN_ACCOUNT_COLUMNS \
  "a.account_id, a.user_id, a.customer_id, a.currency, a.state, " FLORIN_MICROS(               \
      "a.create_time") ", a.display_name, " FLORIN_HEX("a.display_name_sealed") ", "           \
  FLORIN_HEX("c.data_key") ", a.kind, a.book"

namespace florin::accounts::rows {

inline constexpr int kCustomerColumns = 9;
inline constexpr int kAccountColumns = 11;
inline constexpr std::string_view kCustomerName = "customers.display_name_sealed";
inline constexpr std::string_view kCustomerProfile = "customers.profile_sealed";
inline constexpr std::string_view kAccountName = "accounts.display_name_sealed";

// Empty for NULL.
std::string OctetsOf(const pqxx::field& field);
absl::Time TimeOf(const pqxx::field& field);

// The name of an erased customer, and of its accounts, is empty. Error: kInternal if something does
// not open.
absl::StatusOr<Customer> ReadCustomer(const pqxx::row& row, PersonalData& data);
absl::StatusOr<Account> ReadAccount(const pqxx::row& row, PersonalData& data);
absl::StatusOr<std::vector<Account>> ReadAccounts(const pqxx::result& rows, PersonalData& data);

// What SealCustomer prepares.
std::vector<pg::Statement> SealStatements();
// Seals the names of a customer and its accounts that are still plain, whose row this transaction
// has locked; gives the customer's key. `data_key` as the row has it, empty if it has none.
absl::StatusOr<CustomerKey> SealCustomer(pqxx::work& transaction, PersonalData& data,
                                         const Uuid& user_id, const Uuid& customer_id,
                                         const std::string& data_key);

// The event of something that happens once to the subject.
audit::Event Once(std::string action, std::string subject, const Uuid& user_id, absl::Time time,
                  const audit::Origin& origin);

absl::Status CustomerNotFound();

}  // namespace florin::accounts::rows
