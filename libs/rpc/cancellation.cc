#include "libs/rpc/cancellation.h"

#include <utility>

#include "libs/status/check.h"

namespace florin::rpc {

void Cancellation::Cancel(absl::Status why) {
  FLORIN_CHECK(!why.ok(), "a cancellation has a reason");
  // Listeners run under the lock, so that one that has unsubscribed is not running.
  std::lock_guard lock(mutex_);
  if (!why_.ok()) return;
  why_ = std::move(why);
  for (const auto& [key, listener] : listeners_) listener(why_);
}

absl::Status Cancellation::status() const {
  std::lock_guard lock(mutex_);
  return why_;
}

Cancellation::Subscription Cancellation::Listen(std::shared_ptr<Cancellation> source,
                                                std::function<void(const absl::Status&)> listener) {
  std::lock_guard lock(source->mutex_);
  if (!source->why_.ok()) listener(source->why_);
  const int key = source->next_key_++;
  source->listeners_.emplace(key, std::move(listener));
  return Subscription(source, key);
}

Cancellation::Subscription::~Subscription() {
  if (source_ == nullptr) return;
  std::lock_guard lock(source_->mutex_);
  source_->listeners_.erase(key_);
}

}  // namespace florin::rpc
