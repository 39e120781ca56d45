// Requests for money in memory, for tests of what uses a MoneyRequestStore.
#pragma once

#include <map>
#include <mutex>
#include <utility>

#include "services/payments/store/money_request_store.h"

namespace florin::payments {

// Thread-safe.
class FakeMoneyRequestStore : public MoneyRequestStore {
 public:
  Task<absl::StatusOr<StoredMoneyRequest>> InsertRequest(MoneyRequestIntent intent) override;
  Task<absl::StatusOr<MoneyRequest>> GetRequest(Uuid request_id) override;
  Task<absl::StatusOr<std::vector<MoneyRequest>>> ListRequests(Uuid user_id,
                                                               std::optional<Uuid> before,
                                                               int limit) override;
  Task<absl::StatusOr<MoneyRequest>> BeginPayment(Uuid request_id, Paying paying,
                                                  absl::Time now) override;
  Task<absl::StatusOr<MoneyRequest>> EndPayment(Uuid request_id, Paying paying,
                                                std::optional<Payment> payment,
                                                absl::Time now) override;
  Task<absl::StatusOr<MoneyRequest>> CloseRequest(Uuid request_id, MoneyRequestEvent event,
                                                  absl::Time now) override;
  Task<absl::StatusOr<std::vector<MoneyRequest>>> ClaimPaying(absl::Time now, int limit) override;

  // Makes EndPayment fail with kUnavailable, as if the process had crashed before it.
  void FailEnds(bool fail);

 private:
  struct Row {
    MoneyRequest request;
    crypto::Digest fingerprint;
    absl::Time next_attempt_time;
  };

  std::mutex mutex_;
  std::map<Uuid, Row> rows_;                           // Guarded by mutex_.
  std::map<std::pair<Uuid, std::string>, Uuid> keys_;  // Guarded by mutex_.
  bool fail_ends_ = false;                             // Guarded by mutex_.
};

}  // namespace florin::payments
