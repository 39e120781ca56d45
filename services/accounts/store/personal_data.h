// How personal data are kept: each customer's under a key of its own, which is kept sealed by a
// ring of keys from a file. Whoever destroys the customer's key has destroyed its data, in the
// table and in every copy and backup of it.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "libs/clock/clock.h"
#include "libs/crypto/envelope.h"
#include "libs/crypto/secret_keys.h"
#include "libs/crypto/sha256.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"

namespace florin::accounts {

// Seals and opens what belongs to one customer. Value type, thread-safe. Do not keep it: what was
// erased must be forgotten.
class CustomerKey {
 public:
  CustomerKey(const Uuid& customer_id, std::shared_ptr<const crypto::DataKeys> keys)
      : customer_id_(customer_id), keys_(std::move(keys)) {}

  // `column`: "customers.profile_sealed". `row`: the id of the row. Both and the customer are
  // authenticated, so that a value that was moved to another column, row or customer does not open.
  std::string Seal(std::string_view text, std::string_view column, const Uuid& row) const;
  // Error: kInternal for what Seal() did not make there.
  absl::StatusOr<std::string> Open(std::string_view sealed, std::string_view column,
                                   const Uuid& row) const;

 private:
  std::string PlaceOf(std::string_view column, const Uuid& row) const;

  Uuid customer_id_;
  std::shared_ptr<const crypto::DataKeys> keys_;
};

// Thread-safe.
class PersonalData {
 public:
  struct Options {
    std::size_t most_keys = 10'000;                 // That are remembered opened.
    absl::Duration key_memory = absl::Seconds(60);  // How long at most.
  };
  // A customer's key as it is kept.
  struct SealedKey {
    std::string sealed;
    std::string ring_id;  // Of the ring's key that sealed it.
  };
  struct NewKey {
    SealedKey kept;
    CustomerKey key;
  };

  // `ring` seals the customers' keys, the key of `index` makes blind indexes. `clock` outlives
  // this.
  PersonalData(crypto::SecretKeys ring, crypto::SecretKeys index, Clock& clock);
  PersonalData(crypto::SecretKeys ring, crypto::SecretKeys index, Clock& clock, Options options);

  // A new random key.
  NewKey MakeKey(const Uuid& customer_id) const;
  // A key from its row, opened or remembered. Error: kInternal if it is not that customer's, or
  // sealed by a key that the ring has not.
  absl::StatusOr<CustomerKey> KeyOf(const Uuid& customer_id, std::string_view sealed);
  // The same key sealed by the ring's current one. Error: as KeyOf.
  absl::StatusOr<SealedKey> Reseal(const Uuid& customer_id, std::string_view sealed) const;

  // Forgets a customer's key at once, and Sweep() what has been remembered for its time.
  void Forget(const Uuid& customer_id);
  void Sweep();
  std::size_t remembered() const;

  // The id of the ring's current key.
  const std::string& ring_id() const { return ring_id_; }

  // HMAC-SHA-256 (RFC 2104) under the index's current key: 32 octets, equal for equal texts of one
  // purpose only.
  std::string EmailIndex(std::string_view normalized) const;
  std::string PhoneIndex(std::string_view normalized) const;
  // Of a request that has a name in it: nobody can try names on what is kept.
  std::string FingerprintOf(std::string_view digest) const;

 private:
  struct Remembered {
    std::string sealed;
    CustomerKey key;
    absl::Time until;
  };
  void SweepLocked(absl::Time now);

  const crypto::DataKeys ring_;
  const std::string ring_id_;
  const crypto::SecretKeys index_;
  Clock& clock_;
  const Options options_;
  mutable std::mutex mutex_;
  // Guarded by mutex_. The queue has them in the order of their time, and may name forgotten ones.
  absl::flat_hash_map<Uuid, Remembered> keys_;
  std::deque<std::pair<absl::Time, Uuid>> order_;
};

}  // namespace florin::accounts
