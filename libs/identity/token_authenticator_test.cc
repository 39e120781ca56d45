#include "libs/identity/token_authenticator.h"

#include <atomic>
#include <boost/asio/use_future.hpp>
#include <future>
#include <mutex>
#include <vector>

#include "florin/auth/v1/auth.rpc.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/rpc/server.h"
#include "libs/status/matchers.h"
#include "libs/testing/certificates.h"

namespace florin::identity {
namespace {

constexpr char kIssuer[] = "https://florin.test";

using ::testing::ElementsAre;

// Publishes the keys it is told to; counts the fetches and can hold them.
class PublishedKeys : public auth::v1::AuthService {
 public:
  Task<absl::StatusOr<auth::v1::User>> Register(rpc::Call&,
                                                const auth::v1::RegisterRequest&) override {
    co_return Error(Reason::kInternal, "not called");
  }
  Task<absl::StatusOr<auth::v1::LogInResponse>> LogIn(rpc::Call&,
                                                      const auth::v1::LogInRequest&) override {
    co_return Error(Reason::kInternal, "not called");
  }
  Task<absl::StatusOr<auth::v1::JsonWebKeySet>> GetJsonWebKeySet(
      rpc::Call&, const auth::v1::GetJsonWebKeySetRequest&) override {
    if (++fetches_ == 1) arrived_.set_value();
    while (held_) co_await async::Sleep(absl::Milliseconds(1));
    const std::lock_guard lock(mutex_);
    co_return keys_;
  }

  void Publish(const std::vector<crypto::SigningKey>& keys) {
    const std::lock_guard lock(mutex_);
    keys_.Clear();
    for (const crypto::SigningKey& key : keys) {
      auth::v1::JsonWebKey& jwk = *keys_.add_keys();
      jwk.set_kty("EC");
      jwk.set_crv("P-256");
      jwk.set_alg("ES256");
      jwk.set_use("sig");
      jwk.set_x(key.public_key().x());
      jwk.set_y(key.public_key().y());
      jwk.set_kid(key.public_key().kid());
    }
  }
  int fetches() const { return fetches_; }
  void Hold(bool held) { held_ = held; }
  void WaitForFirst() { arrived_.get_future().wait(); }

 private:
  std::atomic<int> fetches_ = 0;
  std::atomic<bool> held_ = false;
  std::promise<void> arrived_;
  std::mutex mutex_;
  auth::v1::JsonWebKeySet keys_;  // Guarded by mutex_.
};

class TokenAuthenticatorTest : public ::testing::Test {
 protected:
  TokenAuthenticatorTest() : certificates_({"auth", "accounts"}), clock_(SystemClock().Now()) {
    keys_.Publish({key_});
    StartServer(0);
    channel_ = std::make_unique<rpc::Channel>(
        runtime_.executor(),
        rpc::ChannelOptions{
            .target = "127.0.0.1:" + std::to_string(server_->port()),
            .service = "auth",
            .certificates = rpc::CertificateFiles::In(certificates_.directory(), "accounts")});
    authenticator_ = std::make_unique<TokenAuthenticator>(*channel_, clock_, kIssuer);
  }
  ~TokenAuthenticatorTest() override {
    if (server_) server_->Drain(absl::ZeroDuration());
    runtime_.Stop();
  }

  void StartServer(int port) {
    auto server = rpc::Server::Start(
        runtime_.executor(),
        {.listen = "127.0.0.1:" + std::to_string(port),
         .certificates = rpc::CertificateFiles::In(certificates_.directory(), "auth")},
        {&keys_});
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
  }

  void StopServer() {
    server_->Drain(absl::ZeroDuration());
    server_.reset();
  }

  std::string Token(const crypto::SigningKey& key, const std::string& subject = "usr_1") {
    const absl::Time now = clock_.Now();
    return crypto::SignAccessToken({.issuer = kIssuer,
                                    .subject = subject,
                                    .audience = kAudience,
                                    .scope = "accounts:read payments:write",
                                    .token_id = "tok_1",
                                    .issued_at = now,
                                    .expires_at = now + absl::Minutes(10)},
                                   key);
  }

  absl::StatusOr<rpc::Principal> Authenticate(const std::string& token) {
    return runtime_.Run(authenticator_->Authenticate(token));
  }

  testing::TestCertificates certificates_;
  FakeClock clock_;
  const crypto::SigningKey key_ = crypto::SigningKey::Generate();
  PublishedKeys keys_;
  async::Runtime runtime_{2};
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<rpc::Channel> channel_;
  std::unique_ptr<TokenAuthenticator> authenticator_;
};

TEST_F(TokenAuthenticatorTest, GivesThePrincipalOfAToken) {
  const auto principal = Authenticate(Token(key_));
  ASSERT_THAT(principal, IsOk());
  EXPECT_EQ(principal->user_id, "usr_1");
  EXPECT_EQ(principal->token_id, "tok_1");
  EXPECT_THAT(principal->scopes, ElementsAre("accounts:read", "payments:write"));
}

TEST_F(TokenAuthenticatorTest, APrincipalKnowsItsClientAndItsLogin) {
  const absl::Time now = clock_.Now();
  const crypto::AccessTokenClaims claims = {.issuer = kIssuer,
                                            .subject = "usr_1",
                                            .audience = kAudience,
                                            .token_id = "tok_1",
                                            .issued_at = now,
                                            .expires_at = now + absl::Minutes(5),
                                            .client_id = "shop",
                                            .auth_time = absl::FromUnixSeconds(1'700'000'000),
                                            .acr = "urn:florin:acr:phr",
                                            .amr = {"hwk", "user"},
                                            .confirmation = {.key_thumbprint = "jkt"},
                                            .session_id = "ses_1"};
  const auto principal = Authenticate(crypto::SignAccessToken(claims, key_));
  ASSERT_THAT(principal, IsOk());
  EXPECT_EQ(principal->client_id, "shop");
  EXPECT_EQ(principal->auth_time, absl::FromUnixSeconds(1'700'000'000));
  EXPECT_EQ(principal->acr, "urn:florin:acr:phr");
  EXPECT_THAT(principal->amr, ElementsAre("hwk", "user"));
  EXPECT_EQ(principal->key_thumbprint, "jkt");
  EXPECT_EQ(principal->certificate_thumbprint, "");
  EXPECT_EQ(principal->session_id, "ses_1");
  EXPECT_EQ(Authenticate(Token(key_))->auth_time, absl::InfinitePast());
}

TEST_F(TokenAuthenticatorTest, FetchesOnceForManyTokens) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(Authenticate(Token(key_, "usr_" + std::to_string(i))), IsOk());
  }
  EXPECT_EQ(keys_.fetches(), 1);
}

TEST_F(TokenAuthenticatorTest, ARememberedTokenExpires) {
  const std::string token = Token(key_);
  EXPECT_THAT(Authenticate(token), IsOk());
  EXPECT_THAT(Authenticate(token), IsOk());
  clock_.Advance(absl::Minutes(10));
  EXPECT_THAT(Authenticate(token), StatusHasReason(Reason::kTokenExpired));
}

TEST_F(TokenAuthenticatorTest, RefusesOtherAudiencesAndIssuers) {
  const absl::Time now = clock_.Now();
  crypto::AccessTokenClaims claims = {.issuer = kIssuer,
                                      .subject = "usr_1",
                                      .audience = "bank",
                                      .issued_at = now,
                                      .expires_at = now + absl::Minutes(10)};
  EXPECT_THAT(Authenticate(crypto::SignAccessToken(claims, key_)),
              StatusHasReason(Reason::kTokenInvalid));
  claims.audience = kAudience;
  claims.issuer = "evil";
  EXPECT_THAT(Authenticate(crypto::SignAccessToken(claims, key_)),
              StatusHasReason(Reason::kTokenInvalid));
}

TEST_F(TokenAuthenticatorTest, GarbageCausesNoFetch) {
  EXPECT_THAT(Authenticate("garbage"), StatusHasReason(Reason::kTokenInvalid));
  EXPECT_THAT(Authenticate(std::string(5000, 'a')), StatusHasReason(Reason::kTokenInvalid));
  EXPECT_EQ(keys_.fetches(), 0);
}

TEST_F(TokenAuthenticatorTest, ANewKeyIsFetchedWhenItsFirstTokenComes) {
  EXPECT_THAT(Authenticate(Token(key_)), IsOk());
  const crypto::SigningKey next = crypto::SigningKey::Generate();
  keys_.Publish({key_, next});
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(Authenticate(Token(next)), IsOk());
  EXPECT_EQ(keys_.fetches(), 2);
}

TEST_F(TokenAuthenticatorTest, UnknownKeysCauseAtMostOneFetchASecond) {
  EXPECT_THAT(Authenticate(Token(key_)), IsOk());
  const std::string forged = Token(crypto::SigningKey::Generate());
  for (int second = 1; second <= 3; ++second) {
    clock_.Advance(absl::Seconds(1));
    for (int i = 0; i < 5; ++i) {
      EXPECT_THAT(Authenticate(forged), StatusHasReason(Reason::kTokenInvalid));
    }
    EXPECT_EQ(keys_.fetches(), 1 + second);
  }
}

TEST_F(TokenAuthenticatorTest, ConcurrentFirstTokensShareOneFetch) {
  keys_.Hold(true);
  std::vector<std::future<absl::StatusOr<rpc::Principal>>> answers;
  for (int i = 0; i < 20; ++i) {
    answers.push_back(asio::co_spawn(
        runtime_.context(), authenticator_->Authenticate(Token(key_, "usr_" + std::to_string(i))),
        asio::use_future));
  }
  keys_.WaitForFirst();
  keys_.Hold(false);
  for (auto& answer : answers) EXPECT_THAT(answer.get(), IsOk());
  EXPECT_EQ(keys_.fetches(), 1);
}

TEST_F(TokenAuthenticatorTest, AWithdrawnKeyIsForgottenWithItsTokens) {
  const std::string token = Token(key_);
  EXPECT_THAT(Authenticate(token), IsOk());
  const crypto::SigningKey next = crypto::SigningKey::Generate();
  keys_.Publish({next});
  clock_.Advance(absl::Minutes(5));
  EXPECT_THAT(Authenticate(Token(next)), IsOk());
  EXPECT_THAT(Authenticate(token), StatusHasReason(Reason::kTokenInvalid));
}

TEST_F(TokenAuthenticatorTest, FetchesAgainAfterFiveMinutes) {
  EXPECT_THAT(Authenticate(Token(key_)), IsOk());
  clock_.Advance(absl::Minutes(5) - absl::Seconds(1));
  EXPECT_THAT(Authenticate(Token(key_, "usr_2")), IsOk());
  EXPECT_EQ(keys_.fetches(), 1);
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(Authenticate(Token(key_, "usr_3")), IsOk());
  EXPECT_EQ(keys_.fetches(), 2);
}

TEST_F(TokenAuthenticatorTest, KeysOutliveAnUnreachableAuth) {
  EXPECT_THAT(Authenticate(Token(key_)), IsOk());
  StopServer();
  clock_.Advance(absl::Minutes(6));
  EXPECT_THAT(Authenticate(Token(key_)), IsOk());
}

TEST_F(TokenAuthenticatorTest, WithoutAnyKeysItIsUnavailable) {
  const int port = server_->port();
  StopServer();
  EXPECT_THAT(Authenticate(Token(key_)), StatusHasReason(Reason::kUnavailable));
  StartServer(port);
  for (int second = 0; second < 60; ++second) {
    clock_.Advance(absl::Seconds(1));
    if (Authenticate(Token(key_)).ok()) break;
    runtime_.Run(channel_->Connect(SystemClock().Now() + absl::Seconds(1))).IgnoreError();
  }
  EXPECT_THAT(Authenticate(Token(key_)), IsOk());
}

}  // namespace
}  // namespace florin::identity
