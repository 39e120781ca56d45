// A background worker: the same round of work over and over.
//
//   async::Worker worker(executor, [&recovery] { return recovery.RunOnce(); });
//   …serve…
//   worker.Stop();
#pragma once

#include <atomic>
#include <functional>
#include <future>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/async/task.h"

namespace florin::async {

struct WorkerPauses {
  absl::Duration usual = absl::Seconds(1);
  absl::Duration longest = absl::Seconds(4);  // While rounds fail, pauses double up to this.
};

// Runs `round` at once and then again after each pause, until stopped. Rounds never overlap. A
// round reports its own failures; its error only makes the next pause longer.
class Worker {
 public:
  using Round = std::function<Task<absl::Status>()>;

  Worker(Executor executor, Round round, WorkerPauses pauses = {});
  // Stops.
  ~Worker();
  Worker(const Worker&) = delete;

  // Starts no more rounds, and waits for the one under way. Call while the executor still runs, on
  // none of its threads. Idempotent.
  void Stop();

  // Ends the pause under way soon (within a tenth of a second), or the next one if a round is under
  // way: a round begins after this call. From any thread.
  void Wake() { woken_ = true; }

 private:
  Task<void> Run();
  Task<void> Pause(absl::Duration duration);

  const Round round_;
  const WorkerPauses pauses_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> woken_ = false;
  std::future<void> ended_;
};

}  // namespace florin::async
