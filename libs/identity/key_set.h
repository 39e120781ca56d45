// Auth's published keys, kept fresh.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "florin/auth/v1/auth.rpc.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/crypto/signing_key.h"
#include "libs/rpc/channel.h"
#include "libs/status/status.h"

namespace florin::identity {

// Fetches at most once a second. Of those who want a fetch at the same time, one makes it; the
// others wait for it only if they cannot go on with the keys there are.
//
// If auth cannot be reached, the keys there are stay good. Thread-safe.
class KeySet {
 public:
  // `withdrawn` is called when a fetch finds that a key is gone.
  KeySet(rpc::Channel& auth, Clock& clock, std::function<void()> withdrawn);

  // Errors: kTokenInvalid if auth has no such key; kUnavailable if no key set was ever had.
  Task<absl::StatusOr<crypto::VerificationKey>> Find(std::string kid);

 private:
  using Keys = std::map<std::string, crypto::VerificationKey>;

  // A fetch under way and those who wait for it. Guarded by KeySet's mutex_.
  struct Fetch {
    bool done = false;
    std::vector<std::function<void()>> waiting;
  };

  // What a caller does next, decided in one critical section.
  struct Plan {
    std::optional<crypto::VerificationKey> key;  // With it no need to wait.
    std::shared_ptr<Fetch> fetch;                // To make, if `make`; else to wait for.
    bool make = false;
  };

  Plan Decide(const std::string& kid);
  absl::StatusOr<crypto::VerificationKey> Lookup(const std::string& kid) const;
  Task<void> Make(std::shared_ptr<Fetch> fetch);
  Task<void> Wait(std::shared_ptr<Fetch> fetch);
  void Accept(const auth::v1::JsonWebKeySet& published);
  void Finish(const std::shared_ptr<Fetch>& fetch);

  const auth::v1::AuthClient auth_;
  Clock& clock_;
  const std::function<void()> withdrawn_;
  mutable std::mutex mutex_;
  std::optional<Keys> keys_;            // Guarded by mutex_.
  absl::Time fetched_at_;               // Guarded by mutex_.
  std::optional<absl::Time> tried_at_;  // Guarded by mutex_.
  std::shared_ptr<Fetch> fetch_;        // Under way, or null. Guarded by mutex_.
};

}  // namespace florin::identity
