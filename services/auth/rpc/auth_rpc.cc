#include "services/auth/rpc/auth_rpc.h"

#include <utility>

#include "libs/audit/call_origin.h"
#include "libs/rpc/timestamp.h"
#include "services/auth/rpc/call_network.h"

namespace florin::auth {
namespace {

v1::User ToProto(const User& user) {
  v1::User proto;
  proto.set_user_id(FormatId(IdKind::kUser, user.user_id));
  proto.set_email(user.email);
  SetTime(user.create_time, *proto.mutable_create_time());
  return proto;
}

}  // namespace

Task<absl::StatusOr<v1::User>> AuthRpc::Register(rpc::Call& call,
                                                 const v1::RegisterRequest& request) {
  const Registering registering = co_await register_user_.Run(
      call.idempotency_key(), request.email(), request.password(), audit::OriginOfCall(call));
  if (registering.replayed) call.MarkReplayed();
  if (!registering.user.ok()) co_return registering.user.status();
  co_return ToProto(*registering.user);
}

Task<absl::StatusOr<v1::LogInResponse>> AuthRpc::LogIn(rpc::Call& call,
                                                       const v1::LogInRequest& request) {
  LoginRequest login;
  login.email = request.email();
  login.password = request.password();
  login.scope = request.scope();
  login.totp_code = request.totp_code();
  login.recovery_code = request.recovery_code();
  login.network = NetworkOf(call);
  absl::StatusOr<AccessToken> token = co_await login_.Run(std::move(login));
  if (!token.ok()) co_return token.status();
  v1::LogInResponse response;
  response.set_access_token(std::move(token->token));
  response.set_token_type("Bearer");
  response.set_expires_in(static_cast<std::int32_t>(absl::ToInt64Seconds(kAccessTokenLifetime)));
  response.set_scope(std::move(token->scope));
  co_return response;
}

Task<absl::StatusOr<v1::JsonWebKeySet>> AuthRpc::GetJsonWebKeySet(
    rpc::Call&, const v1::GetJsonWebKeySetRequest&) {
  v1::JsonWebKeySet set;
  for (const crypto::VerificationKey& key : keys_.published()) {
    v1::JsonWebKey& jwk = *set.add_keys();
    jwk.set_kty("EC");
    jwk.set_crv("P-256");
    jwk.set_x(key.x());
    jwk.set_y(key.y());
    jwk.set_kid(key.kid());
    jwk.set_alg("ES256");
    jwk.set_use("sig");
  }
  co_return set;
}

}  // namespace florin::auth
