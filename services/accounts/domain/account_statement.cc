#include "services/accounts/domain/account_statement.h"

#include <optional>

#include "libs/money/money.h"

namespace florin::accounts {
namespace {

absl::Status Invalid(std::string_view param, std::string_view what) {
  return Error(Reason::kInvalidField, std::string(what), {.param = std::string(param)});
}

std::optional<int> ReadDigits(std::string_view text) {
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

void Count(std::int64_t amount_minor, AccountStatement& statement) {
  // Sums over an account's entries fit: its counters, which are sums over more, do.
  if (amount_minor < 0) {
    ++statement.debits.count;
    statement.debits.total_minor -= amount_minor;
  } else {
    ++statement.credits.count;
    statement.credits.total_minor += amount_minor;
  }
}

}  // namespace

absl::StatusOr<absl::CivilDay> ParseDate(std::string_view text, std::string_view param) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') {
    return Invalid(param, "a date like 2026-02-28");
  }
  const std::optional<int> year = ReadDigits(text.substr(0, 4));
  const std::optional<int> month = ReadDigits(text.substr(5, 2));
  const std::optional<int> day = ReadDigits(text.substr(8, 2));
  if (!year || !month || !day || *year < 1970) return Invalid(param, "a date like 2026-02-28");
  const absl::CivilDay date(*year, *month, *day);
  // The constructor makes 1 March of 29 February 2026.
  if (date.year() != *year || date.month() != *month || date.day() != *day) {
    return Invalid(param, "the calendar has no such day");
  }
  return date;
}

absl::StatusOr<StatementPeriod> ParseStatementPeriod(std::string_view first_date,
                                                     std::string_view last_date) {
  StatementPeriod period;
  FLORIN_ASSIGN_OR_RETURN(period.first, ParseDate(first_date, "first_date"));
  FLORIN_ASSIGN_OR_RETURN(period.last, ParseDate(last_date, "last_date"));
  if (period.last < period.first) return Invalid("last_date", "it is before first_date");
  if (period.last - period.first >= kLongestStatementDays) {
    return Invalid("last_date", "a statement covers 366 days at most");
  }
  return period;
}

std::string DateText(absl::CivilDay day) { return absl::FormatCivilTime(day); }

Instants InstantsOf(const StatementPeriod& period, absl::TimeZone zone) {
  // FromCivil() gives the first instant at or after midnight, and of two midnights the earlier one.
  return {.from = absl::FromCivil(period.first, zone),
          .until = absl::FromCivil(period.last + 1, zone)};
}

absl::StatusOr<AccountStatement> MakeStatement(std::int64_t opening_minor,
                                               std::vector<BookedEntry> entries) {
  AccountStatement statement{.opening_minor = opening_minor, .closing_minor = opening_minor};
  for (const BookedEntry& entry : entries) {
    const auto balance = CheckedAdd(statement.closing_minor, entry.amount_minor);
    if (!balance || *balance != entry.balance_after_minor) {
      return Error(Reason::kInternal, "the ledger's entries do not add up");
    }
    statement.closing_minor = *balance;
    Count(entry.amount_minor, statement);
  }
  statement.entries = std::move(entries);
  return statement;
}

}  // namespace florin::accounts
