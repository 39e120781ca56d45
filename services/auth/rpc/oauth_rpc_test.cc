// Whole flows of OAuth, and what attackers try at each step.
#include "services/auth/rpc/oauth_rpc.h"

#include "gmock/gmock.h"
#include "libs/crypto/json_members.h"
#include "libs/telemetry/metrics.h"
#include "services/auth/rpc/oauth_fixture.h"
#include "services/auth/store/some_event.h"

namespace florin::auth {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAreArray;

class OAuthRpcTest : public OAuthFixture {};

TEST_F(OAuthRpcTest, AConfidentialClientGoesAllTheWay) {
  const Answer pushed = Send("/oauth/par", "shop", Wish());
  ASSERT_EQ(pushed.Outcome(), "201 ");
  EXPECT_EQ(pushed.body.at("expires_in").as_int64(), 60);
  EXPECT_THAT(pushed.Text("request_uri"), StartsWith("urn:ietf:params:oauth:request_uri:"));
  EXPECT_EQ(pushed.headers.at("Cache-Control"), "no-store");
  EXPECT_EQ(pushed.headers.at("DPoP-Nonce"), senders_->nonce());

  const auto url = Approve(pushed.Text("request_uri"), "shop");
  ASSERT_THAT(url, IsOk());
  EXPECT_THAT(*url, StartsWith("https://shop.example/cb?code="));
  EXPECT_THAT(*url, HasSubstr("&state=the%20state&iss=https%3A%2F%2Fflorin.test"));

  const Answer tokens = Redeem("shop", CodeIn(*url));
  ASSERT_EQ(tokens.Outcome(), "200 ");
  EXPECT_EQ(tokens.Text("token_type"), "DPoP");
  EXPECT_EQ(tokens.body.at("expires_in").as_int64(), 300);
  EXPECT_EQ(tokens.Text("scope"), "openid accounts:read");
  EXPECT_THAT(tokens.Text("refresh_token"), StartsWith("flr_"));
  EXPECT_EQ(tokens.headers.at("Cache-Control"), "no-store");
  const crypto::AccessTokenClaims claims = ClaimsOf(tokens.Text("access_token"));
  EXPECT_EQ(claims.subject, FormatId(IdKind::kUser, user_));
  EXPECT_EQ(claims.client_id, "shop");
  EXPECT_EQ(claims.acr, "urn:florin:acr:mfa");
  EXPECT_EQ(claims.amr, (std::vector<std::string>{"pwd", "otp", "mfa"}));
  EXPECT_EQ(claims.auth_time, clock_.Now() - absl::Minutes(1));
  EXPECT_EQ(claims.session_id, "ses_1");
  EXPECT_EQ(claims.confirmation.key_thumbprint, dpop_key_.public_key().kid());

  // FAPI 2.0: not rotated.
  const Answer refreshed = Refresh("shop", tokens.Text("refresh_token"));
  ASSERT_EQ(refreshed.Outcome(), "200 ");
  EXPECT_EQ(refreshed.body.if_contains("refresh_token"), nullptr);
  EXPECT_EQ(Refresh("shop", tokens.Text("refresh_token")).Outcome(), "200 ");

  const Answer facts = Send("/oauth/introspect", "shop", {{"token", tokens.Text("access_token")}});
  EXPECT_TRUE(facts.body.at("active").as_bool());
  EXPECT_EQ(facts.Text("sub"), claims.subject);
  EXPECT_EQ(facts.Text("client_id"), "shop");
  EXPECT_EQ(facts.Text("token_type"), "DPoP");
  EXPECT_EQ(facts.body.at("cnf").at("jkt").as_string(), dpop_key_.public_key().kid());
  EXPECT_TRUE(IsActive("shop", tokens.Text("refresh_token")));

  EXPECT_EQ(Send("/oauth/revoke", "shop", {{"token", tokens.Text("refresh_token")}}).status, 200);
  EXPECT_FALSE(IsActive("shop", tokens.Text("refresh_token")));
  EXPECT_FALSE(IsActive("shop", tokens.Text("access_token")));
  EXPECT_FALSE(IsActive("shop", refreshed.Text("access_token")));
  EXPECT_EQ(Refresh("shop", tokens.Text("refresh_token")).Outcome(), "400 invalid_grant");
}

TEST_F(OAuthRpcTest, AnIdTokenSaysWhoLoggedInAndIsNoAccessToken) {
  const Answer tokens = LogIn("app");
  const std::string id_token = tokens.Text("id_token");
  const std::size_t dot = id_token.find('.');
  const auto claims = crypto::ParseJsonMembers(
      *crypto::Base64UrlDecode(id_token.substr(dot + 1, id_token.rfind('.') - dot - 1)));
  ASSERT_THAT(claims, IsOk());
  EXPECT_EQ(std::get<std::string>(claims->at("aud")), "app");
  EXPECT_EQ(std::get<std::string>(claims->at("nonce")), "the-nonce");
  EXPECT_EQ(std::get<std::string>(claims->at("sub")), FormatId(IdKind::kUser, user_));
  EXPECT_FALSE(IsActive("shop", id_token));
  const auto lookup = [this](std::string_view) { return keys_->published().front(); };
  EXPECT_THAT(crypto::VerifyAccessToken(id_token, lookup, {.issuer = kIssuer, .audience = "app"},
                                        clock_.Now()),
              StatusHasReason(Reason::kTokenInvalid));
  const auto url = Approve(Push("app", {{"scope", "accounts:read"}}), "app");
  EXPECT_EQ(Redeem("app", CodeIn(*url)).body.if_contains("id_token"), nullptr);
}

// F1
TEST_F(OAuthRpcTest, ARequestUriIsItsClientsOnceForAMinute) {
  const std::string uri = Push("shop");
  EXPECT_THAT(Approve(uri, "app"), StatusHasReason(Reason::kInvalidRequestUri));
  EXPECT_THAT(Approve(uri + "x", "shop"), StatusHasReason(Reason::kInvalidRequestUri));
  EXPECT_THAT(Approve(uri, "shop"), IsOk());
  EXPECT_THAT(Approve(uri, "shop"), StatusHasReason(Reason::kInvalidRequestUri));
  const std::string late = Push("shop");
  clock_.Advance(absl::Seconds(60));
  EXPECT_THAT(Approve(late, "shop"), StatusHasReason(Reason::kInvalidRequestUri));
}

TEST_F(OAuthRpcTest, PendingSaysWhatThePagesNeed) {
  const std::string uri = Push("shop", {{"prompt", "login"},
                                        {"max_age", "60"},
                                        {"login_hint", "ann@example.com"},
                                        {"acr_values", "urn:florin:acr:phr"}});
  const auto pending = runtime_.Run(requests_->Find(uri, "shop"));
  ASSERT_THAT(pending, IsOk());
  EXPECT_EQ(pending->client_name, "Shop");
  EXPECT_FALSE(pending->first_party);
  EXPECT_EQ(pending->scopes, (std::vector<std::string>{"openid", "accounts:read"}));
  EXPECT_EQ(pending->redirect_uri, kCallback);
  EXPECT_EQ(pending->max_age, absl::Minutes(1));
  EXPECT_EQ(pending->expires_at, clock_.Now() + absl::Seconds(60));
}

TEST_F(OAuthRpcTest, OnlyWhatWasAskedForIsGranted) {
  const std::string uri = Push("shop");
  for (const std::vector<std::string>& scopes :
       {std::vector<std::string>{}, {"payments:write"}, {"openid", "payments:write"}}) {
    EXPECT_THAT(runtime_.Run(requests_->Grant(uri, "shop", Ann(scopes))),
                StatusHasReason(Reason::kInvalidScope));
  }
  const auto url = runtime_.Run(requests_->Grant(uri, "shop", Ann({"accounts:read"})));
  ASSERT_THAT(url, IsOk());
  EXPECT_EQ(Redeem("shop", CodeIn(*url)).Text("scope"), "accounts:read");
}

TEST_F(OAuthRpcTest, ADenialGoesBackToTheClientAndUsesTheRequestUp) {
  const std::string uri = Push("shop");
  const auto url = runtime_.Run(requests_->Deny(uri, "shop", "access_denied"));
  ASSERT_THAT(url, IsOk());
  EXPECT_EQ(*url,
            "https://shop.example/cb?error=access_denied&state=the%20state"
            "&iss=https%3A%2F%2Fflorin.test");
  EXPECT_THAT(Approve(uri, "shop"), StatusHasReason(Reason::kInvalidRequestUri));
}

// F2, F4, F13
TEST_F(OAuthRpcTest, APushedRequestKeepsTheRules) {
  const std::pair<Form, const char*> cases[] = {
      {{{"code_challenge", ""}}, "400 invalid_request"},
      {{{"code_challenge_method", ""}}, "400 invalid_request"},
      {{{"code_challenge_method", "plain"}}, "400 invalid_request"},
      {{{"redirect_uri", "https://shop.example/cb/"}}, "400 invalid_request"},
      {{{"redirect_uri", "https://evil.example/cb"}}, "400 invalid_request"},
      {{{"response_type", "token"}}, "400 unsupported_response_type"},
      {{{"response_type", "code id_token"}}, "400 unsupported_response_type"},
      {{{"scope", "accounts:write"}}, "400 invalid_scope"},
      {{{"request_uri", "urn:x"}}, "400 invalid_request"},
      {{{"request", "e30.e30.e30"}}, "400 invalid_request"},
      {{{"dpop_jkt", "short"}}, "400 invalid_request"},
      {{{"dpop_jkt", kCertificate}}, "400 invalid_dpop_proof"},  // Not the proof's key.
  };
  for (const auto& [changes, outcome] : cases) {
    EXPECT_EQ(Send("/oauth/par", "shop", Wish(changes)).Outcome(), outcome)
        << changes.begin()->first << "=" << changes.begin()->second;
  }
}

TEST_F(OAuthRpcTest, ParametersComeOnceAndInTheBody) {
  for (const char* path : {"/oauth/par", "/oauth/token", "/oauth/revoke", "/oauth/introspect"}) {
    http::v1::WebRequest request = RequestTo(path, "shop", {{"token", "x"}});
    http::v1::Parameter& query = *request.add_query();
    query.set_name("access_token");
    query.set_value("x");
    EXPECT_EQ(Send(request).Outcome(), "400 invalid_request") << path;
    request = RequestTo(path, "shop", {{"token", "x"}});
    *request.add_form() = request.form(0);
    EXPECT_EQ(Send(request).Outcome(), "400 invalid_request") << path;
  }
  EXPECT_EQ(Send("/oauth/revoke", "shop", {}).Outcome(), "400 invalid_request");
  EXPECT_EQ(Send("/oauth/introspect", "shop", {}).Outcome(), "400 invalid_request");
}

// F5, F6, F7
TEST_F(OAuthRpcTest, AClientAssertionKeepsTheRules) {
  const std::string a_minute = absl::StrCat(Now() + 60);
  const std::pair<const char*, std::string> cases[] = {
      {"aud", R"(["https://florin.test"])"},
      {"aud", R"("https://florin.test/oauth/token")"},
      {"aud", R"("https://florin.test/")"},
      {"aud", ""},
      {"iss", "\"app\""},
      {"iss", ""},
      {"sub", "\"app\""},
      {"sub", ""},
      {"exp", ""},
      {"exp", absl::StrCat(Now())},
      {"exp", absl::StrCat(Now() + 311)},
      {"exp", "\"" + a_minute + "\""},
      {"iat", absl::StrCat(Now() + 11)},
      {"iat", absl::StrCat(Now() + 61)},
      {"nbf", absl::StrCat(Now() + 11)},
      {"nbf", "\"x\""},
      {"jti", ""},
      {"jti", "\"\""},
      {"jti", "1"},
      {"jti", "\"" + std::string(129, 'j') + "\""},
  };
  for (const auto& [name, value] : cases) {
    const Form form = {{"client_assertion", Assertion("shop", {{name, value}})}, {"token", "x"}};
    EXPECT_EQ(Send("/oauth/introspect", "shop", form).Outcome(), "401 invalid_client")
        << name << " " << value;
  }
  for (const Claims& changes :
       {Claims{{"iat", absl::StrCat(Now() + 9)}}, Claims{{"nbf", absl::StrCat(Now() + 9)}},
        Claims{{"iat", ""}}, Claims{{"exp", absl::StrCat(Now() + 300)}}}) {
    const Form form = {{"client_assertion", Assertion("shop", changes)}, {"token", "x"}};
    EXPECT_EQ(Send("/oauth/introspect", "shop", form).Outcome(), "200 ");
  }
}

TEST_F(OAuthRpcTest, AClientAssertionIsSignedByTheClientsKeyByItsAlgorithm) {
  const std::string claims = JsonOf({{"iss", "\"shop\""},
                                     {"sub", "\"shop\""},
                                     {"aud", Quoted(kIssuer)},
                                     {"jti", "\"j\""},
                                     {"exp", absl::StrCat(Now() + 60)}});
  const std::string headers[] = {
      R"({"alg":"none"})",
      R"({"alg":"HS256"})",
      R"({"alg":"RS256"})",
      R"({"alg":"ES384"})",
      R"({"alg":"PS256"})",
      R"({"alg":"EdDSA"})",
      R"({"alg":"ES256","kid":"../../etc/passwd"})",
      R"({"alg":"ES256","kid":"' OR 1=1"})",
      R"({"alg":"ES256","jku":"https://evil.example/jwks"})",
      R"({"alg":"ES256","x5u":"https://evil.example/x"})",
      R"({"alg":"ES256","crit":["exp"]})",
      R"({"alg":"ES256","typ":"at+jwt"})",
      absl::StrCat(R"({"alg":"ES256","jwk":)", JwkOf(client_key_), "}"),
  };
  const auto outcome = [this](const std::string& assertion) {
    return Send("/oauth/introspect", "shop", {{"client_assertion", assertion}, {"token", "x"}})
        .Outcome();
  };
  for (const std::string& header : headers) {
    EXPECT_EQ(outcome(Signed(header, claims, client_key_)), "401 invalid_client") << header;
  }
  EXPECT_EQ(outcome(Signed(R"({"alg":"ES256"})", claims, dpop_key_)), "401 invalid_client");
  EXPECT_EQ(outcome("garbage"), "401 invalid_client");
  EXPECT_EQ(outcome(Signed(R"({"alg":"ES256"})", claims, client_key_)), "200 ");
  // The same jti again.
  EXPECT_EQ(outcome(Signed(R"({"alg":"ES256"})", claims, client_key_)), "401 invalid_client");
  const std::string by_thumbprint =
      absl::StrCat(R"({"alg":"ES256","kid":")", client_key_.public_key().kid(), R"("})");
  const std::string next = Assertion("shop");
  EXPECT_EQ(outcome(Signed(by_thumbprint,
                           JsonOf({{"iss", "\"shop\""},
                                   {"sub", "\"shop\""},
                                   {"aud", Quoted(kIssuer)},
                                   {"jti", "\"k\""},
                                   {"exp", absl::StrCat(Now() + 60)}}),
                           client_key_)),
            "200 ");
}

TEST_F(OAuthRpcTest, AClientAuthenticatesAsItWasRegisteredTo) {
  const auto outcome = [this](http::v1::WebRequest request) { return Send(request).Outcome(); };
  const auto bare = [](const Form& form) {
    http::v1::WebRequest request;
    request.set_method("POST");
    request.set_path("/oauth/introspect");
    for (const auto& [name, value] : form) {
      http::v1::Parameter& parameter = *request.add_form();
      parameter.set_name(name);
      parameter.set_value(value);
    }
    return request;
  };
  EXPECT_EQ(outcome(bare({{"token", "x"}})), "401 invalid_client");
  EXPECT_EQ(outcome(bare({{"token", "x"}, {"client_id", "nobody"}})), "401 invalid_client");
  EXPECT_EQ(outcome(bare({{"token", "x"}, {"client_id", "shop"}})), "401 invalid_client");
  EXPECT_EQ(outcome(bare({{"token", "x"}, {"client_id", "bank"}})), "401 invalid_client");
  EXPECT_EQ(outcome(bare({{"token", "x"}, {"client_id", "shop"}, {"client_secret", "s"}})),
            "401 invalid_client");
  http::v1::WebRequest certified = bare({{"token", "x"}, {"client_id", "bank"}});
  certified.set_client_certificate_thumbprint(client_key_.public_key().kid());
  EXPECT_EQ(outcome(certified), "401 invalid_client");
  certified.set_client_certificate_thumbprint(kCertificate);
  EXPECT_EQ(outcome(certified), "200 ");
  certified.set_authorization("Basic YmFuazpz");
  EXPECT_EQ(outcome(certified), "401 invalid_client");
  // Somebody else's name beside the assertion; a wrong type; an assertion of who has none.
  http::v1::WebRequest named = RequestTo("/oauth/introspect", "shop", {{"token", "x"}});
  for (auto& parameter : *named.mutable_form()) {
    if (parameter.name() == "client_id") parameter.set_value("app");
  }
  EXPECT_EQ(outcome(named), "401 invalid_client");
  EXPECT_EQ(
      Send("/oauth/introspect", "shop", {{"token", "x"}, {"client_assertion_type", "x"}}).Outcome(),
      "401 invalid_client");
  // A public client proves nothing, so it may not ask about tokens.
  EXPECT_EQ(Send("/oauth/introspect", "app", {{"token", "x"}}).Outcome(), "401 invalid_client");
  ASSERT_THAT(runtime_.Run(store_.DisableClient("shop", clock_.Now(), SomeEvent())), IsOk());
  EXPECT_EQ(Send("/oauth/introspect", "shop", {{"token", "x"}}).Outcome(), "401 invalid_client");
}

// F2, F4, F9
TEST_F(OAuthRpcTest, ACodeIsRedeemedByWhoAskedForIt) {
  Register(Shop("other"));
  const std::string code = NewCode("shop");
  const std::pair<const char*, std::string> cases[] = {
      {"code", code + "x"},
      {"code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl"},
      {"code_verifier", kChallenge},
      {"code_verifier", "short"},
      {"redirect_uri", "https://shop.example/cb/"},
      {"redirect_uri", "https://evil.example/cb"},
  };
  for (const auto& [name, value] : cases) {
    Form form = Redemption(code);
    form[name] = value;
    EXPECT_EQ(Send("/oauth/token", "shop", form).Outcome(), "400 invalid_grant") << name;
  }
  for (const char* name : {"code", "code_verifier", "redirect_uri", "grant_type"}) {
    Form form = Redemption(code);
    form.erase(name);
    EXPECT_EQ(Send("/oauth/token", "shop", form).Outcome(), "400 invalid_request") << name;
  }
  EXPECT_EQ(Redeem("other", code).Outcome(), "400 invalid_grant");
  // The code was asked for with dpop_key_.
  http::v1::WebRequest request = RequestTo("/oauth/token", "shop", Redemption(code));
  request.set_dpop(Proof("/oauth/token", crypto::SigningKey::Generate()));
  EXPECT_EQ(Send(request).Outcome(), "400 invalid_grant");
  EXPECT_EQ(Redeem("shop", code).Outcome(), "200 ");
}

TEST_F(OAuthRpcTest, ACodeIsBoundByDpopJktAsWell) {
  const std::string code = NewCode("app", {{"dpop_jkt", dpop_key_.public_key().kid()}});
  EXPECT_EQ(Redeem("app", code).Outcome(), "400 invalid_grant");
  http::v1::WebRequest request = RequestTo("/oauth/token", "app", Redemption(code));
  request.set_dpop(Proof("/oauth/token", dpop_key_));
  EXPECT_EQ(Send(request).Outcome(), "200 ");
}

// F3
TEST_F(OAuthRpcTest, ACodeLivesForAMinute) {
  const std::string code = NewCode("shop");
  clock_.Advance(absl::Seconds(60));
  EXPECT_EQ(Redeem("shop", code).Outcome(), "400 invalid_grant");
}

TEST_F(OAuthRpcTest, ACodeThatIsUsedTwiceTakesItsTokensBack) {
  const std::string code = NewCode("shop");
  const Answer tokens = Redeem("shop", code);
  ASSERT_EQ(tokens.Outcome(), "200 ");
  EXPECT_TRUE(IsActive("shop", tokens.Text("access_token")));
  // Another client's try tells nothing about who has the code.
  Register(Shop("other"));
  EXPECT_EQ(Redeem("other", code).Outcome(), "400 invalid_grant");
  EXPECT_TRUE(IsActive("shop", tokens.Text("access_token")));
  Form form = Redemption(code);
  form["code_verifier"] = std::string(43, 'x');
  EXPECT_EQ(Send("/oauth/token", "shop", form).Outcome(), "400 invalid_grant");
  EXPECT_FALSE(IsActive("shop", tokens.Text("access_token")));
  EXPECT_EQ(Refresh("shop", tokens.Text("refresh_token")).Outcome(), "400 invalid_grant");
  EXPECT_THAT(telemetry::RenderMetrics(), HasSubstr("florin_auth_code_reuse_total 1"));
}

// F8
TEST_F(OAuthRpcTest, AProofIsForThisRequestAndUsedOnce) {
  for (const char* path : {"/oauth/par", "/oauth/token"}) {
    const auto outcome = [&](const std::string& proof) {
      http::v1::WebRequest request =
          RequestTo(path, "shop", {{"grant_type", "client_credentials"}});
      if (path == std::string("/oauth/par")) request = RequestTo(path, "shop", Wish());
      request.set_dpop(proof);
      return Send(request).Outcome();
    };
    EXPECT_THAT(outcome(Proof(path, dpop_key_)), StartsWith("20")) << path;
    const Claims cases[] = {{{"htm", "\"GET\""}},
                            {{"htu", Quoted(absl::StrCat(kIssuer, "/v1/payments"))}},
                            {{"htu", Quoted(absl::StrCat(kIssuer, path, "?x=y"))}},
                            {{"htu", Quoted(absl::StrCat("http://florin.test", path))}},
                            {{"iat", absl::StrCat(Now() + 61)}},
                            {{"iat", absl::StrCat(Now() - 61)}},
                            {{"jti", ""}}};
    for (const Claims& changes : cases) {
      EXPECT_EQ(outcome(Proof(path, dpop_key_, changes)), "400 invalid_dpop_proof")
          << path << " " << changes.begin()->first << changes.begin()->second;
    }
    const std::string proof = Proof(path, dpop_key_);
    EXPECT_THAT(outcome(proof), StartsWith("20"));
    EXPECT_EQ(outcome(proof), "400 invalid_dpop_proof");
  }
}

TEST_F(OAuthRpcTest, AProofWithoutTheNonceIsSentBackWithOne) {
  http::v1::WebRequest request =
      RequestTo("/oauth/token", "shop", {{"grant_type", "client_credentials"}});
  for (const char* nonce : {"", "\"wrong\""}) {
    request.set_dpop(Proof("/oauth/token", dpop_key_, {{"nonce", nonce}}));
    const Answer answer = Send(request);
    EXPECT_EQ(answer.Outcome(), "400 use_dpop_nonce");
    EXPECT_EQ(answer.headers.at("DPoP-Nonce"), senders_->nonce());
    EXPECT_EQ(answer.headers.at("Cache-Control"), "no-store");
  }
  // The assertion was not used up by that.
  request.set_dpop(Proof("/oauth/token", dpop_key_));
  EXPECT_EQ(Send(request).Outcome(), "200 ");
  // A nonce of two minutes ago.
  const std::string old = senders_->nonce();
  clock_.Advance(absl::Minutes(2));
  http::v1::WebRequest late =
      RequestTo("/oauth/token", "shop", {{"grant_type", "client_credentials"}});
  late.set_dpop(Proof("/oauth/token", dpop_key_, {{"nonce", Quoted(old)}}));
  EXPECT_EQ(Send(late).Outcome(), "400 use_dpop_nonce");
}

TEST_F(OAuthRpcTest, AConfidentialClientGetsNoTokensThatAreNotBound) {
  http::v1::WebRequest request =
      RequestTo("/oauth/token", "shop", {{"grant_type", "client_credentials"}});
  request.clear_dpop();
  EXPECT_EQ(Send(request).Outcome(), "400 invalid_dpop_proof");
  http::v1::WebRequest proven =
      RequestTo("/oauth/token", "bank", {{"grant_type", "client_credentials"}});
  proven.set_dpop(Proof("/oauth/token", dpop_key_));
  EXPECT_EQ(Send(proven).Outcome(), "400 invalid_request");
}

TEST_F(OAuthRpcTest, ACertificateBindsWhatItsClientGets) {
  const Answer tokens = LogIn("bank");
  EXPECT_EQ(tokens.Text("token_type"), "Bearer");
  EXPECT_EQ(ClaimsOf(tokens.Text("access_token")).confirmation.certificate_thumbprint,
            kCertificate);
  EXPECT_EQ(Refresh("bank", tokens.Text("refresh_token")).Outcome(), "200 ");
}

// F10
TEST_F(OAuthRpcTest, APublicClientsRefreshTokenIsReplacedEachTime) {
  const std::string first = LogIn("app").Text("refresh_token");
  const Answer second = Refresh("app", first);
  ASSERT_EQ(second.Outcome(), "200 ");
  EXPECT_NE(second.Text("refresh_token"), first);
  EXPECT_EQ(second.Text("token_type"), "Bearer");
  // The answer was lost: the same again.
  clock_.Advance(kRefreshGrace);
  const Answer retry = Refresh("app", first);
  ASSERT_EQ(retry.Outcome(), "200 ");
  EXPECT_NE(retry.Text("refresh_token"), second.Text("refresh_token"));
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(Refresh("app", retry.Text("refresh_token")).Outcome(), "200 ");
}

TEST_F(OAuthRpcTest, AReplacedRefreshTokenThatComesAgainEndsTheGrant) {
  const Answer login = LogIn("app");
  const Answer second = Refresh("app", login.Text("refresh_token"));
  clock_.Advance(kRefreshGrace + absl::Seconds(1));
  EXPECT_EQ(Refresh("app", login.Text("refresh_token")).Outcome(), "400 invalid_grant");
  EXPECT_EQ(Refresh("app", second.Text("refresh_token")).Outcome(), "400 invalid_grant");
  EXPECT_THAT(telemetry::RenderMetrics(), HasSubstr("florin_auth_refresh_reuse_total 1"));
  // The access tokens as well, for those who ask; they live for five minutes.
  rpc::Call call("gateway", {}, {}, false);
  const v1::ListRevokedTokensRequest request;
  const auto revoked = runtime_.Run(rpc_->ListRevokedTokens(call, request));
  ASSERT_THAT(revoked, IsOk());
  ASSERT_EQ(revoked->token_ids_size(), 2);
  const std::string ids[] = {ClaimsOf(login.Text("access_token")).token_id,
                             ClaimsOf(second.Text("access_token")).token_id};
  EXPECT_THAT(revoked->token_ids(), UnorderedElementsAreArray(ids));
}

TEST_F(OAuthRpcTest, ARefreshTokenIsItsClientsAndItsKeys) {
  Register(Shop("other"));
  const std::string token = LogIn("shop").Text("refresh_token");
  EXPECT_EQ(Refresh("other", token).Outcome(), "400 invalid_grant");
  EXPECT_EQ(Refresh("app", token).Outcome(), "400 invalid_grant");
  EXPECT_EQ(Refresh("shop", token + "x").Outcome(), "400 invalid_grant");
  EXPECT_EQ(Refresh("shop", "").Outcome(), "400 invalid_request");
  http::v1::WebRequest request = RequestTo(
      "/oauth/token", "shop", {{"grant_type", "refresh_token"}, {"refresh_token", token}});
  request.set_dpop(Proof("/oauth/token", crypto::SigningKey::Generate()));
  EXPECT_EQ(Send(request).Outcome(), "400 invalid_grant");
  EXPECT_EQ(Refresh("shop", token).Outcome(), "200 ");
  // A public client that used DPoP is bound to its key.
  http::v1::WebRequest redeem = RequestTo("/oauth/token", "app", Redemption(NewCode("app")));
  redeem.set_dpop(Proof("/oauth/token", dpop_key_));
  const Answer bound = Send(redeem);
  EXPECT_EQ(bound.Text("token_type"), "DPoP");
  EXPECT_EQ(Refresh("app", bound.Text("refresh_token")).Outcome(), "400 invalid_grant");
}

TEST_F(OAuthRpcTest, ARefreshTokenDiesIdleOrOld) {
  const std::string token = LogIn("shop").Text("refresh_token");
  clock_.Advance(kRefreshIdle - absl::Seconds(1));
  EXPECT_EQ(Refresh("shop", token).Outcome(), "200 ");
  clock_.Advance(kRefreshIdle - absl::Seconds(1));
  EXPECT_EQ(Refresh("shop", token).Outcome(), "200 ");
  clock_.Advance(kRefreshLifetime - 2 * kRefreshIdle + absl::Seconds(2));
  EXPECT_EQ(Refresh("shop", token).Outcome(), "400 invalid_grant");
  const std::string idle = LogIn("shop").Text("refresh_token");
  clock_.Advance(kRefreshIdle);
  EXPECT_EQ(Refresh("shop", idle).Outcome(), "400 invalid_grant");
}

TEST_F(OAuthRpcTest, ARefreshNarrowsButNeverWidens) {
  const std::string token = LogIn("shop").Text("refresh_token");
  const auto refresh = [&](const char* scope) {
    return Send("/oauth/token", "shop",
                {{"grant_type", "refresh_token"}, {"refresh_token", token}, {"scope", scope}});
  };
  EXPECT_EQ(refresh("accounts:read").Text("scope"), "accounts:read");
  EXPECT_EQ(refresh("accounts:read payments:write").Outcome(), "400 invalid_scope");
  EXPECT_EQ(refresh("").Text("scope"), "openid accounts:read");
}

TEST_F(OAuthRpcTest, ATokenHasWhatTheUsersRolesGiveAtThatTime) {
  roles_.Give(user_, Role::kMerchant);
  const std::string scope = "openid accounts:read api_keys:write";
  const Answer tokens = Redeem("shop", NewCode("shop", {{"scope", scope}}));
  EXPECT_EQ(tokens.Text("scope"), scope);
  const std::string late = NewCode("shop", {{"scope", scope}});
  const std::string nothing = NewCode("shop", {{"scope", "api_keys:write"}});
  const std::string token = tokens.Text("refresh_token");

  roles_.Take(user_, Role::kMerchant);
  const Answer refreshed = Refresh("shop", token);
  EXPECT_EQ(refreshed.Text("scope"), "openid accounts:read");
  EXPECT_EQ(ClaimsOf(refreshed.Text("access_token")).scope, "openid accounts:read");
  const Form more = {{"grant_type", "refresh_token"},
                     {"refresh_token", token},
                     {"scope", "accounts:read api_keys:write"}};
  EXPECT_EQ(Send("/oauth/token", "shop", more).Outcome(), "400 invalid_scope");
  const Answer redeemed = Redeem("shop", late);
  EXPECT_EQ(redeemed.Text("scope"), "openid accounts:read");
  EXPECT_EQ(ClaimsOf(redeemed.Text("access_token")).scope, "openid accounts:read");
  EXPECT_EQ(Redeem("shop", nothing).Outcome(), "400 invalid_scope");

  // The grant is what it was: whoever is a merchant again need not log in for it.
  roles_.Give(user_, Role::kMerchant);
  EXPECT_EQ(Refresh("shop", token).Text("scope"), scope);
  EXPECT_EQ(Redeem("shop", nothing).Text("scope"), "api_keys:write");
}

TEST_F(OAuthRpcTest, ARevokedConsentASessionsEndAndADisabledClientEndRefreshing) {
  const auto refused = [this](const std::string& token) {
    return Refresh("shop", token).Outcome() == "400 invalid_grant";
  };
  std::string token = LogIn("shop").Text("refresh_token");
  ASSERT_THAT(runtime_.Run(store_.RevokeConsent(user_, "shop", clock_.Now(), SomeEvent())), IsOk());
  EXPECT_TRUE(refused(token));
  token = LogIn("shop").Text("refresh_token");
  ASSERT_THAT(runtime_.Run(store_.RevokeSession("ses_1", clock_.Now())), IsOk());
  EXPECT_TRUE(refused(token));
  token = LogIn("shop").Text("refresh_token");
  ASSERT_THAT(runtime_.Run(store_.DisableClient("shop", clock_.Now(), SomeEvent())), IsOk());
  EXPECT_EQ(Refresh("shop", token).Outcome(), "401 invalid_client");
}

TEST_F(OAuthRpcTest, AClientActsForItself) {
  const Answer tokens = Send("/oauth/token", "shop", {{"grant_type", "client_credentials"}});
  ASSERT_EQ(tokens.Outcome(), "200 ");
  EXPECT_EQ(tokens.Text("scope"), "accounts:read payments:write");
  EXPECT_EQ(tokens.body.if_contains("refresh_token"), nullptr);
  EXPECT_EQ(tokens.body.if_contains("id_token"), nullptr);
  const crypto::AccessTokenClaims claims = ClaimsOf(tokens.Text("access_token"));
  EXPECT_EQ(claims.subject, "shop");
  EXPECT_EQ(claims.auth_time, std::nullopt);
  EXPECT_TRUE(IsActive("shop", tokens.Text("access_token")));
  EXPECT_EQ(Send("/oauth/revoke", "shop", {{"token", tokens.Text("access_token")}}).status, 200);
  EXPECT_FALSE(IsActive("shop", tokens.Text("access_token")));
  const auto outcome = [this](const std::string& scope) {
    return Send("/oauth/token", "shop", {{"grant_type", "client_credentials"}, {"scope", scope}})
        .Outcome();
  };
  EXPECT_EQ(outcome("accounts:read"), "200 ");
  EXPECT_EQ(outcome("accounts:write"), "400 invalid_scope");
  EXPECT_EQ(outcome("openid"), "400 invalid_scope");
  // The client's, but no client is a merchant.
  EXPECT_EQ(outcome("api_keys:write"), "400 invalid_scope");
}

// F13
TEST_F(OAuthRpcTest, ThereAreNoOtherGrants) {
  for (const char* type : {"password", "implicit", "urn:ietf:params:oauth:grant-type:device_code",
                           "urn:ietf:params:oauth:grant-type:token-exchange", "Refresh_Token"}) {
    EXPECT_EQ(Send("/oauth/token", "shop", {{"grant_type", type}}).Outcome(),
              "400 unsupported_grant_type")
        << type;
  }
  EXPECT_EQ(Send("/oauth/token", "app", {{"grant_type", "client_credentials"}}).Outcome(),
            "400 unauthorized_client");
}

TEST_F(OAuthRpcTest, OthersTokensAreNeitherShownNorRevoked) {
  Register(Shop("other"));
  const Answer tokens = LogIn("shop");
  for (const char* token : {"access_token", "refresh_token"}) {
    EXPECT_FALSE(IsActive("other", tokens.Text(token)));
    EXPECT_EQ(Send("/oauth/revoke", "other", {{"token", tokens.Text(token)}}).status, 200);
    EXPECT_TRUE(IsActive("shop", tokens.Text(token)));
  }
  EXPECT_EQ(Send("/oauth/revoke", "shop", {{"token", "nonsense"}}).status, 200);
  EXPECT_FALSE(IsActive("shop", "nonsense"));
  // A public client takes its own back.
  const Answer app = LogIn("app");
  EXPECT_EQ(Send("/oauth/revoke", "app", {{"token", app.Text("refresh_token")}}).status, 200);
  EXPECT_EQ(Refresh("app", app.Text("refresh_token")).Outcome(), "400 invalid_grant");
}

TEST_F(OAuthRpcTest, MetadataSaysWhatHolds) {
  http::v1::WebRequest request;
  request.set_method("GET");
  request.set_path("/.well-known/oauth-authorization-server");
  const Answer answer = Send(request);
  EXPECT_EQ(answer.Text("issuer"), kIssuer);
  EXPECT_EQ(answer.Text("pushed_authorization_request_endpoint"), "https://florin.test/oauth/par");
  EXPECT_EQ(answer.body.at("mtls_endpoint_aliases").at("token_endpoint").as_string(),
            "https://mtls.florin.test/oauth/token");
  EXPECT_EQ(answer.body.at("code_challenge_methods_supported"), boost::json::value({"S256"}));
  // Each grant type that it names there is, and others there are not.
  for (const auto& type : answer.body.at("grant_types_supported").as_array()) {
    EXPECT_NE(
        Send("/oauth/token", "shop", {{"grant_type", std::string(type.as_string())}}).Text("error"),
        "unsupported_grant_type")
        << type;
  }
  for (const auto& method : answer.body.at("token_endpoint_auth_methods_supported").as_array()) {
    EXPECT_TRUE(AuthMethodNamed(std::string(method.as_string()))) << method;
  }
  EXPECT_EQ(answer.body.at("introspection_endpoint_auth_methods_supported").as_array().size(),
            answer.body.at("token_endpoint_auth_methods_supported").as_array().size() - 1);
}

}  // namespace
}  // namespace florin::auth
