#include "services/auth/rpc/authenticators_rpc.h"

#include <utility>

#include "libs/rpc/timestamp.h"
#include "libs/rpc/user_of.h"
#include "services/auth/rpc/call_network.h"

namespace florin::auth {
namespace {

v1::Authenticator::Kind ToProto(FactorKind kind) {
  switch (kind) {
    case FactorKind::kPasskey:
      return v1::Authenticator::PASSKEY;
    case FactorKind::kTotp:
      return v1::Authenticator::TOTP;
    case FactorKind::kRecoveryCodes:
      return v1::Authenticator::RECOVERY_CODES;
  }
  return v1::Authenticator::KIND_UNSPECIFIED;
}

v1::Authenticator ToProto(const Factor& factor) {
  v1::Authenticator proto;
  proto.set_authenticator_id(FormatId(IdKind::kFactor, factor.factor_id));
  proto.set_kind(ToProto(factor.kind));
  proto.set_label(factor.label);
  SetTime(factor.create_time, *proto.mutable_create_time());
  if (factor.last_use_time) SetTime(*factor.last_use_time, *proto.mutable_last_use_time());
  proto.set_codes_left(factor.codes_left);
  return proto;
}

}  // namespace

Task<absl::StatusOr<v1::ListAuthenticatorsResponse>> AuthenticatorsRpc::ListAuthenticators(
    rpc::Call& call, const v1::ListAuthenticatorsRequest&) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user_id, UserOf(call));
  const absl::StatusOr<std::vector<Factor>> factors = co_await authenticators_.ListFactors(user_id);
  if (!factors.ok()) co_return factors.status();
  v1::ListAuthenticatorsResponse response;
  for (const Factor& factor : *factors) *response.add_authenticators() = ToProto(factor);
  co_return response;
}

Task<absl::StatusOr<v1::RemoveAuthenticatorResponse>> AuthenticatorsRpc::RemoveAuthenticator(
    rpc::Call& call, const v1::RemoveAuthenticatorRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user_id, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(
      const Uuid factor_id,
      ParseId(IdKind::kFactor, request.authenticator_id(), "authenticator_id"));
  FLORIN_CO_RETURN_IF_ERROR(
      co_await authenticators_.RemoveFactor(user_id, factor_id, NetworkOf(call)));
  co_return v1::RemoveAuthenticatorResponse();
}

Task<absl::StatusOr<v1::BeginTotpResponse>> AuthenticatorsRpc::BeginTotp(
    rpc::Call& call, const v1::BeginTotpRequest&) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user_id, UserOf(call));
  absl::StatusOr<TotpEnrolment> enrolment = co_await authenticators_.BeginTotp(user_id);
  if (!enrolment.ok()) co_return enrolment.status();
  v1::BeginTotpResponse response;
  response.set_secret(std::move(enrolment->secret));
  response.set_uri(std::move(enrolment->uri));
  co_return response;
}

Task<absl::StatusOr<v1::Authenticator>> AuthenticatorsRpc::ConfirmTotp(
    rpc::Call& call, const v1::ConfirmTotpRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user_id, UserOf(call));
  const absl::StatusOr<Factor> factor =
      co_await authenticators_.ConfirmTotp(user_id, request.code(), NetworkOf(call));
  if (!factor.ok()) co_return factor.status();
  co_return ToProto(*factor);
}

Task<absl::StatusOr<v1::BeginPasskeyResponse>> AuthenticatorsRpc::BeginPasskey(
    rpc::Call& call, const v1::BeginPasskeyRequest&) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user_id, UserOf(call));
  absl::StatusOr<Ceremony> ceremony = co_await authenticators_.BeginPasskeyRegistration(user_id);
  if (!ceremony.ok()) co_return ceremony.status();
  v1::BeginPasskeyResponse response;
  response.set_challenge_id(FormatId(IdKind::kChallenge, ceremony->challenge_id));
  response.set_options(std::move(ceremony->options));
  co_return response;
}

Task<absl::StatusOr<v1::Authenticator>> AuthenticatorsRpc::FinishPasskey(
    rpc::Call& call, const v1::FinishPasskeyRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user_id, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid challenge_id,
                             ParseId(IdKind::kChallenge, request.challenge_id(), "challenge_id"));
  const absl::StatusOr<Factor> factor = co_await authenticators_.FinishPasskeyRegistration(
      user_id, challenge_id, request.credential(), request.label(), NetworkOf(call));
  if (!factor.ok()) co_return factor.status();
  co_return ToProto(*factor);
}

Task<absl::StatusOr<v1::IssueRecoveryCodesResponse>> AuthenticatorsRpc::IssueRecoveryCodes(
    rpc::Call& call, const v1::IssueRecoveryCodesRequest&) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user_id, UserOf(call));
  const absl::StatusOr<std::vector<std::string>> codes =
      co_await authenticators_.IssueRecoveryCodes(user_id, NetworkOf(call));
  if (!codes.ok()) co_return codes.status();
  v1::IssueRecoveryCodesResponse response;
  for (const std::string& code : *codes) response.add_codes(code);
  co_return response;
}

Task<absl::StatusOr<v1::RequestPasswordResetResponse>> AuthenticatorsRpc::RequestPasswordReset(
    rpc::Call& call, const v1::RequestPasswordResetRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(
      co_await authenticators_.RequestPasswordReset(request.email(), NetworkOf(call)));
  co_return v1::RequestPasswordResetResponse();
}

Task<absl::StatusOr<v1::ResetPasswordResponse>> AuthenticatorsRpc::ResetPassword(
    rpc::Call& call, const v1::ResetPasswordRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(co_await authenticators_.ResetPassword(
      request.token(), request.new_password(), NetworkOf(call)));
  co_return v1::ResetPasswordResponse();
}

Task<absl::StatusOr<v1::RequestEmailVerificationResponse>>
AuthenticatorsRpc::RequestEmailVerification(rpc::Call& call,
                                            const v1::RequestEmailVerificationRequest&) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user_id, UserOf(call));
  FLORIN_CO_RETURN_IF_ERROR(co_await authenticators_.RequestEmailVerification(user_id));
  co_return v1::RequestEmailVerificationResponse();
}

Task<absl::StatusOr<v1::VerifyEmailResponse>> AuthenticatorsRpc::VerifyEmail(
    rpc::Call& call, const v1::VerifyEmailRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(co_await authenticators_.VerifyEmail(request.token(), NetworkOf(call)));
  co_return v1::VerifyEmailResponse();
}

}  // namespace florin::auth
