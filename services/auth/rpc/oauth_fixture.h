// For tests of the OAuth endpoints: a server over the fake store, its clients and their keys.
#pragma once

#include <sys/stat.h>

#include <boost/json/parse.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/audit/fake_recorder.h"
#include "libs/crypto/sha256.h"
#include "libs/status/matchers.h"
#include "services/auth/flow/authorization.h"
#include "services/auth/flow/register_client.h"
#include "services/auth/rpc/oauth_rpc.h"
#include "services/auth/store/fake_oauth_store.h"
#include "services/auth/store/fake_role_store.h"

namespace florin::auth {

// JSON members by name, each value as JSON text; "" leaves the member out.
using Claims = std::map<std::string, std::string>;
using Form = std::map<std::string, std::string>;

inline std::string Quoted(const std::string& text) { return absl::StrCat("\"", text, "\""); }

inline std::string JsonOf(const Claims& claims) {
  std::string text;
  for (const auto& [name, value] : claims) {
    if (!value.empty()) absl::StrAppend(&text, text.empty() ? "{\"" : ",\"", name, "\":", value);
  }
  return text + "}";
}

inline std::string JwkOf(const crypto::SigningKey& key) {
  return absl::StrCat(R"({"kty":"EC","crv":"P-256","x":")", key.public_key().x(), R"(","y":")",
                      key.public_key().y(), R"("})");
}

inline std::string Signed(const std::string& header, const std::string& payload,
                          const crypto::SigningKey& key) {
  const std::string text =
      absl::StrCat(crypto::Base64UrlEncode(header), ".", crypto::Base64UrlEncode(payload));
  return absl::StrCat(text, ".", crypto::Base64UrlEncode(key.Sign(text)));
}

struct Answer {
  int status = 0;
  boost::json::object body;
  std::map<std::string, std::string> headers;

  std::string Text(const char* member) const {
    const auto* value = body.if_contains(member);
    return value == nullptr || !value->is_string() ? "" : std::string(value->as_string());
  }
  // "400 invalid_grant"; "200 " for a success.
  std::string Outcome() const { return absl::StrCat(status, " ", Text("error")); }
};

class OAuthFixture : public ::testing::Test {
 protected:
  static constexpr char kIssuer[] = "https://florin.test";
  static constexpr char kCallback[] = "https://shop.example/cb";
  // RFC 7636 appendix B.
  static constexpr char kVerifier[] = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  static constexpr char kChallenge[] = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
  static constexpr char kCertificate[] = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

  OAuthFixture() {
    char name[] = "/tmp/florin_oauth_XXXXXX";
    directory_ = mkdtemp(name);
    const std::string path = directory_ + "/1.pem";
    std::ofstream(path) << crypto::SigningKey::Generate().ToPem();
    chmod(path.c_str(), 0600);
    keys_ = SigningKeys::Load(directory_, clock_).value();
    authenticator_ = std::make_unique<ClientAuthenticator>(store_, clock_, SystemIds(), kIssuer);
    senders_ = std::make_unique<SenderConstraints>(clock_);
    pushed_ = std::make_unique<PushedAuthorization>(store_, clock_);
    grants_ = std::make_unique<TokenGrants>(store_, roles_, *keys_, recorder_, clock_, SystemIds(),
                                            kIssuer);
    tokens_ = std::make_unique<TokenStatus>(store_, *keys_, clock_, SystemIds(), kIssuer);
    requests_ = std::make_unique<AuthorizationRequests>(store_, clock_, SystemIds(), kIssuer);
    rpc_ = std::make_unique<OAuthRpc>(OAuthParts{.clients = *authenticator_,
                                                 .senders = *senders_,
                                                 .pushed = *pushed_,
                                                 .grants = *grants_,
                                                 .tokens = *tokens_,
                                                 .issuer = kIssuer,
                                                 .mtls_base_url = "https://mtls.florin.test"});
    Register(Shop("shop"));
    Register(App());
    Register(Bank());
  }
  ~OAuthFixture() override {
    runtime_.Stop();
    std::filesystem::remove_all(directory_);
  }

  // Confidential, private_key_jwt by client_key_, tokens bound by DPoP.
  Client Shop(const std::string& id) const {
    return {.client_id = id,
            .type = ClientType::kConfidential,
            .client_name = "Shop",
            .redirect_uris = {kCallback},
            .auth_method = ClientAuthMethod::kPrivateKeyJwt,
            .jwks = absl::StrCat(R"({"keys":[)", JwkOf(client_key_), "]}"),
            .grant_types = {"authorization_code", "refresh_token", "client_credentials"},
            .scopes = {"openid", "accounts:read", "payments:write", "api_keys:write"},
            .dpop_bound_access_tokens = true};
  }
  // Public, of a phone.
  static Client App() {
    return {.client_id = "app",
            .client_name = "App",
            .redirect_uris = {kCallback},
            .grant_types = {"authorization_code", "refresh_token"},
            .scopes = {"openid", "accounts:read", "payments:write"}};
  }
  // Confidential, by certificate.
  static Client Bank() {
    return {.client_id = "bank",
            .type = ClientType::kConfidential,
            .client_name = "Bank",
            .redirect_uris = {kCallback},
            .auth_method = ClientAuthMethod::kSelfSignedTlsClientAuth,
            .certificate_thumbprint = kCertificate,
            .grant_types = {"authorization_code", "refresh_token", "client_credentials"},
            .scopes = {"accounts:read"},
            .require_mtls = true};
  }
  void Register(const Client& client) {
    auth::RegisterClient registration(store_, clock_, SystemIds());
    ASSERT_THAT(runtime_.Run(registration.Run(client)), IsOk());
  }

  std::int64_t Now() { return absl::ToUnixSeconds(clock_.Now()); }
  std::string Unique() { return absl::StrCat("id-", ++last_); }

  // A good assertion of `client`, but for `changes`.
  std::string Assertion(const std::string& client, const Claims& changes = {}) {
    Claims claims = {{"iss", Quoted(client)},      {"sub", Quoted(client)},
                     {"aud", Quoted(kIssuer)},     {"jti", Quoted(Unique())},
                     {"iat", absl::StrCat(Now())}, {"exp", absl::StrCat(Now() + 60)}};
    for (const auto& [name, value] : changes) claims[name] = value;
    return Signed(R"({"alg":"ES256","typ":"JWT"})", JsonOf(claims), client_key_);
  }
  // The parameters by which a client authenticates.
  Form Authentication(const std::string& client) {
    if (client == "app" || client == "bank") return {{"client_id", client}};
    return {{"client_id", client},
            {"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
            {"client_assertion", Assertion(client)}};
  }

  // A good proof for POST to `path`, but for `changes`.
  std::string Proof(const std::string& path, const crypto::SigningKey& key,
                    const Claims& changes = {}) {
    Claims claims = {{"htm", Quoted("POST")},
                     {"htu", Quoted(kIssuer + path)},
                     {"jti", Quoted(Unique())},
                     {"iat", absl::StrCat(Now())},
                     {"nonce", Quoted(senders_->nonce())}};
    for (const auto& [name, value] : changes) claims[name] = value;
    return Signed(absl::StrCat(R"({"alg":"ES256","typ":"dpop+jwt","jwk":)", JwkOf(key), "}"),
                  JsonOf(claims), key);
  }

  // Has the client's certificate and a proof, as that client would.
  http::v1::WebRequest RequestTo(const std::string& path, const std::string& client, Form form) {
    http::v1::WebRequest request;
    request.set_method("POST");
    request.set_path(path);
    for (const auto& [name, value] : Authentication(client)) form.emplace(name, value);
    for (const auto& [name, value] : form) {
      if (value.empty()) continue;
      http::v1::Parameter& parameter = *request.add_form();
      parameter.set_name(name);
      parameter.set_value(value);
    }
    if (client == "bank") request.set_client_certificate_thumbprint(kCertificate);
    const bool proves = client != "app" && client != "bank";
    if (proves && (path == "/oauth/par" || path == "/oauth/token")) {
      request.set_dpop(Proof(path, dpop_key_));
    }
    return request;
  }

  Answer Send(const http::v1::WebRequest& request) {
    rpc::Outgoing incoming;
    rpc::Call call("gateway", std::move(incoming), {}, false);
    absl::StatusOr<http::v1::WebResponse> response;
    if (request.path() == "/oauth/par") {
      response = runtime_.Run(rpc_->PushAuthorizationRequest(call, request));
    } else if (request.path() == "/oauth/token") {
      response = runtime_.Run(rpc_->Token(call, request));
    } else if (request.path() == "/oauth/revoke") {
      response = runtime_.Run(rpc_->Revoke(call, request));
    } else if (request.path() == "/oauth/introspect") {
      response = runtime_.Run(rpc_->Introspect(call, request));
    } else {
      response = runtime_.Run(rpc_->GetMetadata(call, request));
    }
    Answer answer;
    EXPECT_THAT(response, IsOk());
    if (!response.ok()) return answer;
    answer.status = response->status();
    answer.body = boost::json::parse(response->body()).as_object();
    for (const auto& header : response->headers()) answer.headers[header.name()] = header.value();
    return answer;
  }
  Answer Send(const std::string& path, const std::string& client, Form form) {
    return Send(RequestTo(path, client, std::move(form)));
  }

  // The parameters of a good pushed request, but for `changes`.
  static Form Wish(const Form& changes = {}) {
    Form form = {{"response_type", "code"},
                 {"redirect_uri", kCallback},
                 {"scope", "openid accounts:read"},
                 {"state", "the state"},
                 {"nonce", "the-nonce"},
                 {"code_challenge", kChallenge},
                 {"code_challenge_method", "S256"}};
    for (const auto& [name, value] : changes) form[name] = value;
    return form;
  }
  std::string Push(const std::string& client, const Form& changes = {}) {
    Form form = Wish(changes);
    if (client == "bank") form["scope"] = "accounts:read";
    const Answer answer = Send("/oauth/par", client, form);
    EXPECT_EQ(answer.Outcome(), "201 ") << answer.Text("error_description");
    return answer.Text("request_uri");
  }

  GrantedBy Ann(std::vector<std::string> scopes) {
    return {.user_id = user_,
            .session_id = "ses_1",
            .auth_time = clock_.Now() - absl::Minutes(1),
            .acr = "urn:florin:acr:mfa",
            .amr = {"pwd", "otp", "mfa"},
            .scopes = std::move(scopes)};
  }
  absl::StatusOr<std::string> Approve(const std::string& request_uri, const std::string& client) {
    const auto pending = runtime_.Run(requests_->Find(request_uri, client));
    if (!pending.ok()) return pending.status();
    return runtime_.Run(requests_->Grant(request_uri, client, Ann(pending->scopes)));
  }
  // The code in a redirect URL.
  static std::string CodeIn(const std::string& url) {
    const std::size_t at = url.find("code=") + 5;
    return url.substr(at, url.find('&', at) - at);
  }
  std::string NewCode(const std::string& client, const Form& changes = {}) {
    const auto url = Approve(Push(client, changes), client);
    EXPECT_THAT(url, IsOk());
    return url.ok() ? CodeIn(*url) : "";
  }
  static Form Redemption(const std::string& code) {
    return {{"grant_type", "authorization_code"},
            {"code", code},
            {"redirect_uri", kCallback},
            {"code_verifier", kVerifier}};
  }
  Answer Redeem(const std::string& client, const std::string& code) {
    return Send("/oauth/token", client, Redemption(code));
  }
  // What a client has after a login.
  Answer LogIn(const std::string& client) {
    const Answer tokens = Redeem(client, NewCode(client));
    EXPECT_EQ(tokens.Outcome(), "200 ") << tokens.Text("error_description");
    return tokens;
  }
  Answer Refresh(const std::string& client, const std::string& token) {
    return Send("/oauth/token", client,
                {{"grant_type", "refresh_token"}, {"refresh_token", token}});
  }
  // Asked by the confidential client that it is of.
  bool IsActive(const std::string& client, const std::string& token) {
    return Send("/oauth/introspect", client, {{"token", token}}).body.at("active").as_bool();
  }
  crypto::AccessTokenClaims ClaimsOf(const std::string& token) {
    const auto claims = crypto::VerifyAccessToken(
        token, [this](std::string_view) { return keys_->published().front(); },
        {.issuer = kIssuer, .audience = "florin"}, clock_.Now());
    EXPECT_THAT(claims, IsOk());
    return claims.value_or(crypto::AccessTokenClaims());
  }

  async::Runtime runtime_{2};
  FakeClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  FakeOAuthStore store_;
  FakeRoleStore roles_;
  const crypto::SigningKey client_key_ = crypto::SigningKey::Generate();
  const crypto::SigningKey dpop_key_ = crypto::SigningKey::Generate();
  const Uuid user_ = SystemIds().NewId();
  std::string directory_;
  std::unique_ptr<SigningKeys> keys_;
  std::unique_ptr<ClientAuthenticator> authenticator_;
  std::unique_ptr<SenderConstraints> senders_;
  std::unique_ptr<PushedAuthorization> pushed_;
  audit::FakeRecorder recorder_;
  std::unique_ptr<TokenGrants> grants_;
  std::unique_ptr<TokenStatus> tokens_;
  std::unique_ptr<AuthorizationRequests> requests_;
  std::unique_ptr<OAuthRpc> rpc_;
  int last_ = 0;
};

}  // namespace florin::auth
