// Tokens that were verified before.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "libs/crypto/sha256.h"
#include "libs/rpc/context.h"

namespace florin::identity {

// Maps the SHA-256 of a token to its principal until the token expires; never holds more than
// `capacity`, dropping the oldest. Only verified tokens go in, so strangers cannot fill it.
// Thread-safe.
class TokenCache {
 public:
  explicit TokenCache(std::size_t capacity) : capacity_(capacity) {}

  struct Entry {
    rpc::Principal principal;
    absl::Time expires_at;
  };

  // Nothing if the token is unknown or has expired by `now`.
  std::optional<rpc::Principal> Find(const crypto::Digest& token, absl::Time now) const;
  void Insert(const crypto::Digest& token, Entry entry, absl::Time now);
  // Forgets all, since a key was withdrawn.
  void Clear();
  std::size_t size() const;

 private:
  // A digest is as good as random already.
  struct FirstOctets {
    std::size_t operator()(const crypto::Digest& digest) const {
      std::size_t octets;
      std::memcpy(&octets, digest.data(), sizeof octets);
      return octets;
    }
  };

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  absl::flat_hash_map<crypto::Digest, Entry, FirstOctets> entries_;  // Guarded by mutex_.
  std::deque<crypto::Digest> by_age_;  // The keys of entries_, oldest first. Guarded by mutex_.
};

}  // namespace florin::identity
