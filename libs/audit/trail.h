// The audit trail of a service as its main() wires it: the flags --audit_key and --audit_origin,
// the recorder, the chainer, the queries.
//
//   audit::Trail trail(process.executor(), pool, "accounts");
//   …
//   process.Serve({&service, &trail.service()}, …);
//   trail.Stop();
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/async/worker.h"
#include "libs/audit/audit_rpc.h"
#include "libs/audit/pg_audit.h"
#include "libs/audit/pg_chainer.h"
#include "libs/audit/pg_reader.h"
#include "libs/crypto/signer.h"
#include "libs/pg/pool.h"

namespace florin::audit {

// Chains in the background if there is a key; records and answers in either case. Destroy it after
// the Runtime has stopped.
class Trail {
 public:
  // Ends the process with one clear line if the key cannot be used. `pool` has Statements() and
  // outlives this.
  Trail(Executor executor, pg::Pool& pool, const std::string& service);
  // For recording, chaining and reading.
  static std::vector<pg::Statement> Statements();

  Recorder& recorder() { return recorder_; }
  rpc::Service& service() { return rpc_; }
  // Waits for the round under way. While the Runtime still runs, on none of its threads.
  void Stop();

 private:
  PgRecorder recorder_;
  PgReader reader_;
  AuditRpc rpc_;
  const std::unique_ptr<crypto::Signer> signer_;  // Null: nothing is chained.
  std::optional<PgChainer> chainer_;
  std::optional<async::Worker> chaining_;
};

}  // namespace florin::audit
