// The bulks in PostgreSQL: tables `bulks` and `bulk_items`, see migrations/.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/payments/store/bulk_store.h"

namespace florin::payments {

class PgBulkStore : public BulkStore {
 public:
  // What the pool must prepare, beside PgStore::Statements() and audit::InsertStatements().
  static std::vector<pg::Statement> Statements();

  // `pool` outlives this.
  explicit PgBulkStore(pg::Pool& pool) : pool_(pool) {}

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

 private:
  pg::Pool& pool_;
};

}  // namespace florin::payments
