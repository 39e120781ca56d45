// The way of payments whose accounts are not all in the usual book of the ledger (docs/books.md).
//
// Within another book they are settled as in the usual one. Between two books, stage by stage
// (domain/book_transfer.h): each stage is committed before the ledger is asked for it, under an id
// that follows from the payment's, and the answer is committed with the next stage; the last one
// together with the payment's end. A crash anywhere leaves the payment in processing, which the
// recovery worker or a retry takes up at its stage.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "florin/ledger/v1/ledger.rpc.h"
#include "florin/ledger/v1/reader.rpc.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "services/payments/flow/settlement.h"
#include "services/payments/store/book_transfer_store.h"

namespace florin::payments {

// Thread-safe.
class BookTransfers {
 public:
  // What it works with. References outlive this.
  struct Parts {
    BookTransferStore& transfers;
    Store& store;
    Settlement& settlement;
    ledger::v1::LedgerClient& ledger;
    ledger::v1::LedgerReaderClient& reader;
    LimitDirectory* limits = nullptr;  // Null: no payment may use any.
    Clock& clock;
  };

  // Has the settlement bring payments that say their books here (Settlement::UseBooks()).
  explicit BookTransfers(Parts parts);

  // Settles a payment in processing that says its books, as far as it can be now. Gives it as it
  // ended (or was authorized); two at once do no harm. Errors: kUnavailable, kDeadlineExceeded,
  // kOverloaded: it is still in processing, or only the answer got lost; kInternal if the ledger
  // will not decide, or a capture or a void is refused: somebody must look.
  Task<absl::StatusOr<Payment>> Settle(Payment payment);

 private:
  // The accounts of the house and of limits, in one book.
  struct Book {
    Book(Parts& parts, const std::string& name);

    ChartAccounts chart;
    std::unique_ptr<LimitBuckets> limits;  // Null where there are none.
  };

  Book& BookOf(const std::string& name);
  Task<absl::StatusOr<Payment>> Within(Payment payment);
  Task<absl::StatusOr<Payment>> Between(Payment payment);
  // What the stage of `transfer` asks of the ledger.
  Task<absl::StatusOr<LedgerAnswer>> Ask(Payment payment, TransferStage stage);
  // The payment's own transaction, of its source book, after what limits want first.
  Task<absl::StatusOr<LedgerAnswer>> Post(Payment payment);
  Task<absl::StatusOr<LedgerAnswer>> Release(Payment payment);
  // Has the clearing account opened in both books.
  Task<absl::Status> EnsureClearing(const Payment& payment);
  absl::Status Undecided(const Payment& payment, const std::string& reason);

  Parts parts_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Book>> books_;  // Guarded by mutex_.
  absl::flat_hash_set<Uuid> clearing_;                  // Open in both books. Guarded by mutex_.
};

}  // namespace florin::payments
