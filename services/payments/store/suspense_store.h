// What is in suspense, and what was done about it (domain/suspense.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/crypto/sha256.h"
#include "services/payments/domain/suspense.h"

namespace florin::payments {

// What is kept under an operator's idempotency key.
struct StoredResolution {
  KeptSuspense kept;          // With the key's own resolution, also where a later one was tried.
  bool same_request = false;  // Whether its request had this fingerprint.
  bool replayed = false;      // An earlier request began it.
};

// Thread-safe. Every method is idempotent, so that it may be repeated after kUnavailable. Errors
// besides those named: kUnavailable (the outcome of a write is then unknown), kInternal.
class SuspenseStore {
 public:
  virtual ~SuspenseStore() = default;

  // Keeps an item, once for each deposit and payout, which are kept. In the audit trail.
  virtual Task<absl::Status> KeepItem(SuspenseItem item) = 0;

  // Error: kSuspenseItemNotFound.
  virtual Task<absl::StatusOr<KeptSuspense>> FindItem(Uuid item_id) = 0;

  // In descending order of their ids, at most `limit`, those before `before`, and those in `state`,
  // where given.
  virtual Task<absl::StatusOr<std::vector<KeptSuspense>>> ListItems(
      std::optional<SuspenseState> state, std::optional<Uuid> before, int limit) = 0;

  // What the operator's key stands for; nothing where it is new.
  virtual Task<absl::StatusOr<std::optional<StoredResolution>>> FindResolution(
      Uuid operator_id, std::string idempotency_key, crypto::Digest fingerprint) = 0;

  // Begins a resolution, which is pending, under the operator's key; or gives what the key stands
  // for. In the audit trail. Held back from ClaimPending() for kLease. Errors:
  // kSuspenseItemNotFound; kSuspenseItemClosed where another one is under way or done.
  virtual Task<absl::StatusOr<StoredResolution>> Begin(SuspenseResolution resolution,
                                                       std::string idempotency_key,
                                                       crypto::Digest fingerprint,
                                                       audit::Origin origin) = 0;

  // Ends the resolution that makes `payment_id`, as far as MayEnd() lets, and gives it as it is
  // kept afterwards. In the audit trail. Error: kSuspenseItemNotFound where there is none.
  virtual Task<absl::StatusOr<KeptSuspense>> End(Uuid payment_id, ResolutionState state,
                                                 std::string failure_reason, std::string rail_code,
                                                 absl::Time now) = 0;

  // Takes up to `limit` items whose resolution is pending and that nobody has taken up since `now`
  // - kLease, and holds them back from other claims until `now` + kLease.
  virtual Task<absl::StatusOr<std::vector<KeptSuspense>>> ClaimPending(absl::Time now,
                                                                       int limit) = 0;
};

// What the audit trail says of an item that was kept, and of a resolution as it is by now. Only for
// stores.
audit::Event EventOf(const SuspenseItem& item);
audit::Event EventOf(const SuspenseItem& item, const SuspenseResolution& resolution,
                     const audit::Origin& origin);

absl::Status NoSuchSuspense();
absl::Status AlreadyResolved();

}  // namespace florin::payments
