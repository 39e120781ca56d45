// A statement as CSV (RFC 4180), for programs and spreadsheets.
#pragma once

#include <string>

#include "services/accounts/domain/account_statement.h"

namespace florin::accounts {

// A line of names, then a line for each entry, oldest first, ended by CRLF; the first line of
// figures is the opening balance and the last the closing one (`OPBD`, `CLBD`). Amounts are decimal
// with a sign; nothing is quoted, since no field has commas, quotes or what a spreadsheet takes for
// a formula: names of people are not in it.
std::string StatementCsv(const StatementFacts& facts, const AccountStatement& statement);

}  // namespace florin::accounts
