#include "services/auth/rpc/clients_rpc.h"

#include <utility>

#include "libs/audit/call_origin.h"
#include "libs/clock/microseconds.h"
#include "libs/rpc/timestamp.h"
#include "services/auth/flow/audit_events.h"
#include "services/auth/flow/pushed_authorization.h"

namespace florin::auth {
namespace {

constexpr int kUsualPage = 50;
constexpr int kLargestPage = 100;

v1::RegisteredClient ToProto(const Client& client) {
  v1::RegisteredClient proto;
  proto.set_client_id(client.client_id);
  v1::ClientMetadata& metadata = *proto.mutable_metadata();
  metadata.set_type(client.type == ClientType::kPublic ? v1::ClientMetadata::PUBLIC
                                                       : v1::ClientMetadata::CONFIDENTIAL);
  metadata.set_client_name(client.client_name);
  metadata.mutable_redirect_uris()->Assign(client.redirect_uris.begin(),
                                           client.redirect_uris.end());
  metadata.set_token_endpoint_auth_method(std::string(NameOf(client.auth_method)));
  metadata.set_jwks(client.jwks);
  metadata.set_certificate_thumbprint(client.certificate_thumbprint);
  metadata.mutable_grant_types()->Assign(client.grant_types.begin(), client.grant_types.end());
  metadata.mutable_scopes()->Assign(client.scopes.begin(), client.scopes.end());
  metadata.set_dpop_bound_access_tokens(client.dpop_bound_access_tokens);
  metadata.set_require_mtls(client.require_mtls);
  metadata.mutable_cors_origins()->Assign(client.cors_origins.begin(), client.cors_origins.end());
  metadata.set_first_party(client.first_party);
  SetTime(client.create_time, *proto.mutable_create_time());
  if (client.disable_time) SetTime(*client.disable_time, *proto.mutable_disable_time());
  return proto;
}

absl::StatusOr<Client> FromProto(const v1::RegisterClientRequest& request) {
  const v1::ClientMetadata& metadata = request.metadata();
  Client client;
  client.client_id = request.client_id();
  if (metadata.type() != v1::ClientMetadata::PUBLIC &&
      metadata.type() != v1::ClientMetadata::CONFIDENTIAL) {
    return Error(Reason::kInvalidClientMetadata, "public or confidential", {.param = "type"});
  }
  client.type = metadata.type() == v1::ClientMetadata::PUBLIC ? ClientType::kPublic
                                                              : ClientType::kConfidential;
  client.client_name = metadata.client_name();
  client.redirect_uris = {metadata.redirect_uris().begin(), metadata.redirect_uris().end()};
  const auto method = AuthMethodNamed(metadata.token_endpoint_auth_method());
  if (!method) {
    return Error(Reason::kInvalidClientMetadata, "there is no such method",
                 {.param = "token_endpoint_auth_method"});
  }
  client.auth_method = *method;
  client.jwks = metadata.jwks();
  client.certificate_thumbprint = metadata.certificate_thumbprint();
  client.grant_types = {metadata.grant_types().begin(), metadata.grant_types().end()};
  client.scopes = {metadata.scopes().begin(), metadata.scopes().end()};
  client.dpop_bound_access_tokens = metadata.dpop_bound_access_tokens();
  client.require_mtls = metadata.require_mtls();
  client.cors_origins = {metadata.cors_origins().begin(), metadata.cors_origins().end()};
  client.first_party = metadata.first_party();
  return client;
}

absl::Status NotFound() { return Error(Reason::kClientNotFound, "no client has this id"); }

}  // namespace

Task<absl::StatusOr<v1::RegisteredClient>> ClientsRpc::RegisterClient(
    rpc::Call& call, const v1::RegisterClientRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(Client client, FromProto(request));
  const absl::StatusOr<Client> kept =
      co_await register_client_.Run(std::move(client), audit::OriginOfCall(call));
  if (!kept.ok()) co_return kept.status();
  co_return ToProto(*kept);
}

Task<absl::StatusOr<v1::RegisteredClient>> ClientsRpc::GetClient(
    rpc::Call&, const v1::GetClientRequest& request) {
  const absl::StatusOr<std::optional<Client>> client =
      co_await store_.FindClient(request.client_id());
  if (!client.ok()) co_return client.status();
  if (!client->has_value()) co_return NotFound();
  co_return ToProto(**client);
}

Task<absl::StatusOr<v1::ListClientsResponse>> ClientsRpc::ListClients(
    rpc::Call&, const v1::ListClientsRequest& request) {
  const int size = request.page_size() == 0 ? kUsualPage : request.page_size();
  if (size < 1 || size > kLargestPage) {
    co_return Error(Reason::kInvalidField, "1 to 100", {.param = "page_size"});
  }
  const absl::StatusOr<std::vector<Client>> page =
      co_await store_.ListClients(request.after(), size + 1);  // One more tells if it goes on.
  if (!page.ok()) co_return page.status();
  v1::ListClientsResponse response;
  for (const Client& client : *page) {
    if (response.clients_size() == size) {
      response.set_next(response.clients(size - 1).client_id());
      break;
    }
    *response.add_clients() = ToProto(client);
  }
  co_return response;
}

Task<absl::StatusOr<v1::ListCorsOriginsResponse>> ClientsRpc::ListCorsOrigins(
    rpc::Call&, const v1::ListCorsOriginsRequest&) {
  const absl::StatusOr<std::vector<std::string>> origins = co_await store_.ListCorsOrigins();
  if (!origins.ok()) co_return origins.status();
  v1::ListCorsOriginsResponse response;
  response.mutable_origins()->Assign(origins->begin(), origins->end());
  co_return response;
}

Task<absl::StatusOr<v1::RegisteredClient>> ClientsRpc::DisableClient(
    rpc::Call& call, const v1::DisableClientRequest& request) {
  audit::Event event = NewEvent(clock_, ids_, "auth.client.disable", audit::OriginOfCall(call));
  event.actor = call.caller();
  event.subject = request.client_id();
  const absl::StatusOr<std::optional<Client>> client = co_await store_.DisableClient(
      request.client_id(), InMicroseconds(clock_.Now()), std::move(event));
  if (!client.ok()) co_return client.status();
  if (!client->has_value()) co_return NotFound();
  co_return ToProto(**client);
}

}  // namespace florin::auth
