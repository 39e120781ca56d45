#include "services/auth/rpc/oauth_metadata.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <string_view>

#include "libs/crypto/jwk.h"
#include "services/auth/domain/client.h"
#include "services/auth/domain/scope.h"

namespace florin::auth {
namespace {

template <class Range>
boost::json::array ListOf(const Range& range) {
  boost::json::array list;
  for (const std::string_view one : range) list.emplace_back(std::string(one));
  return list;
}

// Those by which a client can prove who it is, if `confidential` only such.
boost::json::array AuthMethods(bool confidential) {
  boost::json::array methods;
  for (const AuthMethodName& one : kAuthMethods) {
    if (confidential && one.method == ClientAuthMethod::kNone) continue;
    methods.emplace_back(std::string(one.name));
  }
  return methods;
}

// The endpoints that clients call, below `base`.
boost::json::object Endpoints(const std::string& base) {
  return {{"pushed_authorization_request_endpoint", base + kPushPath},
          {"token_endpoint", base + kTokenPath},
          {"revocation_endpoint", base + kRevokePath},
          {"introspection_endpoint", base + kIntrospectPath}};
}

}  // namespace

std::string OAuthMetadata(const std::string& issuer, const std::string& mtls_base_url) {
  const boost::json::array algorithms = ListOf(crypto::kJwsAlgorithms);
  boost::json::object document = Endpoints(issuer);
  document["issuer"] = issuer;
  document["authorization_endpoint"] = issuer + kAuthorizePath;
  document["jwks_uri"] = issuer + kJwksPath;
  document["require_pushed_authorization_requests"] = true;
  document["authorization_response_iss_parameter_supported"] = true;
  document["response_types_supported"] = {"code"};
  document["response_modes_supported"] = {"query"};
  document["code_challenge_methods_supported"] = {"S256"};
  document["grant_types_supported"] = ListOf(kGrantTypes);
  document["scopes_supported"] = ListOf(AllScopes());
  document["subject_types_supported"] = {"public"};
  document["id_token_signing_alg_values_supported"] = {"ES256"};
  document["prompt_values_supported"] = {"none", "login", "consent", "select_account"};
  for (const std::string endpoint : {"token", "revocation", "introspection"}) {
    document[endpoint + "_endpoint_auth_methods_supported"] =
        AuthMethods(endpoint == "introspection");
    document[endpoint + "_endpoint_auth_signing_alg_values_supported"] = algorithms;
  }
  document["dpop_signing_alg_values_supported"] = algorithms;
  document["tls_client_certificate_bound_access_tokens"] = true;
  document["request_parameter_supported"] = false;
  document["request_uri_parameter_supported"] = false;
  document["claims_parameter_supported"] = false;
  if (!mtls_base_url.empty()) document["mtls_endpoint_aliases"] = Endpoints(mtls_base_url);
  return boost::json::serialize(document);
}

}  // namespace florin::auth
