#include "services/payments/rpc/charge_protos.h"

#include <string>
#include <utility>

#include "libs/audit/call_origin.h"
#include "services/payments/domain/request.h"

namespace florin::payments {

void SetAmount(std::int64_t minor_units, const Payment& payment, money::v1::Money& out) {
  out.set_currency(std::string(payment.amount.currency.code()));
  out.set_minor_units(minor_units);
}

absl::StatusOr<std::int64_t> ParseAmount(bool set, const money::v1::Money& amount,
                                         const Payment& payment) {
  if (!set) return 0;
  FLORIN_ASSIGN_OR_RETURN(const Money parsed, CheckAmount(amount.currency(), amount.minor_units()));
  if (parsed.currency != payment.amount.currency) {
    return Error(Reason::kCurrencyMismatch, "the payment has another currency",
                 {.param = "amount.currency"});
  }
  return parsed.minor_units;
}

Task<absl::StatusOr<ChargeSteps::Outcome>> RunStep(ChargeSteps& steps, rpc::Call& call, Step step) {
  absl::StatusOr<ChargeSteps::Outcome> outcome =
      co_await steps.Run(std::move(step), call.idempotency_key(), audit::OriginOfCall(call));
  if (outcome.ok() && outcome->replayed) call.MarkReplayed();
  co_return outcome;
}

}  // namespace florin::payments
