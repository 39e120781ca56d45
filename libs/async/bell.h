// Wakes a coroutine that waits: for a time, or until another rings.
//
//   while (…) {
//     …send what is new…
//     co_await bell->Wait(absl::Seconds(1));
//   }
#pragma once

#include <mutex>

#include <boost/asio/basic_waitable_timer.hpp>

#include "absl/time/time.h"
#include "libs/async/task.h"

namespace florin::async {

// Thread-safe, but for one waiter at a time.
class Bell {
 public:
  // Wakes the waiter, or the next one: a ring is not lost, several count as one.
  void Ring();

  // Waits for a ring, `longest` at most (a year, if that is more). Whether it rang.
  Task<bool> Wait(absl::Duration longest);

 private:
  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>, Executor>;
  bool Leave();

  std::mutex mutex_;
  bool rung_ = false;         // Guarded by mutex_.
  Timer* waiting_ = nullptr;  // Guarded by mutex_, and so are operations on it.
};

}  // namespace florin::async
