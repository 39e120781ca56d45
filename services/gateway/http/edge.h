// What stands between the open internet and the API, as the flags say: --rate_limits,
// --rate_limit_network, --rate_limit_user, --rate_limit_client, --redis, --redis_budget,
// --max_connections, --max_connections_per_network, --max_requests; and the origins of auth's
// clients.
#pragma once

#include <memory>
#include <optional>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "services/gateway/http/api.h"
#include "services/gateway/http/registered_origins.h"
#include "services/gateway/limits/quota_table.h"
#include "services/gateway/limits/redis_connection.h"

namespace florin::gateway {

Limits LimitsFromFlags();

// Outlives the backends that it equips, which are made one after the other. Otherwise thread-safe
// once made.
class Edge {
 public:
  // Ends the process with one clear line on a flag that cannot be used. `clock` outlives it.
  // `issuer` is the gateway's public base URL.
  static std::unique_ptr<Edge> FromFlagsOrExit(const RouteTable& routes, std::string issuer,
                                               Clock& clock);

  // Gives `backend`, which belongs to the thread of `executor`, its guard of tokens, quotas,
  // origins and documents. The first one's channel to auth tells the origins to all.
  Backend Equip(Executor executor, Backend backend);

 private:
  Edge(std::string issuer, Clock& clock)
      : clock_(clock), senders_(std::make_shared<SenderGuard>(std::move(issuer), clock)) {}

  Clock& clock_;
  const std::shared_ptr<SenderGuard> senders_;
  std::optional<Quotas> quotas_;
  std::optional<RedisEndpoint> redis_;
  RedisOptions redis_options_;
  const std::shared_ptr<RegisteredOrigins> origins_ = std::make_shared<RegisteredOrigins>();
  bool origins_watched_ = false;
  std::shared_ptr<const Documents> documents_;
  // A row takes about 150 bytes.
  QuotaTable table_{100'000};
};

}  // namespace florin::gateway
