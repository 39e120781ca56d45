#include "services/gateway/limits/quota_table.h"

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace florin::gateway {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);
const Quota kQuota{10, absl::Seconds(10)};

std::vector<Bucket> Of(const std::string& key) { return {{"user", key, kQuota}}; }

TEST(QuotaTableTest, CountsEachKeyApartAndForgives) {
  QuotaTable table(100);
  EXPECT_TRUE(table.Take(Of("a"), 10, kNow).admitted);
  EXPECT_FALSE(table.Take(Of("a"), 1, kNow).admitted);
  EXPECT_TRUE(table.Take(Of("b"), 10, kNow).admitted);
  EXPECT_TRUE(table.Take(Of("a"), 3, kNow + absl::Seconds(3)).admitted);
  EXPECT_FALSE(table.Take(Of("a"), 1, kNow + absl::Seconds(3)).admitted);
}

TEST(QuotaTableTest, PeeksWithoutTaking) {
  QuotaTable table(100);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(table.Peek(Of("a"), 10, kNow).admitted);
  EXPECT_TRUE(table.Take(Of("a"), 10, kNow).admitted);
  EXPECT_FALSE(table.Peek(Of("a"), 1, kNow).admitted);
}

TEST(QuotaTableTest, LearnsWhatOthersKnow) {
  QuotaTable table(100);
  table.Learn(Of("a"), {absl::Seconds(8)}, kNow);
  EXPECT_FALSE(table.Take(Of("a"), 3, kNow).admitted);
  EXPECT_TRUE(table.Take(Of("a"), 2, kNow).admitted);
}

TEST(QuotaTableTest, IsBoundedAndForgetsWhatWasNotUsedForLongest) {
  QuotaTable table(64);  // One row for each shard.
  EXPECT_TRUE(table.Take(Of("busy"), 10, kNow).admitted);
  for (int i = 0; i < 10'000; ++i) table.Take(Of(absl::StrCat("k", i)), 1, kNow);
  EXPECT_LE(table.size(), 64u);
  EXPECT_TRUE(table.Take(Of("busy"), 10, kNow).admitted) << "evicted: as if unused";

  QuotaTable large(64 * 1000);
  EXPECT_TRUE(large.Take(Of("busy"), 10, kNow).admitted);
  for (int i = 0; i < 100'000; ++i) {
    large.Take(Of(absl::StrCat("k", i)), 1, kNow);
    if (i % 100 != 0) continue;
    EXPECT_FALSE(large.Take(Of("busy"), 1, kNow).admitted) << "used: kept";
  }
}

TEST(QuotaTableTest, GivesEachUnitOnceToManyThreads) {
  QuotaTable table(1000);
  const Quota large{10'000, absl::Hours(10)};
  std::atomic<int> admitted = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 5000; ++i) {
        // The shared bucket last or first, so that orders of locking meet.
        std::vector<Bucket> buckets = {{"network", "shared", large},
                                       {"user", absl::StrCat("u", thread, i % 7), large}};
        if (thread % 2 == 0) std::swap(buckets[0], buckets[1]);
        if (table.Take(buckets, 1, kNow).admitted) ++admitted;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(admitted, 10'000);
}

}  // namespace
}  // namespace florin::gateway
