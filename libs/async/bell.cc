#include "libs/async/bell.h"

#include <algorithm>
#include <utility>

#include <boost/asio/redirect_error.hpp>

#include "libs/status/check.h"

namespace florin::async {
namespace {

// Beyond it a time would overflow.
constexpr absl::Duration kLongest = absl::Hours(24 * 365);

}  // namespace

void Bell::Ring() {
  std::lock_guard lock(mutex_);
  rung_ = true;
  if (waiting_ != nullptr) waiting_->cancel();
}

Task<bool> Bell::Wait(absl::Duration longest) {
  Timer timer(co_await asio::this_coro::executor);
  timer.expires_after(absl::ToChronoNanoseconds(std::min(longest, kLongest)));
  boost::system::error_code ignored;
  auto token = asio::redirect_error(use_task, ignored);
  // Under the lock, so that no ring comes between the look at rung_ and the wait.
  co_await asio::async_initiate<decltype(token)&, void(boost::system::error_code)>(
      [](auto handler, Bell* bell, Timer* waiting) {
        std::lock_guard lock(bell->mutex_);
        FLORIN_CHECK(bell->waiting_ == nullptr, "a bell has one waiter at a time");
        bell->waiting_ = waiting;
        if (bell->rung_) waiting->expires_at(Timer::time_point::min());
        waiting->async_wait(std::move(handler));
      },
      token, this, &timer);
  co_return Leave();
}

bool Bell::Leave() {
  std::lock_guard lock(mutex_);
  waiting_ = nullptr;
  return std::exchange(rung_, false);
}

}  // namespace florin::async
