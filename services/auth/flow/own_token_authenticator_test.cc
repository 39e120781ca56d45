#include "services/auth/flow/own_token_authenticator.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/crypto/api_key.h"
#include "libs/crypto/jwt.h"
#include "libs/status/matchers.h"

namespace florin::auth {
namespace {

TEST(OwnTokenAuthenticator, AcceptsWhatThisServiceSigned) {
  char directory[] = "/tmp/florin_own_tokens_XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  const std::string path = std::string(directory) + "/1.pem";
  std::ofstream(path) << crypto::SigningKey::Generate().ToPem();
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  async::Runtime runtime(1);
  FakeClock clock(absl::FromUnixSeconds(1'800'000'000));
  const auto keys = SigningKeys::Load(directory, clock).value();
  OwnTokenAuthenticator authenticator(*keys, clock, "issuer");
  crypto::AccessTokenClaims claims = {.issuer = "issuer",
                                      .subject = "usr_x",
                                      .audience = "florin",
                                      .scope = "a b",
                                      .token_id = "tok_x",
                                      .issued_at = clock.Now(),
                                      .expires_at = clock.Now() + absl::Minutes(10),
                                      .client_id = "shop",
                                      .auth_time = clock.Now() - absl::Minutes(1),
                                      .acr = "urn:florin:acr:mfa",
                                      .amr = {"pwd", "otp"}};
  const auto principal =
      runtime.Run(authenticator.Authenticate(crypto::SignAccessToken(claims, keys->current())));
  ASSERT_THAT(principal, IsOk());
  EXPECT_EQ(principal->user_id, "usr_x");
  EXPECT_TRUE(principal->HasScope("b"));
  EXPECT_EQ(principal->client_id, "shop");
  EXPECT_EQ(principal->auth_time, clock.Now() - absl::Minutes(1));
  EXPECT_EQ(principal->acr, "urn:florin:acr:mfa");

  claims.auth_time.reset();
  EXPECT_EQ(
      runtime.Run(authenticator.Authenticate(crypto::SignAccessToken(claims, keys->current())))
          ->auth_time,
      absl::InfinitePast());
  EXPECT_THAT(runtime.Run(authenticator.Authenticate(
                  crypto::SignAccessToken(claims, crypto::SigningKey::Generate()))),
              StatusHasReason(Reason::kTokenInvalid));
  EXPECT_THAT(runtime.Run(authenticator.Authenticate(crypto::NewApiKey(crypto::ApiKeyMode::kTest))),
              StatusHasReason(Reason::kTokenInvalid));
  claims.issuer = "another";
  EXPECT_THAT(
      runtime.Run(authenticator.Authenticate(crypto::SignAccessToken(claims, keys->current()))),
      StatusHasReason(Reason::kTokenInvalid));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace florin::auth
