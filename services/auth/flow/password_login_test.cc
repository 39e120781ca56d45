#include "services/auth/flow/password_login.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "libs/crypto/jwt.h"
#include "libs/crypto/totp.h"
#include "libs/identity/token_authenticator.h"
#include "libs/status/matchers.h"
#include "services/auth/domain/scope.h"
#include "services/auth/flow/register_user.h"
#include "services/auth/flow/test_authenticators.h"
#include "services/auth/store/fake_role_store.h"

namespace florin::auth {
namespace {

constexpr crypto::PasswordCost kDearer = {.operations = 2, .memory_bytes = 8192};
constexpr char kIssuer[] = "https://florin.test";
constexpr char kEmail[] = "ann@example.com";
constexpr char kPassword[] = "correct horse battery";

class PasswordLoginTest : public ::testing::Test {
 protected:
  PasswordLoginTest() {
    char name[] = "/tmp/florin_password_login_XXXXXX";
    directory_ = mkdtemp(name);
    const std::string path = directory_ + "/key.pem";
    std::ofstream(path) << crypto::SigningKey::Generate().ToPem();
    chmod(path.c_str(), 0600);
    keys_ = SigningKeys::Load(directory_, clock_).value();
    RegisterUser register_user(test_.users, test_.hasher, clock_, ids_, test_.rules);
    user_ = runtime_.Run(register_user.Run("key", kEmail, kPassword)).user.value();
  }
  ~PasswordLoginTest() override {
    runtime_.Stop();
    std::filesystem::remove_all(directory_);
  }

  absl::StatusOr<AccessToken> LogIn(LoginRequest request) {
    PasswordLogin login(test_.authenticators, roles_, *keys_, clock_, ids_, kIssuer);
    return runtime_.Run(login.Run(std::move(request)));
  }
  absl::StatusOr<AccessToken> LogIn(const std::string& email = kEmail,
                                    const std::string& password = kPassword,
                                    const std::string& scope = "") {
    return LogIn(LoginRequest{.email = email, .password = password, .scope = scope});
  }
  // The same by another hasher.
  absl::StatusOr<AccessToken> LogInWith(PasswordHasher& hasher, const std::string& email = kEmail,
                                        const std::string& password = kPassword) {
    Authenticators authenticators({.users = test_.users,
                                   .store = test_.store,
                                   .throttles = test_.throttles,
                                   .tokens = test_.tokens,
                                   .hasher = hasher,
                                   .password_rules = test_.rules,
                                   .data_keys = test_.data_keys,
                                   .mail = test_.mail,
                                   .sessions = test_.sessions,
                                   .audit = test_.audit,
                                   .clock = clock_,
                                   .ids = ids_},
                                  {});
    PasswordLogin login(authenticators, roles_, *keys_, clock_, ids_, kIssuer);
    return runtime_.Run(login.Run({.email = email, .password = password}));
  }
  crypto::AccessTokenClaims Claims(const AccessToken& token) {
    const crypto::VerificationKey key = keys_->published().front();
    const crypto::KeyLookup lookup = [&key](std::string_view) { return std::make_optional(key); };
    return crypto::VerifyAccessToken(token.token, lookup,
                                     {.issuer = kIssuer, .audience = identity::kAudience},
                                     clock_.Now())
        .value();
  }
  std::string StoredHash() {
    return runtime_.Run(test_.users.FindUserByEmail(kEmail)).value()->password_hash;
  }

  async::Runtime runtime_{2};
  FakeClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  SequentialIds ids_;
  TestAuthenticators test_{clock_, ids_};
  FakeRoleStore roles_;
  std::string directory_;
  std::unique_ptr<SigningKeys> keys_;
  User user_;
};

TEST_F(PasswordLoginTest, GivesATokenThatVerifies) {
  const auto token = LogIn("Ann@EXAMPLE.com", kPassword, "payments:write accounts:read");
  ASSERT_THAT(token, IsOk());
  EXPECT_EQ(token->scope, "accounts:read payments:write");
  const crypto::VerificationKey key = keys_->published().front();
  const auto claims = crypto::VerifyAccessToken(
      token->token,
      [&key](std::string_view kid) {
        return kid == key.kid() ? std::make_optional(key) : std::nullopt;
      },
      {.issuer = kIssuer, .audience = identity::kAudience}, clock_.Now());
  ASSERT_THAT(claims, IsOk());
  EXPECT_EQ(claims->subject, FormatId(IdKind::kUser, user_.user_id));
  EXPECT_EQ(claims->scope, "accounts:read payments:write");
  EXPECT_EQ(claims->issued_at, clock_.Now());
  EXPECT_EQ(claims->expires_at, clock_.Now() + absl::Minutes(10));
  EXPECT_THAT(ParseId(IdKind::kToken, claims->token_id, "jti"), IsOk());
  EXPECT_EQ(claims->client_id, "florin-first-party");
  EXPECT_EQ(claims->auth_time, clock_.Now());
  EXPECT_EQ(claims->acr, "urn:florin:acr:pwd");
  EXPECT_EQ(claims->amr, std::vector<std::string>{"pwd"});
  EXPECT_TRUE(claims->confirmation.empty());
}

TEST_F(PasswordLoginTest, AnUnknownEmailAndAWrongPasswordLookAlike) {
  const auto wrong = LogIn(kEmail, "incorrect horse battery");
  EXPECT_THAT(wrong, StatusHasReason(Reason::kInvalidCredentials));
  for (const char* email : {"bob@example.com", "no address", ""}) {
    EXPECT_EQ(LogIn(email, kPassword).status(), wrong.status()) << email;
  }
}

TEST_F(PasswordLoginTest, WhoIsLetInAndWhoIsRefusedIsRecorded) {
  EXPECT_THAT(LogIn(), IsOk());
  LogIn(kEmail, "incorrect horse battery").IgnoreError();
  LogIn("bob@example.com").IgnoreError();
  LogIn(kEmail, kPassword, "no such scope").IgnoreError();
  const std::string user_id = FormatId(IdKind::kUser, user_.user_id);
  const std::vector<audit::Event> events = test_.audit.events();
  ASSERT_EQ(events.size(), 3u);
  for (const audit::Event& event : events) EXPECT_EQ(event.action, "auth.password.verify");
  EXPECT_EQ(events[0].decision, audit::Decision::kAllowed);
  EXPECT_EQ(events[0].actor, user_id);
  for (const int refused : {1, 2}) {
    EXPECT_EQ(events[refused].decision, audit::Decision::kRefused);
    EXPECT_EQ(events[refused].reason, "invalid_credentials");
    EXPECT_EQ(events[refused].actor, "") << "nobody was recognised";
  }
  EXPECT_EQ(events[1].subject, user_id);
  EXPECT_EQ(events[2].subject, "");
}

TEST_F(PasswordLoginTest, NobodyIsLetInUnrecorded) {
  test_.audit.SetAnswer(Error(Reason::kUnavailable, "no database"));
  EXPECT_THAT(LogIn(), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(LogIn(kEmail, "incorrect horse battery"), StatusHasReason(Reason::kUnavailable));
}

TEST_F(PasswordLoginTest, AnUnknownEmailCostsAHash) {
  // No place for any hash: only what needs none gets past.
  PasswordHasher full({.threads = 0, .max_waiting = 0}, kCheapPassword);
  EXPECT_THAT(LogInWith(full, kEmail), StatusHasReason(Reason::kOverloaded));
  EXPECT_THAT(LogInWith(full, "bob@example.com"), StatusHasReason(Reason::kOverloaded));
  EXPECT_THAT(LogInWith(full, "no address"), StatusHasReason(Reason::kOverloaded));
}

TEST_F(PasswordLoginTest, RefusesScopesThatUsersDoNotHave) {
  EXPECT_THAT(LogIn(kEmail, kPassword, "ledger:write"), StatusHasReason(Reason::kInvalidScope));
}

TEST_F(PasswordLoginTest, GrantsNoMoreThanTheUsersRoles) {
  EXPECT_THAT(LogIn(kEmail, kPassword, "api_keys:write"), StatusHasReason(Reason::kInvalidScope));
  // Without the password nobody learns what a user may have.
  EXPECT_THAT(LogIn(kEmail, "incorrect horse battery", "api_keys:write"),
              StatusHasReason(Reason::kInvalidCredentials));
  roles_.Give(user_.user_id, Role::kMerchant);
  const auto token = LogIn(kEmail, kPassword, "api_keys:write");
  ASSERT_THAT(token, IsOk());
  EXPECT_EQ(token->scope, "api_keys:write");
  EXPECT_THAT(LogIn(kEmail, kPassword, "proposals:write"), StatusHasReason(Reason::kInvalidScope));
  EXPECT_EQ(LogIn()->scope, JoinScopes(ScopesOf({})));
  roles_.Take(user_.user_id, Role::kMerchant);
  EXPECT_THAT(LogIn(kEmail, kPassword, "api_keys:write"), StatusHasReason(Reason::kInvalidScope));
}

TEST_F(PasswordLoginTest, RehashesWhenTheParametersHaveChanged) {
  const std::string before = StoredHash();
  ASSERT_THAT(LogIn(), IsOk());
  EXPECT_EQ(StoredHash(), before);

  PasswordHasher dearer({}, kDearer);
  EXPECT_THAT(LogInWith(dearer, kEmail, "incorrect horse battery"),
              StatusHasReason(Reason::kInvalidCredentials));
  EXPECT_EQ(StoredHash(), before);
  ASSERT_THAT(LogInWith(dearer), IsOk());
  EXPECT_NE(StoredHash(), before);
  EXPECT_FALSE(dearer.NeedsRehash(StoredHash()));
  EXPECT_THAT(LogInWith(dearer), IsOk());
}

TEST_F(PasswordLoginTest, TheTokenSaysHowItsUserWasAuthenticated) {
  const auto token = LogIn();
  ASSERT_THAT(token, IsOk());
  EXPECT_EQ(Claims(*token).acr, "urn:florin:acr:pwd");
  EXPECT_EQ(Claims(*token).auth_time, clock_.Now());
}

TEST_F(PasswordLoginTest, AUserWithASecondFactorNeedsIt) {
  Authenticators& authenticators = test_.authenticators;
  runtime_.Run(authenticators.BeginTotp(user_.user_id)).value();
  const auto sealed = runtime_.Run(test_.store.FindTotp(user_.user_id)).value();
  const std::string secret =
      test_.data_keys
          .Open(sealed->sealed, "auth.totp_secrets.sealed_secret." + sealed->factor_id.ToString())
          .value();
  const auto code = [&] {
    return crypto::HotpCode(secret, static_cast<std::uint64_t>(crypto::TotpCounter(clock_.Now())),
                            6);
  };
  ASSERT_THAT(runtime_.Run(authenticators.ConfirmTotp(user_.user_id, code())), IsOk());
  const std::vector<std::string> codes =
      runtime_.Run(authenticators.IssueRecoveryCodes(user_.user_id)).value();
  clock_.Advance(absl::Seconds(30));

  const auto asked = LogIn();
  EXPECT_THAT(asked, StatusHasReason(Reason::kSecondFactorRequired));
  EXPECT_EQ(DetailOf(asked.status()).metadata.at("factors"), "totp_code recovery_code");
  const auto wrong = LogIn(kEmail, "incorrect horse battery");
  const auto with_code = [&](const std::string& password, const std::string& totp_code,
                             const std::string& recovery_code) {
    return LogIn(LoginRequest{.email = kEmail,
                              .password = password,
                              .totp_code = totp_code,
                              .recovery_code = recovery_code});
  };
  EXPECT_EQ(with_code(kPassword, "000000", "").status(), wrong.status());
  EXPECT_EQ(with_code("incorrect horse battery", code(), "").status(), wrong.status());
  const auto granted = with_code(kPassword, code(), "");
  ASSERT_THAT(granted, IsOk());
  EXPECT_EQ(Claims(*granted).acr, "urn:florin:acr:mfa");
  EXPECT_EQ(with_code(kPassword, code(), "").status(), wrong.status());  // Used.
  EXPECT_THAT(with_code(kPassword, "", codes[3]), IsOk());
  EXPECT_EQ(with_code(kPassword, "", codes[3]).status(), wrong.status());
  EXPECT_THAT(with_code(kPassword, code(), codes[4]), StatusHasReason(Reason::kInvalidField));
}

}  // namespace
}  // namespace florin::auth
