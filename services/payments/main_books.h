// Wiring of payments whose accounts are not all in the usual book of the ledger.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/payments/flow/book_transfers.h"
#include "services/payments/flow/clearing_check.h"
#include "services/payments/flow/reconcile.h"
#include "services/payments/store/pg_book_transfer_store.h"

namespace florin::payments {

// Outlives the calls under way: destroy it after the Runtime has stopped.
class BookParts {
 public:
  // References outlive this; `pool` has Statements(). From now on the settlement takes such
  // payments, and reconciliation checks what is between books.
  BookParts(pg::Pool& pool, Store& store, Settlement& settlement, ledger::v1::LedgerClient& ledger,
            rpc::Channel& ledger_channel, LimitDirectory& limits, Reconcile& reconcile,
            Clock& clock)
      : reader_(&ledger_channel),
        store_(pool),
        transfers_({.transfers = store_,
                    .store = store,
                    .settlement = settlement,
                    .ledger = ledger,
                    .reader = reader_,
                    .limits = &limits,
                    .clock = clock}),
        check_(store_, reader_, clock) {
    reconcile.CheckClearing(check_);
  }

  static std::vector<pg::Statement> Statements() { return PgBookTransferStore::Statements(); }

 private:
  ledger::v1::LedgerReaderClient reader_;
  PgBookTransferStore store_;
  BookTransfers transfers_;
  ClearingCheck check_;
};

}  // namespace florin::payments
