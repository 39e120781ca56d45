#include "services/accounts/store/pg_sealing.h"

#include <functional>
#include <string>
#include <utility>

#include "libs/crypto/sha256.h"
#include "libs/telemetry/log.h"
#include "services/accounts/store/customer_rows.h"

namespace florin::accounts {
namespace {

constexpr int kAtOnce = 100;

// Customers who have a plain name somewhere: their own, or an account's.
constexpr char kClaimPlain[] =
    "SELECT user_id, customer_id, " FLORIN_HEX("data_key")
    " FROM customers WHERE state <> 'erased' AND customer_id IN ("
    "  SELECT customer_id FROM customers WHERE display_name IS NOT NULL "
    "  UNION SELECT customer_id FROM accounts WHERE display_name IS NOT NULL) "
    "LIMIT $1::integer FOR NO KEY UPDATE SKIP LOCKED";

// On either side of the current key in the index.
#define FLORIN_CLAIM_KEYS(relation) \
  "SELECT user_id, customer_id, " FLORIN_HEX("data_key") " FROM customers "               \
  "WHERE data_key_id " relation " $1 ORDER BY data_key_id LIMIT $2::integer "             \
  "FOR NO KEY UPDATE SKIP LOCKED"
constexpr char kClaimKeysBelow[] = FLORIN_CLAIM_KEYS("<");
constexpr char kClaimKeysAbove[] = FLORIN_CLAIM_KEYS(">");

constexpr char kReseal[] =
    "UPDATE customers SET data_key = " FLORIN_OCTETS("$3") ", data_key_id = $4 "
    "WHERE user_id = $1::uuid AND customer_id = $2::uuid";

}  // namespace

std::vector<pg::Statement> PgSealing::Statements() {
  return {{"claim_plain", kClaimPlain},
          {"claim_keys_below", kClaimKeysBelow},
          {"claim_keys_above", kClaimKeysAbove},
          {"reseal", kReseal}};
}

Task<absl::StatusOr<int>> PgSealing::SealSome() {
  std::function<absl::StatusOr<int>(pqxx::work&)> work =
      [this](pqxx::work& transaction) -> absl::StatusOr<int> {
    int count = 0;
    for (const auto& row : transaction.exec_prepared("claim_plain", kAtOnce)) {
      FLORIN_ASSIGN_OR_RETURN(const Uuid user_id, Uuid::Parse(row[0].c_str()));
      FLORIN_ASSIGN_OR_RETURN(const Uuid customer_id, Uuid::Parse(row[1].c_str()));
      FLORIN_RETURN_IF_ERROR(
          rows::SealCustomer(transaction, data_, user_id, customer_id, rows::OctetsOf(row[2]))
              .status());
      ++count;
    }
    return count;
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<int>> PgSealing::ResealSome(const char* statement) {
  std::function<absl::StatusOr<int>(pqxx::work&)> work =
      [this, statement](pqxx::work& transaction) -> absl::StatusOr<int> {
    int count = 0;
    for (const auto& row : transaction.exec_prepared(statement, data_.ring_id(), kAtOnce)) {
      FLORIN_ASSIGN_OR_RETURN(const Uuid customer_id, Uuid::Parse(row[1].c_str()));
      const absl::StatusOr<PersonalData::SealedKey> key =
          data_.Reseal(customer_id, rows::OctetsOf(row[2]));
      if (!key.ok()) {  // It must not hold up the others.
        telemetry::Log(telemetry::Severity::kError, "a customer's key does not open",
                       {{"customer_id", FormatId(IdKind::kCustomer, customer_id)}});
        continue;
      }
      transaction.exec_prepared("reseal", row[0].c_str(), row[1].c_str(), crypto::Hex(key->sealed),
                                key->ring_id);
      ++count;
    }
    return count;
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<int>> PgSealing::RunOnce() {
  data_.Sweep();
  int sealed = 0;
  for (const char* statement : {"", "claim_keys_below", "claim_keys_above"}) {
    int some = kAtOnce;
    while (some == kAtOnce) {
      absl::StatusOr<int> more = 0;
      if (*statement == '\0') {
        more = co_await SealSome();
      } else {
        more = co_await ResealSome(statement);
      }
      if (!more.ok()) {
        telemetry::Log(telemetry::Severity::kWarning, "personal data could not be sealed",
                       {{"error", std::string(more.status().message())}});
        co_return more.status();
      }
      some = *more;
      sealed += some;
    }
  }
  if (sealed > 0) {
    telemetry::Log(telemetry::Severity::kInfo, "sealed personal data under the current key",
                   {{"customers", std::to_string(sealed)}});
  }
  co_return sealed;
}

}  // namespace florin::accounts
