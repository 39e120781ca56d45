#include "services/payments/main_orders.h"

#include <utility>

#include "libs/ids/ids.h"

namespace florin::payments {
namespace {

template <class Worker>
Task<absl::Status> Round(Worker& worker) {
  const absl::StatusOr<int> worked = co_await worker.RunOnce();
  co_return worked.status();
}

}  // namespace

OrderParts::OrderParts(const BulkWorker::Parts& parts, Executor executor, pg::Pool& pool,
                       Clock& clock)
    : schedule_store_(pool),
      create_schedule_(schedule_store_, parts.accounts, clock, SystemIds(), parts.policy),
      schedule_worker_(schedule_store_, parts.create, clock),
      schedules_(create_schedule_, schedule_store_, clock),
      bulk_store_(pool),
      bulk_orders_(bulk_store_, parts.accounts, clock, SystemIds(), parts.policy),
      bulk_worker_(executor, bulk_store_, parts, clock),
      bulks_(bulk_orders_, bulk_store_, clock),
      request_store_(pool),
      pay_request_(request_store_, parts.accounts, parts.create, clock, SystemIds()),
      requests_(pay_request_, request_store_, parts.accounts, clock),
      scheduling_(executor, [this] { return Round(schedule_worker_); }),
      settling_requests_(executor, [this] { return Round(pay_request_); }),
      paying_bulks_(executor, [this] { return Round(bulk_worker_); }) {}

void OrderParts::Stop() {
  bulk_worker_.Stop();
  schedule_worker_.Stop();
  paying_bulks_.Stop();
  settling_requests_.Stop();
  scheduling_.Stop();
}

std::vector<pg::Statement> OrderParts::Statements() {
  std::vector<pg::Statement> all = PgScheduleStore::Statements();
  for (pg::Statement& more : PgBulkStore::Statements()) all.push_back(std::move(more));
  for (pg::Statement& more : PgMoneyRequestStore::Statements()) all.push_back(std::move(more));
  return all;
}

}  // namespace florin::payments
