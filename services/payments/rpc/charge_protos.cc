#include "services/payments/rpc/charge_protos.h"

#include <algorithm>
#include <utility>

#include "libs/audit/call_origin.h"
#include "libs/telemetry/trace_context.h"
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

absl::StatusOr<Uuid> ParsePayee(const std::string& account_id, const Payment& payment,
                                const std::vector<Uuid>& accounts) {
  const bool several = HasSeveralPayees(payment);
  if (!account_id.empty()) {
    FLORIN_ASSIGN_OR_RETURN(const Uuid named, ParseId(IdKind::kAccount, account_id, "account_id"));
    if (std::ranges::count(accounts, named) == 0) {
      return Error(Reason::kAccountNotFound, "no payee of this payment", {.param = "account_id"});
    }
    return several ? named : Uuid();
  }
  if (!several) return Uuid();
  if (accounts.size() == 1) return accounts.front();
  return Error(Reason::kInvalidField, "the payment has several payees: name one",
               {.param = "account_id"});
}

Task<absl::StatusOr<ChargeSteps::Outcome>> RunStep(ChargeSteps& steps, rpc::Call& call, Step step) {
  step.trace_id = telemetry::TraceIdOf(call.traceparent());
  absl::StatusOr<ChargeSteps::Outcome> outcome =
      co_await steps.Run(std::move(step), call.idempotency_key(), audit::OriginOfCall(call));
  if (outcome.ok() && outcome->replayed) call.MarkReplayed();
  co_return outcome;
}

}  // namespace florin::payments
