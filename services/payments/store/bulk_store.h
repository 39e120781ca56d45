// Bulks and their items.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/crypto/sha256.h"
#include "services/payments/domain/bulk.h"
#include "services/payments/store/order_approval_store.h"

namespace florin::payments {

// As ScheduleIntent and StoredSchedule.
struct BulkIntent {
  Bulk bulk;
  std::string idempotency_key;
  crypto::Digest fingerprint;
  audit::Origin origin = {};
};
struct StoredBulk {
  Bulk bulk;
  bool same_request = false;
};

struct ItemSum {
  int items = 0;
  std::int64_t total_minor = 0;

  friend bool operator==(const ItemSum&, const ItemSum&) = default;
};
struct BulkProgress {
  Bulk bulk;
  std::map<ItemState, ItemSum> sums;  // Of states that some item is in.
};

// How long whoever takes a batch of a bulk has the bulk for himself. About work, not safety.
inline constexpr absl::Duration kBulkLease = absl::Seconds(10);

// Submitting and canceling are in the audit trail, by the same transaction, as payments.bulk.submit
// and cancel. Thread-safe. Every method is idempotent, so that it may be repeated after
// kUnavailable. Errors besides those named: kUnavailable (the outcome of a write is then unknown),
// kInternal. kBulkNotFound is also for a bulk of another user.
class BulkStore : public OrderApprovalStore {
 public:
  // Keeps a bulk under a new key, and gives what is kept under the key afterwards.
  virtual Task<absl::StatusOr<StoredBulk>> InsertBulk(BulkIntent intent) = 0;

  // Errors: kBulkNotFound.
  virtual Task<absl::StatusOr<Bulk>> GetBulk(Uuid user_id, Uuid bulk_id) = 0;
  virtual Task<absl::StatusOr<BulkProgress>> GetProgress(Uuid user_id, Uuid bulk_id) = 0;

  // Adds those of `items` that are new, numbered on. All or none. Errors: kBulkNotFound; those of
  // Count(); kIdConflict with the item's field ("items[3].reference") for an item that was added
  // with other content, also earlier in `items`.
  virtual Task<absl::StatusOr<Bulk>> AddItems(Uuid user_id, Uuid bulk_id,
                                              std::vector<BulkItem> items) = 0;

  // Apply(). Errors: kBulkNotFound, and its own.
  virtual Task<absl::StatusOr<Bulk>> ChangeBulk(Uuid user_id, Uuid bulk_id, BulkEvent event,
                                                absl::Time now, audit::Origin origin) = 0;

  // Lets a draft wait for its payer's approval (AwaitApproval()) by `terms`, whose text is made
  // here of what it has: TermsOf(). Gives the bulk as it is kept afterwards: as it was before where
  // it is no draft, and where it has not `items` items, which is to say that some were added since
  // they were looked at. In the audit trail as payments.bulk.submit. Errors: kBulkNotFound;
  // kBulkClosed for one that was canceled; kInvalidField for one without items.
  virtual Task<absl::StatusOr<Bulk>> AwaitApproval(Uuid user_id, Uuid bulk_id, OrderTerms terms,
                                                   int items, absl::Time now,
                                                   audit::Origin origin) = 0;

  // By number, at most `limit`, those after `after`, only of `state` if given. Error:
  // kBulkNotFound.
  virtual Task<absl::StatusOr<std::vector<BulkItem>>> ListItems(Uuid user_id, Uuid bulk_id,
                                                                std::optional<ItemState> state,
                                                                int after, int limit) = 0;

  // Takes the bulk that has waited longest for a worker (IsWorkedOn()), until `now` + kBulkLease.
  virtual Task<absl::StatusOr<std::optional<Bulk>>> ClaimBulk(absl::Time now) = 0;

  // The next items that a bulk in `expected` has work for, by number; holds the bulk until `now` +
  // kBulkLease. Nothing: it is not in that state any more.
  //   paying, holding   what is pending; from then on the ledger may have a hold of the latter
  //   capturing         what is held
  //   releasing         whatever the ledger may have a hold of
  virtual Task<absl::StatusOr<std::optional<std::vector<BulkItem>>>> TakeItems(Uuid bulk_id,
                                                                               BulkState expected,
                                                                               absl::Time now,
                                                                               int limit) = 0;

  // Records what became of pending items: held, with its pricing, or ended. The first result stays.
  virtual Task<absl::Status> RecordItems(Uuid bulk_id, std::vector<BulkItem> items) = 0;

  // Keeps `payments`, which have succeeded, with their items as such, in one commit. Each payment
  // is that of the item of the same index.
  virtual Task<absl::Status> RecordCaptured(Bulk bulk, std::vector<BulkItem> items,
                                            std::vector<Payment> payments) = 0;

  // Records that the ledger has no hold of these items any more: fails those that have not failed
  // with kBulkItemFailed.
  virtual Task<absl::Status> RecordReleased(Uuid bulk_id, std::vector<BulkItem> items) = 0;

  // Fails up to `limit` pending items of a bulk in releasing that the ledger has not heard of, and
  // gives how many.
  virtual Task<absl::StatusOr<int>> FailUntouched(Uuid bulk_id, int limit) = 0;

  // Goes on from holding: to capturing if every item is held, to releasing if one has failed; from
  // paying, capturing and releasing to their end if no item is left to work on. Otherwise, and in
  // any other state, nothing changes. Gives the state afterwards.
  virtual Task<absl::StatusOr<BulkState>> Advance(Uuid bulk_id, absl::Time now) = 0;
};

}  // namespace florin::payments
