#include "services/auth/flow/oauth_cleanup.h"

#include "libs/telemetry/metrics.h"

namespace florin::auth {

Task<absl::Status> OAuthCleanup::RunOnce() {
  const absl::Time now = clock_.Now();
  while (true) {
    const absl::StatusOr<int> deleted = co_await store_.DeleteExpired(now, batch_);
    if (!deleted.ok()) co_return deleted.status();
    if (*deleted == 0) co_return absl::OkStatus();
    telemetry::Count("florin_auth_oauth_rows_deleted_total", {}, *deleted);
  }
}

}  // namespace florin::auth
