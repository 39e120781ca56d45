// Who guesses how often, and which devices are known.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/crypto/sha256.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/domain/throttle.h"

namespace florin::auth {

// Thread-safe. Errors of all methods: kUnavailable, kInternal. After a COMMIT whose answer was lost
// an attempt may have been counted twice.
class ThrottleStore {
 public:
  virtual ~ThrottleStore() = default;

  // Counts an attempt in every lane if all of them admit it, in none if one does not. Gives whether
  // it was admitted. Of concurrent attempts no more are admitted than one after another would be.
  virtual Task<absl::StatusOr<bool>> Admit(std::vector<Lane> lanes, absl::Time now) = 0;
  // An admitted attempt has succeeded: clears its lanes, or takes it back (Lane).
  virtual Task<absl::StatusOr<bool>> Succeed(std::vector<Lane> lanes) = 0;

  // Idempotent.
  virtual Task<absl::StatusOr<bool>> AddDevice(Uuid user_id, crypto::Digest device_hash,
                                               absl::Time now) = 0;
  // Whether the user with that normalized e-mail has logged in from the device; false for nobody's.
  virtual Task<absl::StatusOr<bool>> KnowsDevice(std::string email, crypto::Digest device_hash) = 0;

  // Notes that a user has proved who they are from a network. Gives whether that is news: they have
  // from others before, and never from this one.
  virtual Task<absl::StatusOr<bool>> NoteNetwork(Uuid user_id, crypto::Digest network_hash,
                                                 absl::Time now) = 0;
};

}  // namespace florin::auth
