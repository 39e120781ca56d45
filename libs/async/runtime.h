// The threads that run a process's coroutines, its stop signal, and blocking work beside them.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "libs/async/task.h"

namespace florin::async {

// An io_context with `threads` threads. Start() once; Stop() (or the destructor) ends the loop and
// joins. An exception that leaves a handler ends the process: nothing of ours throws across it.
class Runtime {
 public:
  explicit Runtime(int threads);
  ~Runtime();
  Runtime(const Runtime&) = delete;

  Executor executor() { return context_.get_executor(); }
  asio::io_context& context() { return context_; }

  // Runs `task` on the runtime and waits for it. For main() and tests, never on a thread of the
  // runtime.
  template <class T>
  T Run(Task<T> task);

  // Blocks until SIGTERM or SIGINT arrives. Call from main() only.
  void WaitForStopSignal();
  void Stop();

 private:
  asio::io_context context_;
  asio::executor_work_guard<Executor> work_;
  std::vector<std::thread> threads_;
};

// Threads for work that blocks or burns CPU for long (libpqxx, Argon2id).
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();  // Runs what was posted, then joins.
  ThreadPool(const ThreadPool&) = delete;

  void Post(std::function<void()> work);

  // Runs `work` on a thread of the pool and resumes on the caller's executor with its result.
  template <class T>
  Task<T> Run(std::function<T()> work);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Waits without blocking a thread.
Task<void> Sleep(absl::Duration duration);

}  // namespace florin::async

#include "libs/async/runtime_inl.h"
