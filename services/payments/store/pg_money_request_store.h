// Requests for money in PostgreSQL: table `payment_requests`, see migrations/.
#pragma once

#include <functional>
#include <vector>

#include "libs/pg/pool.h"
#include "services/payments/store/money_request_store.h"

namespace florin::payments {

class PgMoneyRequestStore : public MoneyRequestStore {
 public:
  // What the pool must prepare.
  static std::vector<pg::Statement> Statements();

  // `pool` outlives this.
  explicit PgMoneyRequestStore(pg::Pool& pool) : pool_(pool) {}

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

 private:
  // Locks the request, changes it, and keeps what became of it.
  using Change = std::function<absl::Status(MoneyRequest&)>;
  Task<absl::StatusOr<MoneyRequest>> ChangeLocked(Uuid request_id, Change change, absl::Time now);

  pg::Pool& pool_;
};

}  // namespace florin::payments
