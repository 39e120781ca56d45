// What the main() of every gRPC service shares: flags, logs, migrations, readiness, drain.
//
//   int main(int argc, char** argv) {
//     process::Process process(argc, argv, "accounts", "Customers and their accounts.");
//     process.MigrateAndExitIfAsked();
//     pg::Pool pool(process.Database(store::Statements()));
//     …
//     return process.Serve({&service}, &authenticator,
//                          {{"database", [&pool] { return pool.Ping(); }}});
//   }
//
// Flags: --listen, --admin_listen, --certificates, --database, --database_connections, --migrate,
// --migrations, --threads, --issuer; a service adds its own with ABSL_FLAG.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libs/async/runtime.h"
#include "libs/pg/pool.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"
#include "libs/telemetry/admin_server.h"

namespace florin::process {

class Process {
 public:
  // Parses the flags, starts logs and the runtime. Ends the process with one clear line on a bad
  // flag.
  Process(int argc, char** argv, std::string name, const std::string& purpose);
  ~Process();

  // With --migrate: applies --migrations to schema `name` through --database (the migration role)
  // and ends the process.
  void MigrateAndExitIfAsked();

  async::Runtime& runtime();
  Executor executor();

  // The issuer of access tokens: the gateway's public base URL, without a slash at the end.
  std::string issuer() const;

  pg::PoolOptions Database(std::vector<pg::Statement> statements) const;
  // A channel to another service, which must prove that it is `service`.
  rpc::Channel Connect(const std::string& service, const std::string& target);

  // Serves until SIGTERM or SIGINT: then /readyz fails, no new calls are accepted, running ones
  // finish (at most 10 s). Returns main()'s exit status. Call once.
  int Serve(std::vector<rpc::Service*> services, rpc::Authenticator* authenticator,
            std::vector<telemetry::Check> checks);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace florin::process
