// What the services of a payment's later life have in common on the wire.
#pragma once

#include <string>
#include <vector>

#include "florin/money/v1/money.pb.h"
#include "libs/rpc/context.h"
#include "services/payments/flow/charge_steps.h"

namespace florin::payments {

void SetAmount(std::int64_t minor_units, const Payment& payment, money::v1::Money& out);

// The amount of a step of `payment`, 0 for one that is unset: all that is left. Errors:
// kUnknownCurrency, kInvalidAmount, kCurrencyMismatch.
absl::StatusOr<std::int64_t> ParseAmount(bool set, const money::v1::Money& amount,
                                         const Payment& payment);

// The payee whom a refund or dispute of a payment to several is about: the one named, which is one
// of `accounts`, or the only one of these. Nil where the payment has one payee, who may be named,
// too. Errors, with param `account_id`: kInvalidId; kInvalidField where none is named and several
// could be meant; kAccountNotFound for another than these.
absl::StatusOr<Uuid> ParsePayee(const std::string& account_id, const Payment& payment,
                                const std::vector<Uuid>& accounts);

// Runs the step for its caller, and marks the answer if the key stood for it before.
Task<absl::StatusOr<ChargeSteps::Outcome>> RunStep(ChargeSteps& steps, rpc::Call& call, Step step);

}  // namespace florin::payments
