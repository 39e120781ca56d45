// The rules of opening books and accounts. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "services/ledger/domain/values.h"

namespace florin::ledger {

// Whether a book can have this name: 1 to 64 characters of [a-z0-9_.-].
bool IsBookName(std::string_view name);

// kBookNotFound, as everything here answers it.
absl::Status BookNotFound();
// The same of a name that no book can have.
absl::Status CheckBook(std::string_view name);

// Limits make sense together: both at once would allow no entry at all; a credit line widens
// `debits_must_not_exceed_credits`, so it needs it, and is zero or more. Error: kInvalidLimits with
// the field's name as `param`.
absl::Status CheckTerms(const AccountTerms& terms);

// The name of the first field in which two openings of the same account differ; nothing if they are
// the same.
std::optional<std::string> FirstDifference(const AccountTerms& first, const AccountTerms& second);

}  // namespace florin::ledger
