// The one concurrency model: Boost.Asio coroutines on one io_context with a small fixed pool of
// threads.
//
// Rules for coroutines here (GCC 12 miscompiles the first; the others are Asio's):
//   * never write a braced temporary inside a co_await expression: name the variable first;
//   * a capturing lambda must not be a coroutine: pass state as parameters (by value, or references
//   that outlive the call);
//   * never block: databases go through pg::Pool, hashing through async::ThreadPool.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace florin {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;

// A coroutine that runs on an Executor. Lazy: it starts when awaited or spawned.
template <class T>
using Task = asio::awaitable<T, Executor>;

// The completion token for Asio operations inside a Task.
inline constexpr asio::use_awaitable_t<Executor> use_task{};

}  // namespace florin
