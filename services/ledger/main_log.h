// The signed log as main() wires it: the flags --log_*, the signer, the sealer, the proofs.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "libs/async/worker.h"
#include "libs/crypto/signer.h"
#include "libs/pg/pool.h"
#include "services/ledger/flow/sealer.h"
#include "services/ledger/rpc/proof_service.h"
#include "services/ledger/store/pg_log_store.h"
#include "services/ledger/store/store.h"

namespace florin::ledger {

// --log_origin. Ends the process with one clear line unless the tree heads of `book` can bear it.
std::string LogOrigin(const std::string& book);

// Seals in the background if there is a key, and proves in either case. Destroy it after the
// Runtime has stopped.
class SignedLog {
 public:
  // Ends the process with one clear line if the signing key cannot be used. `store` and `pool`,
  // which has the statements of PgLogStore, outlive this.
  SignedLog(Executor executor, Store& store, pg::Pool& pool, const std::string& origin);

  LedgerProofRpc& proofs() { return proofs_; }
  // Waits for the round under way. While the Runtime still runs, on none of its threads.
  void Stop();

 private:
  PgLogStore log_store_;
  const std::unique_ptr<crypto::Signer> signer_;  // Null: nothing is sealed.
  LedgerProofRpc proofs_;
  std::optional<Sealer> sealer_;
  std::optional<async::Worker> sealing_;
};

}  // namespace florin::ledger
