// Wiring of what payers must approve.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/payments/flow/create_payment.h"
#include "services/payments/store/pg_approval_store.h"

namespace florin::payments {

// Reads --approval_policy; ends the process if it is wrong. Outlives the calls under way: destroy
// it after the Runtime has stopped.
class ApprovalParts {
 public:
  // References outlive this; `pool` has Statements(), `auth` is a channel to that service.
  ApprovalParts(pg::Pool& pool, rpc::Channel& auth);

  static std::vector<pg::Statement> Statements() { return PgApprovalStore::Statements(); }
  CreatePayment::Approving approving() { return {store_, approvals_, policy_}; }
  ApprovalStore& store() { return store_; }
  PaymentApprovals& approvals() { return approvals_; }

 private:
  const ApprovalPolicy policy_;
  auth::v1::ApprovalsClient client_;
  PgApprovalStore store_;
  PaymentApprovals approvals_;
};

}  // namespace florin::payments
