#include "services/gateway/http/registered_origins.h"

#include <utility>

#include "florin/auth/v1/clients.rpc.h"
#include "libs/async/runtime.h"
#include "libs/telemetry/metrics.h"

namespace florin::gateway {
namespace {

constexpr absl::Duration kBetween = absl::Seconds(10);
constexpr absl::Duration kAfterFailure = absl::Seconds(1);

}  // namespace

bool RegisteredOrigins::Allows(const std::string& origin) const {
  const std::lock_guard lock(mutex_);
  return origins_.contains(origin);
}

Task<absl::Status> RegisteredOrigins::Learn(rpc::Channel& auth) {
  const auth::v1::ClientsClient clients(&auth);
  const auth::v1::ListCorsOriginsRequest request;
  rpc::Outgoing context;
  const auto response = co_await clients.ListCorsOrigins(std::move(context), request);
  if (!response.ok()) co_return response.status();
  absl::flat_hash_set<std::string> origins(response->origins().begin(), response->origins().end());
  const std::lock_guard lock(mutex_);
  origins_.swap(origins);
  co_return absl::OkStatus();
}

Task<void> RegisteredOrigins::Watch(std::shared_ptr<RegisteredOrigins> origins,
                                    rpc::Channel* auth) {
  while (true) {
    const absl::Status learned = co_await origins->Learn(*auth);
    telemetry::SetGauge("florin_gateway_origins_known", {}, learned.ok() ? 1 : 0);
    co_await async::Sleep(learned.ok() ? kBetween : kAfterFailure);
  }
}

}  // namespace florin::gateway
