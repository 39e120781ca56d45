#include "services/payments/flow/together.h"

#include <atomic>
#include <exception>
#include <memory>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>

namespace florin::payments {
namespace {

// Whoever ends last resumes whoever waits.
template <class Handler>
struct Waiting {
  Handler handler;
  std::atomic<std::size_t> left;
};

template <class Handler>
void Start(const Executor& executor, std::vector<Task<void>> tasks, Handler handler) {
  auto waiting = std::make_shared<Waiting<Handler>>(std::move(handler), tasks.size());
  for (Task<void>& task : tasks) {
    asio::co_spawn(executor, std::move(task), [waiting, executor](std::exception_ptr thrown) {
      // Nothing of ours throws.
      if (thrown) std::rethrow_exception(thrown);
      if (waiting->left.fetch_sub(1) != 1) return;
      asio::post(executor, [waiting]() { std::move(waiting->handler)(); });
    });
  }
}

}  // namespace

Task<void> Together(Executor executor, std::vector<Task<void>> tasks) {
  if (tasks.empty()) co_return;
  co_await asio::async_initiate<const asio::use_awaitable_t<Executor>&, void()>(
      [executor](auto handler, std::vector<Task<void>> moved) {
        Start(executor, std::move(moved), std::move(handler));
      },
      use_task, std::move(tasks));
}

}  // namespace florin::payments
