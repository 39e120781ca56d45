// What stores of limits have in common. Only for sources of payments' store.
#pragma once

#include "services/payments/store/limit_store.h"

namespace florin::payments {

// What the audit trail says of a change that left `limit`.
audit::Event EventOf(const LimitChange& change, const Limit& limit);

absl::Status LimitNotFound();
absl::Status TooManyLimits();
absl::Status TooManyMaxima();

// Whether both count against kMostLimitsAlike together.
bool AreAlike(const Limit& one, const Limit& other);

}  // namespace florin::payments
