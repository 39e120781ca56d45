// A statement as PDF, to print and keep.
#pragma once

#include <string>

#include "services/accounts/domain/account_statement.h"

namespace florin::accounts {

// A4 pages with the facts, the balances, a table of the entries with the balance after each, and
// page numbers. Text can be selected and copied. `font`: a TrueType file, embedded as far as it is
// used; characters that it lacks are empty boxes, and right-to-left scripts are not shaped. Errors:
// kInternal if the font cannot be read or the document not be made. Thread-safe.
absl::StatusOr<std::string> StatementPdf(const StatementFacts& facts,
                                         const AccountStatement& statement,
                                         const std::string& font);

}  // namespace florin::accounts
