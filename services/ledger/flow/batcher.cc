#include "services/ledger/flow/batcher.h"

#include <iterator>
#include <utility>

#include "libs/telemetry/metrics.h"

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

Task<absl::StatusOr<std::vector<Outcome>>> PostingBatcher::Post(
    std::string book, std::vector<TransactionInput> inputs) {
  FLORIN_CO_ASSIGN_OR_RETURN(Queue* const queue, co_await QueueOf(std::move(book)));
  const auto count = static_cast<std::int64_t>(inputs.size());
  if (waiting_.fetch_add(count) + count > kMostWaiting) {
    waiting_.fetch_sub(count);
    co_return Error(Reason::kOverloaded, "too many transactions are waiting");
  }
  absl::StatusOr<Answer> answer = co_await queue->Submit(std::move(inputs));
  waiting_.fetch_sub(count);
  co_return answer;
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
  if (!exists) co_return Error(Reason::kBookNotFound, "no such book", {.param = "book"});
  const async::BatcherLimits limits{.max_batch = kCommitSize, .max_waiting = kMostWaiting};
  std::lock_guard lock(mutex_);
  std::unique_ptr<Queue>& queue = queues_[book];
  if (queue == nullptr) {
    queue = std::make_unique<Queue>(
        executor_,
        [this, book](std::vector<Request> requests) { return Flush(book, std::move(requests)); },
        limits);
  }
  co_return queue.get();
}

Task<absl::StatusOr<std::vector<PostingBatcher::Answer>>> PostingBatcher::Flush(
    std::string book, std::vector<Request> requests) {
  std::vector<Answer> answers;
  answers.reserve(requests.size());
  std::vector<TransactionInput> inputs;
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    sizes.push_back(requests[i].size());
    std::move(requests[i].begin(), requests[i].end(), std::back_inserter(inputs));
    if (inputs.size() < kCommitSize && i + 1 < requests.size()) continue;
    std::vector<TransactionInput> commit;
    commit.swap(inputs);
    absl::StatusOr<std::vector<Outcome>> outcomes =
        co_await store_.Commit(book, std::move(commit), clock_.Now());
    if (!outcomes.ok()) co_return outcomes.status();
    CountOutcomes(*outcomes);
    auto next = std::make_move_iterator(outcomes->begin());
    for (const std::size_t size : std::exchange(sizes, {})) {
      answers.emplace_back(next, next + static_cast<std::ptrdiff_t>(size));
      next += static_cast<std::ptrdiff_t>(size);
    }
  }
  co_return answers;
}

}  // namespace florin::ledger
