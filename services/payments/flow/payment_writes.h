// Steps 1 and 3 of payments: those that begin and those that end share commits.
//
// Apart they would wait for the disk in turns: a commit costs much the same however little is in
// it, and under load there always is something of both (tests/bench).
#pragma once

#include <variant>
#include <vector>

#include "libs/async/batcher.h"
#include "libs/async/task.h"
#include "services/payments/store/store.h"

namespace florin::payments {

// Thread-safe. Outlives the calls under way: destroy it after the Runtime has stopped
// (async::Batcher).
class PaymentWrites {
 public:
  // `store` outlives this.
  PaymentWrites(Executor executor, Store& store);

  // Store::InsertIntents() and Store::RecordResults() of one payment, together with whatever else
  // waits. What the store cannot keep fails alone. Errors: theirs, kOverloaded.
  Task<absl::StatusOr<StoredIntent>> Insert(Intent intent);
  Task<absl::StatusOr<Payment>> Record(Payment ended);

 private:
  using Item = std::variant<Intent, Payment>;
  using Result = std::variant<StoredIntent, Payment, absl::Status>;

  Task<absl::StatusOr<std::vector<Result>>> Flush(std::vector<Item> items);
  Task<Result> WriteAlone(Item item);

  Store& store_;
  async::Batcher<Item, Result> batcher_;
};

}  // namespace florin::payments
