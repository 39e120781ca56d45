// Payments between books in PostgreSQL: tables `book_transfers` and `book_pairs`.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/payments/store/book_transfer_store.h"

namespace florin::payments {

class PgBookTransferStore : public BookTransferStore {
 public:
  // What the pool must prepare besides the statements of PgStore.
  static std::vector<pg::Statement> Statements();

  // `pool` outlives this.
  explicit PgBookTransferStore(pg::Pool& pool) : pool_(pool) {}

  Task<absl::StatusOr<BookTransfer>> FindTransfer(Uuid payment_id) override;
  Task<absl::StatusOr<BookTransfer>> AdvanceTransfer(TransferStage from, BookTransfer to,
                                                     std::optional<Payment> ended) override;
  Task<absl::StatusOr<std::vector<BookPair>>> ListPairs() override;
  Task<absl::StatusOr<std::vector<BookTransfer>>> ListUnderWay(BookPair pair,
                                                               absl::Time since) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::payments
