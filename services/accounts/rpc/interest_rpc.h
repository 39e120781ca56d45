// The gRPC face of interest and charges: checks shape, calls, maps. See
// proto/florin/accounts/v1/interest.proto for what each method promises.
#pragma once

#include "florin/accounts/v1/interest.rpc.h"
#include "services/accounts/flow/interest_plans.h"
#include "services/accounts/store/interest_store.h"

namespace florin::accounts {

// Thread-safe. That the methods are called by operators is the scopes' business (auth), which this
// service's server checks.
class InterestRpc : public v1::InterestService {
 public:
  // References outlive this.
  InterestRpc(InterestStore& store, InterestPlans& plans) : store_(store), plans_(plans) {}

  Task<absl::StatusOr<v1::InterestPlan>> PutInterestPlan(rpc::Call& call,
                                                         const v1::InterestPlan& request) override;
  Task<absl::StatusOr<v1::ListInterestPlansResponse>> ListInterestPlans(
      rpc::Call& call, const v1::ListInterestPlansRequest& request) override;
  Task<absl::StatusOr<v1::InterestAssignment>> AssignInterestPlan(
      rpc::Call& call, const v1::AssignInterestPlanRequest& request) override;
  Task<absl::StatusOr<v1::AccountInterest>> GetAccountInterest(
      rpc::Call& call, const v1::GetAccountInterestRequest& request) override;
  Task<absl::StatusOr<v1::ListInterestDaysResponse>> ListInterestDays(
      rpc::Call& call, const v1::ListInterestDaysRequest& request) override;

 private:
  InterestStore& store_;
  InterestPlans& plans_;
};

}  // namespace florin::accounts
