// Tells a call that it is no longer wanted, and why.
//
//   auto cancellation = std::make_shared<rpc::Cancellation>();
//   context.cancellation = cancellation;        // rpc::Outgoing of a stream
//   …
//   cancellation->Cancel(Error(Reason::kUnavailable, "shutting down"));  // on any thread
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "libs/status/status.h"

namespace florin::rpc {

// Thread-safe.
class Cancellation {
 public:
  Cancellation() = default;
  Cancellation(const Cancellation&) = delete;

  // Cancels, once: the first reason stays. `why` is an error.
  void Cancel(absl::Status why);

  // Why it was canceled; OK until then.
  absl::Status status() const;
  bool canceled() const { return !status().ok(); }

  // A listener's place: once it is destroyed, the listener does not run and will not.
  class Subscription {
   public:
    Subscription(std::shared_ptr<Cancellation> source, int key)
        : source_(std::move(source)), key_(key) {}
    Subscription(Subscription&&) = default;
    ~Subscription();

   private:
    std::shared_ptr<Cancellation> source_;
    int key_;
  };

  // Runs `listener` on the thread that cancels, or right now if that has happened already. It must
  // be short, never block, and neither cancel nor unsubscribe from the same `source`.
  static Subscription Listen(std::shared_ptr<Cancellation> source,
                             std::function<void(const absl::Status& why)> listener);

 private:
  mutable std::mutex mutex_;
  absl::Status why_;                                                   // Guarded by mutex_.
  std::map<int, std::function<void(const absl::Status&)>> listeners_;  // Guarded by mutex_.
  int next_key_ = 0;                                                   // Guarded by mutex_.
};

}  // namespace florin::rpc
