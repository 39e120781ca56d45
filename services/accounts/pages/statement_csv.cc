#include "services/accounts/pages/statement_csv.h"

#include "absl/strings/str_cat.h"
#include "libs/money/decimal_text.h"

namespace florin::accounts {
namespace {

constexpr char kNames[] =
    "type,booking_date,value_date,amount,currency,balance,transaction_id,payment_id,version\r\n";

}  // namespace

std::string StatementCsv(const StatementFacts& facts, const AccountStatement& statement) {
  const Currency& currency = facts.currency;
  const std::string code(currency.code());
  std::string csv = kNames;
  absl::StrAppend(&csv, "OPBD,", DateText(facts.period.first), ",,,", code, ",",
                  DecimalText(statement.opening_minor, currency), ",,,\r\n");
  for (const BookedEntry& entry : statement.entries) {
    absl::StrAppend(&csv, entry.amount_minor < 0 ? "DBIT," : "CRDT,",
                    DateText(absl::ToCivilDay(entry.booking_time, facts.zone)), ",",
                    DateText(absl::ToCivilDay(entry.value_time, facts.zone)), ",",
                    DecimalText(entry.amount_minor, currency), ",", code, ",",
                    DecimalText(entry.balance_after_minor, currency), ",");
    absl::StrAppend(&csv, entry.transaction_id, ",", entry.payment_id, ",", entry.version, "\r\n");
  }
  absl::StrAppend(&csv, "CLBD,", DateText(facts.period.last), ",,,", code, ",",
                  DecimalText(statement.closing_minor, currency), ",,,\r\n");
  return csv;
}

}  // namespace florin::accounts
