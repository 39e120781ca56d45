#include "libs/async/batcher.h"

#include <array>
#include <future>
#include <numeric>

#include <boost/asio/use_future.hpp>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/bell.h"
#include "libs/async/runtime.h"
#include "libs/status/matchers.h"

namespace florin::async {
namespace {

using ::testing::ElementsAre;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

Task<void> Nothing() { co_return; }

// A batcher of strings whose flushes wait until they are let go, one after another.
class BatcherTest : public ::testing::Test {
 protected:
  using Answer = std::future<absl::StatusOr<std::string>>;
  using Strings = Batcher<std::string, std::string>;

  ~BatcherTest() override { runtime_.Stop(); }

  Answer Submit(std::string item, SubmitOptions options = {}) {
    return SubmitTo(batcher_, std::move(item), std::move(options));
  }
  Answer SubmitTo(Strings& batcher, std::string item, SubmitOptions options = {}) {
    Answer answer = asio::co_spawn(
        runtime_.executor(), batcher.Submit(std::move(item), std::move(options)), asio::use_future);
    // One thread takes tasks in order: after some, the item is queued, or its flush has begun.
    for (int i = 0; i < 5; ++i) runtime_.Run(Nothing());
    return answer;
  }
  // Lets the flush under way end, `took` after now.
  void LetGo(absl::Duration took = absl::ZeroDuration()) {
    clock_.Advance(took);
    gate_.Ring();
  }

  Task<absl::StatusOr<std::vector<std::string>>> Flush(std::vector<std::string> batch) {
    batches_.push_back(batch);
    co_await gate_.Wait(absl::InfiniteDuration());
    co_return batch;
  }

  // Each waits at a gate of its own.
  Task<absl::StatusOr<std::vector<std::string>>> FlushAtItsGate(std::vector<std::string> batch) {
    Bell& gate = gates_.at(batches_.size());
    batches_.push_back(batch);
    co_await gate.Wait(absl::InfiniteDuration());
    co_return batch;
  }

  FakeClock clock_{kNow};
  Runtime runtime_{1};
  Bell gate_;
  std::array<Bell, 4> gates_;
  std::vector<std::vector<std::string>> batches_;
  Strings batcher_{runtime_.executor(),
                   [this](std::vector<std::string> batch) { return Flush(std::move(batch)); },
                   {.max_batch = 4, .max_waiting = 8},
                   clock_};
};

TEST_F(BatcherTest, ACallerWithMuchQueuedDoesNotHoldUpAnother) {
  std::vector<Answer> answers;
  answers.push_back(Submit("first"));
  for (const char* item : {"g1", "g2", "g3", "g4", "g5"}) {
    answers.push_back(Submit(item, {.caller = "greedy"}));
  }
  answers.push_back(Submit("m1", {.caller = "modest"}));
  answers.push_back(Submit("m2", {.caller = "modest"}));
  for (int i = 0; i < 3; ++i) {
    LetGo();
    answers[i == 0 ? 0 : i == 1 ? 1 : 5].wait();
  }
  for (Answer& answer : answers) EXPECT_THAT(answer.get(), IsOk());
  EXPECT_THAT(batches_, ElementsAre(ElementsAre("first"), ElementsAre("g1", "g2", "m1", "m2"),
                                    ElementsAre("g3", "g4", "g5")));
}

TEST_F(BatcherTest, WeightsEndABatch) {
  std::vector<Answer> answers;
  answers.push_back(Submit("first", {.weight = 100}));
  answers.push_back(Submit("a", {.weight = 3}));
  answers.push_back(Submit("b", {.weight = 3}));
  answers.push_back(Submit("c", {.weight = 1}));
  for (const int last : {0, 2, 3}) {
    LetGo();
    answers[last].wait();
  }
  EXPECT_THAT(batches_, ElementsAre(ElementsAre("first"), ElementsAre("a", "b"), ElementsAre("c")));
}

TEST_F(BatcherTest, OverloadIsRefusedWithAHintAndPasses) {
  Answer warm = Submit("warm");
  LetGo(absl::Milliseconds(40));
  EXPECT_THAT(warm.get(), IsOk());
  Answer first = Submit("first");
  Answer waiting = Submit("a", {.caller = "x", .weight = 7});
  Answer fits = Submit("b", {.caller = "y", .weight = 1});
  const auto refused = Submit("c", {.caller = "y", .weight = 1}).get();
  EXPECT_THAT(refused, StatusHasReason(Reason::kOverloaded));
  // Nine wait for two batches of four and more, and for the one under way: 3 × 40 ms.
  EXPECT_EQ(DetailOf(refused.status()).metadata.at("retry_after_ms"), "120");
  LetGo();
  EXPECT_THAT(first.get(), IsOk());
  Answer again = Submit("c", {.caller = "y", .weight = 1});
  for (Answer* answer : {&waiting, &fits, &again}) {
    LetGo();
    EXPECT_THAT(answer->get(), IsOk());
  }
}

TEST_F(BatcherTest, WhatWaitedBeyondItsDeadlineIsNotFlushed) {
  Answer first = Submit("first", {.deadline = kNow + absl::Seconds(1)});
  Answer late = Submit("late", {.deadline = kNow + absl::Seconds(2)});
  Answer in_time = Submit("in time", {.deadline = kNow + absl::Seconds(3)});
  LetGo(absl::Seconds(2));
  EXPECT_THAT(first.get(), IsOk()) << "its deadline passed while it was flushed";
  EXPECT_THAT(late.get(), StatusHasReason(Reason::kDeadlineExceeded));
  LetGo(absl::Hours(1));
  EXPECT_THAT(in_time.get(), IsOk());
  EXPECT_THAT(batches_, ElementsAre(ElementsAre("first"), ElementsAre("in time")));
}

TEST_F(BatcherTest, GoesOnAfterABatchOfWhichAllWereLate) {
  Answer first = Submit("first");
  Answer late = Submit("late", {.deadline = kNow});
  LetGo();
  EXPECT_THAT(first.get(), IsOk());
  EXPECT_THAT(late.get(), StatusHasReason(Reason::kDeadlineExceeded));
  Answer next = Submit("next");
  LetGo();
  EXPECT_THAT(next.get(), IsOk());
}

TEST_F(BatcherTest, ASecondBatchGoesAheadOnceItIsLargeEnough) {
  Strings batcher(
      runtime_.executor(),
      [this](std::vector<std::string> batch) { return FlushAtItsGate(std::move(batch)); },
      {.max_batch = 4, .max_waiting = 100, .ahead = 3}, clock_);
  std::vector<Answer> answers;
  for (const char* item : {"first", "a", "b"}) answers.push_back(SubmitTo(batcher, item));
  EXPECT_THAT(batches_, ElementsAre(ElementsAre("first")));
  for (const char* item : {"c", "d", "e", "f", "g"}) answers.push_back(SubmitTo(batcher, item));
  EXPECT_THAT(batches_, ElementsAre(ElementsAre("first"), ElementsAre("a", "b", "c")))
      << "never a third";
  gates_[1].Ring();
  for (const int of_the_second : {1, 2, 3}) EXPECT_THAT(answers[of_the_second].get(), IsOk());
  runtime_.Run(Nothing());
  EXPECT_THAT(batches_.at(2), ElementsAre("d", "e", "f", "g"));
  for (const char* item : {"x", "y"}) answers.push_back(SubmitTo(batcher, item));
  gates_[2].Ring();
  for (const int of_the_third : {4, 5, 6, 7}) EXPECT_THAT(answers[of_the_third].get(), IsOk());
  runtime_.Run(Nothing());
  EXPECT_EQ(batches_.size(), 3u) << "two are not enough while the first is under way";
  gates_[0].Ring();
  EXPECT_THAT(answers[0].get(), IsOk());
  gates_[3].Ring();
  for (const int left : {8, 9}) EXPECT_THAT(answers[left].get(), IsOk());
}

}  // namespace
}  // namespace florin::async
