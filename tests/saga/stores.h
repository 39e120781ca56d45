// What payments keeps, and the memory of the rail outside: what outlives its processes. The stores
// are those that the contract tests hold to their SQL.
#pragma once

#include <memory>
#include <set>
#include <utility>

#include "services/payments/store/fake_bulk_store.h"
#include "services/payments/store/fake_deposit_store.h"
#include "services/payments/store/fake_limit_store.h"
#include "services/payments/store/fake_sandbox_rail_store.h"
#include "services/payments/store/fake_schedule_store.h"
#include "services/payments/store/fake_store.h"

namespace florin::saga {

// Which says what bulks there are.
class ListedBulks : public payments::FakeBulkStore {
 public:
  using FakeBulkStore::FakeBulkStore;

  Task<absl::StatusOr<payments::StoredBulk>> InsertBulk(payments::BulkIntent intent) override {
    absl::StatusOr<payments::StoredBulk> stored =
        co_await FakeBulkStore::InsertBulk(std::move(intent));
    if (stored.ok()) all_.emplace(stored->bulk.user_id, stored->bulk.bulk_id);
    co_return stored;
  }
  // Each after its user.
  const std::set<std::pair<Uuid, Uuid>>& all() const { return all_; }

 private:
  std::set<std::pair<Uuid, Uuid>> all_;
};

struct Stores {
  std::unique_ptr<payments::FakeStore> rows = std::make_unique<payments::FakeStore>();
  std::unique_ptr<payments::FakeDepositStore> deposits =
      std::make_unique<payments::FakeDepositStore>();
  std::unique_ptr<payments::FakeScheduleStore> schedules =
      std::make_unique<payments::FakeScheduleStore>();
  std::unique_ptr<ListedBulks> bulks;  // Of `rows`.
  std::unique_ptr<payments::FakeLimitStore> limits = std::make_unique<payments::FakeLimitStore>();
  std::unique_ptr<payments::FakeSandboxRailStore> rail =
      std::make_unique<payments::FakeSandboxRailStore>();
};

}  // namespace florin::saga
