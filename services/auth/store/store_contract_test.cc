// What every Store does, shown for the one in PostgreSQL and the fake.
#include <boost/asio/use_future.hpp>
#include <future>
#include <memory>

#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/pg/pool.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/auth/store/fake_store.h"
#include "services/auth/store/pg_store.h"

namespace florin::auth {
namespace {

// Each test uses e-mails and keys of its own.
testing::Postgres& Server() { return pg::TestDatabase("auth"); }

struct Fake {
  FakeStore store;
};

struct Real {
  pg::Pool pool{{.conninfo = Server().conninfo("auth"),
                 .connections = 4,
                 .statements = PgStore::Statements()}};
  PgStore store{pool};
};

template <class Kind>
class StoreContractTest : public ::testing::Test {
 protected:
  StoreContractTest() : name_(std::to_string(++count_)) {}

  Store& store() { return kind_.store; }
  std::string Email(const std::string& who) const { return who + name_ + "@example.com"; }
  std::string Key(const std::string& what) const { return what + "-" + name_; }

  Registration Wish(const std::string& key, const std::string& who) {
    return {.idempotency_key = Key(key),
            .fingerprint = crypto::Sha256(who),
            .user = {.user_id = SystemIds().NewId(),
                     .email = Email(who),
                     .password_hash = "$argon2id$of-" + who,
                     .create_time = absl::FromUnixMicros(1'800'000'000'123'456)}};
  }

  Registered Register(const Registration& wish) {
    auto registered = runtime_.Run(store().Register(wish));
    EXPECT_THAT(registered, IsOk());
    return *std::move(registered);
  }
  std::optional<User> Find(const std::string& who) {
    auto found = runtime_.Run(store().FindUserByEmail(Email(who)));
    EXPECT_THAT(found, IsOk());
    return *std::move(found);
  }

  async::Runtime runtime_{2};  // Outlives the pool, whose threads complete on it.
  Kind kind_;

 private:
  static inline int count_ = 0;
  const std::string name_;
};

using Kinds = ::testing::Types<Fake, Real>;
TYPED_TEST_SUITE(StoreContractTest, Kinds);

TYPED_TEST(StoreContractTest, MakesAUserAndFindsIt) {
  const Registration wish = this->Wish("key", "ann");
  const Registered registered = this->Register(wish);
  EXPECT_TRUE(registered.created);
  EXPECT_EQ(registered.fingerprint, wish.fingerprint);
  EXPECT_EQ(registered.user, wish.user);
  EXPECT_EQ(this->Find("ann"), wish.user);
}

TYPED_TEST(StoreContractTest, FindsNoStranger) {
  EXPECT_EQ(this->Find("nobody"), std::nullopt);
  const auto found = this->runtime_.Run(this->store().FindRegistration(this->Key("no-key")));
  ASSERT_THAT(found, IsOk());
  EXPECT_FALSE(found->has_value());
}

TYPED_TEST(StoreContractTest, AKeyDecidesOnce) {
  const Registration wish = this->Wish("key", "ann");
  this->Register(wish);
  const Registered again = this->Register(this->Wish("key", "bob"));
  EXPECT_FALSE(again.created);
  EXPECT_EQ(again.fingerprint, wish.fingerprint);
  EXPECT_EQ(again.user, wish.user);
  EXPECT_EQ(this->Find("bob"), std::nullopt);

  const auto found = this->runtime_.Run(this->store().FindRegistration(this->Key("key")));
  ASSERT_THAT(found, IsOk());
  ASSERT_TRUE(found->has_value());
  EXPECT_FALSE((*found)->created);
  EXPECT_EQ((*found)->fingerprint, wish.fingerprint);
  EXPECT_EQ((*found)->user, wish.user);
}

// As after a COMMIT whose answer was lost.
TYPED_TEST(StoreContractTest, TheSameRegistrationTwiceIsStillTheOneThatCreated) {
  const Registration wish = this->Wish("key", "ann");
  EXPECT_TRUE(this->Register(wish).created);
  EXPECT_TRUE(this->Register(wish).created);
  EXPECT_EQ(this->Find("ann"), wish.user);
}

TYPED_TEST(StoreContractTest, ATakenEmailIsRefusedAndRememberedUnderItsKey) {
  const Registration winner = this->Wish("first", "ann");
  this->Register(winner);
  const Registration loser = this->Wish("second", "ann");
  for (int i = 0; i < 2; ++i) {
    const Registered refused = this->Register(loser);
    EXPECT_FALSE(refused.created);
    EXPECT_EQ(refused.user, std::nullopt);
    EXPECT_EQ(refused.fingerprint, loser.fingerprint);
  }
  const auto found = this->runtime_.Run(this->store().FindRegistration(this->Key("second")));
  ASSERT_THAT(found, IsOk());
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->user, std::nullopt);
  EXPECT_EQ(this->Find("ann"), winner.user);
}

TYPED_TEST(StoreContractTest, ARaceForOneEmailHasOneWinner) {
  std::vector<std::future<absl::StatusOr<Registered>>> answers;
  for (int i = 0; i < 8; ++i) {
    answers.push_back(asio::co_spawn(
        this->runtime_.context(),
        this->store().Register(this->Wish("key" + std::to_string(i), "ann")), asio::use_future));
  }
  int winners = 0;
  for (auto& answer : answers) {
    const auto registered = answer.get();
    ASSERT_THAT(registered, IsOk());
    EXPECT_EQ(registered->created, registered->user.has_value());
    winners += registered->created;
  }
  EXPECT_EQ(winners, 1);
}

TYPED_TEST(StoreContractTest, ARaceUnderOneKeyHasOneWinnerAndOneAnswer) {
  std::vector<std::future<absl::StatusOr<Registered>>> answers;
  for (int i = 0; i < 8; ++i) {
    answers.push_back(
        asio::co_spawn(this->runtime_.context(),
                       this->store().Register(this->Wish("key", "ann" + std::to_string(i) + "-")),
                       asio::use_future));
  }
  int winners = 0;
  std::optional<User> user;
  for (auto& answer : answers) {
    const auto registered = answer.get();
    ASSERT_THAT(registered, IsOk());
    ASSERT_TRUE(registered->user.has_value());
    EXPECT_EQ(registered->user, user ? user : registered->user);
    user = registered->user;
    winners += registered->created;
  }
  EXPECT_EQ(winners, 1);
}

TYPED_TEST(StoreContractTest, ReplacesAHashOnlyIfItIsStillTheOneGiven) {
  const Registration wish = this->Wish("key", "ann");
  this->Register(wish);
  const auto replace = [&](Uuid id, const char* from, const char* to) {
    const auto replaced = this->runtime_.Run(this->store().ReplacePasswordHash(id, from, to));
    EXPECT_THAT(replaced, IsOk());
    return *replaced;
  };
  EXPECT_FALSE(replace(wish.user.user_id, "$argon2id$other", "$argon2id$new"));
  EXPECT_EQ(this->Find("ann")->password_hash, "$argon2id$of-ann");
  EXPECT_TRUE(replace(wish.user.user_id, "$argon2id$of-ann", "$argon2id$new"));
  EXPECT_EQ(this->Find("ann")->password_hash, "$argon2id$new");
  EXPECT_FALSE(replace(SystemIds().NewId(), "$argon2id$new", "$argon2id$newer"));
}

// Runs `statement` and takes it back: kCanceled if PostgreSQL let it, kInternal if not.
absl::StatusOr<bool> Try(async::Runtime& runtime, const std::string& role, const char* statement) {
  pg::Pool pool({.conninfo = Server().conninfo(role), .connections = 1});
  const std::function<absl::StatusOr<bool>(pqxx::work&)> run =
      [statement](pqxx::work& transaction) -> absl::StatusOr<bool> {
    transaction.exec(statement);
    return Error(Reason::kCanceled, "taken back");
  };
  return runtime.Run(pool.Transact<bool>(run));
}

// The runtime role may not delete a user, move an e-mail or rewrite what a key decided.
TEST(Grants, TheRuntimeRoleChangesOnlyHashes) {
  async::Runtime runtime(1);
  EXPECT_THAT(Try(runtime, "auth", "UPDATE users SET password_hash = '$argon2id$x'"),
              StatusHasReason(Reason::kCanceled));
  for (const char* statement :
       {"DELETE FROM users", "UPDATE users SET email = 'x@example.com'",
        "DELETE FROM registrations", "UPDATE registrations SET fingerprint = fingerprint",
        "TRUNCATE users, registrations", "CREATE TABLE intruder (n int)", "DROP TABLE users"}) {
    EXPECT_THAT(Try(runtime, "auth", statement), StatusHasReason(Reason::kInternal)) << statement;
  }
  EXPECT_THAT(Try(runtime, "auth_owner", "TRUNCATE users, registrations CASCADE"),
              StatusHasReason(Reason::kCanceled));
}

}  // namespace
}  // namespace florin::auth
