#include "services/accounts/store/customer_rows.h"

#include <utility>

#include "absl/strings/escaping.h"

namespace florin::accounts::rows {
namespace {

// FOR UPDATE: an account that is being opened holds its customer's row.
constexpr char kSealCustomer[] =
    "UPDATE customers SET display_name = NULL, display_name_sealed = " FLORIN_OCTETS("$3")
    ", data_key = " FLORIN_OCTETS("$4") ", data_key_id = $5, fingerprint = " FLORIN_OCTETS("$6")
    " WHERE user_id = $1::uuid AND customer_id = $2::uuid";

constexpr char kPlainCustomer[] =
    "SELECT display_name, " FLORIN_HEX("fingerprint")
    " FROM customers WHERE user_id = $1::uuid AND customer_id = $2::uuid "
    "AND display_name IS NOT NULL";

constexpr char kPlainAccounts[] =
    "SELECT account_id, display_name, " FLORIN_HEX("fingerprint")
    " FROM accounts WHERE user_id = $1::uuid AND customer_id = $2::uuid "
    "AND display_name IS NOT NULL";

constexpr char kSealAccount[] =
    "UPDATE accounts SET display_name = NULL, display_name_sealed = " FLORIN_OCTETS(
        "$2") ", fingerprint = " FLORIN_OCTETS("$3") " WHERE account_id = $1::uuid";

// A name from its plain column, or opened.
absl::StatusOr<std::string> NameIn(const pqxx::field& plain, const pqxx::field& sealed,
                                   const pqxx::field& data_key, std::string_view column,
                                   const Uuid& customer_id, const Uuid& row, PersonalData& data) {
  if (!plain.is_null()) return std::string(plain.c_str());
  if (sealed.is_null()) return std::string();
  FLORIN_ASSIGN_OR_RETURN(const CustomerKey key, data.KeyOf(customer_id, OctetsOf(data_key)));
  return key.Open(OctetsOf(sealed), column, row);
}

}  // namespace

std::string OctetsOf(const pqxx::field& field) {
  return field.is_null() ? std::string() : absl::HexStringToBytes(field.c_str());
}

absl::Time TimeOf(const pqxx::field& field) {
  return absl::FromUnixMicros(field.as<std::int64_t>());
}

absl::StatusOr<Customer> ReadCustomer(const pqxx::row& row, PersonalData& data) {
  Customer customer{.create_time = TimeOf(row[8])};
  FLORIN_ASSIGN_OR_RETURN(customer.customer_id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(customer.user_id, Uuid::Parse(row[1].c_str()));
  FLORIN_ASSIGN_OR_RETURN(customer.display_name,
                          NameIn(row[2], row[3], row[4], kCustomerName, customer.customer_id,
                                 customer.customer_id, data));
  FLORIN_ASSIGN_OR_RETURN(customer.state, ParseCustomerState(row[5].c_str()));
  FLORIN_ASSIGN_OR_RETURN(customer.kind, ParseCustomerKind(row[6].c_str()));
  FLORIN_ASSIGN_OR_RETURN(customer.kyc_level, ParseKycLevel(row[7].c_str()));
  return customer;
}

absl::StatusOr<Account> ReadAccount(const pqxx::row& row, PersonalData& data) {
  FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(row[3].c_str()));
  Account account{.currency = currency, .create_time = TimeOf(row[5])};
  FLORIN_ASSIGN_OR_RETURN(account.account_id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(account.user_id, Uuid::Parse(row[1].c_str()));
  FLORIN_ASSIGN_OR_RETURN(account.customer_id, Uuid::Parse(row[2].c_str()));
  FLORIN_ASSIGN_OR_RETURN(account.state, ParseAccountState(row[4].c_str()));
  FLORIN_ASSIGN_OR_RETURN(account.kind, ParseAccountKind(row[9].c_str()));
  account.book = row[10].c_str();  // Empty for NULL.
  FLORIN_ASSIGN_OR_RETURN(
      account.display_name,
      NameIn(row[6], row[7], row[8], kAccountName, account.customer_id, account.account_id, data));
  return account;
}

absl::StatusOr<std::vector<Account>> ReadAccounts(const pqxx::result& rows, PersonalData& data) {
  std::vector<Account> accounts;
  accounts.reserve(rows.size());
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(Account account, ReadAccount(row, data));
    accounts.push_back(std::move(account));
  }
  return accounts;
}

std::vector<pg::Statement> SealStatements() {
  return {{"seal_customer", kSealCustomer},
          {"plain_customer", kPlainCustomer},
          {"plain_accounts", kPlainAccounts},
          {"seal_account", kSealAccount}};
}

absl::StatusOr<CustomerKey> SealCustomer(pqxx::work& transaction, PersonalData& data,
                                         const Uuid& user_id, const Uuid& customer_id,
                                         const std::string& data_key) {
  const std::string user = user_id.ToString();
  const std::string customer = customer_id.ToString();
  PersonalData::NewKey made = data.MakeKey(customer_id);
  if (!data_key.empty()) {
    FLORIN_ASSIGN_OR_RETURN(made.key, data.KeyOf(customer_id, data_key));
  }
  const pqxx::result plain = transaction.exec_prepared("plain_customer", user, customer);
  if (!plain.empty()) {
    const std::string name = made.key.Seal(plain[0][0].c_str(), kCustomerName, customer_id);
    // A fingerprint of a plain row is no HMAC yet.
    const std::string fingerprint = data.FingerprintOf(OctetsOf(plain[0][1]));
    transaction.exec_prepared("seal_customer", user, customer, crypto::Hex(name),
                              crypto::Hex(made.kept.sealed), made.kept.ring_id,
                              crypto::Hex(fingerprint));
  }
  for (const auto& row : transaction.exec_prepared("plain_accounts", user, customer)) {
    FLORIN_ASSIGN_OR_RETURN(const Uuid account_id, Uuid::Parse(row[0].c_str()));
    const std::string name = made.key.Seal(row[1].c_str(), kAccountName, account_id);
    const std::string fingerprint = data.FingerprintOf(OctetsOf(row[2]));
    transaction.exec_prepared("seal_account", account_id.ToString(), crypto::Hex(name),
                              crypto::Hex(fingerprint));
  }
  return made.key;
}

audit::Event Once(std::string action, std::string subject, const Uuid& user_id, absl::Time time,
                  const audit::Origin& origin) {
  audit::Event event;
  event.event_id = DeriveId("florin." + action, subject);
  event.time = time;
  event.action = std::move(action);
  event.actor = FormatId(IdKind::kUser, user_id);
  event.subject = std::move(subject);
  event.origin = origin;
  return event;
}

absl::Status CustomerNotFound() {
  return Error(Reason::kCustomerNotFound, "no such customer", {.param = "customer_id"});
}

}  // namespace florin::accounts::rows
