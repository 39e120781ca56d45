#include "services/auth/rpc/oauth_rpc.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>
#include <vector>

#include "libs/crypto/sha256.h"
#include "services/auth/rpc/oauth_metadata.h"

namespace florin::auth {
namespace {

using http::v1::WebRequest;
using http::v1::WebResponse;

// The errors of RFC 6749 section 5.2, RFC 9126 section 2.3 and RFC 9449 section 5. The name of
// each reason is the protocol's error code.
constexpr Reason kErrors[] = {
    Reason::kInvalidRequest,          Reason::kInvalidClient,        Reason::kInvalidGrant,
    Reason::kUnauthorizedClient,      Reason::kUnsupportedGrantType, Reason::kInvalidScope,
    Reason::kUnsupportedResponseType, Reason::kInvalidDpopProof,     Reason::kUseDpopNonce};

void AddHeader(WebResponse& response, const char* name, std::string value) {
  http::v1::Parameter& header = *response.add_headers();
  header.set_name(name);
  header.set_value(std::move(value));
}

WebResponse JsonAnswer(int status, const boost::json::object& body) {
  WebResponse response;
  response.set_status(status);
  response.set_content_type("application/json");
  response.set_body(boost::json::serialize(body));
  AddHeader(response, "Cache-Control", "no-store");
  return response;
}

// A client's mistake as an answer; a fault of ours stays what it is.
absl::StatusOr<WebResponse> ErrorAnswer(const absl::Status& status) {
  const std::optional<Reason> reason = ReasonOf(status);
  if (!reason || std::find(std::begin(kErrors), std::end(kErrors), *reason) == std::end(kErrors)) {
    return status;
  }
  return JsonAnswer(*reason == Reason::kInvalidClient ? 401 : 400,
                    {{"error", std::string(InfoOf(*reason).name)},
                     {"error_description", std::string(status.message())}});
}

absl::StatusOr<Parameters> ReadForm(const WebRequest& request) {
  // A query ends up in logs.
  if (request.query_size() > 0) {
    return Error(Reason::kInvalidRequest, "parameters are in the body, not in the query");
  }
  std::vector<std::pair<std::string, std::string>> form;
  for (const http::v1::Parameter& parameter : request.form()) {
    form.emplace_back(parameter.name(), parameter.value());
  }
  return OneOfEach(form);
}

audit::Origin OriginOf(const WebRequest& request) {
  audit::Origin origin;
  origin.caller = "gateway";
  origin.client_address = request.client_address();
  origin.request_id = request.request_id();
  return origin;
}

absl::StatusOr<std::string> TokenParameter(const Parameters& parameters) {
  const auto token = parameters.find("token");
  if (token == parameters.end()) return Error(Reason::kInvalidRequest, "token is required");
  return token->second;
}

boost::json::object ToJson(const IssuedTokens& tokens) {
  boost::json::object body = {
      {"access_token", tokens.access_token},
      {"token_type", tokens.token_type},
      {"expires_in", absl::ToInt64Seconds(kOAuthAccessTokenLifetime)},
      {"scope", tokens.scope},
  };
  if (!tokens.refresh_token.empty()) body["refresh_token"] = tokens.refresh_token;
  if (!tokens.id_token.empty()) body["id_token"] = tokens.id_token;
  return body;
}

// RFC 7662 section 2.2, RFC 9449 section 6.2, RFC 8705 section 3.2, RFC 9470 section 6.2.
boost::json::object ToJson(const TokenFacts& facts) {
  const crypto::AccessTokenClaims& claims = facts.claims;
  const crypto::Confirmation& confirmation = claims.confirmation;
  boost::json::object body = {
      {"active", true},
      {"iss", claims.issuer},
      {"sub", claims.subject},
      {"client_id", claims.client_id},
      {"scope", claims.scope},
      {"iat", absl::ToUnixSeconds(claims.issued_at)},
      {"exp", absl::ToUnixSeconds(claims.expires_at)},
  };
  boost::json::object cnf;
  if (!confirmation.key_thumbprint.empty()) cnf["jkt"] = confirmation.key_thumbprint;
  if (!confirmation.certificate_thumbprint.empty()) {
    cnf["x5t#S256"] = confirmation.certificate_thumbprint;
  }
  if (!cnf.empty()) body["cnf"] = cnf;
  if (facts.is_refresh_token) return body;
  body["token_type"] = confirmation.key_thumbprint.empty() ? "Bearer" : "DPoP";
  body["aud"] = claims.audience;
  body["jti"] = claims.token_id;
  if (claims.auth_time) body["auth_time"] = absl::ToUnixSeconds(*claims.auth_time);
  if (!claims.acr.empty()) body["acr"] = claims.acr;
  if (!claims.amr.empty()) {
    body["amr"] = boost::json::array(claims.amr.begin(), claims.amr.end());
  }
  if (!claims.session_id.empty()) body["sid"] = claims.session_id;
  return body;
}

}  // namespace

OAuthRpc::OAuthRpc(OAuthParts parts)
    : parts_(std::move(parts)), metadata_(OAuthMetadata(parts_.issuer, parts_.mtls_base_url)) {}

Task<absl::StatusOr<OAuthRpc::Asked>> OAuthRpc::Authenticate(WebRequest request) {
  Asked asked;
  FLORIN_CO_ASSIGN_OR_RETURN(asked.parameters, ReadForm(request));
  ShownByClient shown;
  shown.parameters = asked.parameters;
  shown.authorization = request.authorization();
  shown.certificate_thumbprint = request.client_certificate_thumbprint();
  FLORIN_CO_ASSIGN_OR_RETURN(asked.client, co_await parts_.clients.Authenticate(std::move(shown)));
  co_return asked;
}

ShownBySender OAuthRpc::SenderOf(const WebRequest& request) const {
  return {.dpop = request.dpop(),
          .method = request.method(),
          .url = parts_.issuer + request.path(),
          .certificate_thumbprint = request.client_certificate_thumbprint()};
}

absl::StatusOr<WebResponse> OAuthRpc::WithNonce(const WebRequest& request,
                                                absl::StatusOr<WebResponse> answer) {
  if (!answer.ok()) answer = ErrorAnswer(answer.status());
  if (answer.ok() && !request.dpop().empty()) {
    AddHeader(*answer, "DPoP-Nonce", parts_.senders.nonce());
  }
  return answer;
}

Task<absl::StatusOr<WebResponse>> OAuthRpc::PushAuthorizationRequest(rpc::Call&,
                                                                     const WebRequest& request) {
  absl::StatusOr<WebResponse> answer = co_await Push(request);
  co_return WithNonce(request, std::move(answer));
}

Task<absl::StatusOr<WebResponse>> OAuthRpc::Push(WebRequest request) {
  // The proof comes before the assertion, which can be used only once: whoever is sent back for a
  // nonce may bring the same assertion again.
  FLORIN_CO_ASSIGN_OR_RETURN(std::string key, parts_.senders.CheckProof(SenderOf(request)));
  FLORIN_CO_ASSIGN_OR_RETURN(Asked asked, co_await Authenticate(request));
  FLORIN_CO_ASSIGN_OR_RETURN(
      const std::string uri,
      co_await parts_.pushed.Push(std::move(asked.client), std::move(asked.parameters),
                                  std::move(key)));
  co_return JsonAnswer(
      201, {{"request_uri", uri}, {"expires_in", absl::ToInt64Seconds(kRequestLifetime)}});
}

Task<absl::StatusOr<WebResponse>> OAuthRpc::Token(rpc::Call&, const WebRequest& request) {
  absl::StatusOr<WebResponse> answer = co_await Issue(request);
  co_return WithNonce(request, std::move(answer));
}

Task<absl::StatusOr<WebResponse>> OAuthRpc::Issue(WebRequest request) {
  const ShownBySender sender = SenderOf(request);
  FLORIN_CO_ASSIGN_OR_RETURN(const std::string key, parts_.senders.CheckProof(sender));
  FLORIN_CO_ASSIGN_OR_RETURN(Asked asked, co_await Authenticate(request));
  FLORIN_CO_ASSIGN_OR_RETURN(
      crypto::Confirmation confirmation,
      SenderConstraints::Confirm(asked.client, key, sender.certificate_thumbprint));
  FLORIN_CO_ASSIGN_OR_RETURN(
      const IssuedTokens tokens,
      co_await parts_.grants.Run(std::move(asked.client), std::move(asked.parameters),
                                 std::move(confirmation), OriginOf(request)));
  co_return JsonAnswer(200, ToJson(tokens));
}

Task<absl::StatusOr<WebResponse>> OAuthRpc::Revoke(rpc::Call&, const WebRequest& request) {
  absl::StatusOr<Asked> asked = co_await Authenticate(request);
  if (!asked.ok()) co_return ErrorAnswer(asked.status());
  absl::StatusOr<std::string> token = TokenParameter(asked->parameters);
  if (!token.ok()) co_return ErrorAnswer(token.status());
  FLORIN_CO_RETURN_IF_ERROR(co_await parts_.tokens.Revoke(std::move(asked->client),
                                                          *std::move(token), OriginOf(request)));
  co_return JsonAnswer(200, {});
}

Task<absl::StatusOr<WebResponse>> OAuthRpc::Introspect(rpc::Call&, const WebRequest& request) {
  absl::StatusOr<Asked> asked = co_await Authenticate(request);
  if (!asked.ok()) co_return ErrorAnswer(asked.status());
  if (asked->client.type == ClientType::kPublic) {
    // Whoever has a token could scan for others (RFC 7662 section 2.1).
    co_return ErrorAnswer(Error(Reason::kInvalidClient, "for clients that prove who they are"));
  }
  absl::StatusOr<std::string> token = TokenParameter(asked->parameters);
  if (!token.ok()) co_return ErrorAnswer(token.status());
  FLORIN_CO_ASSIGN_OR_RETURN(
      const std::optional<TokenFacts> facts,
      co_await parts_.tokens.Introspect(std::move(asked->client), *std::move(token)));
  if (facts) co_return JsonAnswer(200, ToJson(*facts));
  const boost::json::object inactive = {{"active", false}};
  co_return JsonAnswer(200, inactive);
}

Task<absl::StatusOr<v1::ListRevokedTokensResponse>> OAuthRpc::ListRevokedTokens(
    rpc::Call&, const v1::ListRevokedTokensRequest&) {
  const absl::StatusOr<std::vector<std::string>> tokens = co_await parts_.tokens.ListRevoked();
  if (!tokens.ok()) co_return tokens.status();
  v1::ListRevokedTokensResponse response;
  response.mutable_token_ids()->Assign(tokens->begin(), tokens->end());
  co_return response;
}

Task<absl::StatusOr<WebResponse>> OAuthRpc::GetMetadata(rpc::Call&, const WebRequest&) {
  WebResponse response;
  response.set_status(200);
  response.set_content_type("application/json");
  response.set_body(metadata_);
  AddHeader(response, "Cache-Control", "public, max-age=300");
  co_return response;
}

}  // namespace florin::auth
