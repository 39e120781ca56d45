// Approvals of payments in PostgreSQL, schema `auth`.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/auth/store/approval_store.h"

namespace florin::auth {

class PgApprovalStore : public ApprovalStore {
 public:
  // `pool` was made with Statements() and outlives this.
  explicit PgApprovalStore(pg::Pool& pool) : pool_(pool) {}
  static std::vector<pg::Statement> Statements();

  Task<absl::StatusOr<PaymentApproval>> InsertApproval(PaymentApproval approval) override;
  Task<absl::StatusOr<PaymentApproval>> FindApproval(Uuid approval_id) override;
  Task<absl::StatusOr<PaymentApproval>> UpdateApproval(Uuid approval_id, Rule rule,
                                                       audit::Origin origin) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::auth
