// Authenticators over real gRPC and mutual TLS, and logins with a second factor.
#include "services/auth/rpc/authenticators_rpc.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "libs/crypto/jwt.h"
#include "libs/crypto/totp.h"
#include "libs/identity/token_authenticator.h"
#include "libs/rpc/server.h"
#include "libs/status/matchers.h"
#include "libs/testing/certificates.h"
#include "services/auth/flow/own_token_authenticator.h"
#include "services/auth/flow/register_user.h"
#include "services/auth/flow/test_authenticators.h"
#include "services/auth/rpc/auth_rpc.h"
#include "services/auth/store/fake_role_store.h"

namespace florin::auth {
namespace {

constexpr char kIssuer[] = "https://florin.test";
constexpr char kEmail[] = "ann@example.com";
constexpr char kPassword[] = "correct horse battery";

class AuthenticatorsRpcTest : public ::testing::Test {
 protected:
  AuthenticatorsRpcTest() : certificates_({"auth", "gateway"}) {
    char name[] = "/tmp/florin_authenticators_rpc_XXXXXX";
    directory_ = mkdtemp(name);
    const std::string path = directory_ + "/1.pem";
    std::ofstream(path) << crypto::SigningKey::Generate().ToPem();
    chmod(path.c_str(), 0600);
    keys_ = SigningKeys::Load(directory_, clock_).value();
    register_user_ =
        std::make_unique<RegisterUser>(test_.users, test_.hasher, clock_, SystemIds(), test_.rules);
    login_ = std::make_unique<PasswordLogin>(test_.authenticators, roles_, *keys_, clock_,
                                             SystemIds(), kIssuer);
    auth_ = std::make_unique<AuthRpc>(*register_user_, *login_, *keys_);
    authenticator_ = std::make_unique<OwnTokenAuthenticator>(*keys_, clock_, kIssuer);
    const std::string directory = certificates_.directory();
    server_ = rpc::Server::Start(runtime_.executor(),
                                 {.listen = "127.0.0.1:0",
                                  .certificates = rpc::CertificateFiles::In(directory, "auth"),
                                  .authenticator = authenticator_.get(),
                                  .clock = &clock_},
                                 {auth_.get(), &service_})
                  .value();
    gateway_ = std::make_unique<rpc::Channel>(
        runtime_.executor(),
        rpc::ChannelOptions{.target = "127.0.0.1:" + std::to_string(server_->port()),
                            .service = "auth",
                            .certificates = rpc::CertificateFiles::In(directory, "gateway")});
    user_id_ = runtime_.Run(register_user_->Run("key", kEmail, kPassword)).user->user_id;
  }
  ~AuthenticatorsRpcTest() override {
    server_->Drain(absl::ZeroDuration());
    runtime_.Stop();
    std::filesystem::remove_all(directory_);
  }

  absl::StatusOr<v1::LogInResponse> LogIn(const std::string& code = "") {
    v1::LogInRequest request;
    request.set_email(kEmail);
    request.set_password(kPassword);
    request.set_totp_code(code);
    return runtime_.Run(v1::AuthClient(gateway_.get()).LogIn({}, request));
  }
  // With the token of a login at `auth_time`.
  rpc::Outgoing As(const Uuid& user_id, absl::Duration ago,
                   const std::string& scope = "authenticators:read authenticators:write",
                   const std::string& acr = "urn:florin:acr:pwd") {
    const crypto::AccessTokenClaims claims = {.issuer = kIssuer,
                                              .subject = FormatId(IdKind::kUser, user_id),
                                              .audience = identity::kAudience,
                                              .scope = scope,
                                              .token_id = "tok_x",
                                              .issued_at = clock_.Now(),
                                              .expires_at = clock_.Now() + absl::Minutes(10),
                                              .auth_time = clock_.Now() - ago,
                                              .acr = acr};
    rpc::Outgoing context;
    context.user_token = crypto::SignAccessToken(claims, keys_->current());
    return context;
  }
  v1::AuthenticatorsClient client() { return v1::AuthenticatorsClient(gateway_.get()); }
  template <class T>
  T Run(Task<T> task) {
    return runtime_.Run(std::move(task));
  }
  std::string Code() {
    const TotpSecret sealed = *Run(test_.store.FindTotp(user_id_)).value();
    const std::string secret =
        test_.data_keys
            .Open(sealed.sealed, "auth.totp_secrets.sealed_secret." + sealed.factor_id.ToString())
            .value();
    return crypto::HotpCode(secret, static_cast<std::uint64_t>(crypto::TotpCounter(clock_.Now())),
                            6);
  }

  async::Runtime runtime_{2};
  testing::TestCertificates certificates_;
  FakeClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  TestAuthenticators test_{clock_};
  FakeRoleStore roles_;
  AuthenticatorsRpc service_{test_.authenticators};
  std::string directory_;
  std::unique_ptr<SigningKeys> keys_;
  std::unique_ptr<RegisterUser> register_user_;
  std::unique_ptr<PasswordLogin> login_;
  std::unique_ptr<AuthRpc> auth_;
  std::unique_ptr<OwnTokenAuthenticator> authenticator_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<rpc::Channel> gateway_;
  Uuid user_id_;
};

TEST_F(AuthenticatorsRpcTest, FromEnrolmentToLoginWithACode) {
  const auto login = LogIn();
  ASSERT_THAT(login, IsOk());
  rpc::Outgoing context;
  context.user_token = login->access_token();
  const auto begun = Run(client().BeginTotp(context, {}));
  ASSERT_THAT(begun, IsOk());
  EXPECT_EQ(begun->secret().size(), 32u);
  v1::ConfirmTotpRequest confirm;
  confirm.set_code(Code());
  const auto confirmed = Run(client().ConfirmTotp(context, confirm));
  ASSERT_THAT(confirmed, IsOk());
  EXPECT_EQ(confirmed->kind(), v1::Authenticator::TOTP);

  EXPECT_THAT(LogIn(), StatusHasReason(Reason::kSecondFactorRequired));
  clock_.Advance(absl::Seconds(30));
  EXPECT_THAT(LogIn(Code()), IsOk());
  EXPECT_THAT(LogIn(Code()), StatusHasReason(Reason::kInvalidCredentials));

  const auto codes = Run(client().IssueRecoveryCodes(context, {}));
  ASSERT_THAT(codes, IsOk());
  EXPECT_EQ(codes->codes_size(), 10);
  const auto list = Run(client().ListAuthenticators(context, {}));
  ASSERT_THAT(list, IsOk());
  ASSERT_EQ(list->authenticators_size(), 2);
  EXPECT_EQ(list->authenticators(0).authenticator_id(), confirmed->authenticator_id());
  EXPECT_EQ(list->authenticators(0).last_use_time().seconds(), 1'800'000'030);
  EXPECT_EQ(list->authenticators(1).codes_left(), 10);

  v1::RemoveAuthenticatorRequest remove;
  remove.set_authenticator_id(confirmed->authenticator_id());
  EXPECT_THAT(Run(client().RemoveAuthenticator(As(SystemIds().NewId(), {}), remove)),
              StatusHasReason(Reason::kFactorNotFound));
  EXPECT_THAT(Run(client().RemoveAuthenticator(context, remove)), IsOk());
  EXPECT_THAT(LogIn(), IsOk());
}

TEST_F(AuthenticatorsRpcTest, AChangeNeedsAFreshAuthentication) {
  const auto old = As(user_id_, absl::Minutes(5) + absl::Seconds(1));
  EXPECT_THAT(Run(client().ListAuthenticators(old, {})), IsOk());
  const auto reason = StatusHasReason(Reason::kStepUpRequired);
  EXPECT_THAT(Run(client().BeginTotp(old, {})), reason);
  EXPECT_THAT(Run(client().ConfirmTotp(old, {})), reason);
  EXPECT_THAT(Run(client().BeginPasskey(old, {})), reason);
  EXPECT_THAT(Run(client().FinishPasskey(old, {})), reason);
  EXPECT_THAT(Run(client().IssueRecoveryCodes(old, {})), reason);
  EXPECT_THAT(Run(client().RemoveAuthenticator(old, {})), reason);
  // Nor will a token do that does not say how its user proved who they are.
  const auto unknown = As(user_id_, {}, "authenticators:write", "");
  EXPECT_THAT(Run(client().BeginTotp(unknown, {})), reason);
  EXPECT_THAT(Run(client().BeginTotp(As(user_id_, absl::Minutes(5)), {})), IsOk());
}

TEST_F(AuthenticatorsRpcTest, AChangeNeedsItsScope) {
  const auto reads = As(user_id_, {}, "authenticators:read");
  EXPECT_THAT(Run(client().ListAuthenticators(reads, {})), IsOk());
  EXPECT_THAT(Run(client().BeginTotp(reads, {})), StatusHasReason(Reason::kScopeMissing));
  EXPECT_THAT(Run(client().ListAuthenticators(As(user_id_, {}, "accounts:read"), {})),
              StatusHasReason(Reason::kScopeMissing));
  EXPECT_THAT(Run(client().ListAuthenticators({}, {})), StatusHasReason(Reason::kTokenMissing));
}

TEST_F(AuthenticatorsRpcTest, APasskeysRegistrationIsCheckedForShape) {
  const auto context = As(user_id_, {});
  const auto begun = Run(client().BeginPasskey(context, {}));
  ASSERT_THAT(begun, IsOk());
  v1::FinishPasskeyRequest finish;
  finish.set_challenge_id("chl_x");
  EXPECT_THAT(Run(client().FinishPasskey(context, finish)), StatusHasParam("challenge_id"));
  finish.set_challenge_id(begun->challenge_id());
  EXPECT_THAT(Run(client().FinishPasskey(context, finish)), StatusHasParam("label"));
  finish.set_label("Phone");
  finish.set_credential("{}");
  EXPECT_THAT(Run(client().FinishPasskey(context, finish)),
              StatusHasReason(Reason::kPasskeyRefused));
}

TEST_F(AuthenticatorsRpcTest, APasswordIsResetByMail) {
  v1::RequestPasswordResetRequest request;
  request.set_email("nobody@example.com");
  EXPECT_THAT(Run(client().RequestPasswordReset({}, request)), IsOk());
  request.set_email(kEmail);
  EXPECT_THAT(Run(client().RequestPasswordReset({}, request)), IsOk());
  const std::string body = test_.mail.Wait(1).body;
  v1::ResetPasswordRequest reset;
  reset.set_token(body.substr(body.find("?token=") + 7, 43));
  reset.set_new_password("short");
  EXPECT_THAT(Run(client().ResetPassword({}, reset)), StatusHasReason(Reason::kWeakPassword));
  reset.set_new_password("a new password now");
  EXPECT_THAT(Run(client().ResetPassword({}, reset)), IsOk());
  EXPECT_THAT(LogIn(), StatusHasReason(Reason::kInvalidCredentials));
}

TEST_F(AuthenticatorsRpcTest, AnAddressIsVerifiedByMail) {
  EXPECT_THAT(Run(client().RequestEmailVerification(As(user_id_, {}), {})), IsOk());
  const std::string body = test_.mail.Wait(1).body;
  v1::VerifyEmailRequest verify;
  verify.set_token(body.substr(body.find("?token=") + 7, 43));
  EXPECT_THAT(Run(client().VerifyEmail({}, verify)), IsOk());
  EXPECT_THAT(Run(client().VerifyEmail({}, verify)), StatusHasReason(Reason::kEmailTokenInvalid));
}

}  // namespace
}  // namespace florin::auth
