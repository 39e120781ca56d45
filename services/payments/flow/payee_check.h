// Asks the accounts service whether those who are to be paid were saved by their payer.
#pragma once

#include <vector>

#include "florin/accounts/v1/payees.rpc.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/rpc/context.h"
#include "services/payments/domain/payee_policy.h"
#include "services/payments/domain/rail.h"
#include "services/payments/domain/request.h"

namespace florin::payments {

// Thread-safe.
class PayeeCheck {
 public:
  struct Paid {
    Uuid account_id;
    Money amount;
  };

  // References outlive this.
  PayeeCheck(accounts::v1::PayeesClient& payees, PayeePolicy policy, Clock& clock)
      : payees_(payees), policy_(std::move(policy)), clock_(clock) {}

  // Whether `user_id` may pay each of them, all accounts of others, at most 100. Nothing is
  // remembered: a payee that was saved or deleted counts at once. Errors: those of CheckSaved();
  // kUnavailable, kDeadlineExceeded of the accounts service.
  Task<absl::Status> Check(rpc::Outgoing context, Uuid user_id, std::vector<Paid> paid);

  // Whether `user_id` must approve a payout whatever exempts it; who has no IBAN cannot be saved.
  // Errors: those of NeedsApproval(); kUnavailable, kDeadlineExceeded of the accounts service.
  Task<absl::StatusOr<bool>> CheckPayout(rpc::Outgoing context, Uuid user_id,
                                         Beneficiary beneficiary, Money amount);

 private:
  accounts::v1::PayeesClient& payees_;
  const PayeePolicy policy_;
  Clock& clock_;
};

}  // namespace florin::payments
