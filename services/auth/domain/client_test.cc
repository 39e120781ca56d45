#include "services/auth/domain/client.h"

#include <functional>

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::auth {
namespace {

Client Confidential() {
  return {.client_id = "shop-1",
          .type = ClientType::kConfidential,
          .client_name = "Shop",
          .redirect_uris = {"https://shop.example/cb"},
          .auth_method = ClientAuthMethod::kPrivateKeyJwt,
          .jwks = "{}",
          .grant_types = {"authorization_code", "refresh_token", "client_credentials"},
          .scopes = {"openid", "accounts:read"},
          .dpop_bound_access_tokens = true};
}

Client Public() {
  return {.client_id = "app",
          .client_name = "App",
          .redirect_uris = {"com.example.app:/callback"},
          .grant_types = {"authorization_code"},
          .scopes = {"accounts:read"}};
}

TEST(CheckClient, TakesBothKinds) {
  EXPECT_THAT(CheckClient(Confidential()), IsOk());
  EXPECT_THAT(CheckClient(Public()), IsOk());
  Client mtls = Confidential();
  mtls.auth_method = ClientAuthMethod::kSelfSignedTlsClientAuth;
  mtls.jwks = "";
  mtls.certificate_thumbprint = std::string(43, 'A');
  mtls.dpop_bound_access_tokens = false;
  mtls.require_mtls = true;
  EXPECT_THAT(CheckClient(mtls), IsOk());
  Client machine = Confidential();
  machine.redirect_uris = {};
  machine.grant_types = {"client_credentials"};
  EXPECT_THAT(CheckClient(machine), IsOk());
}

TEST(CheckClient, NamesTheFieldThatBreaksARule) {
  struct Case {
    const char* param;
    std::function<void(Client&)> change;
  };
  const Case cases[] = {
      {"client_id", [](Client& c) { c.client_id = "ab"; }},
      {"client_id", [](Client& c) { c.client_id = "1ab"; }},
      // Neither a user's id nor the subject of anybody.
      {"client_id", [](Client& c) { c.client_id = "usr_01jd8x5t4wf6n8k2v7r3m9q0ze"; }},
      {"client_id", [](Client& c) { c.client_id = "Shop"; }},
      {"client_id", [](Client& c) { c.client_id = std::string(65, 'a'); }},
      {"client_id", [](Client& c) { c.client_id = kFirstPartyClient; }},
      {"client_name", [](Client& c) { c.client_name = ""; }},
      {"client_name", [](Client& c) { c.client_name = "a\nb"; }},
      {"client_name", [](Client& c) { c.client_name = std::string(141, 'a'); }},
      {"token_endpoint_auth_method", [](Client& c) { c.auth_method = ClientAuthMethod::kNone; }},
      {"token_endpoint_auth_method", [](Client& c) { c.type = ClientType::kPublic; }},
      {"jwks", [](Client& c) { c.jwks = ""; }},
      {"jwks", [](Client& c) { c.auth_method = ClientAuthMethod::kSelfSignedTlsClientAuth; }},
      {"certificate_thumbprint",
       [](Client& c) { c.certificate_thumbprint = std::string(43, 'A'); }},
      {"certificate_thumbprint",
       [](Client& c) {
         c.auth_method = ClientAuthMethod::kSelfSignedTlsClientAuth;
         c.jwks = "";
         c.certificate_thumbprint = "short";
       }},
      {"require_mtls", [](Client& c) { c.require_mtls = true; }},
      {"dpop_bound_access_tokens", [](Client& c) { c.dpop_bound_access_tokens = false; }},
      {"grant_types", [](Client& c) { c.grant_types = {}; }},
      {"grant_types", [](Client& c) { c.grant_types = {"implicit"}; }},
      {"grant_types",
       [](Client& c) {
         c.grant_types = {"password", "authorization_code"};
       }},
      {"grant_types", [](Client& c) { c.grant_types.push_back("refresh_token"); }},
      {"grant_types", [](Client& c) { c.grant_types = {"refresh_token"}; }},
      {"redirect_uris", [](Client& c) { c.redirect_uris = {}; }},
      {"redirect_uris", [](Client& c) { c.grant_types = {"client_credentials"}; }},
      {"redirect_uris", [](Client& c) { c.redirect_uris.push_back(c.redirect_uris[0]); }},
      {"redirect_uris", [](Client& c) { c.redirect_uris = {"http://shop.example/cb"}; }},
      {"scopes", [](Client& c) { c.scopes = {}; }},
      {"scopes", [](Client& c) { c.scopes = {"ledger:write"}; }},
      {"scopes",
       [](Client& c) {
         c.scopes = {"openid", "openid"};
       }},
      {"cors_origins", [](Client& c) { c.cors_origins = {"https://app.example/"}; }},
      {"cors_origins", [](Client& c) { c.cors_origins = {"http://app.example"}; }},
      {"cors_origins", [](Client& c) { c.cors_origins = {"*"}; }},
      {"cors_origins", [](Client& c) { c.cors_origins = {"null"}; }},
  };
  for (const Case& one : cases) {
    Client client = Confidential();
    one.change(client);
    EXPECT_THAT(CheckClient(client), StatusHasParam(one.param)) << one.param;
  }
  Client app = Public();
  app.grant_types = {"authorization_code", "client_credentials"};
  EXPECT_THAT(CheckClient(app), StatusHasParam("grant_types"));
  app = Public();
  app.require_mtls = true;
  EXPECT_THAT(CheckClient(app), StatusHasParam("require_mtls"));
  app = Public();
  app.cors_origins = {"https://app.example", "https://app.example:8443"};
  EXPECT_THAT(CheckClient(app), IsOk());
}

TEST(IsRedirectUri, TakesHttpsPrivateSchemesAndLoopback) {
  for (const char* uri :
       {"https://shop.example/cb", "https://shop.example/", "https://shop.example:8443/cb?a=b",
        "https://localhost:1234/cb", "com.example.app:/callback", "com.example.app:/",
        "http://127.0.0.1:5000/cb", "http://[::1]:5000/cb", "https://shop.example/%7Ecb"}) {
    EXPECT_TRUE(IsRedirectUri(uri)) << uri;
  }
  for (const char* uri : {"",
                          "https://",
                          "https:///cb",
                          "https://shop.example",
                          "https://shop.example?x=/",
                          "http://shop.example/cb",
                          "http://localhost:5000/cb",
                          "http://127.0.0.1/cb",
                          "http://127.0.0.1:0/cb",
                          "http://127.0.0.1:99999/cb",
                          "http://127.0.0.1:5000.evil.test/cb",
                          "https://shop.example/cb#f",
                          "https://user@shop.example/cb",
                          "https://Shop.example/cb",
                          "https://shop.example\\@evil.test/cb",
                          "https://shop.example/c b",
                          "https://*.example/cb",
                          "https://shop..example/cb",
                          "https://shop.example./cb",
                          "https://-a.example/cb",
                          "https://shop.example:x/cb",
                          "https://[::1]/cb",
                          "https:shop.example/cb",
                          "javascript:alert(1)",
                          "data:text/html,x",
                          "app:/callback",
                          "com.example.app:callback",
                          "com.example.app://host/callback",
                          "Com.example:/x",
                          ":/x",
                          "/cb",
                          "https://shop.example/\xc3\xa4",
                          "https://shop.example/\n"}) {
    EXPECT_FALSE(IsRedirectUri(uri)) << uri;
  }
}

TEST(AuthMethods, HaveNamesBothWays) {
  for (const AuthMethodName& one : kAuthMethods) {
    EXPECT_EQ(NameOf(one.method), one.name);
    EXPECT_EQ(AuthMethodNamed(one.name), one.method);
  }
  EXPECT_EQ(AuthMethodNamed("client_secret_basic"), std::nullopt);
}

}  // namespace
}  // namespace florin::auth
