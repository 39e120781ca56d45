// The rules of opening accounts. Pure.
#pragma once

#include <optional>
#include <string>

#include "services/ledger/domain/values.h"

namespace florin::ledger {

// Limits make sense together: both at once would allow no entry at all; a credit line widens
// `debits_must_not_exceed_credits`, so it needs it, and is zero or more. Error: kInvalidLimits with
// the field's name as `param`.
absl::Status CheckTerms(const AccountTerms& terms);

// The name of the first field in which two openings of the same account differ; nothing if they are
// the same.
std::optional<std::string> FirstDifference(const AccountTerms& first, const AccountTerms& second);

}  // namespace florin::ledger
