// Reads both sides of every clearing account between books, and what is under way
// (domain/book_clearing.h).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "florin/ledger/v1/reader.rpc.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "services/payments/store/book_transfer_store.h"

namespace florin::payments {

// Exact while payments go on: whatever was posted when a book was read is told from what was not by
// its place in the book. Thread-safe.
class ClearingCheck {
 public:
  // References outlive this.
  ClearingCheck(BookTransferStore& transfers, ledger::v1::LedgerReaderClient& reader, Clock& clock)
      : transfers_(transfers), reader_(reader), clock_(clock) {}

  // Of all books between which there ever was a payment. Errors: those of the store and of the
  // ledger.
  Task<absl::StatusOr<std::vector<Clearing>>> Run();

 private:
  // One of the two accounts, as the book was up to `sequence`.
  struct Side {
    std::int64_t credits_less_debits = 0;
    std::int64_t sequence = 0;
  };

  Task<absl::StatusOr<Clearing>> Look(BookPair pair);
  Task<absl::StatusOr<Side>> Read(std::string book, Uuid account_id);
  // Those of the transactions that have committed up to `sequence` of the book.
  Task<absl::StatusOr<std::map<Uuid, bool>>> Posted(std::string book, std::vector<Uuid> ids,
                                                    std::int64_t sequence);

  BookTransferStore& transfers_;
  ledger::v1::LedgerReaderClient& reader_;
  Clock& clock_;
};

}  // namespace florin::payments
