#include <atomic>
#include <future>
#include <numeric>

#include "gtest/gtest.h"
#include "libs/async/batcher.h"
#include "libs/async/runtime.h"
#include "libs/status/matchers.h"

namespace florin::async {
namespace {

using IntBatcher = Batcher<int, int>;

Task<absl::StatusOr<std::vector<int>>> Double(std::vector<int> batch, ThreadPool* pool) {
  std::function<std::vector<int>()> work = [batch = std::move(batch)] {
    std::vector<int> doubled;
    for (const int n : batch) doubled.push_back(2 * n);
    return doubled;
  };
  co_return co_await pool->Run(std::move(work));
}

Task<void> SubmitAndCheck(IntBatcher* batcher, int n, std::atomic<int>* right) {
  const absl::StatusOr<int> result = co_await batcher->Submit(n);
  if (result.ok() && *result == 2 * n) ++*right;
}

TEST(ThreadPool, RunsOffTheLoopAndResumesOnIt) {
  Runtime runtime(1);
  ThreadPool pool(2);
  std::function<std::thread::id()> work = [] { return std::this_thread::get_id(); };
  EXPECT_NE(runtime.Run(pool.Run(work)), std::this_thread::get_id());
}

TEST(Batcher, GivesEachSubmitterItsOwnResult) {
  Runtime runtime(2);
  ThreadPool pool(2);
  std::atomic<int> batches = 0;
  IntBatcher batcher(runtime.executor(),
                     [&pool, &batches](std::vector<int> batch) {
                       ++batches;
                       return Double(std::move(batch), &pool);
                     },
                     {.max_batch = 50});
  std::atomic<int> right = 0;
  std::vector<std::future<void>> done;
  for (int n = 0; n < 2000; ++n) {
    done.push_back(
        asio::co_spawn(runtime.executor(), SubmitAndCheck(&batcher, n, &right), asio::use_future));
  }
  for (auto& one : done) one.get();
  EXPECT_EQ(right, 2000);
  EXPECT_GE(batches, 40);
}

// A flush that waits until it is let go, so that the test decides what queues behind it.
struct Gate {
  std::promise<void> open;
  std::shared_future<void> opened = open.get_future().share();
};

Task<absl::StatusOr<std::vector<int>>> WaitAtGate(std::vector<int> batch, ThreadPool* pool,
                                                  Gate* gate) {
  std::function<std::vector<int>()> work = [batch = std::move(batch), gate] {
    gate->opened.wait();
    return batch;
  };
  co_return co_await pool->Run(std::move(work));
}

Task<void> SubmitInto(IntBatcher* batcher, int n, std::vector<absl::StatusOr<int>>* results,
                      std::mutex* mutex) {
  absl::StatusOr<int> result = co_await batcher->Submit(n);
  std::lock_guard lock(*mutex);
  results->push_back(std::move(result));
}

TEST(Batcher, RefusesWhenTooManyWait) {
  Runtime runtime(1);  // One thread: submissions are handled in the order of spawning.
  ThreadPool pool(1);
  Gate gate;
  IntBatcher batcher(
      runtime.executor(),
      [&pool, &gate](std::vector<int> batch) { return WaitAtGate(std::move(batch), &pool, &gate); },
      {.max_batch = 1, .max_waiting = 2});
  std::mutex mutex;
  std::vector<absl::StatusOr<int>> results;
  std::vector<std::future<void>> done;
  for (int n = 0; n < 8; ++n) {
    done.push_back(asio::co_spawn(runtime.executor(), SubmitInto(&batcher, n, &results, &mutex),
                                  asio::use_future));
  }
  done.back().wait();  // The last is refused while the gate is shut.
  gate.open.set_value();
  for (auto& one : done) one.get();
  int refused = 0;
  for (const auto& result : results) refused += ReasonOf(result.status()) == Reason::kOverloaded;
  EXPECT_GE(refused, 5);
  EXPECT_LE(refused, 6);
}

Task<absl::StatusOr<std::vector<int>>> Fail(std::vector<int>) {
  co_return Error(Reason::kUnavailable, "down");
}

TEST(Batcher, AnErrorOfTheFlushReachesEverySubmitter) {
  Runtime runtime(2);
  IntBatcher batcher(runtime.executor(),
                     [](std::vector<int> batch) { return Fail(std::move(batch)); }, {});
  EXPECT_THAT(runtime.Run(batcher.Submit(1)), StatusHasReason(Reason::kUnavailable));
}

}  // namespace
}  // namespace florin::async
