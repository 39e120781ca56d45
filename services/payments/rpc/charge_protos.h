// What the services of a payment's later life have in common on the wire.
#pragma once

#include "florin/money/v1/money.pb.h"
#include "libs/rpc/context.h"
#include "services/payments/flow/charge_steps.h"

namespace florin::payments {

void SetAmount(std::int64_t minor_units, const Payment& payment, money::v1::Money& out);

// The amount of a step of `payment`, 0 for one that is unset: all that is left. Errors:
// kUnknownCurrency, kInvalidAmount, kCurrencyMismatch.
absl::StatusOr<std::int64_t> ParseAmount(bool set, const money::v1::Money& amount,
                                         const Payment& payment);

// Runs the step for its caller, and marks the answer if the key stood for it before.
Task<absl::StatusOr<ChargeSteps::Outcome>> RunStep(ChargeSteps& steps, rpc::Call& call, Step step);

}  // namespace florin::payments
