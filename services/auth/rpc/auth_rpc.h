// florin.auth.v1.Auth over gRPC.
#pragma once

#include "florin/auth/v1/auth.rpc.h"
#include "services/auth/flow/password_login.h"
#include "services/auth/flow/register_user.h"
#include "services/auth/flow/signing_keys.h"

namespace florin::auth {

// Thread-safe. The arguments of the constructor outlive it.
class AuthRpc : public v1::AuthService {
 public:
  AuthRpc(RegisterUser& register_user, PasswordLogin& login, const SigningKeys& keys)
      : register_user_(register_user), login_(login), keys_(keys) {}

  Task<absl::StatusOr<v1::User>> Register(rpc::Call& call,
                                          const v1::RegisterRequest& request) override;
  Task<absl::StatusOr<v1::LogInResponse>> LogIn(rpc::Call& call,
                                                const v1::LogInRequest& request) override;
  Task<absl::StatusOr<v1::JsonWebKeySet>> GetJsonWebKeySet(
      rpc::Call& call, const v1::GetJsonWebKeySetRequest& request) override;

 private:
  RegisterUser& register_user_;
  PasswordLogin& login_;
  const SigningKeys& keys_;
};

}  // namespace florin::auth
