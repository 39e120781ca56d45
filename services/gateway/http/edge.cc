#include "services/gateway/http/edge.h"

#include <utility>

#include "absl/flags/flag.h"
#include "libs/config/config.h"
#include "libs/telemetry/log.h"
#include "services/gateway/limits/redis_rate_limiter.h"

ABSL_FLAG(int, max_connections, 10'000, "open connections; further ones are closed at once");
ABSL_FLAG(int, max_connections_per_network, 200, "the same of one network (/24 or /56)");
ABSL_FLAG(int, max_requests, 1'000,
          "requests at once; the last fifth is for reads and retries; further ones get 429");
ABSL_FLAG(std::string, rate_limits, "on", "on; off for benchmarks only");
ABSL_FLAG(std::string, rate_limit_network, "6000/60s",
          "units/window for each network of clients (/24 or /56); a read costs 1 unit, a write 5, "
          "a login 20");
ABSL_FLAG(std::string, rate_limit_user, "1200/60s", "units/window for each user");
ABSL_FLAG(std::string, rate_limit_client, "12000/60s", "units/window for each OAuth client");
ABSL_FLAG(std::string, redis, "",
          "where several gateways share their counts: /path of a Unix socket or host:port of one "
          "Redis that nobody else can reach; empty: each gateway counts alone");
ABSL_FLAG(absl::Duration, redis_budget, absl::Milliseconds(5),
          "how long a request waits for Redis before its gateway counts alone");

namespace florin::gateway {
namespace {

Quota QuotaOrExit(const std::string& text, const std::string& flag) {
  return config::ValueOrExit(ParseQuota(text), "reading --" + flag);
}

}  // namespace

Limits LimitsFromFlags() {
  Limits limits;
  limits.connections = absl::GetFlag(FLAGS_max_connections);
  limits.connections_per_network = absl::GetFlag(FLAGS_max_connections_per_network);
  limits.requests_in_flight = absl::GetFlag(FLAGS_max_requests);
  return limits;
}

std::unique_ptr<Edge> Edge::FromFlagsOrExit(const RouteTable& routes, std::string issuer,
                                            Clock& clock) {
  std::unique_ptr<Edge> edge(new Edge(std::move(issuer), clock));
  const std::string limits = absl::GetFlag(FLAGS_rate_limits);
  if (limits == "on") {
    edge->quotas_ = Quotas{
        .network = QuotaOrExit(absl::GetFlag(FLAGS_rate_limit_network), "rate_limit_network"),
        .user = QuotaOrExit(absl::GetFlag(FLAGS_rate_limit_user), "rate_limit_user"),
        .client = QuotaOrExit(absl::GetFlag(FLAGS_rate_limit_client), "rate_limit_client")};
  } else if (limits == "off") {
    telemetry::Log(telemetry::Severity::kWarning, "there are no rate limits");
  } else {
    config::ExitIfError(Error(Reason::kInternal, "must be on or off"), "reading --rate_limits");
  }
  if (const std::string address = absl::GetFlag(FLAGS_redis); !address.empty()) {
    edge->redis_ = config::ValueOrExit(ParseRedisAddress(address), "reading --redis");
    edge->redis_options_.budget = absl::GetFlag(FLAGS_redis_budget);
  }
  edge->documents_ =
      std::make_shared<Documents>(config::ValueOrExit(MakeDocuments(routes), "describing the API"));
  return edge;
}

Backend Edge::Equip(Executor executor, Backend backend) {
  backend.senders = senders_;
  backend.origins = origins_;
  // One thread asks for all.
  const auto auth = backend.channels.find("auth");
  if (auth != backend.channels.end() && !std::exchange(origins_watched_, true)) {
    asio::co_spawn(executor, RegisteredOrigins::Watch(origins_, auth->second.get()),
                   asio::detached);
  }
  backend.documents = documents_;
  if (!quotas_) return backend;
  std::unique_ptr<RateLimiter> limiter;
  if (redis_) {
    limiter = std::make_unique<RedisRateLimiter>(executor, *redis_, redis_options_, table_, clock_);
  } else {
    limiter = std::make_unique<LocalRateLimiter>(table_, clock_);
  }
  backend.quotas = std::make_unique<QuotaGate>(std::move(limiter), *quotas_);
  return backend;
}

}  // namespace florin::gateway
