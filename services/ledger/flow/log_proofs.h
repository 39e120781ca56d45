// Merkle proofs out of the stored log: libs/merkle decides which tiles a proof needs, the store
// reads them all at once, libs/merkle makes the path.
//
// Sizes are those of stored tree heads. Errors: kLogInconsistent if a tile that they cover is not
// there; those of the store; kInvalidField as of merkle::InclusionPath and ConsistencyPath. Whether
// the path leads to the signed root is for the caller to check: what is stored may have been
// altered.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/merkle/merkle.h"
#include "libs/status/status.h"
#include "services/ledger/store/log_store.h"

namespace florin::ledger {

// Of leaf `index` in the tree of `size` leaves. `log_store` outlives the task.
Task<absl::StatusOr<std::vector<merkle::Digest>>> ProveInclusion(LogStore& log_store,
                                                                 std::string book,
                                                                 std::uint64_t index,
                                                                 std::uint64_t size);

// Of the tree of `first` leaves as the beginning of the one of `second`.
Task<absl::StatusOr<std::vector<merkle::Digest>>> ProveConsistency(LogStore& log_store,
                                                                   std::string book,
                                                                   std::uint64_t first,
                                                                   std::uint64_t second);

}  // namespace florin::ledger
