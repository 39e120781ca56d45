#include "services/payments/flow/payment_writes.h"

#include <utility>

namespace florin::payments {
namespace {

template <class Kept, class Result>
absl::StatusOr<Kept> Taken(absl::StatusOr<Result> written) {
  if (!written.ok()) return written.status();
  if (auto* failed = std::get_if<absl::Status>(&*written)) return *std::move(failed);
  return std::get<Kept>(*std::move(written));
}

}  // namespace

PaymentWrites::PaymentWrites(Executor executor, Store& store)
    : store_(store),
      batcher_(executor, [this](std::vector<Item> items) { return Flush(std::move(items)); },
               {.max_batch = 400, .max_waiting = 20'000}) {}

Task<absl::StatusOr<StoredIntent>> PaymentWrites::Insert(Intent intent) {
  Item item(std::move(intent));
  co_return Taken<StoredIntent>(co_await batcher_.Submit(std::move(item)));
}

Task<absl::StatusOr<Payment>> PaymentWrites::Record(Payment ended) {
  Item item(std::move(ended));
  co_return Taken<Payment>(co_await batcher_.Submit(std::move(item)));
}

Task<absl::StatusOr<std::vector<PaymentWrites::Result>>> PaymentWrites::Flush(
    std::vector<Item> items) {
  auto writes = std::make_shared<Store::Writes>();
  for (Item& item : items) {
    if (auto* intent = std::get_if<Intent>(&item)) {
      writes->intents.push_back(std::move(*intent));
    } else {
      writes->ended.push_back(std::get<Payment>(std::move(item)));
    }
  }
  absl::StatusOr<Store::Written> written = co_await store_.Write(writes);
  const bool alone = ReasonOf(written.status()) == Reason::kInternal;
  if (!written.ok() && !alone) co_return written.status();
  std::vector<Result> results;
  results.reserve(items.size());
  std::size_t intents = 0;
  std::size_t ended = 0;
  for (const Item& item : items) {  // Moved from, but still of its kind.
    const bool is_intent = std::holds_alternative<Intent>(item);
    const std::size_t i = is_intent ? intents++ : ended++;
    if (alone) {
      Item again = is_intent ? Item(writes->intents[i]) : Item(writes->ended[i]);
      results.push_back(co_await WriteAlone(std::move(again)));
    } else if (is_intent) {
      results.emplace_back(std::move(written->intents[i]));
    } else {
      results.emplace_back(std::move(written->ended[i]));
    }
  }
  co_return results;
}

Task<PaymentWrites::Result> PaymentWrites::WriteAlone(Item item) {
  if (auto* intent = std::get_if<Intent>(&item)) {
    std::vector<Intent> one;
    one.push_back(std::move(*intent));
    auto stored = co_await store_.InsertIntents(std::move(one));
    if (!stored.ok()) co_return stored.status();
    co_return std::move(stored->front());
  }
  std::vector<Payment> one;
  one.push_back(std::get<Payment>(std::move(item)));
  auto recorded = co_await store_.RecordResults(std::move(one));
  if (!recorded.ok()) co_return recorded.status();
  co_return std::move(recorded->front());
}

}  // namespace florin::payments
