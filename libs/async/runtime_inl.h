// Template parts of runtime.h.
#pragma once

#include <future>
#include <optional>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

namespace florin::async {

template <class T>
T Runtime::Run(Task<T> task) {
  return asio::co_spawn(context_, std::move(task), asio::use_future).get();
}

namespace internal {

// Runs `work` on a pool thread and completes `handler` on `executor`. A shared pointer holds the
// handler, since Asio's handlers only move and std::function only copies.
template <class T, class Handler>
void PostToPool(ThreadPool& pool, Executor executor, std::function<T()> work, Handler handler) {
  auto shared = std::make_shared<Handler>(std::move(handler));
  auto guard = std::make_shared<asio::executor_work_guard<Executor>>(executor);
  pool.Post([shared, executor, guard, work = std::move(work)] {
    auto result = std::make_shared<T>(work());
    asio::post(executor, [shared, guard, result] { std::move (*shared)(std::move(*result)); });
  });
}

}  // namespace internal

template <class T>
Task<T> ThreadPool::Run(std::function<T()> work) {
  const Executor executor = co_await asio::this_coro::executor;
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>&, void(T)>(
      [](auto handler, ThreadPool* pool, Executor resume_on, std::function<T()> moved) {
        internal::PostToPool<T>(*pool, resume_on, std::move(moved), std::move(handler));
      },
      use_task, this, executor, std::move(work));
}

}  // namespace florin::async
