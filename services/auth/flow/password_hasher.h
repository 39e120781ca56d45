// Argon2id off the event loop, with a bound on how much of it there may be.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "libs/async/runtime.h"
#include "libs/async/task.h"
#include "libs/crypto/password_hash.h"
#include "libs/status/status.h"

namespace florin::auth {

struct HasherLimits {
  int threads = 2;       // Hashes at once: each takes a core and cost.memory_bytes.
  int max_waiting = 64;  // Beyond these, for at most 64 · 11 ms / threads; then refused.
};

// Thread-safe. Destroy it after its callers' runtime has stopped and before that runtime.
class PasswordHasher {
 public:
  // `pepper`: see libs/crypto/password_hash.h.
  explicit PasswordHasher(HasherLimits limits = {}, crypto::PasswordCost cost = {},
                          std::optional<crypto::SecretKeys> pepper = {});

  // Passwords are brought into Normalization Form C first, here and nowhere else: however a device
  // writes an accent, it is the same password.
  //
  // Error of both: kOverloaded when a flood of logins fills the queue, at once and before any work.
  Task<absl::StatusOr<std::string>> Hash(std::string password);
  // Whether `password` is the one of `phc`. Without a `phc` (there is no such user) the answer is
  // no, and takes as long: the time of an answer does not tell who is a user.
  Task<absl::StatusOr<bool>> Verify(std::optional<std::string> phc, std::string password);

  // Whether `phc` was made with other parameters than this hasher's, or another pepper.
  bool NeedsRehash(const std::string& phc) const {
    return crypto::NeedsRehash(phc, cost_, pepper());
  }
  // How many hashes were made or compared: that every login costs one is shown by counting.
  std::int64_t hashes() const { return hashes_; }

 private:
  // A place in the queue, for as long as it lives.
  class Place;

  const crypto::SecretKeys* pepper() const { return pepper_ ? &*pepper_ : nullptr; }

  const HasherLimits limits_;
  const crypto::PasswordCost cost_;
  const std::optional<crypto::SecretKeys> pepper_;
  const std::string nobodys_hash_;  // Of a password that nobody knows.
  std::atomic<int> places_taken_ = 0;
  std::atomic<std::int64_t> hashes_ = 0;
  async::ThreadPool pool_;
};

}  // namespace florin::auth
