// The gRPC face of limits: checks shape, calls, maps. See proto/florin/payments/v1/limits.proto for
// what each method promises.
#pragma once

#include "florin/auth/v1/proposals.rpc.h"
#include "florin/payments/v1/limits.rpc.h"
#include "libs/ids/ids.h"
#include "services/payments/flow/account_directory.h"
#include "services/payments/flow/limit_buckets.h"
#include "services/payments/flow/limit_directory.h"

namespace florin::payments {

// Thread-safe.
class LimitsRpc : public v1::LimitsService {
 public:
  // References outlive this.
  LimitsRpc(LimitStore& store, LimitDirectory& limits, LimitBuckets& buckets,
            AccountDirectory& accounts, auth::v1::ProposalsClient& proposals, IdSource& ids,
            Clock& clock)
      : store_(store),
        limits_(limits),
        buckets_(buckets),
        accounts_(accounts),
        proposals_(proposals),
        ids_(ids),
        clock_(clock) {}

  Task<absl::StatusOr<v1::Limit>> CreateLimit(rpc::Call& call,
                                              const v1::CreateLimitRequest& request) override;
  Task<absl::StatusOr<v1::Limit>> ChangeLimit(rpc::Call& call,
                                              const v1::ChangeLimitRequest& request) override;
  Task<absl::StatusOr<v1::Limit>> RemoveLimit(rpc::Call& call,
                                              const v1::RemoveLimitRequest& request) override;
  Task<absl::StatusOr<v1::ListLimitsResponse>> ListLimits(
      rpc::Call& call, const v1::ListLimitsRequest& request) override;
  Task<absl::StatusOr<v1::ListAllowancesResponse>> ListAllowances(
      rpc::Call& call, const v1::ListAllowancesRequest& request) override;

 private:
  // Whose allowances are asked for.
  struct Payer {
    Uuid user_id;
    std::optional<AccountFacts> account;
    Uuid destination_account_id;  // Nil: none was named.
  };

  // `payload`: what two people have agreed on, and what tells one request from another.
  Task<absl::StatusOr<v1::Limit>> Change(rpc::Call& call, LimitChange change, std::string payload,
                                         std::string proposal_id);
  // Uses up the approval of this change; for this request as often as needed.
  Task<absl::Status> Consume(rpc::Call& call, std::string payload, std::string proposal_id);
  Task<absl::StatusOr<Payer>> FindPayer(const rpc::Call& call, std::string account_id,
                                        std::string destination_account_id);

  LimitStore& store_;
  LimitDirectory& limits_;
  LimitBuckets& buckets_;
  AccountDirectory& accounts_;
  auth::v1::ProposalsClient& proposals_;
  IdSource& ids_;
  Clock& clock_;
};

}  // namespace florin::payments
