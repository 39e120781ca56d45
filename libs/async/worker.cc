#include "libs/async/worker.h"

#include <algorithm>
#include <utility>

#include <boost/asio/use_future.hpp>

#include "libs/async/runtime.h"

namespace florin::async {
namespace {

// How long Stop() and Wake() wait for a pause at most.
constexpr absl::Duration kNap = absl::Milliseconds(100);

}  // namespace

Worker::Worker(Executor executor, Round round, WorkerPauses pauses)
    : round_(std::move(round)),
      pauses_(pauses),
      ended_(asio::co_spawn(executor, Run(), asio::use_future)) {}

Worker::~Worker() { Stop(); }

void Worker::Stop() {
  stopping_ = true;
  if (ended_.valid()) ended_.get();
}

Task<void> Worker::Run() {
  absl::Duration pause = pauses_.usual;
  while (!stopping_) {
    woken_ = false;
    const absl::Status status = co_await round_();
    pause = status.ok() ? pauses_.usual : std::min(pause * 2, pauses_.longest);
    co_await Pause(pause);
  }
}

Task<void> Worker::Pause(absl::Duration duration) {
  for (; duration > absl::ZeroDuration() && !stopping_ && !woken_; duration -= kNap) {
    co_await Sleep(std::min(duration, kNap));
  }
}

}  // namespace florin::async
