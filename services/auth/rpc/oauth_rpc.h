// florin.auth.v1.OAuth over gRPC: HTTP exchanges in, HTTP exchanges out.
#pragma once

#include <string>

#include "florin/auth/v1/oauth.rpc.h"
#include "services/auth/flow/client_authentication.h"
#include "services/auth/flow/pushed_authorization.h"
#include "services/auth/flow/sender_constraint.h"
#include "services/auth/flow/token_grants.h"
#include "services/auth/flow/token_status.h"

namespace florin::auth {

// What the endpoints are made of; all of it outlives them.
struct OAuthParts {
  ClientAuthenticator& clients;
  SenderConstraints& senders;
  PushedAuthorization& pushed;
  TokenGrants& grants;
  TokenStatus& tokens;
  std::string issuer;
  std::string mtls_base_url;  // See oauth_metadata.h; empty if there is none.
};

// Thread-safe. What is a client's mistake is an answer with an `error`; a fault of ours is a
// Status, which the gateway answers as everywhere.
class OAuthRpc : public v1::OAuthService {
 public:
  explicit OAuthRpc(OAuthParts parts);

  Task<absl::StatusOr<http::v1::WebResponse>> PushAuthorizationRequest(
      rpc::Call& call, const http::v1::WebRequest& request) override;
  Task<absl::StatusOr<http::v1::WebResponse>> Token(rpc::Call& call,
                                                    const http::v1::WebRequest& request) override;
  Task<absl::StatusOr<http::v1::WebResponse>> Revoke(rpc::Call& call,
                                                     const http::v1::WebRequest& request) override;
  Task<absl::StatusOr<http::v1::WebResponse>> Introspect(
      rpc::Call& call, const http::v1::WebRequest& request) override;
  Task<absl::StatusOr<http::v1::WebResponse>> GetMetadata(
      rpc::Call& call, const http::v1::WebRequest& request) override;

  Task<absl::StatusOr<v1::ListRevokedTokensResponse>> ListRevokedTokens(
      rpc::Call& call, const v1::ListRevokedTokensRequest& request) override;

 private:
  // Who asks, and for what.
  struct Asked {
    Client client;
    Parameters parameters;
  };
  Task<absl::StatusOr<Asked>> Authenticate(http::v1::WebRequest request);
  Task<absl::StatusOr<http::v1::WebResponse>> Push(http::v1::WebRequest request);
  Task<absl::StatusOr<http::v1::WebResponse>> Issue(http::v1::WebRequest request);
  ShownBySender SenderOf(const http::v1::WebRequest& request) const;
  // The answer, or the error as one; a nonce for the client's next proof with either.
  absl::StatusOr<http::v1::WebResponse> WithNonce(const http::v1::WebRequest& request,
                                                  absl::StatusOr<http::v1::WebResponse> answer);

  const OAuthParts parts_;
  const std::string metadata_;
};

}  // namespace florin::auth
