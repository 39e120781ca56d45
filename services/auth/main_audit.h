// The audit trail as main() wires it: the flags --audit_*, the recorder, the chainer, the queries.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "libs/async/worker.h"
#include "libs/audit/audit_rpc.h"
#include "libs/audit/pg_audit.h"
#include "libs/audit/pg_chainer.h"
#include "libs/audit/pg_reader.h"
#include "libs/crypto/signer.h"
#include "libs/pg/pool.h"

namespace florin::auth {

// Chains in the background if there is a key; records and answers in either case. Destroy it after
// the Runtime has stopped.
class AuditTrail {
 public:
  // Ends the process with one clear line if the key cannot be used. `pool` has the statements of
  // audit::InsertStatements() and these, and outlives this.
  AuditTrail(Executor executor, pg::Pool& pool);
  static std::vector<pg::Statement> Statements();

  audit::Recorder& recorder() { return recorder_; }
  rpc::Service& service() { return rpc_; }
  // Waits for the round under way. While the Runtime still runs, on none of its threads.
  void Stop();

 private:
  audit::PgRecorder recorder_;
  audit::PgReader reader_;
  audit::AuditRpc rpc_;
  const std::unique_ptr<crypto::Signer> signer_;  // Null: nothing is chained.
  std::optional<audit::PgChainer> chainer_;
  std::optional<async::Worker> chaining_;
};

}  // namespace florin::auth
