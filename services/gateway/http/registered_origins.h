// The origins that auth's clients have registered (ClientMetadata.cors_origins).
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "libs/async/task.h"
#include "libs/rpc/channel.h"
#include "libs/status/status.h"
#include "services/gateway/http/cors.h"

namespace florin::gateway {

// None until auth was asked once. Thread-safe. Metric: florin_gateway_origins_known is 1 while what
// auth said last is recent, 0 while it cannot be asked.
class RegisteredOrigins : public OriginPolicy {
 public:
  bool Allows(const std::string& origin) const override;

  // Asks auth once. What is known stays if that fails. `auth` outlives the task.
  Task<absl::Status> Learn(rpc::Channel& auth);

  // Does that every ten seconds, for ever, after a failure every second: so a page may call as soon
  // after its client was registered, and may not as soon after it was disabled (and its browser has
  // forgotten the last preflight). `auth` outlives the runtime.
  static Task<void> Watch(std::shared_ptr<RegisteredOrigins> origins, rpc::Channel* auth);

 private:
  mutable std::mutex mutex_;
  absl::flat_hash_set<std::string> origins_;  // Guarded by mutex_.
};

}  // namespace florin::gateway
