#include "libs/async/worker.h"

#include <atomic>
#include <chrono>
#include <future>

#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/status/status.h"

namespace florin::async {
namespace {

constexpr WorkerPauses kShort{.usual = absl::Milliseconds(1), .longest = absl::Milliseconds(2)};

// Counts its rounds and tells when the third is reached; the first one fails.
class Rounds {
 public:
  Task<absl::Status> Next() {
    const int round = ++count_;
    if (round == 3) third_.set_value();
    if (round == 1) co_return Error(Reason::kUnavailable, "the first round fails");
    co_return absl::OkStatus();
  }
  void WaitForThird() { third_.get_future().wait(); }
  int count() const { return count_; }

 private:
  std::atomic<int> count_ = 0;
  std::promise<void> third_;
};

TEST(WorkerTest, GoesOnAfterFailuresUntilStopped) {
  Runtime runtime(1);
  Rounds rounds;
  Worker worker(
      runtime.executor(), [&rounds] { return rounds.Next(); }, kShort);
  rounds.WaitForThird();
  worker.Stop();
  const int stopped_at = rounds.count();
  EXPECT_GE(stopped_at, 3);
  runtime.Run(Sleep(absl::Milliseconds(5)));
  EXPECT_EQ(rounds.count(), stopped_at);
  worker.Stop();
}

TEST(WorkerTest, StopCutsALongPauseShort) {
  Runtime runtime(1);
  Rounds rounds;
  const WorkerPauses pauses{.usual = absl::Hours(1), .longest = absl::Hours(1)};
  Worker worker(
      runtime.executor(), [&rounds] { return rounds.Next(); }, pauses);
  worker.Stop();
  EXPECT_LE(rounds.count(), 1);
}

// Tells when its first and its second round begin.
class Woken {
 public:
  Task<absl::Status> Next() {
    const int round = ++count_;
    if (round == 1) first_.set_value();
    if (round == 2) second_.set_value();
    co_return absl::OkStatus();
  }
  std::future<void> first() { return first_.get_future(); }
  std::future<void> second() { return second_.get_future(); }

 private:
  std::atomic<int> count_ = 0;
  std::promise<void> first_;
  std::promise<void> second_;
};

// The pause is so long that only waking can end it.
TEST(WorkerTest, IsWoken) {
  Runtime runtime(1);
  Woken rounds;
  const WorkerPauses pauses{.usual = absl::Hours(1), .longest = absl::Hours(1)};
  Worker worker(
      runtime.executor(), [&rounds] { return rounds.Next(); }, pauses);
  rounds.first().wait();
  worker.Wake();
  EXPECT_EQ(rounds.second().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  worker.Stop();
}

}  // namespace
}  // namespace florin::async
