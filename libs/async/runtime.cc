#include "libs/async/runtime.h"

#include <pthread.h>
#include <signal.h>

#include <condition_variable>
#include <deque>
#include <mutex>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

namespace florin::async {

Runtime::Runtime(int threads) : context_(threads), work_(asio::make_work_guard(context_)) {
  threads_.reserve(threads);
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { context_.run(); });
    pthread_setname_np(threads_.back().native_handle(), "runtime");  // For top -H and perf.
  }
}

Runtime::~Runtime() { Stop(); }

void Runtime::WaitForStopSignal() {
  asio::signal_set signals(context_, SIGTERM, SIGINT);
  std::promise<void> arrived;
  signals.async_wait([&arrived](const boost::system::error_code&, int) { arrived.set_value(); });
  arrived.get_future().wait();
}

void Runtime::Stop() {
  work_.reset();
  context_.stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable arrived;
  std::deque<std::function<void()>> queue;  // Guarded by mutex.
  bool stopping = false;                    // Guarded by mutex.
  std::vector<std::thread> threads;

  void Work() {
    std::unique_lock lock(mutex);
    while (true) {
      arrived.wait(lock, [this] { return stopping || !queue.empty(); });
      if (queue.empty()) return;
      const std::function<void()> work = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      work();
      lock.lock();
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  state_->threads.reserve(threads);
  for (int i = 0; i < threads; ++i) state_->threads.emplace_back([s = state_.get()] { s->Work(); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->arrived.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

void ThreadPool::Post(std::function<void()> work) {
  {
    std::lock_guard lock(state_->mutex);
    state_->queue.push_back(std::move(work));
  }
  state_->arrived.notify_one();
}

Task<void> Sleep(absl::Duration duration) {
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, Executor>
      timer(co_await asio::this_coro::executor);
  timer.expires_after(absl::ToChronoNanoseconds(duration));
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(use_task, ignored));
}

}  // namespace florin::async
