#include "services/ledger/flow/batcher.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "libs/telemetry/metrics.h"
#include "services/ledger/domain/opening_rules.h"
#include "services/ledger/domain/posting_rules.h"

namespace florin::ledger {
namespace {

void CountOutcomes(const std::vector<Outcome>& outcomes) {
  std::map<std::string, double> counts;
  for (const Outcome& outcome : outcomes) {
    const Refusal* refusal = outcome.decision.refusal();
    std::string result = "committed";
    if (refusal != nullptr) result = InfoOf(refusal->reason).name;
    if (outcome.replayed) result = "replayed";
    counts[result] += 1;
  }
  for (const auto& [result, count] : counts) {
    telemetry::Count("florin_ledger_transactions_total", {{"result", result}}, count);
  }
  telemetry::Count("florin_ledger_commits_total");
}

}  // namespace

Task<absl::StatusOr<std::vector<Outcome>>> PostingBatcher::Post(std::string book,
                                                                std::vector<Command> commands,
                                                                std::string caller,
                                                                absl::Time deadline) {
  FLORIN_CO_ASSIGN_OR_RETURN(Queue* const queue, co_await QueueOf(std::move(book)));
  async::SubmitOptions options;
  options.caller = std::move(caller);
  options.weight = commands.size();
  options.deadline = deadline;
  co_return co_await queue->Submit(std::move(commands), std::move(options));
}

PostingBatcher::Queue* PostingBatcher::FindQueue(const std::string& book) {
  std::lock_guard lock(mutex_);
  const auto found = queues_.find(book);
  return found == queues_.end() ? nullptr : found->second.get();
}

// A queue is made only for a book that exists, so that wrong names cost no memory.
Task<absl::StatusOr<PostingBatcher::Queue*>> PostingBatcher::QueueOf(std::string book) {
  if (Queue* queue = FindQueue(book)) co_return queue;
  FLORIN_CO_ASSIGN_OR_RETURN(const bool exists, co_await store_.HasBook(book));
  if (!exists) co_return BookNotFound();
  const async::BatcherLimits limits{
      .max_batch = kCommitSize, .max_waiting = kMostWaiting, .ahead = kAhead};
  std::lock_guard lock(mutex_);
  std::unique_ptr<Queue>& queue = queues_[book];
  if (queue == nullptr) {
    queue = std::make_unique<Queue>(
        executor_,
        [this, book](std::vector<Request> requests) { return Flush(book, std::move(requests)); },
        limits, call_clock_);
  }
  co_return queue.get();
}

Task<absl::StatusOr<std::vector<PostingBatcher::Answer>>> PostingBatcher::Flush(
    std::string book, std::vector<Request> requests) {
  std::vector<Command> commands;
  std::vector<std::size_t> sizes;
  for (Request& request : requests) {
    sizes.push_back(request.size());
    std::move(request.begin(), request.end(), std::back_inserter(commands));
  }
  absl::StatusOr<std::vector<Outcome>> outcomes =
      co_await store_.Commit(book, std::move(commands), clock_.Now());
  if (!outcomes.ok()) co_return outcomes.status();
  CountOutcomes(*outcomes);
  const bool decided = std::any_of(outcomes->begin(), outcomes->end(), IsNewDecision);
  if (committed_ && decided) committed_(book);
  std::vector<Answer> answers;
  answers.reserve(sizes.size());
  auto next = std::make_move_iterator(outcomes->begin());
  for (const std::size_t size : sizes) {
    answers.emplace_back(next, next + static_cast<std::ptrdiff_t>(size));
    next += static_cast<std::ptrdiff_t>(size);
  }
  co_return answers;
}

}  // namespace florin::ledger
