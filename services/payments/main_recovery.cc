#include "services/payments/main_recovery.h"

#include <utility>

namespace florin::payments {
namespace {

Task<absl::Status> Round(Recovery& recovery, ChargeRecovery& charges) {
  const absl::StatusOr<int> payments = co_await recovery.RunOnce();
  const absl::StatusOr<int> steps = co_await charges.RunOnce();
  co_return payments.ok() ? steps.status() : payments.status();
}

}  // namespace

RecoveryParts::RecoveryParts(Executor executor, Recovery recovery, ChargeRecovery& charges)
    : recovery_(recovery),
      charges_(charges),
      worker_(std::move(executor), [this] { return Round(recovery_, charges_); }) {}

}  // namespace florin::payments
