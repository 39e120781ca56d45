#include "services/payments/domain/recovery_failure.h"

namespace florin::payments {
namespace {

constexpr absl::Duration kFirstPause = absl::Seconds(3);

}  // namespace

std::optional<absl::Duration> RestAfter(int failures) {
  if (failures >= kMostFailures) return std::nullopt;
  return kFirstPause * (1 << (failures - 1));
}

}  // namespace florin::payments
