// The admin port: plain HTTP for operators and probes, never reachable from outside.
//
//   GET /livez    200 while the process runs its loop
//   GET /readyz   200 when every check passes; 503 with the failed checks' names otherwise, and
//   while draining GET /metrics  Prometheus text
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/async/task.h"
#include "libs/status/status.h"

namespace florin::telemetry {

// A named readiness check.
using Check = std::pair<std::string, std::function<Task<absl::Status>()>>;

class AdminServer {
 public:
  // `listen` is host:port; port 0 chooses a free one. Error: the port cannot be had.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(Executor executor,
                                                            const std::string& listen,
                                                            std::vector<Check> checks);
  ~AdminServer();
  int port() const;
  // From now on /readyz answers 503.
  void SetDraining();

 private:
  class Impl;
  explicit AdminServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace florin::telemetry
