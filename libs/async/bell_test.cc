#include "libs/async/bell.h"

#include <future>

#include <boost/asio/use_future.hpp>

#include "gtest/gtest.h"
#include "libs/async/runtime.h"

namespace florin::async {
namespace {

TEST(BellTest, WaitsNoLongerThanAsked) {
  Runtime runtime(1);
  Bell bell;
  EXPECT_FALSE(runtime.Run(bell.Wait(absl::Milliseconds(1))));
  EXPECT_FALSE(runtime.Run(bell.Wait(-absl::InfiniteDuration())));
}

TEST(BellTest, ARingIsKeptForTheNextWaiterAndCountsOnce) {
  Runtime runtime(1);
  Bell bell;
  bell.Ring();
  bell.Ring();
  EXPECT_TRUE(runtime.Run(bell.Wait(absl::InfiniteDuration())));
  EXPECT_FALSE(runtime.Run(bell.Wait(absl::Milliseconds(1))));
}

Task<int> CountRings(Bell* bell, int least) {
  int waits = 0;
  for (int rings = 0; rings < least; ++waits) rings += co_await bell->Wait(absl::Seconds(60));
  co_return waits;
}

Task<void> RingAndWait(Bell* bell, Bell* answer) {
  bell->Ring();
  co_await answer->Wait(absl::Seconds(60));
}

Task<void> AnswerRings(Bell* bell, Bell* answer, int count) {
  for (int i = 0; i < count; ++i) {
    co_await bell->Wait(absl::Seconds(60));
    answer->Ring();
  }
}

// A lost ring would cost a minute.
TEST(BellTest, NoRingOfAnotherThreadIsLost) {
  constexpr int kRings = 5'000;
  Runtime runtime(2);
  Bell there;
  Bell back;
  auto answered =
      asio::co_spawn(runtime.executor(), AnswerRings(&there, &back, kRings), asio::use_future);
  for (int i = 0; i < kRings; ++i) runtime.Run(RingAndWait(&there, &back));
  answered.get();
}

TEST(BellTest, WakesAtOnceFromAThreadOfNoRuntime) {
  Runtime runtime(1);
  Bell bell;
  auto waits = asio::co_spawn(runtime.executor(), CountRings(&bell, 1), asio::use_future);
  bell.Ring();
  EXPECT_EQ(waits.get(), 1);
}

}  // namespace
}  // namespace florin::async
