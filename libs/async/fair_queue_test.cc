#include "libs/async/fair_queue.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace florin::async {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Queue = FairQueue<std::string>;

std::vector<std::string> Take(Queue& queue, std::size_t enough) {
  return queue.Take(enough, [](const std::string&) { return false; }).items;
}

TEST(FairQueueTest, OneCallerGetsOrderOfArrival) {
  Queue queue;
  for (const char* item : {"1", "2", "3"}) queue.Push("a", 1, item);
  EXPECT_EQ(queue.weight(), 3u);
  EXPECT_THAT(Take(queue, 2), ElementsAre("1", "2"));
  EXPECT_THAT(Take(queue, 2), ElementsAre("3"));
  EXPECT_THAT(Take(queue, 2), IsEmpty());
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.weight(), 0u);
}

TEST(FairQueueTest, SharesEquallyHoweverMuchOneHas) {
  Queue queue;
  for (int i = 0; i < 5'000; ++i) queue.Push("greedy", 1, "g");
  for (int i = 0; i < 80; ++i) queue.Push("modest", 1, "m");
  const std::vector<std::string> batch = Take(queue, 100);
  EXPECT_EQ(std::count(batch.begin(), batch.end(), "m"), 50);
  EXPECT_EQ(batch.size(), 100u);
  const std::vector<std::string> next = Take(queue, 100);
  EXPECT_EQ(std::count(next.begin(), next.end(), "m"), 30) << "the rest is not left unused";
  EXPECT_EQ(next.size(), 100u);
}

// By weight, over many batches: as much of the heavy as of the light.
TEST(FairQueueTest, CountsWeightNotItems) {
  Queue queue;
  for (int i = 0; i < 1'000; ++i) {
    queue.Push("heavy", 700, "h");
    for (int k = 0; k < 70; ++k) queue.Push("light", 10, "l");
  }
  std::size_t heavy = 0;
  std::size_t light = 0;
  for (int batch = 0; batch < 50; ++batch) {
    for (const std::string& item : Take(queue, 1'000)) (item == "h" ? heavy : light) += 1;
  }
  EXPECT_NEAR(static_cast<double>(heavy * 700), static_cast<double>(light * 10), 2'000);
}

TEST(FairQueueTest, ABatchEndsWithTheItemThatReachesIt) {
  Queue queue;
  for (const char* item : {"1", "2", "3"}) queue.Push("a", 70, item);
  EXPECT_THAT(Take(queue, 100), ElementsAre("1", "2"));
  EXPECT_THAT(Take(queue, 100), ElementsAre("3"));
}

TEST(FairQueueTest, AnItemHeavierThanABatchComesAlone) {
  Queue queue;
  queue.Push("a", 1'000, "big");
  queue.Push("a", 1, "small");
  EXPECT_THAT(Take(queue, 10), ElementsAre("big"));
  EXPECT_THAT(Take(queue, 10), ElementsAre("small"));
}

TEST(FairQueueTest, NobodySavesWhileAbsent) {
  Queue queue;
  queue.Push("a", 1, "a");
  EXPECT_THAT(Take(queue, 100), ElementsAre("a"));  // 99 of its share unused.
  for (int i = 0; i < 100; ++i) queue.Push("a", 1, "a");
  for (int i = 0; i < 100; ++i) queue.Push("b", 1, "b");
  const std::vector<std::string> batch = Take(queue, 100);
  EXPECT_EQ(std::count(batch.begin(), batch.end(), "a"), 50);
}

TEST(FairQueueTest, WhatIsDroppedCostsNothing) {
  Queue queue;
  for (int i = 0; i < 100; ++i) queue.Push("a", 10, i % 2 == 0 ? "late" : "a");
  for (int i = 0; i < 100; ++i) queue.Push("b", 10, "b");
  const auto taken = queue.Take(100, [](const std::string& item) { return item == "late"; });
  EXPECT_EQ(std::count(taken.items.begin(), taken.items.end(), "a"), 5);
  EXPECT_EQ(std::count(taken.items.begin(), taken.items.end(), "b"), 5);
  EXPECT_GE(taken.dropped.size(), 5u);
  EXPECT_EQ(queue.weight(), 2'000 - 100 - 10 * taken.dropped.size());
}

}  // namespace
}  // namespace florin::async
