// florin.auth.v1.Clients over gRPC.
#pragma once

#include "florin/auth/v1/clients.rpc.h"
#include "libs/clock/clock.h"
#include "services/auth/flow/register_client.h"
#include "services/auth/store/oauth_store.h"

namespace florin::auth {

// Thread-safe. The arguments of the constructor outlive it.
class ClientsRpc : public v1::ClientsService {
 public:
  ClientsRpc(OAuthStore& store, Clock& clock, IdSource& ids)
      : store_(store), clock_(clock), ids_(ids), register_client_(store, clock, ids) {}

  Task<absl::StatusOr<v1::RegisteredClient>> RegisterClient(
      rpc::Call& call, const v1::RegisterClientRequest& request) override;
  Task<absl::StatusOr<v1::RegisteredClient>> GetClient(
      rpc::Call& call, const v1::GetClientRequest& request) override;
  Task<absl::StatusOr<v1::ListClientsResponse>> ListClients(
      rpc::Call& call, const v1::ListClientsRequest& request) override;
  Task<absl::StatusOr<v1::ListCorsOriginsResponse>> ListCorsOrigins(
      rpc::Call& call, const v1::ListCorsOriginsRequest& request) override;
  Task<absl::StatusOr<v1::RegisteredClient>> DisableClient(
      rpc::Call& call, const v1::DisableClientRequest& request) override;

 private:
  OAuthStore& store_;
  Clock& clock_;
  IdSource& ids_;
  auth::RegisterClient register_client_;
};

}  // namespace florin::auth
