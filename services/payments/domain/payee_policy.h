// Whom a payer may pay, where a deployment asks that payees are saved first (docs/payees.md).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "absl/time/time.h"
#include "libs/money/money.h"
#include "libs/status/status.h"

namespace florin::payments {

// Whom payouts may go to.
enum class PayoutPayees {
  kAnybody,
  kApproved,  // Whoever was not saved, or is new, only with the payer's approval, whatever exempts
              // it.
  kSaved,     // Only who was saved, and is not new.
};
// "anybody", "approved", "saved". Error: kInvalidField.
absl::StatusOr<PayoutPayees> ParsePayoutPayees(std::string_view text);

struct PayeePolicy {
  bool required = false;  // Of transfers.
  PayoutPayees payouts = PayoutPayees::kAnybody;
  // What a payee may be paid at once before its cooling-off time is over, in minor units: nothing
  // in a currency that is not there.
  std::map<Currency, std::int64_t> while_cooling_off = {};
};

// "CURRENCY:MINOR_UNITS,…", empty for none. Error: kInvalidField.
absl::StatusOr<std::map<Currency, std::int64_t>> ParseAmounts(std::string_view text);

// Whether a payee of somebody else may be paid `amount`. `usable_time`: of the saved payee, nothing
// if there is none. Errors: kPayeeNotFound; kPayeeCoolingOff with metadata `usable_time`.
absl::Status CheckSaved(const PayeePolicy& policy, std::optional<absl::Time> usable_time,
                        const Money& amount, absl::Time now);

// The same of a payout: whether its payer must approve it whatever exempts it. Errors, of kSaved:
// kPayeeRequired; kPayeeCoolingOff with metadata `usable_time`; both with param `beneficiary`.
absl::StatusOr<bool> NeedsApproval(const PayeePolicy& policy, std::optional<absl::Time> usable_time,
                                   const Money& amount, absl::Time now);

}  // namespace florin::payments
