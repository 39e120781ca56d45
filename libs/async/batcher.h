// Group commit: while one batch is written, the next gathers.
//
// Submit() queues an item and resumes with its own result once the batch that carried it was
// flushed. One flush runs at a time, so batches grow with load and no timer is needed. `Flush` gets
// the items in order of arrival and gives one result for each, or an error for all of them.
//
//   async::Batcher<Command, Outcome> batcher(
//       executor,
//       [&store](std::vector<Command> batch) { return store.Commit(std::move(batch)); },
//       {.max_batch = 200, .max_waiting = 10'000});
//   FLORIN_CO_ASSIGN_OR_RETURN(Outcome outcome, co_await batcher.Submit(std::move(command)));
//
// Thread-safe. Overload is refused early: kOverloaded when `max_waiting` items wait already. An
// item whose caller is gone is still flushed (its effect is idempotent by its id). Must outlive its
// submitters and the flush under way: destroy it after the Runtime has stopped.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>

#include "libs/async/task.h"
#include "libs/status/check.h"
#include "libs/status/status.h"

namespace florin::async {

struct BatcherLimits {
  std::size_t max_batch = 200;
  std::size_t max_waiting = 10'000;
};

template <class Item, class Result>
class Batcher {
 public:
  using Flush = std::function<Task<absl::StatusOr<std::vector<Result>>>(std::vector<Item>)>;

  Batcher(Executor executor, Flush flush, BatcherLimits limits)
      : executor_(executor), flush_(std::move(flush)), limits_(limits) {}

  Task<absl::StatusOr<Result>> Submit(Item item) {
    return asio::async_initiate<const asio::use_awaitable_t<Executor>&,
                                void(absl::StatusOr<Result>)>(
        [this](auto handler, Item moved) { Enqueue(std::move(moved), std::move(handler)); },
        use_task, std::move(item));
  }

 private:
  // Completes one submitter; a shared pointer, since Asio's handlers only move and std::function
  // only copies.
  using Complete = std::function<void(absl::StatusOr<Result>)>;
  struct Waiting {
    Item item;
    Complete complete;
  };

  template <class Handler>
  void Enqueue(Item item, Handler handler) {
    auto shared = std::make_shared<Handler>(std::move(handler));
    Complete complete = [shared, executor = executor_](absl::StatusOr<Result> result) {
      asio::post(executor, [shared, result = std::move(result)]() mutable {
        std::move (*shared)(std::move(result));
      });
    };
    bool start = false;
    {
      std::lock_guard lock(mutex_);
      if (waiting_.size() >= limits_.max_waiting) {
        complete(Error(Reason::kOverloaded, "too many commands are waiting"));
        return;
      }
      waiting_.push_back(Waiting{std::move(item), std::move(complete)});
      start = !std::exchange(flushing_, true);
    }
    if (start) asio::co_spawn(executor_, FlushUntilEmpty(), asio::detached);
  }

  std::vector<Waiting> TakeBatch() {
    std::lock_guard lock(mutex_);
    std::vector<Waiting> batch;
    while (!waiting_.empty() && batch.size() < limits_.max_batch) {
      batch.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    if (batch.empty()) flushing_ = false;
    return batch;
  }

  Task<void> FlushUntilEmpty() {
    for (std::vector<Waiting> batch = TakeBatch(); !batch.empty(); batch = TakeBatch()) {
      std::vector<Item> items;
      items.reserve(batch.size());
      for (Waiting& waiting : batch) items.push_back(std::move(waiting.item));
      absl::StatusOr<std::vector<Result>> results = co_await flush_(std::move(items));
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

  const Executor executor_;
  const Flush flush_;
  const BatcherLimits limits_;
  std::mutex mutex_;
  std::deque<Waiting> waiting_;  // Guarded by mutex_.
  bool flushing_ = false;        // Guarded by mutex_.
};

}  // namespace florin::async
