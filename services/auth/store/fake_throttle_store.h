// The throttles in memory, for tests of what is built on them. Passes the same contract test as the
// real ones.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "services/auth/store/fake_store.h"
#include "services/auth/store/throttle_store.h"

namespace florin::auth {

class FakeThrottleStore : public ThrottleStore {
 public:
  // `users` outlives this.
  explicit FakeThrottleStore(FakeStore& users) : users_(users) {}

  Task<absl::StatusOr<bool>> Admit(std::vector<Lane> lanes, absl::Time now) override;
  Task<absl::StatusOr<bool>> Succeed(std::vector<Lane> lanes) override;
  Task<absl::StatusOr<bool>> AddDevice(Uuid user_id, crypto::Digest device_hash,
                                       absl::Time now) override;
  Task<absl::StatusOr<bool>> KnowsDevice(std::string email, crypto::Digest device_hash) override;
  Task<absl::StatusOr<bool>> NoteNetwork(Uuid user_id, crypto::Digest network_hash,
                                         absl::Time now) override;

 private:
  FakeStore& users_;
  std::mutex mutex_;
  std::map<std::string, ThrottleState> lanes_;         // By name. Guarded by mutex_.
  std::set<std::pair<Uuid, crypto::Digest>> devices_;  // Guarded by mutex_.
  std::map<Uuid, std::set<crypto::Digest>> networks_;  // Guarded by mutex_.
};

}  // namespace florin::auth
