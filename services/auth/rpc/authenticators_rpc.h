// florin.auth.v1.Authenticators over gRPC.
#pragma once

#include "florin/auth/v1/authenticators.rpc.h"
#include "libs/clock/clock.h"
#include "services/auth/flow/authenticators.h"

namespace florin::auth {

// How old the authentication of a token may be that changes an authenticator.
inline constexpr absl::Duration kFreshAuthentication = absl::Minutes(5);

// Thread-safe. The arguments of the constructor outlive it.
class AuthenticatorsRpc : public v1::AuthenticatorsService {
 public:
  AuthenticatorsRpc(Authenticators& authenticators, Clock& clock)
      : authenticators_(authenticators), clock_(clock) {}

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
  // The caller. For changes: who proved who they are just now, else kReauthenticationRequired.
  static absl::StatusOr<Uuid> UserOf(const rpc::Call& call);
  absl::StatusOr<Uuid> FreshUserOf(const rpc::Call& call) const;

  Authenticators& authenticators_;
  Clock& clock_;
};

}  // namespace florin::auth
