#include "libs/identity/api_key_authenticator.h"

#include <atomic>
#include <mutex>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/crypto/api_key.h"
#include "libs/identity/bearer_authenticator.h"
#include "libs/rpc/server.h"
#include "libs/status/matchers.h"
#include "libs/testing/certificates.h"

namespace florin::identity {
namespace {

using auth::v1::VerifyApiKeyRequest;
using auth::v1::VerifyApiKeyResponse;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Answers what it is told to, and counts.
class TestApiKeys : public auth::v1::ApiKeysService {
 public:
  template <class T>
  static Task<absl::StatusOr<T>> NotCalled() {
    co_return Error(Reason::kInternal, "not called");
  }
  Task<absl::StatusOr<auth::v1::CreateApiKeyResponse>> CreateApiKey(
      rpc::Call&, const auth::v1::CreateApiKeyRequest&) override {
    return NotCalled<auth::v1::CreateApiKeyResponse>();
  }
  Task<absl::StatusOr<auth::v1::ListApiKeysResponse>> ListApiKeys(
      rpc::Call&, const auth::v1::ListApiKeysRequest&) override {
    return NotCalled<auth::v1::ListApiKeysResponse>();
  }
  Task<absl::StatusOr<auth::v1::RotateApiKeyResponse>> RotateApiKey(
      rpc::Call&, const auth::v1::RotateApiKeyRequest&) override {
    return NotCalled<auth::v1::RotateApiKeyResponse>();
  }
  Task<absl::StatusOr<auth::v1::ApiKey>> RevokeApiKey(
      rpc::Call&, const auth::v1::RevokeApiKeyRequest&) override {
    return NotCalled<auth::v1::ApiKey>();
  }
  Task<absl::StatusOr<VerifyApiKeyResponse>> VerifyApiKey(
      rpc::Call&, const VerifyApiKeyRequest& request) override {
    ++asked;
    const std::lock_guard lock(mutex_);
    last_ = request;
    co_return answer_;
  }

  void Answer(absl::StatusOr<VerifyApiKeyResponse> answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  VerifyApiKeyRequest last() {
    const std::lock_guard lock(mutex_);
    return last_;
  }
  std::atomic<int> asked = 0;

 private:
  std::mutex mutex_;
  absl::StatusOr<VerifyApiKeyResponse> answer_ = Error(Reason::kTokenInvalid, "no such key");
  VerifyApiKeyRequest last_;
};

// What a server with methods for users must have.
class NoTokens : public rpc::Authenticator {
 public:
  Task<absl::StatusOr<rpc::Principal>> Authenticate(std::string) override {
    co_return Error(Reason::kTokenInvalid, "no token is good");
  }
};

class ApiKeyAuthenticatorTest : public ::testing::Test {
 protected:
  ApiKeyAuthenticatorTest() {
    auto server = rpc::Server::Start(
        runtime_.executor(),
        {.listen = "127.0.0.1:0",
         .certificates = rpc::CertificateFiles::In(certificates_.directory(), "auth"),
         .authenticator = &no_tokens_},
        {&keys_});
    server_ = std::move(server).value();
    channel_ = std::make_unique<rpc::Channel>(
        runtime_.executor(),
        rpc::ChannelOptions{
            .target = "127.0.0.1:" + std::to_string(server_->port()),
            .service = "auth",
            .certificates = rpc::CertificateFiles::In(certificates_.directory(), "payments")});
    authenticator_ =
        std::make_unique<BearerAuthenticator>(*channel_, clock_, "https://florin.test");
    good_.set_api_key_id("key_1");
    good_.set_user_id("usr_1");
    good_.add_scopes("accounts:read");
    good_.add_scopes("payments:read");
    good_.add_allowed_networks("203.0.113.0/24");
  }
  ~ApiKeyAuthenticatorTest() override {
    server_->Drain(absl::ZeroDuration());
    runtime_.Stop();
  }

  absl::StatusOr<rpc::Principal> Authenticate(const std::string& key) {
    return runtime_.Run(authenticator_->Authenticate(key));
  }

  testing::TestCertificates certificates_{{"auth", "payments"}};
  FakeClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  NoTokens no_tokens_;
  TestApiKeys keys_;
  async::Runtime runtime_{2};
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<rpc::Channel> channel_;
  std::unique_ptr<BearerAuthenticator> authenticator_;
  const std::string key_ = crypto::NewApiKey(crypto::ApiKeyMode::kTest);
  VerifyApiKeyResponse good_;
};

TEST_F(ApiKeyAuthenticatorTest, AKeyActsForItsOwnerAndNoPersonWasThere) {
  keys_.Answer(good_);
  const auto principal = Authenticate(key_);
  ASSERT_THAT(principal, IsOk());
  EXPECT_EQ(principal->user_id, "usr_1");
  EXPECT_THAT(principal->scopes, ElementsAre("accounts:read", "payments:read"));
  EXPECT_EQ(principal->token_id, "key_1");
  EXPECT_EQ(principal->client_id, "api_key:key_1");
  EXPECT_THAT(principal->allowed_networks, ElementsAre("203.0.113.0/24"));
  EXPECT_EQ(principal->acr, "");
  EXPECT_THAT(principal->amr, IsEmpty());
  EXPECT_EQ(principal->auth_time, absl::InfinitePast());
}

TEST_F(ApiKeyAuthenticatorTest, AuthSeesTheDigestAndTheModeNotTheKey) {
  keys_.Answer(good_);
  ASSERT_THAT(Authenticate(key_), IsOk());
  EXPECT_EQ(keys_.last().secret_digest(), crypto::AsOctets(crypto::Sha256(key_)));
  EXPECT_EQ(keys_.last().mode(), "test");
  EXPECT_EQ(keys_.last().SerializeAsString().find(key_), std::string::npos);
}

TEST_F(ApiKeyAuthenticatorTest, ARevokedKeyDiesWithinThirtySeconds) {
  keys_.Answer(good_);
  ASSERT_THAT(Authenticate(key_), IsOk());
  keys_.Answer(Error(Reason::kTokenInvalid, "no such key"));
  clock_.Advance(absl::Seconds(30) - absl::Nanoseconds(1));
  EXPECT_THAT(Authenticate(key_), IsOk());
  EXPECT_EQ(keys_.asked, 1);
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_THAT(Authenticate(key_), StatusHasReason(Reason::kTokenInvalid));
  EXPECT_EQ(keys_.asked, 2);
}

TEST_F(ApiKeyAuthenticatorTest, TheMemoryCanBeShorterButNeverLonger) {
  ApiKeyAuthenticator forgetful(*channel_, clock_, absl::ZeroDuration());
  ApiKeyAuthenticator stubborn(*channel_, clock_, absl::Hours(1));
  keys_.Answer(good_);
  EXPECT_THAT(runtime_.Run(forgetful.Authenticate(key_)), IsOk());
  EXPECT_THAT(runtime_.Run(stubborn.Authenticate(key_)), IsOk());
  keys_.Answer(Error(Reason::kTokenInvalid, "no such key"));
  EXPECT_THAT(runtime_.Run(forgetful.Authenticate(key_)), StatusHasReason(Reason::kTokenInvalid));
  EXPECT_THAT(runtime_.Run(stubborn.Authenticate(key_)), IsOk());
  clock_.Advance(kApiKeyRemembered);
  EXPECT_THAT(runtime_.Run(stubborn.Authenticate(key_)), StatusHasReason(Reason::kTokenInvalid));
  keys_.Answer(good_);
  EXPECT_THAT(runtime_.Run(forgetful.Authenticate(key_)), IsOk());
}

TEST_F(ApiKeyAuthenticatorTest, AnExpiryEndsTheMemorySooner) {
  good_.mutable_expire_time()->set_seconds(1'800'000'010);
  keys_.Answer(good_);
  ASSERT_THAT(Authenticate(key_), IsOk());
  keys_.Answer(Error(Reason::kTokenExpired, "expired"));
  clock_.Advance(absl::Seconds(9));
  EXPECT_THAT(Authenticate(key_), IsOk());
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(Authenticate(key_), StatusHasReason(Reason::kTokenExpired));
}

TEST_F(ApiKeyAuthenticatorTest, RefusalsAreRememberedShortly) {
  for (const Reason reason :
       {Reason::kTokenInvalid, Reason::kTokenExpired, Reason::kApiKeyWrongMode}) {
    keys_.asked = 0;
    keys_.Answer(Error(reason, "no"));
    const std::string key = crypto::NewApiKey(crypto::ApiKeyMode::kLive);
    for (int i = 0; i < 3; ++i) EXPECT_THAT(Authenticate(key), StatusHasReason(reason));
    EXPECT_EQ(keys_.asked, 1);
    keys_.Answer(good_);
    clock_.Advance(absl::Seconds(5));
    EXPECT_THAT(Authenticate(key), IsOk());
    EXPECT_THAT(Authenticate(key), IsOk());
    EXPECT_EQ(keys_.asked, 2);
  }
}

TEST_F(ApiKeyAuthenticatorTest, WithoutAnAnswerKeysFailClosedAndNothingIsRemembered) {
  keys_.Answer(good_);
  ASSERT_THAT(Authenticate(key_), IsOk());
  keys_.Answer(Error(Reason::kUnavailable, "no database"));
  clock_.Advance(absl::Seconds(30));
  EXPECT_THAT(Authenticate(key_), StatusHasReason(Reason::kUnavailable));
  keys_.Answer(good_);
  EXPECT_THAT(Authenticate(key_), IsOk());
}

TEST_F(ApiKeyAuthenticatorTest, MalformedKeysAskNobody) {
  for (const std::string& key : {std::string("flk_"), std::string("flk_test_abc"), key_ + "0",
                                 "flk_live_" + key_.substr(9)}) {
    EXPECT_THAT(Authenticate(key), StatusHasReason(Reason::kTokenInvalid)) << key;
  }
  EXPECT_EQ(keys_.asked, 0);
}

TEST_F(ApiKeyAuthenticatorTest, OtherCredentialsAreTokens) {
  EXPECT_THAT(Authenticate("garbage"), StatusHasReason(Reason::kTokenInvalid));
  EXPECT_THAT(Authenticate(" " + key_), StatusHasReason(Reason::kTokenInvalid));
  EXPECT_EQ(keys_.asked, 0);
}

TEST(ApiKeyVerdicts, AFloodOfRefusalsDisplacesNoAcceptedKey) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  ApiKeyVerdicts verdicts(3);
  const crypto::Digest good = crypto::Sha256("good");
  verdicts.Insert(good, rpc::Principal{}, now + absl::Seconds(30));
  for (int i = 0; i < 100; ++i) {
    verdicts.Insert(crypto::Sha256(std::to_string(i)), Error(Reason::kTokenInvalid, "no"),
                    now + absl::Seconds(5));
  }
  EXPECT_EQ(verdicts.size(), 4u);
  EXPECT_TRUE(verdicts.Find(good, now).has_value());
  EXPECT_FALSE(verdicts.Find(crypto::Sha256("96"), now).has_value());
  EXPECT_TRUE(verdicts.Find(crypto::Sha256("97"), now).has_value());
}

TEST(ApiKeyVerdicts, TheLastVerdictCounts) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  ApiKeyVerdicts verdicts;
  const crypto::Digest key = crypto::Sha256("key");
  verdicts.Insert(key, rpc::Principal{}, now + absl::Seconds(30));
  verdicts.Insert(key, Error(Reason::kTokenInvalid, "no"), now + absl::Seconds(5));
  const auto verdict = verdicts.Find(key, now);
  ASSERT_TRUE(verdict.has_value());
  EXPECT_THAT(*verdict, StatusHasReason(Reason::kTokenInvalid));
  EXPECT_FALSE(verdicts.Find(key, now + absl::Seconds(5)).has_value());
}

}  // namespace
}  // namespace florin::identity
