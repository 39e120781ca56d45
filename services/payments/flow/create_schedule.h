// Makes schedules: what a user asks for, checked as each of its payments will be.
#pragma once

#include <string>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/rpc/context.h"
#include "services/payments/domain/approval_policy.h"
#include "services/payments/flow/account_directory.h"
#include "services/payments/store/schedule_store.h"

namespace florin::payments {

// Thread-safe.
class CreateSchedule {
 public:
  struct Outcome {
    Schedule schedule;
    bool replayed = false;
  };

  // References outlive this.
  CreateSchedule(ScheduleStore& store, AccountDirectory& accounts, Clock& clock, IdSource& ids,
                 ApprovalPolicy policy)
      : store_(store), accounts_(accounts), clock_(clock), ids_(ids), policy_(std::move(policy)) {}

  // Makes the schedule that `wanted` (accounts, amount, reference, rule, catch-up) asks for, or
  // gives the one that the key stands for. Errors: those of CheckRequest(), CheckAccounts(),
  // CheckRule(); kInvalidSchedule with param `destination_account_id` if the policy might ask for
  // an approval of its payments, since nobody is there to give it when they are due;
  // kIdempotencyKeyReused; kUnavailable.
  Task<absl::StatusOr<Outcome>> Run(rpc::Outgoing context, Schedule wanted,
                                    std::string idempotency_key, audit::Origin origin = {});

 private:
  Task<absl::Status> CheckParties(rpc::Outgoing context, Schedule wanted);

  ScheduleStore& store_;
  AccountDirectory& accounts_;
  Clock& clock_;
  IdSource& ids_;
  const ApprovalPolicy policy_;
};

}  // namespace florin::payments
