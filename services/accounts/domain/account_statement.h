// The statement of an account over some days, as ISO 20022 camt.053 (BankToCustomerStatement) has
// it: opening balance + entries = closing balance, entry by entry.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/money/currency.h"
#include "libs/status/status.h"

namespace florin::accounts {

inline constexpr int kLongestStatementDays = 366;
inline constexpr int kMostStatementEntries = 10'000;

// Whole days, the first and the last included.
struct StatementPeriod {
  absl::CivilDay first;
  absl::CivilDay last;

  friend bool operator==(const StatementPeriod&, const StatementPeriod&) = default;
};

// From dates like 2026-02-28. Error: kInvalidField, with param `first_date` or `last_date`, for
// what is no date of the calendar from year 1970 to 9999, for a period that ends before it begins
// or has more than kLongestStatementDays.
absl::StatusOr<StatementPeriod> ParseStatementPeriod(std::string_view first_date,
                                                     std::string_view last_date);
// A date like 2026-02-28 of the calendar from year 1970 to 9999. Error: kInvalidField with `param`.
absl::StatusOr<absl::CivilDay> ParseDate(std::string_view text, std::string_view param);
// "2026-02-28"
std::string DateText(absl::CivilDay day);

// The instants of a period where `zone` is on the clock: from, and before. Days of 23 and 25 hours
// included; where midnight does not exist, the day begins at the first instant that does.
struct Instants {
  absl::Time from;
  absl::Time until;

  friend bool operator==(const Instants&, const Instants&) = default;
};
Instants InstantsOf(const StatementPeriod& period, absl::TimeZone zone);

// One booking, in minor units.
struct BookedEntry {
  std::int64_t version = 0;  // Its place in the account's history.
  std::string transaction_id;
  std::string payment_id;         // Empty unless a payment caused it.
  std::int64_t amount_minor = 0;  // Positive: credit, money came in. Negative: debit.
  std::int64_t balance_after_minor = 0;
  absl::Time booking_time;  // Of the commit.
  absl::Time value_time;    // Of the business, may be earlier.

  friend bool operator==(const BookedEntry&, const BookedEntry&) = default;
};

struct EntrySum {
  std::int64_t count = 0;
  std::int64_t total_minor = 0;  // Zero or more.

  friend bool operator==(const EntrySum&, const EntrySum&) = default;
};

struct AccountStatement {
  std::int64_t opening_minor = 0;
  std::int64_t closing_minor = 0;
  EntrySum credits;
  EntrySum debits;
  std::vector<BookedEntry> entries;  // Oldest first.
};

// Of an account that had `opening_minor` before the first of `entries`, which are oldest first.
// Error: kInternal unless each balance is the one before plus the entry's amount: then the ledger
// was read wrongly, or altered, and nothing may be shown.
absl::StatusOr<AccountStatement> MakeStatement(std::int64_t opening_minor,
                                               std::vector<BookedEntry> entries);

// What a statement says beside its figures.
struct StatementFacts {
  Uuid account_id;
  std::string account_name;  // As the holder named it; may be empty. Personal data.
  std::string holder_name;   // Personal data.
  Currency currency;
  StatementPeriod period;
  std::string time_zone;  // Its IANA name.
  absl::TimeZone zone;
  absl::Time create_time;
};

}  // namespace florin::accounts
