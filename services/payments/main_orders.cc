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

// Whoever waits for an approval is looked after first; a fault there holds up no payment.
template <class Worker>
Task<absl::Status> Round(ConfirmOrder& confirm, Worker& worker) {
  const absl::StatusOr<int> looked_after = co_await confirm.RunOnce();
  const absl::StatusOr<int> worked = co_await worker.RunOnce();
  co_return looked_after.ok() ? worked.status() : looked_after.status();
}

}  // namespace

OrderParts::OrderParts(const BulkWorker::Parts& parts, PaymentApprovals& approvals,
                       const std::string& approval_page, Executor executor, pg::Pool& pool,
                       Clock& clock)
    : schedule_store_(pool),
      confirm_schedule_(schedule_store_, approvals, clock),
      create_schedule_(schedule_store_, parts.accounts, clock, SystemIds(), parts.policy,
                       confirm_schedule_),
      schedule_worker_(schedule_store_, parts.create, clock),
      schedules_(create_schedule_, confirm_schedule_, schedule_store_, clock, approval_page),
      bulk_store_(pool),
      confirm_bulk_(bulk_store_, approvals, clock),
      bulk_orders_(bulk_store_, parts.accounts, clock, SystemIds(), parts.policy, confirm_bulk_),
      bulk_worker_(executor, bulk_store_, parts, clock),
      bulks_(bulk_orders_, confirm_bulk_, bulk_store_, clock, approval_page),
      request_store_(pool),
      pay_request_(request_store_, parts.accounts, parts.create, clock, SystemIds()),
      requests_(pay_request_, request_store_, parts.accounts, clock),
      scheduling_(executor, [this] { return Round(confirm_schedule_, schedule_worker_); }),
      settling_requests_(executor, [this] { return Round(pay_request_); }),
      paying_bulks_(executor, [this] { return Round(confirm_bulk_, bulk_worker_); }) {}

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
