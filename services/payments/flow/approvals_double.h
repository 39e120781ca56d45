// A stand-in for auth's approvals, for tests: keeps what it is told and redeems by the rules of
// approvals.proto, without authenticators: tests approve and decline by themselves.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "florin/auth/v1/approvals.rpc.h"
#include "libs/clock/clock.h"

namespace florin::payments {

// Thread-safe.
class ApprovalsDouble : public auth::v1::ApprovalsService {
 public:
  // `clock` outlives this.
  explicit ApprovalsDouble(Clock& clock) : clock_(clock) {}

  void SetAvailable(bool available);
  // Makes RedeemApproval do its work and then fail with kUnavailable.
  void LoseRedemptions(bool lose);
  // What the payer does, or somebody who got at auth's rows.
  void SetState(const std::string& approval_id, auth::v1::Approval::State state);
  // The approval, as it was asked for and with the state it has now; empty if there is none.
  auth::v1::Approval Get(const std::string& approval_id);
  int redemptions();  // Approvals that were used up.
  int redeem_calls();

  Task<absl::StatusOr<auth::v1::Approval>> CreateApproval(
      rpc::Call& call, const auth::v1::CreateApprovalRequest& request) override;
  Task<absl::StatusOr<auth::v1::RedeemApprovalResponse>> RedeemApproval(
      rpc::Call& call, const auth::v1::RedeemApprovalRequest& request) override;

  // Payments does not use the following.
  Task<absl::StatusOr<auth::v1::Approval>> GetApproval(
      rpc::Call& call, const auth::v1::GetApprovalRequest& request) override;
  Task<absl::StatusOr<auth::v1::BeginApprovalResponse>> BeginApproval(
      rpc::Call& call, const auth::v1::BeginApprovalRequest& request) override;
  Task<absl::StatusOr<auth::v1::Approval>> ApproveApproval(
      rpc::Call& call, const auth::v1::ApproveApprovalRequest& request) override;
  Task<absl::StatusOr<auth::v1::Approval>> DeclineApproval(
      rpc::Call& call, const auth::v1::DeclineApprovalRequest& request) override;

 private:
  struct Row {
    auth::v1::Approval approval;
    std::string asked;    // The whole request.
    std::string binding;  // Digest, octets.
  };
  absl::Status Redeem(Row& row, const auth::v1::RedeemApprovalRequest& request);

  Clock& clock_;
  std::mutex mutex_;  // Guards everything below.
  std::map<std::string, Row> rows_;
  bool available_ = true;
  bool lose_redemptions_ = false;
  int redemptions_ = 0;
  int redeem_calls_ = 0;
};

}  // namespace florin::payments
