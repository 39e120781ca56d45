// Whether what is between two books of the ledger is what is under way between them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "services/payments/domain/book_transfer.h"
#include "services/payments/domain/discrepancy.h"

namespace florin::payments {

// A direction between two books, in one currency: it has one clearing account in each of them.
struct BookPair {
  Books books;
  Currency currency;

  friend bool operator==(const BookPair&, const BookPair&) = default;
};

struct Clearing {
  BookPair pair;
  // What was posted on the clearing account, as each book was when it was read: in the source book
  // credits less debits, which is owed to the target book; in the target book debits less credits,
  // which is due from the source book.
  std::int64_t owed_minor = 0;
  std::int64_t due_minor = 0;
  // Of payments whose credit was posted then, and whose capture was not; less those of which it was
  // the other way round, as the books are not read at the same moment.
  std::int64_t under_way_minor = 0;

  // Nothing is missing and nothing too much. Without payments under way: both net to zero.
  bool Agrees() const;
};

// The id under which a difference is opened and found again.
Uuid DiscrepancyIdOf(const BookPair& pair);

// Nothing where it agrees. At risk is what it differs by.
std::optional<Discrepancy> Check(const Clearing& clearing);

}  // namespace florin::payments
