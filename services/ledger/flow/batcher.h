// Group commit of postings: while one batch of a book commits, the requests that arrive meanwhile
// gather for the next, which is read and decided ahead once it is large enough (pg_batch.h).
//
// A request is decided after all that were answered when it arrived; those that wait together, in
// any order. Each request's transactions stay together; several callers get equal shares of a
// commit (async::Batcher), so that one with much to post does not hold up the others. Books don't
// wait for each other. Thread-safe. Not cancellable: what was accepted is decided even if its
// caller is gone (its ids make a repetition safe). Must outlive its callers; destroy it after the
// Runtime has stopped.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "libs/async/batcher.h"
#include "libs/clock/clock.h"
#include "services/ledger/store/store.h"

namespace florin::ledger {

class PostingBatcher {
 public:
  // Refuses what would make more than this number of transactions wait for one book.
  static constexpr std::size_t kMostWaiting = 20'000;
  // About how many transactions go into one commit. A commit ends with the request that reaches it.
  static constexpr std::size_t kCommitSize = 1'000;
  // How many have to wait to become the batch after the one that commits, before that is over: few
  // enough not to idle, and so many that what each commit costs does not count.
  static constexpr std::size_t kAhead = 100;

  // Told the name of a book after each commit that decided something; short, never blocks.
  using Committed = std::function<void(const std::string& book)>;

  // `store` and the clocks are not owned and outlive the batcher. `clock` gives what is committed
  // its time, and `call_clock` is what deadlines of callers are told by: the same one if null.
  PostingBatcher(Executor executor, Store& store, Clock& clock, Committed committed = nullptr,
                 Clock* call_clock = nullptr)
      : executor_(executor),
        store_(store),
        clock_(clock),
        call_clock_(call_clock == nullptr ? clock : *call_clock),
        committed_(std::move(committed)) {}

  // Decides `commands` in order; one outcome for each. `caller` is the service that shares with
  // others (rpc::Call::caller). Errors: kBookNotFound; kOverloaded (with `retry_after_ms`);
  // kDeadlineExceeded, if they still waited at `deadline` (nothing was decided then; later, the
  // deadline has no effect); kUnavailable (the outcome is unknown: repeat).
  Task<absl::StatusOr<std::vector<Outcome>>> Post(std::string book, std::vector<Command> commands,
                                                  std::string caller, absl::Time deadline);

 private:
  using Request = std::vector<Command>;
  using Answer = std::vector<Outcome>;
  using Queue = async::Batcher<Request, Answer>;

  Task<absl::StatusOr<Queue*>> QueueOf(std::string book);
  Queue* FindQueue(const std::string& book);
  Task<absl::StatusOr<std::vector<Answer>>> Flush(std::string book, std::vector<Request> requests);

  const Executor executor_;
  Store& store_;
  Clock& clock_;
  Clock& call_clock_;
  const Committed committed_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Queue>> queues_;  // Guarded by mutex_. Never shrinks.
};

}  // namespace florin::ledger
