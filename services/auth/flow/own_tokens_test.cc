#include "services/auth/flow/own_tokens.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/crypto/api_key.h"
#include "libs/crypto/jwt.h"
#include "libs/identity/token_authenticator.h"
#include "libs/status/matchers.h"

namespace florin::auth {
namespace {

using ::testing::ElementsAre;

class OwnTokensTest : public ::testing::Test {
 protected:
  OwnTokensTest() {
    char name[] = "/tmp/florin_own_tokens_XXXXXX";
    directory_ = mkdtemp(name);
    const std::string path = directory_ + "/key.pem";
    std::ofstream(path) << crypto::SigningKey::Generate().ToPem();
    chmod(path.c_str(), 0600);
    keys_ = SigningKeys::Load(directory_, clock_).value();
  }
  ~OwnTokensTest() override {
    runtime_.Stop();
    std::filesystem::remove_all(directory_);
  }

  std::string Token(const crypto::SigningKey& key, const std::string& audience) {
    return crypto::SignAccessToken({.issuer = identity::kIssuer,
                                    .subject = "usr_1",
                                    .audience = audience,
                                    .scope = "api_keys:read api_keys:write",
                                    .token_id = "tok_1",
                                    .issued_at = clock_.Now(),
                                    .expires_at = clock_.Now() + absl::Minutes(10)},
                                   key);
  }
  absl::StatusOr<rpc::Principal> Authenticate(const std::string& token) {
    return runtime_.Run(OwnTokens(*keys_, clock_).Authenticate(token));
  }

  async::Runtime runtime_{1};
  FakeClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  std::string directory_;
  std::unique_ptr<SigningKeys> keys_;
};

TEST_F(OwnTokensTest, AreThoseThatAuthSigned) {
  const std::string token = Token(keys_->current(), identity::kAudience);
  const auto principal = Authenticate(token);
  ASSERT_THAT(principal, IsOk());
  EXPECT_EQ(principal->user_id, "usr_1");
  EXPECT_EQ(principal->token_id, "tok_1");
  EXPECT_THAT(principal->scopes, ElementsAre("api_keys:read", "api_keys:write"));
  clock_.Advance(absl::Minutes(10));
  EXPECT_THAT(Authenticate(token), StatusHasReason(Reason::kTokenExpired));
}

TEST_F(OwnTokensTest, AreNoOthersAndNoApiKeys) {
  for (const std::string& token :
       {Token(crypto::SigningKey::Generate(), identity::kAudience), Token(keys_->current(), "bank"),
        crypto::NewApiKey(crypto::ApiKeyMode::kTest), std::string("garbage"), std::string()}) {
    EXPECT_THAT(Authenticate(token), StatusHasReason(Reason::kTokenInvalid)) << token;
  }
}

}  // namespace
}  // namespace florin::auth
