#include "services/auth/store/fake_throttle_store.h"

#include <algorithm>

namespace florin::auth {

Task<absl::StatusOr<bool>> FakeThrottleStore::Admit(std::vector<Lane> lanes, absl::Time now) {
  const std::lock_guard lock(mutex_);
  const bool admitted = std::all_of(lanes.begin(), lanes.end(), [this, now](const Lane& lane) {
    return MayAttempt(lanes_[lane.name], now);
  });
  if (admitted) {
    for (const Lane& lane : lanes) {
      lanes_[lane.name] = CountAttempt(lane.rule, lanes_[lane.name], now);
    }
  }
  co_return admitted;
}

Task<absl::StatusOr<bool>> FakeThrottleStore::Succeed(std::vector<Lane> lanes) {
  const std::lock_guard lock(mutex_);
  for (const Lane& lane : lanes) {
    if (lane.cleared_by_success) {
      lanes_.erase(lane.name);
    } else {
      lanes_[lane.name] = TakeBackAttempt(lane.rule, lanes_[lane.name]);
    }
  }
  co_return true;
}

Task<absl::StatusOr<bool>> FakeThrottleStore::AddDevice(Uuid user_id, crypto::Digest device_hash,
                                                        absl::Time) {
  const std::lock_guard lock(mutex_);
  devices_.emplace(user_id, device_hash);
  co_return true;
}

Task<absl::StatusOr<bool>> FakeThrottleStore::KnowsDevice(std::string email,
                                                          crypto::Digest device_hash) {
  const absl::StatusOr<std::optional<User>> user =
      co_await users_.FindUserByEmail(std::move(email));
  const std::lock_guard lock(mutex_);
  co_return user->has_value() && devices_.contains({(*user)->user_id, device_hash});
}

Task<absl::StatusOr<bool>> FakeThrottleStore::NoteNetwork(Uuid user_id, crypto::Digest network_hash,
                                                          absl::Time) {
  const std::lock_guard lock(mutex_);
  std::set<crypto::Digest>& known = networks_[user_id];
  const bool first = known.empty();
  co_return known.insert(network_hash).second && !first;
}

}  // namespace florin::auth
