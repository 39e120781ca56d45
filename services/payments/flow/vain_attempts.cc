#include "services/payments/flow/vain_attempts.h"

#include <utility>

#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"
#include "services/payments/flow/settlement.h"

namespace florin::payments {

Task<absl::Status> VainAttempts::Record(std::vector<VainAttempt> attempts) {
  if (attempts.empty()) co_return absl::OkStatus();
  const absl::StatusOr<std::vector<Discrepancy>> parked =
      co_await store_.RecordFailures(std::move(attempts), NowInMicroseconds(clock_));
  if (!parked.ok()) co_return parked.status();
  for (const Discrepancy& one : *parked) {
    telemetry::Count("florin_payments_parked_total", {});
    telemetry::Log(telemetry::Severity::kError, "recovery has given up on a payment",
                   {{"payment_id", FormatId(IdKind::kPayment, one.payment_id)},
                    {"discrepancy_id", FormatId(IdKind::kDiscrepancy, one.discrepancy_id)},
                    {"reason", one.found},
                    {"at_risk_minor", std::to_string(one.at_risk_minor)},
                    {"currency", one.currency ? std::string(one.currency->code()) : ""}});
  }
  co_return absl::OkStatus();
}

}  // namespace florin::payments
