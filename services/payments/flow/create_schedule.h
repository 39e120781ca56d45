// Makes schedules: what a user asks for, checked as each of its payments will be. Where the policy
// could ask for an approval of a payment, the schedule waits for one of all of them (RTS Art. 14).
#pragma once

#include <string>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/rpc/context.h"
#include "services/payments/domain/approval_policy.h"
#include "services/payments/flow/account_directory.h"
#include "services/payments/flow/confirm_order.h"
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
                 ApprovalPolicy policy, ConfirmOrder& confirm)
      : store_(store),
        accounts_(accounts),
        clock_(clock),
        ids_(ids),
        policy_(std::move(policy)),
        confirm_(confirm) {}

  // Makes the schedule that `wanted` (accounts, amount, reference, rule, catch-up) asks for, or
  // gives the one that the key stands for; its payer is asked if it requires action. Errors: those
  // of CheckRequest(), CheckAccounts(), CheckRule(); kIdempotencyKeyReused; those of
  // PaymentApprovals::Ask(): the schedule is kept, and the same key asks again; kUnavailable.
  Task<absl::StatusOr<Outcome>> Run(rpc::Outgoing context, Schedule wanted,
                                    std::string idempotency_key, audit::Origin origin = {});

 private:
  // What the payer is to approve, or nothing.
  Task<absl::StatusOr<std::optional<OrderTerms>>> CheckParties(rpc::Outgoing context,
                                                               Schedule wanted);

  ScheduleStore& store_;
  AccountDirectory& accounts_;
  Clock& clock_;
  IdSource& ids_;
  const ApprovalPolicy policy_;
  ConfirmOrder& confirm_;
};

}  // namespace florin::payments
