// Group commit: while one batch is written, the next gathers.
//
// Submit() queues an item and resumes with its own result once the batch that carried it was
// flushed. One flush runs at a time, or two under much load (BatcherLimits::ahead), so batches grow
// with load and no timer is needed. `Flush` gives one result for each item, in their order, or an
// error for all of them.
//
//   async::Batcher<Command, Outcome> batcher(
//       executor,
//       [&store](std::vector<Command> batch) { return store.Commit(std::move(batch)); },
//       {.max_batch = 200, .max_waiting = 10'000});
//   const async::SubmitOptions options{.caller = call.caller(), .weight = 3,
//                                      .deadline = call.deadline()};
//   auto outcome = co_await batcher.Submit(std::move(command), options);
//
// Callers get equal shares of each batch, by weight, however much any of them has queued
// (fair_queue.h); items of one caller are flushed in order of arrival, as far as flushes follow
// each other.
//
// Overload is refused early: kOverloaded if more than `max_waiting` would wait, with metadata
// `retry_after_ms`, after which what waits now should have been flushed. An item whose deadline has
// passed when its batch is gathered is answered kDeadlineExceeded, and is not flushed; once its
// flush has begun, its deadline is of no consequence. An item whose caller is gone is still flushed
// (its effect is idempotent by its id).
//
// Thread-safe. Must outlive its submitters and the flush under way: destroy it after the Runtime
// has stopped.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>

#include "absl/time/time.h"
#include "libs/async/fair_queue.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/status/check.h"
#include "libs/status/status.h"

namespace florin::async {

// Both count the weight of items, which is 1 unless they say otherwise.
struct BatcherLimits {
  std::size_t max_batch = 200;       // A batch ends with the item that reaches it.
  std::size_t max_waiting = 10'000;  // Over all callers. A single item may always wait.
  // While a batch is flushed, a second one is, too, once this much waits. 0: never.
  std::size_t ahead = 0;
};

struct SubmitOptions {
  std::string caller = {};  // Who shares with whom: the name of a service, of which there are few.
  std::size_t weight = 1;   // 0 counts as 1.
  absl::Time deadline = absl::InfiniteFuture();
};

template <class Item, class Result>
class Batcher {
 public:
  using Flush = std::function<Task<absl::StatusOr<std::vector<Result>>>(std::vector<Item>)>;

  // `clock` times flushes and deadlines; not owned, outlives the batcher.
  Batcher(Executor executor, Flush flush, BatcherLimits limits, Clock& clock = SystemClock())
      : executor_(executor), flush_(std::move(flush)), limits_(limits), clock_(clock) {}

  Task<absl::StatusOr<Result>> Submit(Item item) {
    return Submit(std::move(item), SubmitOptions());
  }
  Task<absl::StatusOr<Result>> Submit(Item item, SubmitOptions options) {
    return asio::async_initiate<const asio::use_awaitable_t<Executor>&,
                                void(absl::StatusOr<Result>)>(
        [this](auto handler, Item moved, const SubmitOptions& how) {
          this->Enqueue(std::move(moved), how, std::move(handler));
        },
        use_task, std::move(item), std::move(options));
  }

 private:
  // Completes one submitter; a shared pointer, since Asio's handlers only move and std::function
  // only copies.
  using Complete = std::function<void(absl::StatusOr<Result>)>;
  struct Waiting {
    Item item;
    absl::Time deadline;
    Complete complete;
  };

  template <class Handler>
  void Enqueue(Item item, const SubmitOptions& options, Handler handler) {
    auto shared = std::make_shared<Handler>(std::move(handler));
    Complete complete = [shared, executor = executor_](absl::StatusOr<Result> result) {
      asio::post(executor, [shared, result = std::move(result)]() mutable {
        std::move (*shared)(std::move(result));
      });
    };
    bool start = false;
    {
      std::lock_guard lock(mutex_);
      if (!waiting_.empty() && waiting_.weight() + options.weight > limits_.max_waiting) {
        complete(Overloaded(options.weight));
        return;
      }
      waiting_.Push(options.caller, options.weight,
                    Waiting{std::move(item), options.deadline, std::move(complete)});
      start = MayFlush();
      if (start) ++flushing_;
    }
    if (start) asio::co_spawn(executor_, FlushUntilEmpty(), asio::detached);
  }

  // What is refused would fit in when the batches before it, the one under way included, are
  // flushed.
  absl::Status Overloaded(std::size_t weight) const {
    const std::size_t batches = (waiting_.weight() + weight) / limits_.max_batch + 1;
    const absl::Duration wait = std::max(flush_time_ * batches, absl::Milliseconds(1));
    const std::string hint = std::to_string(absl::ToInt64Milliseconds(wait));
    return Error(Reason::kOverloaded, "too much is waiting",
                 {.metadata = {{"retry_after_ms", hint}}});
  }

  // The next batch; empty if nothing waits any more. Answers those that have waited too long.
  std::vector<Waiting> TakeBatch() {
    const absl::Time now = clock_.Now();
    std::lock_guard lock(mutex_);
    --flushing_;
    if (!MayFlush()) return {};
    ++flushing_;
    auto taken = waiting_.Take(limits_.max_batch,
                               [now](const Waiting& waiting) { return waiting.deadline <= now; });
    for (Waiting& late : taken.dropped)
      late.complete(Error(Reason::kDeadlineExceeded, "waited too long; nothing was done"));
    if (taken.items.empty()) --flushing_;
    return std::move(taken.items);
  }

  // Whether one more flush may begin, given those under way.
  bool MayFlush() const {
    if (flushing_ == 0) return true;
    return flushing_ == 1 && limits_.ahead > 0 && waiting_.weight() >= limits_.ahead;
  }

  Task<void> FlushUntilEmpty() {
    for (std::vector<Waiting> batch = TakeBatch(); !batch.empty(); batch = TakeBatch()) {
      std::vector<Item> items;
      items.reserve(batch.size());
      for (Waiting& waiting : batch) items.push_back(std::move(waiting.item));
      const absl::Time start = clock_.Now();
      absl::StatusOr<std::vector<Result>> results = co_await flush_(std::move(items));
      NoteFlushTime(clock_.Now() - start);
      if (results.ok())
        FLORIN_CHECK(results->size() == batch.size(), "Flush gives one result for each item");
      for (std::size_t i = 0; i < batch.size(); ++i) {
        if (results.ok()) {
          batch[i].complete(std::move((*results)[i]));
        } else {
          batch[i].complete(results.status());
        }
      }
    }
  }

  // A moving average. Wall time may jump: what is no duration is not counted.
  void NoteFlushTime(absl::Duration took) {
    std::lock_guard lock(mutex_);
    if (took < absl::ZeroDuration()) return;
    flush_time_ = flush_time_ == absl::ZeroDuration() ? took : (7 * flush_time_ + took) / 8;
  }

  const Executor executor_;
  const Flush flush_;
  const BatcherLimits limits_;
  Clock& clock_;
  std::mutex mutex_;
  FairQueue<Waiting> waiting_;                        // Guarded by mutex_.
  int flushing_ = 0;                                  // Guarded by mutex_. At most 2.
  absl::Duration flush_time_ = absl::ZeroDuration();  // Guarded by mutex_.
};

}  // namespace florin::async
