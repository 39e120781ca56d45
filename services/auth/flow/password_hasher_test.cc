#include "services/auth/flow/password_hasher.h"

#include <boost/asio/use_future.hpp>
#include <future>
#include <vector>

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::auth {
namespace {

constexpr crypto::PasswordCost kCheap = {.operations = 1, .memory_bytes = 8192};

TEST(PasswordHasher, HashesAndVerifies) {
  async::Runtime runtime(2);
  PasswordHasher hasher({}, kCheap);
  const auto hash = runtime.Run(hasher.Hash("correct horse battery"));
  ASSERT_THAT(hash, IsOk());
  const auto right = runtime.Run(hasher.Verify(*hash, "correct horse battery"));
  ASSERT_THAT(right, IsOk());
  EXPECT_TRUE(*right);
  const auto wrong = runtime.Run(hasher.Verify(*hash, "incorrect horse battery"));
  ASSERT_THAT(wrong, IsOk());
  EXPECT_FALSE(*wrong);
  runtime.Stop();
}

TEST(PasswordHasher, NobodyHasNoPassword) {
  async::Runtime runtime(1);
  PasswordHasher hasher({}, kCheap);
  for (const char* password : {"", "correct horse battery"}) {
    const auto matches = runtime.Run(hasher.Verify(std::nullopt, password));
    ASSERT_THAT(matches, IsOk());
    EXPECT_FALSE(*matches);
  }
  runtime.Stop();
}

TEST(PasswordHasher, NeedsRehashAfterItsParametersChanged) {
  const std::string old = crypto::HashPassword("correct horse battery", kCheap);
  EXPECT_FALSE(PasswordHasher({}, kCheap).NeedsRehash(old));
  EXPECT_TRUE(PasswordHasher().NeedsRehash(old));
}

using Answer = std::future<absl::StatusOr<bool>>;

// All within one turn of a runtime of one thread: no hash can end, and give its place back, before
// the last has begun.
Task<std::vector<Answer>> Flood(PasswordHasher& hasher, int count) {
  const Executor executor = co_await asio::this_coro::executor;
  std::vector<Answer> answers;
  for (int i = 0; i < count; ++i) {
    answers.push_back(
        asio::co_spawn(executor, hasher.Verify(std::nullopt, "password"), asio::use_future));
  }
  co_return answers;
}

TEST(PasswordHasher, RefusesAFloodAndRecovers) {
  async::Runtime runtime(1);
  PasswordHasher hasher({.threads = 1, .max_waiting = 4}, kCheap);
  for (int round = 0; round < 3; ++round) {
    std::vector<Answer> answers = runtime.Run(Flood(hasher, 20));
    int served = 0;
    for (Answer& answer : answers) {
      const auto matches = answer.get();
      if (matches.ok()) {
        ++served;
      } else {
        EXPECT_THAT(matches, StatusHasReason(Reason::kOverloaded));
      }
    }
    EXPECT_EQ(served, 5);
  }
  runtime.Stop();
}

}  // namespace
}  // namespace florin::auth
