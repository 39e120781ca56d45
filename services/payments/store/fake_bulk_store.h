// The bulks in memory, for tests of what uses a BulkStore.
#pragma once

#include <map>
#include <mutex>
#include <utility>

#include "services/payments/store/bulk_store.h"
#include "services/payments/store/store.h"

namespace florin::payments {

// Thread-safe.
class FakeBulkStore : public BulkStore {
 public:
  // Payments that were captured go there; it outlives this.
  explicit FakeBulkStore(Store& payments) : payments_(payments) {}

  Task<absl::StatusOr<StoredBulk>> InsertBulk(BulkIntent intent) override;
  Task<absl::StatusOr<Bulk>> GetBulk(Uuid user_id, Uuid bulk_id) override;
  Task<absl::StatusOr<BulkProgress>> GetProgress(Uuid user_id, Uuid bulk_id) override;
  Task<absl::StatusOr<Bulk>> AddItems(Uuid user_id, Uuid bulk_id,
                                      std::vector<BulkItem> items) override;
  Task<absl::StatusOr<Bulk>> ChangeBulk(Uuid user_id, Uuid bulk_id, BulkEvent event, absl::Time now,
                                        audit::Origin origin) override;
  Task<absl::StatusOr<std::vector<BulkItem>>> ListItems(Uuid user_id, Uuid bulk_id,
                                                        std::optional<ItemState> state, int after,
                                                        int limit) override;
  Task<absl::StatusOr<std::optional<Bulk>>> ClaimBulk(absl::Time now) override;
  Task<absl::StatusOr<std::optional<std::vector<BulkItem>>>> TakeItems(Uuid bulk_id,
                                                                       BulkState expected,
                                                                       absl::Time now,
                                                                       int limit) override;
  Task<absl::Status> RecordItems(Uuid bulk_id, std::vector<BulkItem> items) override;
  Task<absl::Status> RecordCaptured(Bulk bulk, std::vector<BulkItem> items,
                                    std::vector<Payment> payments) override;
  Task<absl::Status> RecordReleased(Uuid bulk_id, std::vector<BulkItem> items) override;
  Task<absl::StatusOr<int>> FailUntouched(Uuid bulk_id, int limit) override;
  Task<absl::StatusOr<BulkState>> Advance(Uuid bulk_id, absl::Time now) override;
  Task<absl::StatusOr<Bulk>> AwaitApproval(Uuid user_id, Uuid bulk_id, OrderTerms terms, int items,
                                           absl::Time now, audit::Origin origin) override;
  Task<absl::StatusOr<AwaitedOrder>> BeginConfirm(Uuid user_id, Uuid order_id,
                                                  absl::Time now) override;
  Task<absl::StatusOr<AwaitedOrder>> StartApproved(Uuid user_id, Uuid order_id,
                                                   crypto::Digest redeemed, absl::Time now,
                                                   audit::Origin origin) override;
  Task<absl::StatusOr<AwaitedOrder>> GiveUpAwaited(Uuid user_id, Uuid order_id, Reason reason,
                                                   absl::Time now, audit::Origin origin) override;
  Task<absl::StatusOr<std::vector<AwaitedOrder>>> ClaimAwaiting(absl::Time now, int limit) override;

  // Makes Record… fail with kUnavailable, as if the process had crashed before it.
  void FailRecords(bool fail);

 private:
  struct Row {
    Bulk bulk;
    crypto::Digest fingerprint;
    absl::Time next_attempt_time;
    absl::Time check_time = {};  // Of its approval.
  };
  struct ItemRow {
    BulkItem item;
    bool hold_open = false;
  };
  // With mutex_ held: the bulk of that user, or nothing.
  Row* Find(const Uuid& user_id, const Uuid& bulk_id);
  std::string ContentOf(const Uuid& bulk_id);  // With mutex_ held.

  Store& payments_;
  std::mutex mutex_;
  std::map<Uuid, Row> rows_;                           // Guarded by mutex_.
  std::map<std::pair<Uuid, std::string>, Uuid> keys_;  // Guarded by mutex_.
  std::map<Uuid, std::map<int, ItemRow>> items_;       // By bulk and number. Guarded by mutex_.
  bool fail_records_ = false;                          // Guarded by mutex_.
};

}  // namespace florin::payments
