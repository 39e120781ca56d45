// One batch of a book in one transaction of PostgreSQL, in a constant number of statements whatever
// its size: read, decide, write. Each statement confines itself to the book.
//
// The lock on the book's row makes batches follow each other, from however many processes. While
// one is being written, the next of the same process is read and decided on what the first will
// have left (known_book.h), and then only waits for the lock; if that turns out not to be what the
// book is, it is read and decided anew, under the lock.
#pragma once

#include <string>
#include <vector>

#include <pqxx/pqxx>

#include "libs/pg/pool.h"
#include "services/ledger/store/book_reader.h"
#include "services/ledger/store/known_book.h"

namespace florin::ledger {

// Which a pool must prepare for what follows.
std::vector<pg::Statement> BatchStatements();

// Decides `commands` and writes what they do; `known` is what this process knows of the book. The
// caller commits, and may repeat everything if that fails. Error: kBookNotFound.
absl::StatusOr<std::vector<Outcome>> CommitBatch(pqxx::work& transaction, KnownBook& known,
                                                 const std::string& book,
                                                 const std::vector<Command>& commands,
                                                 absl::Time now);

// What CommitBatch would decide now. Writes nothing, takes no lock.
absl::StatusOr<std::vector<Outcome>> TryBatch(pqxx::transaction_base& transaction,
                                              const std::string& book,
                                              const std::vector<Command>& commands, absl::Time now);

// Those of `ids` that the book has.
absl::StatusOr<KnownBook::Accounts> LoadAccounts(pqxx::transaction_base& transaction,
                                                 const std::string& book,
                                                 const std::vector<Uuid>& ids);

}  // namespace florin::ledger
