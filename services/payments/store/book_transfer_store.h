// Where it is kept how far payments between two books have come. A transfer is inserted with its
// payment (Store::InsertIntents() and whatever else inserts intents).
#pragma once

#include <optional>
#include <vector>

#include "libs/async/task.h"
#include "services/payments/domain/book_clearing.h"
#include "services/payments/domain/book_transfer.h"

namespace florin::payments {

// Thread-safe. Every method is idempotent, so that it may be repeated after kUnavailable. Errors
// besides those named: kUnavailable (the outcome of a write is then unknown), kInternal.
class BookTransferStore {
 public:
  virtual ~BookTransferStore() = default;

  // Error: kPaymentNotFound, also for a payment that is not between two books.
  virtual Task<absl::StatusOr<BookTransfer>> FindTransfer(Uuid payment_id) = 0;

  // Takes the transfer from this stage to `to`, and ends its payment as `ended` (given where `to`
  // is over) in the same transaction. Gives the transfer as it is kept afterwards: one that is in
  // another stage by now stays there. Error: kPaymentNotFound.
  virtual Task<absl::StatusOr<BookTransfer>> AdvanceTransfer(TransferStage from, BookTransfer to,
                                                             std::optional<Payment> ended) = 0;

  // Between which books there ever was a payment, in no order.
  virtual Task<absl::StatusOr<std::vector<BookPair>>> ListPairs() = 0;

  // Transfers between these whose credit may have been asked for and that are not over, or have
  // come to be so at `since` or later; in no order.
  virtual Task<absl::StatusOr<std::vector<BookTransfer>>> ListUnderWay(BookPair pair,
                                                                       absl::Time since) = 0;
};

}  // namespace florin::payments
