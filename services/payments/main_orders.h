// Wiring of what is ordered ahead: schedules.
#pragma once

#include <vector>

#include "libs/async/worker.h"
#include "libs/clock/clock.h"
#include "libs/pg/pool.h"
#include "services/payments/flow/create_payment.h"
#include "services/payments/flow/schedule_worker.h"
#include "services/payments/rpc/schedules_rpc.h"
#include "services/payments/store/pg_schedule_store.h"

namespace florin::payments {

// Outlives the calls under way: destroy it after the Runtime has stopped.
class OrderParts {
 public:
  // `pool` has Statements(); references outlive this.
  OrderParts(Executor executor, pg::Pool& pool, CreatePayment& create, AccountDirectory& accounts,
             const ApprovalPolicy& policy, Clock& clock);
  // Before the executor stops.
  void Stop() { worker_.Stop(); }

  static std::vector<pg::Statement> Statements() { return PgScheduleStore::Statements(); }
  SchedulesRpc& schedules() { return schedules_; }

 private:
  PgScheduleStore schedule_store_;
  CreateSchedule create_schedule_;
  ScheduleWorker schedule_worker_;
  SchedulesRpc schedules_;
  async::Worker worker_;
};

}  // namespace florin::payments
