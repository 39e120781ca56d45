// florin.auth.v1.Authenticators over gRPC.
#pragma once

#include "florin/auth/v1/authenticators.rpc.h"
#include "services/auth/flow/authenticators.h"

namespace florin::auth {

// Thread-safe. The argument of the constructor outlives it.
class AuthenticatorsRpc : public v1::AuthenticatorsService {
 public:
  explicit AuthenticatorsRpc(Authenticators& authenticators) : authenticators_(authenticators) {}

  Task<absl::StatusOr<v1::ListAuthenticatorsResponse>> ListAuthenticators(
      rpc::Call& call, const v1::ListAuthenticatorsRequest& request) override;
  Task<absl::StatusOr<v1::RemoveAuthenticatorResponse>> RemoveAuthenticator(
      rpc::Call& call, const v1::RemoveAuthenticatorRequest& request) override;
  Task<absl::StatusOr<v1::BeginTotpResponse>> BeginTotp(
      rpc::Call& call, const v1::BeginTotpRequest& request) override;
  Task<absl::StatusOr<v1::Authenticator>> ConfirmTotp(
      rpc::Call& call, const v1::ConfirmTotpRequest& request) override;
  Task<absl::StatusOr<v1::BeginPasskeyResponse>> BeginPasskey(
      rpc::Call& call, const v1::BeginPasskeyRequest& request) override;
  Task<absl::StatusOr<v1::Authenticator>> FinishPasskey(
      rpc::Call& call, const v1::FinishPasskeyRequest& request) override;
  Task<absl::StatusOr<v1::IssueRecoveryCodesResponse>> IssueRecoveryCodes(
      rpc::Call& call, const v1::IssueRecoveryCodesRequest& request) override;
  Task<absl::StatusOr<v1::RequestPasswordResetResponse>> RequestPasswordReset(
      rpc::Call& call, const v1::RequestPasswordResetRequest& request) override;
  Task<absl::StatusOr<v1::ResetPasswordResponse>> ResetPassword(
      rpc::Call& call, const v1::ResetPasswordRequest& request) override;
  Task<absl::StatusOr<v1::RequestEmailVerificationResponse>> RequestEmailVerification(
      rpc::Call& call, const v1::RequestEmailVerificationRequest& request) override;
  Task<absl::StatusOr<v1::VerifyEmailResponse>> VerifyEmail(
      rpc::Call& call, const v1::VerifyEmailRequest& request) override;

 private:
  // That changes need a fresh login is the methods' policy.
  Authenticators& authenticators_;
};

}  // namespace florin::auth
