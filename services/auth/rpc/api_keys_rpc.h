// florin.auth.v1.ApiKeys over gRPC.
#pragma once

#include "florin/auth/v1/api_keys.rpc.h"
#include "services/auth/flow/api_keys.h"
#include "services/auth/rpc/refused_attempts.h"
#include "services/auth/store/api_key_store.h"

namespace florin::auth {

// Thread-safe. The arguments of the constructor outlive it.
class ApiKeysRpc : public v1::ApiKeysService {
 public:
  ApiKeysRpc(ApiKeys& keys, ApiKeyStore& store, RefusedAttempts& refused)
      : keys_(keys), store_(store), refused_(refused) {}

  Task<absl::StatusOr<v1::CreateApiKeyResponse>> CreateApiKey(
      rpc::Call& call, const v1::CreateApiKeyRequest& request) override;
  Task<absl::StatusOr<v1::ListApiKeysResponse>> ListApiKeys(
      rpc::Call& call, const v1::ListApiKeysRequest& request) override;
  Task<absl::StatusOr<v1::RotateApiKeyResponse>> RotateApiKey(
      rpc::Call& call, const v1::RotateApiKeyRequest& request) override;
  Task<absl::StatusOr<v1::ApiKey>> RevokeApiKey(rpc::Call& call,
                                                const v1::RevokeApiKeyRequest& request) override;
  Task<absl::StatusOr<v1::VerifyApiKeyResponse>> VerifyApiKey(
      rpc::Call& call, const v1::VerifyApiKeyRequest& request) override;

 private:
  ApiKeys& keys_;
  ApiKeyStore& store_;
  RefusedAttempts& refused_;
};

}  // namespace florin::auth
