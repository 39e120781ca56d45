#include "services/auth/flow/register_user.h"

#include <boost/asio/use_future.hpp>
#include <future>
#include <vector>

#include "gtest/gtest.h"
#include "libs/status/matchers.h"
#include "services/auth/store/fake_store.h"

namespace florin::auth {
namespace {

constexpr crypto::PasswordCost kCheap = {.operations = 1, .memory_bytes = 8192};
constexpr char kPassword[] = "correct horse battery";

class RegisterUserTest : public ::testing::Test {
 protected:
  ~RegisterUserTest() override { runtime_.Stop(); }

  Registering Register(const std::string& key, const std::string& email,
                       const std::string& password = kPassword) {
    return runtime_.Run(register_user_.Run(key, email, password));
  }
  bool Exists(const std::string& email) {
    return runtime_.Run(store_.FindUserByEmail(email)).value().has_value();
  }

  async::Runtime runtime_{2};
  FakeClock clock_{absl::FromUnixMicros(1'800'000'000'123'456) + absl::Nanoseconds(789)};
  SequentialIds ids_;
  FakeStore store_;
  PasswordHasher hasher_{{}, kCheap};
  PasswordRules rules_{CommonPasswords{"letmeinletmein"}};
  RegisterUser register_user_{store_, hasher_, clock_, ids_, rules_};
};

TEST_F(RegisterUserTest, MakesAUserWhoHasTheHashAndNotThePassword) {
  const Registering registering = Register("k1", "Ann@Example.com");
  ASSERT_THAT(registering.user, IsOk());
  EXPECT_FALSE(registering.replayed);
  EXPECT_EQ(registering.user->email, "ann@example.com");
  EXPECT_EQ(registering.user->create_time, absl::FromUnixMicros(1'800'000'000'123'456));
  EXPECT_TRUE(crypto::VerifyPassword(registering.user->password_hash, kPassword));
  EXPECT_EQ(registering.user->password_hash.find(kPassword), std::string::npos);
}

TEST_F(RegisterUserTest, TheSameRequestGetsTheFirstAnswer) {
  const Registering first = Register("k1", "ann@example.com");
  clock_.Advance(absl::Hours(1));
  const Registering second = Register("k1", "ANN@example.com");
  ASSERT_THAT(second.user, IsOk());
  EXPECT_TRUE(second.replayed);
  EXPECT_EQ(*second.user, *first.user);
}

TEST_F(RegisterUserTest, AKeyIsForOneEmail) {
  ASSERT_THAT(Register("k1", "ann@example.com").user, IsOk());
  const Registering other = Register("k1", "bob@example.com");
  EXPECT_THAT(other.user, StatusHasReason(Reason::kIdempotencyKeyReused));
  EXPECT_FALSE(other.replayed);
  EXPECT_FALSE(Exists("bob@example.com"));
}

TEST_F(RegisterUserTest, AKeyIsForOnePassword) {
  ASSERT_THAT(Register("k1", "ann@example.com").user, IsOk());
  EXPECT_THAT(Register("k1", "ann@example.com", "another password").user,
              StatusHasReason(Reason::kIdempotencyKeyReused));
}

TEST_F(RegisterUserTest, ATakenEmailStaysRefusedUnderItsKey) {
  ASSERT_THAT(Register("k1", "ann@example.com").user, IsOk());
  const Registering first = Register("k2", "Ann@example.com");
  EXPECT_THAT(first.user, StatusHasReason(Reason::kEmailTaken));
  const Registering second = Register("k2", "ann@example.com");
  EXPECT_THAT(second.user, StatusHasReason(Reason::kEmailTaken));
  EXPECT_TRUE(second.replayed);
  EXPECT_THAT(Register("k2", "bob@example.com").user,
              StatusHasReason(Reason::kIdempotencyKeyReused));
}

TEST_F(RegisterUserTest, ValidationLeavesNoTrace) {
  EXPECT_THAT(Register("k1", "ann").user, StatusHasReason(Reason::kInvalidEmail));
  EXPECT_THAT(Register("k1", "ann@example.com", "short").user,
              StatusHasReason(Reason::kWeakPassword));
  const Registering registering = Register("k1", "bob@example.com");
  EXPECT_THAT(registering.user, IsOk());
  EXPECT_FALSE(registering.replayed);
}

TEST_F(RegisterUserTest, ARaceForOneEmailHasOneWinner) {
  std::vector<std::future<Registering>> answers;
  for (int i = 0; i < 10; ++i) {
    answers.push_back(
        asio::co_spawn(runtime_.context(),
                       register_user_.Run("key" + std::to_string(i), "ann@example.com", kPassword),
                       asio::use_future));
  }
  int winners = 0;
  for (auto& answer : answers) {
    const Registering registering = answer.get();
    winners += registering.user.ok();
    if (!registering.user.ok()) {
      EXPECT_THAT(registering.user, StatusHasReason(Reason::kEmailTaken));
    }
  }
  EXPECT_EQ(winners, 1);
}

TEST_F(RegisterUserTest, ARaceUnderOneKeyGetsOneAnswer) {
  std::vector<std::future<Registering>> answers;
  for (int i = 0; i < 10; ++i) {
    answers.push_back(asio::co_spawn(runtime_.context(),
                                     register_user_.Run("key", "ann@example.com", kPassword),
                                     asio::use_future));
  }
  int first = 0;
  std::vector<User> users;
  for (auto& answer : answers) {
    const Registering registering = answer.get();
    ASSERT_THAT(registering.user, IsOk());
    first += !registering.replayed;
    users.push_back(*registering.user);
  }
  EXPECT_EQ(first, 1);
  for (const User& user : users) EXPECT_EQ(user, users.front());
}

TEST_F(RegisterUserTest, AGuessablePasswordLeavesNoTrace) {
  EXPECT_THAT(Register("k1", "ann@example.com", "letmeinletmein").user,
              StatusHasReason(Reason::kWeakPassword));
  EXPECT_THAT(Register("k1", "ann.smith@example.com", "ann.smith-florin").user,
              StatusHasReason(Reason::kWeakPassword));
  EXPECT_FALSE(Exists("ann@example.com"));
  EXPECT_THAT(Register("k1", "ann@example.com").user, IsOk());
}

// U+00E9 and e with U+0301 are one letter.
TEST_F(RegisterUserTest, APasswordIsTheSameHoweverItIsWritten) {
  const auto user = Register("k1", "ann@example.com", "caf\xc3\xa9 with sugar").user;
  ASSERT_THAT(user, IsOk());
  EXPECT_TRUE(runtime_.Run(hasher_.Verify(user->password_hash, "cafe\xcc\x81 with sugar")).value());
}

}  // namespace
}  // namespace florin::auth
