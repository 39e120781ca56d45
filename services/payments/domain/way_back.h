// How much of a payment's money goes back when a part of its amount does. Pure.
#pragma once

#include <optional>

#include "services/payments/domain/payment.h"

namespace florin::payments {

// The part of the payment's amount that is the payee's; nothing if he is none of several payees.
// Fees are his to bear: what he gives back is not less for them.
std::optional<std::int64_t> ShareOf(const Payment& payment, const Uuid& payee_account_id);

// What has to have come back of a conversion once `back_minor` of what was sold (0 to all of it) is
// back with the payer: at the rate of the payment, to the minor unit. Of the payee's it is rounded
// up, so that the house never lends him a unit, of the house's own down; all of it where all is
// back, whatever parts it came in.
Returned ReturnedAt(const Payment& payment, std::int64_t back_minor);

// What the next part brings: what is missing from `goal`, which is never less than nothing.
Returned MissingFrom(const Returned& goal, const Returned& so_far);
Returned Sum(const Returned& a, const Returned& b);
Returned Difference(const Returned& a, const Returned& b);

}  // namespace florin::payments
