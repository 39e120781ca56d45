#include "libs/pg/pool.h"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>

#include "libs/pg/errors.h"
#include "libs/status/check.h"

namespace florin::pg {
namespace {

constexpr int kAttempts = 7;
constexpr std::chrono::milliseconds kFirstBackoff{5};  // Doubles: 315 ms of waiting in all.

using Snapshot = pqxx::transaction<pqxx::repeatable_read, pqxx::read_only>;

// The connection of one pool thread. Not thread-safe.
class Session {
 public:
  explicit Session(const PoolOptions& options) : options_(options) {}

  // Runs `work` in a Transaction until it succeeds, fails for good or has failed too often.
  template <class Transaction, class Work>
  absl::Status Run(const Work& work) {
    std::chrono::milliseconds backoff = kFirstBackoff;
    for (int attempt = 1;; ++attempt) {
      internal::Attempt outcome = internal::Catch([&] { return RunOnce<Transaction>(work); });
      if (outcome.connection_lost) connection_.reset();
      if (!outcome.again || attempt == kAttempts) return std::move(outcome.status);
      std::this_thread::sleep_for(backoff);
      backoff *= 2;
    }
  }

 private:
  template <class Transaction, class Work>
  absl::Status RunOnce(const Work& work) {
    Transaction transaction(Connection());
    FLORIN_RETURN_IF_ERROR(work(transaction));
    transaction.commit();
    return absl::OkStatus();
  }

  // `setting`: "name = value". Not by a plain SET: a connection that finds itself broken when a
  // transaction begins connects again by itself, and sets anew only what it was told this way.
  static void Set(pqxx::connection& connection, const std::string& setting) {
    const std::size_t equals = setting.find(" = ");
    FLORIN_CHECK(equals != std::string::npos, "a setting is \"name = value\"");
    connection.set_variable(setting.substr(0, equals), setting.substr(equals + 3));
  }

  pqxx::connection& Connection() {
    if (connection_ == nullptr || !connection_->is_open()) {
      connection_.reset();
      auto fresh = std::make_unique<pqxx::connection>(options_.conninfo);
      for (const std::string& setting : options_.settings) Set(*fresh, setting);
      for (const Statement& statement : options_.statements) {
        fresh->prepare(statement.name, statement.sql);
      }
      connection_ = std::move(fresh);
    }
    return *connection_;
  }

  const PoolOptions& options_;
  std::unique_ptr<pqxx::connection> connection_;
};

using Job = std::function<void(Session&)>;

}  // namespace

// Threads that each own a Session and take jobs from one queue.
class Pool::Impl {
 public:
  explicit Impl(PoolOptions options) : options_(std::move(options)) {
    threads_.reserve(options_.connections);
    for (int i = 0; i < options_.connections; ++i) {
      threads_.emplace_back([this] { Serve(); });
      pthread_setname_np(threads_.back().native_handle(), "postgres pool");  // For top -H and perf.
    }
  }

  // Runs what was posted, then joins.
  ~Impl() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    arrived_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  // Completes `handler` on `executor` with what `work` gave on a pool thread. A shared pointer
  // holds the handler, since Asio's handlers only move and std::function only copies.
  template <class Transaction, class Work, class Handler>
  void Post(Executor executor, Work work, Handler handler) {
    auto shared = std::make_shared<Handler>(std::move(handler));
    auto guard = std::make_shared<asio::executor_work_guard<Executor>>(executor);
    Enqueue([executor, shared, guard, work = std::move(work)](Session& session) {
      absl::Status status = session.Run<Transaction>(work);
      asio::post(executor, [shared, guard, status = std::move(status)]() mutable {
        std::move (*shared)(std::move(status));
      });
    });
  }

 private:
  void Enqueue(Job job) {
    {
      std::lock_guard lock(mutex_);
      queue_.push_back(std::move(job));
    }
    arrived_.notify_one();
  }

  void Serve() {
    Session session(options_);
    std::unique_lock lock(mutex_);
    while (true) {
      arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      {
        const Job job = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        job(session);
      }
      lock.lock();
    }
  }

  const PoolOptions options_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Job> queue_;  // Guarded by mutex_.
  bool stopping_ = false;  // Guarded by mutex_.
  std::vector<std::thread> threads_;
};

std::vector<std::string> KeyedAccessSettings() {
  return {"enable_seqscan = off", "enable_hashjoin = off", "enable_mergejoin = off"};
}

Pool::Pool(PoolOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Pool::~Pool() = default;

Task<absl::Status> Pool::Run(Writing work) {
  const Executor executor = co_await asio::this_coro::executor;
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>&,
                                          void(absl::Status)>(
      [](auto handler, Impl* impl, Executor resume_on, Writing moved) {
        impl->Post<pqxx::work>(resume_on, std::move(moved), std::move(handler));
      },
      use_task, impl_.get(), executor, std::move(work));
}

Task<absl::Status> Pool::RunReading(Reading work) {
  const Executor executor = co_await asio::this_coro::executor;
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>&,
                                          void(absl::Status)>(
      [](auto handler, Impl* impl, Executor resume_on, Reading moved) {
        impl->Post<Snapshot>(resume_on, std::move(moved), std::move(handler));
      },
      use_task, impl_.get(), executor, std::move(work));
}

Task<absl::Status> Pool::Ping() {
  Reading ask = [](pqxx::transaction_base& transaction) {
    transaction.exec("SELECT 1");
    return absl::OkStatus();
  };
  return RunReading(std::move(ask));
}

}  // namespace florin::pg
