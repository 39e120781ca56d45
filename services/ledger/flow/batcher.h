// Group commit of postings: while one batch of a book commits, the requests that arrive meanwhile
// gather for the next.
//
// Requests of one book are decided in order of arrival, and each request's transactions stay
// together. Books don't wait for each other. Thread-safe. Not cancellable: what was accepted is
// decided even if its caller is gone (its ids make a repetition safe). Must outlive its callers;
// destroy it after the Runtime has stopped.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libs/async/batcher.h"
#include "libs/clock/clock.h"
#include "services/ledger/store/store.h"

namespace florin::ledger {

class PostingBatcher {
 public:
  // Refuses what would make more than this number of transactions wait, over all books.
  static constexpr std::int64_t kMostWaiting = 20'000;
  // About how many transactions go into one commit. A commit ends with the request that reaches it.
  static constexpr std::size_t kCommitSize = 1'000;

  // `store` and `clock` are not owned and outlive the batcher.
  PostingBatcher(Executor executor, Store& store, Clock& clock)
      : executor_(executor), store_(store), clock_(clock) {}

  // Decides `inputs` in order; one outcome for each. Errors: kBookNotFound, kOverloaded,
  // kUnavailable (the outcome is unknown: repeat).
  Task<absl::StatusOr<std::vector<Outcome>>> Post(std::string book,
                                                  std::vector<TransactionInput> inputs);

 private:
  using Request = std::vector<TransactionInput>;
  using Answer = std::vector<Outcome>;
  using Queue = async::Batcher<Request, Answer>;

  Task<absl::StatusOr<Queue*>> QueueOf(std::string book);
  Queue* FindQueue(const std::string& book);
  Task<absl::StatusOr<std::vector<Answer>>> Flush(std::string book, std::vector<Request> requests);

  const Executor executor_;
  Store& store_;
  Clock& clock_;
  std::atomic<std::int64_t> waiting_ = 0;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Queue>> queues_;  // Guarded by mutex_. Never shrinks.
};

}  // namespace florin::ledger
