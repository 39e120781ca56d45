#include "services/payments/main_orders.h"

#include <utility>

#include "libs/ids/ids.h"

namespace florin::payments {
namespace {

Task<absl::Status> Round(ScheduleWorker& schedules) {
  co_return (co_await schedules.RunOnce()).status();
}

}  // namespace

OrderParts::OrderParts(Executor executor, pg::Pool& pool, CreatePayment& create,
                       AccountDirectory& accounts, const ApprovalPolicy& policy, Clock& clock)
    : schedule_store_(pool),
      create_schedule_(schedule_store_, accounts, clock, SystemIds(), policy),
      schedule_worker_(schedule_store_, create, clock),
      schedules_(create_schedule_, schedule_store_, clock),
      worker_(std::move(executor), [this] { return Round(schedule_worker_); }) {}

}  // namespace florin::payments
