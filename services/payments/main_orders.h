// Wiring of what is ordered ahead, together or by the payee: schedules, bulks, requests for money.
#pragma once

#include <string>
#include <vector>

#include "libs/async/worker.h"
#include "libs/clock/clock.h"
#include "libs/pg/pool.h"
#include "services/payments/flow/bulk_worker.h"
#include "services/payments/flow/pay_request.h"
#include "services/payments/flow/schedule_worker.h"
#include "services/payments/rpc/bulks_rpc.h"
#include "services/payments/rpc/payment_requests_rpc.h"
#include "services/payments/rpc/schedules_rpc.h"
#include "services/payments/store/pg_bulk_store.h"
#include "services/payments/store/pg_money_request_store.h"
#include "services/payments/store/pg_schedule_store.h"

namespace florin::payments {

// Outlives the calls under way: destroy it after the Runtime has stopped.
class OrderParts {
 public:
  // `pool` has Statements(); references outlive this.
  OrderParts(const BulkWorker::Parts& parts, PaymentApprovals& approvals,
             const std::string& approval_page, Executor executor, pg::Pool& pool, Clock& clock);
  // Before the executor stops.
  void Stop();

  static std::vector<pg::Statement> Statements();
  SchedulesRpc& schedules() { return schedules_; }
  BulksRpc& bulks() { return bulks_; }
  PaymentRequestsRpc& requests() { return requests_; }

 private:
  PgScheduleStore schedule_store_;
  ConfirmOrder confirm_schedule_;
  CreateSchedule create_schedule_;
  ScheduleWorker schedule_worker_;
  SchedulesRpc schedules_;
  PgBulkStore bulk_store_;
  ConfirmOrder confirm_bulk_;
  BulkOrders bulk_orders_;
  BulkWorker bulk_worker_;
  BulksRpc bulks_;
  PgMoneyRequestStore request_store_;
  PayRequest pay_request_;
  PaymentRequestsRpc requests_;
  // Last: they begin at once. A large bulk keeps no schedule waiting.
  async::Worker scheduling_;
  async::Worker settling_requests_;
  async::Worker paying_bulks_;
};

}  // namespace florin::payments
