// Auth over real gRPC and mutual TLS.
#include "services/auth/rpc/auth_rpc.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "libs/identity/token_authenticator.h"
#include "libs/rpc/server.h"
#include "libs/status/matchers.h"
#include "libs/testing/certificates.h"
#include "services/auth/flow/test_authenticators.h"
#include "services/auth/store/fake_role_store.h"

namespace florin::auth {
namespace {

constexpr char kPassword[] = "correct horse battery";

constexpr char kIssuer[] = "https://florin.test";

class AuthRpcTest : public ::testing::Test {
 protected:
  AuthRpcTest() : certificates_({"auth", "gateway", "accounts", "ledger"}) {
    char name[] = "/tmp/florin_auth_rpc_XXXXXX";
    directory_ = mkdtemp(name);
    AddKey("1");
    keys_ = SigningKeys::Load(directory_, SystemClock()).value();
    register_user_ = std::make_unique<RegisterUser>(test_.users, test_.hasher, SystemClock(),
                                                    SystemIds(), test_.rules);
    login_ = std::make_unique<PasswordLogin>(test_.authenticators, roles_, *keys_, SystemClock(),
                                             SystemIds(), kIssuer);
    service_ = std::make_unique<AuthRpc>(*register_user_, *login_, *keys_);
    auto server = rpc::Server::Start(
        runtime_.executor(),
        {.listen = "127.0.0.1:0",
         .certificates = rpc::CertificateFiles::In(certificates_.directory(), "auth")},
        {service_.get()});
    server_ = std::move(server).value();
    gateway_ = ChannelOf("gateway");
  }
  ~AuthRpcTest() override {
    server_->Drain(absl::ZeroDuration());
    runtime_.Stop();
    std::filesystem::remove_all(directory_);
  }

  void AddKey(const std::string& name) {
    const std::string path = directory_ + "/" + name + ".pem";
    std::ofstream(path) << crypto::SigningKey::Generate().ToPem();
    chmod(path.c_str(), 0600);
  }

  std::unique_ptr<rpc::Channel> ChannelOf(const std::string& caller) {
    return std::make_unique<rpc::Channel>(
        runtime_.executor(),
        rpc::ChannelOptions{
            .target = "127.0.0.1:" + std::to_string(server_->port()),
            .service = "auth",
            .certificates = rpc::CertificateFiles::In(certificates_.directory(), caller)});
  }

  // Gives the reply as bytes, since the mark of a replay travels beside them.
  rpc::Reply RegisterBytes(const std::string& key, const std::string& email,
                           const std::string& password = kPassword) {
    v1::RegisterRequest request;
    request.set_email(email);
    request.set_password(password);
    rpc::Outgoing context;
    context.idempotency_key = key;
    return runtime_.Run(
        gateway_->CallBytes("/florin.auth.v1.Auth/Register", context, request.SerializeAsString()));
  }
  absl::StatusOr<v1::User> Register(const std::string& key, const std::string& email,
                                    const std::string& password = kPassword) {
    const rpc::Reply reply = RegisterBytes(key, email, password);
    if (!reply.payload.ok()) return reply.payload.status();
    v1::User user;
    EXPECT_TRUE(user.ParseFromString(*reply.payload));
    return user;
  }

  absl::StatusOr<v1::LogInResponse> LogIn(const std::string& email, const std::string& password,
                                          const std::string& scope = "") {
    v1::LogInRequest request;
    request.set_email(email);
    request.set_password(password);
    request.set_scope(scope);
    return runtime_.Run(v1::AuthClient(gateway_.get()).LogIn({}, request));
  }

  absl::StatusOr<v1::JsonWebKeySet> FetchKeys(rpc::Channel& channel) {
    const v1::GetJsonWebKeySetRequest request;
    return runtime_.Run(v1::AuthClient(&channel).GetJsonWebKeySet({}, request));
  }

  async::Runtime runtime_{2};
  testing::TestCertificates certificates_;
  std::string directory_;
  TestAuthenticators test_{SystemClock()};
  FakeRoleStore roles_;
  std::unique_ptr<SigningKeys> keys_;
  std::unique_ptr<RegisterUser> register_user_;
  std::unique_ptr<PasswordLogin> login_;
  std::unique_ptr<AuthRpc> service_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<rpc::Channel> gateway_;
};

TEST_F(AuthRpcTest, ATokenFromALoginIsAcceptedByAnotherService) {
  const auto user = Register("key", "Ann@example.com");
  ASSERT_THAT(user, IsOk());
  EXPECT_THAT(ParseId(IdKind::kUser, user->user_id(), "user_id"), IsOk());
  EXPECT_EQ(user->email(), "ann@example.com");
  EXPECT_GT(user->create_time().seconds(), 0);

  const auto login = LogIn("ann@example.com", kPassword, "accounts:read");
  ASSERT_THAT(login, IsOk());
  EXPECT_EQ(login->token_type(), "Bearer");
  EXPECT_EQ(login->expires_in(), 600);
  EXPECT_EQ(login->scope(), "accounts:read");

  const std::unique_ptr<rpc::Channel> accounts = ChannelOf("accounts");
  identity::TokenAuthenticator authenticator(*accounts, SystemClock(), kIssuer);
  const auto principal = runtime_.Run(authenticator.Authenticate(login->access_token()));
  ASSERT_THAT(principal, IsOk());
  EXPECT_EQ(principal->user_id, user->user_id());
  EXPECT_TRUE(principal->HasScope("accounts:read"));
  EXPECT_FALSE(principal->HasScope("accounts:write"));
}

TEST_F(AuthRpcTest, ARepeatedRegistrationIsMarkedAsReplayed) {
  const rpc::Reply first = RegisterBytes("key", "ann@example.com");
  ASSERT_THAT(first.payload, IsOk());
  EXPECT_FALSE(first.replayed);
  const rpc::Reply second = RegisterBytes("key", "ann@example.com");
  ASSERT_THAT(second.payload, IsOk());
  EXPECT_TRUE(second.replayed);
  EXPECT_EQ(*second.payload, *first.payload);
}

TEST_F(AuthRpcTest, ARepeatedRefusalIsMarkedAsReplayed) {
  ASSERT_THAT(Register("key", "ann@example.com"), IsOk());
  const rpc::Reply first = RegisterBytes("other key", "ann@example.com");
  EXPECT_THAT(first.payload, StatusHasReason(Reason::kIdempotencyKeyInvalid));
  EXPECT_THAT(RegisterBytes("other-key", "ann@example.com").payload,
              StatusHasReason(Reason::kEmailTaken));
  const rpc::Reply second = RegisterBytes("other-key", "ann@example.com");
  EXPECT_THAT(second.payload, StatusHasReason(Reason::kEmailTaken));
  EXPECT_TRUE(second.replayed);
}

TEST_F(AuthRpcTest, RegisterSaysWhatIsWrong) {
  ASSERT_THAT(Register("key", "ann@example.com"), IsOk());
  EXPECT_THAT(Register("key", "bob@example.com"), StatusHasReason(Reason::kIdempotencyKeyReused));
  EXPECT_THAT(Register("key", "ann@example.com", "another password"),
              StatusHasReason(Reason::kIdempotencyKeyReused));
  EXPECT_THAT(Register("key2", "ann"), StatusHasReason(Reason::kInvalidEmail));
  EXPECT_THAT(Register("key2", "bob@example.com", "short"), StatusHasReason(Reason::kWeakPassword));
  EXPECT_THAT(Register("", "bob@example.com"), StatusHasReason(Reason::kIdempotencyKeyMissing));
}

TEST_F(AuthRpcTest, LogInSaysNoMoreThanItMust) {
  ASSERT_THAT(Register("key", "ann@example.com"), IsOk());
  const auto wrong = LogIn("ann@example.com", "incorrect horse battery");
  const auto unknown = LogIn("bob@example.com", kPassword);
  EXPECT_THAT(wrong, StatusHasReason(Reason::kInvalidCredentials));
  EXPECT_EQ(wrong.status(), unknown.status());
  EXPECT_THAT(LogIn("ann@example.com", kPassword, "ledger:write"),
              StatusHasReason(Reason::kInvalidScope));
}

TEST_F(AuthRpcTest, PublishesEveryKey) {
  AddKey("2");
  ASSERT_THAT(keys_->Reload(), IsOk());
  const auto set = FetchKeys(*gateway_);
  ASSERT_THAT(set, IsOk());
  ASSERT_EQ(set->keys_size(), 2);
  for (int i = 0; i < 2; ++i) {
    const v1::JsonWebKey& jwk = set->keys(i);
    EXPECT_EQ(jwk.kty(), "EC");
    EXPECT_EQ(jwk.crv(), "P-256");
    EXPECT_EQ(jwk.alg(), "ES256");
    EXPECT_EQ(jwk.use(), "sig");
    const auto key = crypto::VerificationKey::FromJwk(jwk.x(), jwk.y());
    ASSERT_THAT(key, IsOk());
    EXPECT_EQ(key->kid(), jwk.kid());
    EXPECT_EQ(jwk.kid(), keys_->published()[i].kid());
  }
}

TEST_F(AuthRpcTest, OnlyTheGatewayRegistersAndOnlyListedServicesGetKeys) {
  const std::unique_ptr<rpc::Channel> accounts = ChannelOf("accounts");
  v1::RegisterRequest request;
  request.set_email("ann@example.com");
  request.set_password(kPassword);
  rpc::Outgoing context;
  context.idempotency_key = "key";
  EXPECT_THAT(runtime_.Run(v1::AuthClient(accounts.get()).Register(context, request)),
              StatusHasReason(Reason::kCallerNotAllowed));
  EXPECT_THAT(FetchKeys(*accounts), IsOk());
  const std::unique_ptr<rpc::Channel> ledger = ChannelOf("ledger");
  EXPECT_THAT(FetchKeys(*ledger), StatusHasReason(Reason::kCallerNotAllowed));
}

}  // namespace
}  // namespace florin::auth
