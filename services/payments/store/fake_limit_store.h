// The limits in memory, for tests of what uses a LimitStore.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "services/payments/store/limit_store.h"

namespace florin::payments {

// Thread-safe.
class FakeLimitStore : public LimitStore {
 public:
  Task<absl::StatusOr<StoredLimit>> ChangeLimit(LimitChange change) override;
  Task<absl::StatusOr<std::vector<Limit>>> ListLimits(absl::Time now) override;
  Task<absl::StatusOr<std::vector<Limit>>> FindLimits(std::vector<Uuid> limit_ids) override;

  // Makes ListLimits and FindLimits fail with kUnavailable.
  void FailReads(bool fail);

 private:
  struct Kept {
    Limit limit;
    crypto::Digest fingerprint;
  };
  // With mutex_ held.
  absl::StatusOr<Limit> Next(const LimitChange& change);

  std::mutex mutex_;
  std::map<Uuid, Limit> limits_;                       // Guarded by mutex_.
  std::map<std::pair<Uuid, std::string>, Kept> kept_;  // Guarded by mutex_.
  bool fail_reads_ = false;                            // Guarded by mutex_.
};

}  // namespace florin::payments
