#include "services/auth/rpc/auth_rpc.h"

#include <utility>

namespace florin::auth {
namespace {

v1::User ToProto(const User& user) {
  v1::User proto;
  proto.set_user_id(FormatId(IdKind::kUser, user.user_id));
  proto.set_email(user.email);
  const std::int64_t micros = absl::ToUnixMicros(user.create_time);
  proto.mutable_create_time()->set_seconds(micros / 1'000'000);
  proto.mutable_create_time()->set_nanos(static_cast<std::int32_t>(micros % 1'000'000 * 1'000));
  return proto;
}

audit::Origin OriginOf(const rpc::Call& call) {
  audit::Origin origin;
  origin.caller = call.caller();
  origin.request_id = call.request_id();
  return origin;
}

}  // namespace

Task<absl::StatusOr<v1::User>> AuthRpc::Register(rpc::Call& call,
                                                 const v1::RegisterRequest& request) {
  const Registering registering = co_await register_user_.Run(
      call.idempotency_key(), request.email(), request.password(), OriginOf(call));
  if (registering.replayed) call.MarkReplayed();
  if (!registering.user.ok()) co_return registering.user.status();
  co_return ToProto(*registering.user);
}

Task<absl::StatusOr<v1::LogInResponse>> AuthRpc::LogIn(rpc::Call& call,
                                                       const v1::LogInRequest& request) {
  absl::StatusOr<AccessToken> token =
      co_await login_.Run(request.email(), request.password(), request.scope(), OriginOf(call));
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
