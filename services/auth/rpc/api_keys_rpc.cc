#include "services/auth/rpc/api_keys_rpc.h"

#include <algorithm>
#include <utility>

#include "libs/audit/call_origin.h"
#include "libs/paging/paging.h"
#include "libs/rpc/timestamp.h"
#include "libs/rpc/user_of.h"

namespace florin::auth {
namespace {

v1::ApiKey ToProto(const ApiKey& key) {
  v1::ApiKey proto;
  proto.set_api_key_id(FormatId(IdKind::kApiKey, key.api_key_id));
  proto.set_display_name(key.display_name);
  proto.set_mode(key.mode);
  for (const std::string& scope : key.scopes) proto.add_scopes(scope);
  for (const std::string& network : key.allowed_networks) proto.add_allowed_networks(network);
  proto.set_created_by(key.created_by);
  SetTime(key.create_time, *proto.mutable_create_time());
  if (key.expire_time) SetTime(*key.expire_time, *proto.mutable_expire_time());
  if (key.revoke_time) SetTime(*key.revoke_time, *proto.mutable_revoke_time());
  if (key.last_use_time) SetTime(*key.last_use_time, *proto.mutable_last_use_time());
  for (const ApiKeySecret& secret : key.secrets) {
    v1::ApiKeySecret& shown = *proto.add_secrets();
    shown.set_prefix(secret.prefix);
    SetTime(secret.create_time, *shown.mutable_create_time());
    if (secret.expire_time) SetTime(*secret.expire_time, *shown.mutable_expire_time());
  }
  return proto;
}

template <class Response>
Response ToResponse(rpc::Call& call, ApiKeys::Made made) {
  if (made.secret.empty()) call.MarkReplayed();
  Response response;
  *response.mutable_api_key() = ToProto(made.key);
  response.set_secret(std::move(made.secret));
  return response;
}

}  // namespace

Task<absl::StatusOr<v1::CreateApiKeyResponse>> ApiKeysRpc::CreateApiKey(
    rpc::Call& call, const v1::CreateApiKeyRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  const rpc::Principal& principal = call.principal();
  ApiKeys::Wish wish;
  wish.user_id = user;
  wish.display_name = request.display_name();
  wish.scopes.assign(request.scopes().begin(), request.scopes().end());
  wish.allowed_networks.assign(request.allowed_networks().begin(),
                               request.allowed_networks().end());
  if (request.has_expire_time()) {
    FLORIN_CO_ASSIGN_OR_RETURN(wish.expire_time, ReadTime(request.expire_time(), "expire_time"));
  }
  wish.created_by = principal.client_id.empty() ? principal.user_id : principal.client_id;
  wish.idempotency_key = call.idempotency_key();
  wish.origin = audit::OriginOfCall(call);
  absl::StatusOr<ApiKeys::Made> made = co_await keys_.Create(std::move(wish));
  if (!made.ok()) {
    RefusedAttempts::Attempt attempt{
        .action = "auth.api_key.create", .actor = principal.user_id, .subject = ""};
    co_return co_await refused_.Note(call, std::move(attempt), made.status());
  }
  co_return ToResponse<v1::CreateApiKeyResponse>(call, *std::move(made));
}

Task<absl::StatusOr<v1::ListApiKeysResponse>> ApiKeysRpc::ListApiKeys(
    rpc::Call& call, const v1::ListApiKeysRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Page page, ParsePage(request.page_size(), request.page_token()));
  absl::StatusOr<std::vector<ApiKey>> keys = co_await store_.List(user, page.after, page.size + 1);
  if (!keys.ok()) co_return keys.status();
  v1::ListApiKeysResponse response;
  response.set_next_page_token(
      CutPage(page, *keys, [](const ApiKey& key) { return key.api_key_id; }));
  for (const ApiKey& key : *keys) *response.add_api_keys() = ToProto(key);
  co_return response;
}

Task<absl::StatusOr<v1::RotateApiKeyResponse>> ApiKeysRpc::RotateApiKey(
    rpc::Call& call, const v1::RotateApiKeyRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kApiKey, request.api_key_id(), "api_key_id"));
  FLORIN_CO_ASSIGN_OR_RETURN(const absl::Duration overlap, CheckOverlap(request.overlap_seconds()));
  absl::StatusOr<ApiKeys::Made> made =
      co_await keys_.Rotate(user, id, overlap, call.idempotency_key(), audit::OriginOfCall(call));
  if (!made.ok()) {
    RefusedAttempts::Attempt attempt{.action = "auth.api_key.rotate",
                                     .actor = call.principal().user_id,
                                     .subject = request.api_key_id()};
    co_return co_await refused_.Note(call, std::move(attempt), made.status());
  }
  co_return ToResponse<v1::RotateApiKeyResponse>(call, *std::move(made));
}

Task<absl::StatusOr<v1::ApiKey>> ApiKeysRpc::RevokeApiKey(rpc::Call& call,
                                                          const v1::RevokeApiKeyRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kApiKey, request.api_key_id(), "api_key_id"));
  const absl::StatusOr<ApiKey> key = co_await keys_.Revoke(user, id, audit::OriginOfCall(call));
  if (!key.ok()) co_return key.status();
  co_return ToProto(*key);
}

Task<absl::StatusOr<v1::VerifyApiKeyResponse>> ApiKeysRpc::VerifyApiKey(
    rpc::Call&, const v1::VerifyApiKeyRequest& request) {
  crypto::Digest digest;
  if (request.secret_digest().size() != digest.size()) {
    co_return Error(Reason::kInvalidField, "no SHA-256", {.param = "secret_digest"});
  }
  std::copy(request.secret_digest().begin(), request.secret_digest().end(), digest.begin());
  const absl::StatusOr<ApiKeys::Verdict> verdict = co_await keys_.Verify(digest, request.mode());
  if (!verdict.ok()) co_return verdict.status();
  v1::VerifyApiKeyResponse response;
  response.set_api_key_id(FormatId(IdKind::kApiKey, verdict->key.api_key_id));
  response.set_user_id(FormatId(IdKind::kUser, verdict->key.user_id));
  for (const std::string& scope : verdict->scopes) response.add_scopes(scope);
  for (const std::string& network : verdict->key.allowed_networks) {
    response.add_allowed_networks(network);
  }
  if (verdict->expire_time) SetTime(*verdict->expire_time, *response.mutable_expire_time());
  co_return response;
}

}  // namespace florin::auth
