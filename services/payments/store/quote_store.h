// Quotes, and the payments that use them up.
#pragma once

#include <optional>

#include "libs/async/task.h"
#include "services/payments/domain/fx.h"
#include "services/payments/store/store.h"

namespace florin::payments {

// Thread-safe. Every method is idempotent, so that it may be repeated after kUnavailable. Errors
// besides those named: kUnavailable (the outcome of a write is then unknown), kInternal.
class QuoteStore {
 public:
  virtual ~QuoteStore() = default;

  // Keeps a new quote, and gives it.
  virtual Task<absl::StatusOr<Quote>> InsertQuote(Quote quote) = 0;

  // Error: kQuoteNotFound, also for a quote of another user.
  virtual Task<absl::StatusOr<Quote>> GetQuote(Uuid user_id, Uuid quote_id) = 0;

  // Store::InsertIntents() of one payment with a conversion, which uses its quote up in the same
  // transaction: of several payments with one quote, also at once, one is inserted. A key that is
  // known is answered as there, whatever became of the quote. Errors, and then nothing has changed:
  // kQuoteNotFound; kQuoteUsed by another payment; kQuoteExpired when the payment was made.
  // (ApprovalStore::InsertJudged() does the same.)
  virtual Task<absl::StatusOr<StoredIntent>> InsertWithQuote(Intent intent) = 0;

  // Deletes up to `limit` quotes that expired before `before` and were never used, and gives how
  // many. Those that were used stay with their payments.
  virtual Task<absl::StatusOr<int>> ForgetQuotes(absl::Time before, int limit) = 0;

  // What is kept under the intent's key, if anything is.
  virtual Task<absl::StatusOr<std::optional<StoredIntent>>> FindIntent(Intent intent) = 0;
};

}  // namespace florin::payments
