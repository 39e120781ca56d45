#include "services/auth/domain/authorization_request.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::auth {
namespace {

// RFC 7636 appendix B.
constexpr char kChallenge[] = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

Client Shop() {
  return {.client_id = "shop",
          .redirect_uris = {"https://shop.example/cb", "https://shop.example/other"},
          .grant_types = {"authorization_code"},
          .scopes = {"openid", "accounts:read", "payments:write"}};
}

Parameters Good() {
  return {{"response_type", "code"},
          {"redirect_uri", "https://shop.example/cb"},
          {"scope", "accounts:read openid"},
          {"state", "s"},
          {"nonce", "n"},
          {"code_challenge", kChallenge},
          {"code_challenge_method", "S256"}};
}

absl::StatusOr<AuthorizationRequest> Read(const std::string& name, const std::string& value) {
  Parameters parameters = Good();
  parameters[name] = value;
  if (value.empty()) parameters.erase(name);
  return ReadAuthorizationRequest(Shop(), parameters);
}

TEST(ReadAuthorizationRequest, ReadsWhatIsAskedFor) {
  Parameters parameters = Good();
  parameters["prompt"] = "login consent";
  parameters["max_age"] = "300";
  parameters["login_hint"] = "ann@example.com";
  parameters["acr_values"] = "urn:florin:acr:phr urn:florin:acr:mfa";
  const auto request = ReadAuthorizationRequest(Shop(), parameters);
  ASSERT_THAT(request, IsOk());
  const AuthorizationRequest expected = {
      .redirect_uri = "https://shop.example/cb",
      .scopes = {"openid", "accounts:read"},
      .state = "s",
      .nonce = "n",
      .code_challenge = kChallenge,
      .prompt = {"login", "consent"},
      .max_age = absl::Minutes(5),
      .login_hint = "ann@example.com",
      .acr_values = {"urn:florin:acr:phr", "urn:florin:acr:mfa"}};
  EXPECT_EQ(*request, expected);
}

TEST(ReadAuthorizationRequest, RefusesEverythingElse) {
  struct Case {
    const char* name;
    std::string value;
    Reason reason;
  };
  const Case cases[] = {
      {"response_type", "", Reason::kInvalidRequest},
      {"response_type", "token", Reason::kUnsupportedResponseType},
      {"response_type", "code id_token", Reason::kUnsupportedResponseType},
      {"response_mode", "fragment", Reason::kInvalidRequest},
      {"response_mode", "form_post", Reason::kInvalidRequest},
      {"request", "e30.e30.", Reason::kInvalidRequest},
      {"request_uri", "urn:x", Reason::kInvalidRequest},
      {"claims", "{}", Reason::kInvalidRequest},
      {"redirect_uri", "", Reason::kInvalidRequest},
      {"redirect_uri", "https://shop.example/cb/", Reason::kInvalidRequest},
      {"redirect_uri", "https://shop.example/CB", Reason::kInvalidRequest},
      {"redirect_uri", "https://shop.example/c%62", Reason::kInvalidRequest},
      {"redirect_uri", "https://shop.example/%2e/cb", Reason::kInvalidRequest},
      {"redirect_uri", "https://shop.example/cb?x=y", Reason::kInvalidRequest},
      {"redirect_uri", "https://shop.example:443/cb", Reason::kInvalidRequest},
      {"redirect_uri", "https://evil.example/cb", Reason::kInvalidRequest},
      {"code_challenge", "", Reason::kInvalidRequest},
      {"code_challenge", "short", Reason::kInvalidRequest},
      {"code_challenge", std::string(43, '='), Reason::kInvalidRequest},
      {"code_challenge", std::string(44, 'A'), Reason::kInvalidRequest},
      {"code_challenge_method", "", Reason::kInvalidRequest},
      {"code_challenge_method", "plain", Reason::kInvalidRequest},
      {"code_challenge_method", "s256", Reason::kInvalidRequest},
      {"scope", "", Reason::kInvalidScope},
      {"scope", "ledger:write", Reason::kInvalidScope},
      {"scope", "accounts:write", Reason::kInvalidScope},  // Not this client's.
      {"scope", "openid  accounts:read", Reason::kInvalidScope},
      {"scope", "openid openid", Reason::kInvalidScope},
      {"state", std::string(513, 's'), Reason::kInvalidRequest},
      {"state", "a\r\nSet-Cookie: x", Reason::kInvalidRequest},
      {"nonce", "\xc3\xa4", Reason::kInvalidRequest},
      {"prompt", "none login", Reason::kInvalidRequest},
      {"prompt", "create", Reason::kInvalidRequest},
      {"prompt", "login login", Reason::kInvalidRequest},
      {"max_age", "-1", Reason::kInvalidRequest},
      {"max_age", "1e3", Reason::kInvalidRequest},
      {"max_age", "99999999999999999999", Reason::kInvalidRequest},
      {"login_hint", std::string(255, 'a'), Reason::kInvalidRequest},
      {"acr_values", "a  b", Reason::kInvalidRequest},
  };
  for (const Case& one : cases) {
    EXPECT_THAT(Read(one.name, one.value), StatusHasReason(one.reason))
        << one.name << "=" << one.value;
  }
  EXPECT_THAT(Read("unknown", "x"), IsOk());
  EXPECT_THAT(Read("prompt", "none"), IsOk());
  EXPECT_THAT(Read("max_age", "0"), IsOk());
}

TEST(ReadAuthorizationRequest, IsForClientsThatUseCodes) {
  Client machine = Shop();
  machine.grant_types = {"client_credentials"};
  EXPECT_THAT(ReadAuthorizationRequest(machine, Good()),
              StatusHasReason(Reason::kUnauthorizedClient));
}

TEST(OneOfEach, RefusesRepetitionsAndDropsTheEmpty) {
  const auto parameters = OneOfEach({{"a", "1"}, {"b", ""}});
  ASSERT_THAT(parameters, IsOk());
  EXPECT_EQ(*parameters, (Parameters{{"a", "1"}}));
  EXPECT_THAT(OneOfEach({{"a", "1"}, {"a", "1"}}), StatusHasReason(Reason::kInvalidRequest));
  EXPECT_THAT(OneOfEach({{"a", ""}, {"a", "1"}}), StatusHasReason(Reason::kInvalidRequest));
  EXPECT_THAT(OneOfEach({{"a", std::string(4097, 'x')}}), StatusHasReason(Reason::kInvalidRequest));
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 33; ++i) many.emplace_back("p" + std::to_string(i), "x");
  EXPECT_THAT(OneOfEach(many), StatusHasReason(Reason::kInvalidRequest));
}

TEST(IsCodeVerifier, IsThatOfRfc7636) {
  EXPECT_TRUE(IsCodeVerifier("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
  EXPECT_TRUE(IsCodeVerifier(std::string(128, '~')));
  EXPECT_FALSE(IsCodeVerifier(std::string(42, 'a')));
  EXPECT_FALSE(IsCodeVerifier(std::string(129, 'a')));
  std::string plus(43, 'a');
  plus.back() = '+';
  EXPECT_FALSE(IsCodeVerifier(plus));
  EXPECT_FALSE(IsCodeVerifier(""));
}

}  // namespace
}  // namespace florin::auth
