// A whole book into PostgreSQL from an export (proof/export_format.h): every row as it was, so that
// every proof still verifies. Only the metadata index is made anew.
#pragma once

#include <string>

#include "libs/status/status.h"
#include "services/ledger/proof/export_format.h"

namespace florin::ledger {

// Makes the book that the file names, or fills it if it is there and empty, in one transaction: all
// of it or nothing. Nobody can use the book until it is done. It goes on indexing the metadata keys
// of the export, besides its own. Signatures are not checked: whoever has the keys runs
// florin-verify on the file first. Memory as of proof/book_check.h.
//
// Needs the rights of the runtime role and a connection of its own. Blocks. Not idempotent: a
// second import finds the book full.
//
// Errors: kInvalidField, if proof/book_check.h finds a problem (the message is the first one), the
// book is not empty or the file can't be read; kUnavailable if the database can't be reached or was
// lost; kInternal if it refuses a row.
absl::StatusOr<proof::BookLine> ImportBookFromFile(const std::string& conninfo,
                                                   const std::string& path);

}  // namespace florin::ledger
