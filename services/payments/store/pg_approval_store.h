// The payments that wait for an approval in PostgreSQL: schema `payments`, see migrations/.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/payments/store/approval_store.h"

namespace florin::payments {

class PgApprovalStore : public ApprovalStore {
 public:
  // What the pool must prepare besides PgStore::Statements(), some of which are used here.
  static std::vector<pg::Statement> Statements();

  // `pool` outlives this.
  explicit PgApprovalStore(pg::Pool& pool) : pool_(pool) {}

  Task<absl::StatusOr<Judged>> InsertJudged(Intent intent, ApprovalTerms terms,
                                            ApprovalPolicy policy) override;
  Task<absl::StatusOr<Payment>> BeginConfirm(Uuid user_id, Uuid payment_id,
                                             absl::Time now) override;
  Task<absl::StatusOr<Payment>> Start(Uuid user_id, Uuid payment_id, crypto::Digest redeemed,
                                      absl::Time now, audit::Origin origin) override;
  Task<absl::StatusOr<Payment>> GiveUp(Uuid user_id, Uuid payment_id, Reason reason, absl::Time now,
                                       audit::Origin origin) override;
  Task<absl::StatusOr<std::vector<Payment>>> ClaimAwaiting(absl::Time now, int limit) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::payments
