// Makes the events of one schema a signed Merkle log, behind the commits that wrote them
// (docs/adr/0009-the-audit-trail-is-a-merkle-log.md).
//
// Invariants:
//   1. Every committed event becomes exactly one leaf, whatever the order of commits: events are
//      taken by (transaction id, event id), and only those of transactions below the oldest one
//      that still runs (pg_snapshot_xmin), before which nothing can appear any more.
//   2. A head is signed only as an extension of the latest one, whose root and signature were
//      checked before.
//   3. Times of heads increase with their sizes, whatever the clock does.
//
// Any number of processes may run one: each step is one transaction under an advisory lock, and who
// does not get that has nothing to do. Metrics of each round: florin_audit_log_size,
// florin_audit_unchained_age_seconds (of the oldest committed event without a leaf; a transaction
// that stays open anywhere in the database holds it up), florin_audit_log_inconsistent.
#pragma once

#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/crypto/signer.h"
#include "libs/pg/pool.h"
#include "libs/status/status.h"

namespace florin::audit {

struct ChainLimits {
  int chunk_events = 1024;  // Covered by one head, at most.
  int chunks = 32;          // In one round.
};

std::vector<pg::Statement> ChainStatements();

// The name of a service's log in its heads: "florin.local/audit/auth".
std::string OriginOf(const std::string& log, const std::string& service);

// One round at a time, as async::Worker runs them. What it is given outlives it.
class PgChainer {
 public:
  // `pool` has ChainStatements().
  PgChainer(pg::Pool& pool, crypto::Signer& signer, Clock& clock, std::string origin,
            ChainLimits limits = {});

  // Chains what waits. Errors: kAuditInconsistent, kUnavailable, those of the signer.
  Task<absl::Status> RunOnce();

 private:
  // How many events one transaction has chained; nothing is left if it is less than a chunk.
  absl::StatusOr<int> ChainChunk(pqxx::work& transaction);
  Task<absl::Status> ChainAll();
  Task<absl::Status> Report();

  pg::Pool& pool_;
  crypto::Signer& signer_;
  Clock& clock_;
  const std::string origin_;
  const ChainLimits limits_;
};

}  // namespace florin::audit
