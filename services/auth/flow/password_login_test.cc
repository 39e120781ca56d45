#include "services/auth/flow/password_login.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "libs/crypto/jwt.h"
#include "libs/identity/token_authenticator.h"
#include "libs/status/matchers.h"
#include "services/auth/flow/register_user.h"
#include "services/auth/store/fake_role_store.h"
#include "services/auth/store/fake_store.h"

namespace florin::auth {
namespace {

constexpr crypto::PasswordCost kCheap = {.operations = 1, .memory_bytes = 8192};
constexpr crypto::PasswordCost kDearer = {.operations = 2, .memory_bytes = 8192};
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
    RegisterUser register_user(store_, hasher_, clock_, ids_);
    user_ = runtime_.Run(register_user.Run("key", kEmail, kPassword)).user.value();
  }
  ~PasswordLoginTest() override {
    runtime_.Stop();
    std::filesystem::remove_all(directory_);
  }

  absl::StatusOr<AccessToken> LogIn(PasswordHasher& hasher, const std::string& email = kEmail,
                                    const std::string& password = kPassword,
                                    const std::string& scope = "") {
    PasswordLogin login(store_, roles_, hasher, *keys_, clock_, ids_);
    return runtime_.Run(login.Run(email, password, scope));
  }
  std::string StoredHash() {
    return runtime_.Run(store_.FindUserByEmail(kEmail)).value()->password_hash;
  }

  async::Runtime runtime_{2};
  FakeClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  SequentialIds ids_;
  FakeStore store_;
  FakeRoleStore roles_;
  PasswordHasher hasher_{{}, kCheap};
  std::string directory_;
  std::unique_ptr<SigningKeys> keys_;
  User user_;
};

TEST_F(PasswordLoginTest, GivesATokenThatVerifies) {
  const auto token = LogIn(hasher_, "Ann@EXAMPLE.com", kPassword, "payments:write accounts:read");
  ASSERT_THAT(token, IsOk());
  EXPECT_EQ(token->scope, "accounts:read payments:write");
  const crypto::VerificationKey key = keys_->published().front();
  const auto claims = crypto::VerifyAccessToken(
      token->token,
      [&key](std::string_view kid) {
        return kid == key.kid() ? std::make_optional(key) : std::nullopt;
      },
      {.issuer = identity::kIssuer, .audience = identity::kAudience}, clock_.Now());
  ASSERT_THAT(claims, IsOk());
  EXPECT_EQ(claims->subject, FormatId(IdKind::kUser, user_.user_id));
  EXPECT_EQ(claims->scope, "accounts:read payments:write");
  EXPECT_EQ(claims->issued_at, clock_.Now());
  EXPECT_EQ(claims->expires_at, clock_.Now() + absl::Minutes(10));
  EXPECT_THAT(ParseId(IdKind::kToken, claims->token_id, "jti"), IsOk());
}

TEST_F(PasswordLoginTest, AnUnknownEmailAndAWrongPasswordLookAlike) {
  const auto wrong = LogIn(hasher_, kEmail, "incorrect horse battery");
  EXPECT_THAT(wrong, StatusHasReason(Reason::kInvalidCredentials));
  for (const char* email : {"bob@example.com", "no address", ""}) {
    EXPECT_EQ(LogIn(hasher_, email, kPassword).status(), wrong.status()) << email;
  }
}

TEST_F(PasswordLoginTest, AnUnknownEmailCostsAHash) {
  // No place for any hash: only what needs none gets past.
  PasswordHasher full({.threads = 0, .max_waiting = 0}, kCheap);
  EXPECT_THAT(LogIn(full, kEmail), StatusHasReason(Reason::kOverloaded));
  EXPECT_THAT(LogIn(full, "bob@example.com"), StatusHasReason(Reason::kOverloaded));
  EXPECT_THAT(LogIn(full, "no address"), StatusHasReason(Reason::kOverloaded));
}

TEST_F(PasswordLoginTest, RefusesScopesThatUsersDoNotHave) {
  EXPECT_THAT(LogIn(hasher_, kEmail, kPassword, "ledger:write"),
              StatusHasReason(Reason::kInvalidScope));
}

TEST_F(PasswordLoginTest, GrantsNoMoreThanTheUsersRoles) {
  EXPECT_THAT(LogIn(hasher_, kEmail, kPassword, "api_keys:write"),
              StatusHasReason(Reason::kInvalidScope));
  // Without the password nobody learns what a user may have.
  EXPECT_THAT(LogIn(hasher_, kEmail, "incorrect horse battery", "api_keys:write"),
              StatusHasReason(Reason::kInvalidCredentials));
  roles_.Give(user_.user_id, Role::kMerchant);
  const auto token = LogIn(hasher_, kEmail, kPassword, "api_keys:write");
  ASSERT_THAT(token, IsOk());
  EXPECT_EQ(token->scope, "api_keys:write");
  EXPECT_THAT(LogIn(hasher_, kEmail, kPassword, "proposals:write"),
              StatusHasReason(Reason::kInvalidScope));
  EXPECT_EQ(LogIn(hasher_)->scope, "accounts:read accounts:write payments:read payments:write");
  roles_.Take(user_.user_id, Role::kMerchant);
  EXPECT_THAT(LogIn(hasher_, kEmail, kPassword, "api_keys:write"),
              StatusHasReason(Reason::kInvalidScope));
}

TEST_F(PasswordLoginTest, RehashesWhenTheParametersHaveChanged) {
  const std::string before = StoredHash();
  ASSERT_THAT(LogIn(hasher_), IsOk());
  EXPECT_EQ(StoredHash(), before);

  PasswordHasher dearer({}, kDearer);
  EXPECT_THAT(LogIn(dearer, kEmail, "incorrect horse battery"),
              StatusHasReason(Reason::kInvalidCredentials));
  EXPECT_EQ(StoredHash(), before);
  ASSERT_THAT(LogIn(dearer), IsOk());
  EXPECT_NE(StoredHash(), before);
  EXPECT_FALSE(dearer.NeedsRehash(StoredHash()));
  EXPECT_THAT(LogIn(dearer), IsOk());
}

}  // namespace
}  // namespace florin::auth
