// A whole book out of PostgreSQL, as one snapshot of it, in the lines of proof/export_format.h.
//
//   FLORIN_ASSIGN_OR_RETURN(const auto book, BookExport::Open(conninfo, "main", "florin.local"));
//   while (true) {
//     FLORIN_ASSIGN_OR_RETURN(const std::string lines, book->NextChunk());
//     if (lines.empty()) break;
//     …
//   }
//
// Rows are written as they are stored, right or wrong: what does not follow from the journal is for
// proof/book_check.h to find. A row that can't have been written by a ledger becomes an X line, so
// that it does not hide the others.
//
// Needs the rights of the runtime role, a connection of its own, and memory for some thousand rows.
// Entries are sorted by the database, on its disk where there are many. While an export is under
// way, PostgreSQL can't clean up row versions that were made after its snapshot.
#pragma once

#include <memory>
#include <string>

#include "libs/status/status.h"

namespace florin::ledger {

// Blocks. Not thread-safe, but may move from thread to thread between calls.
class BookExport {
 public:
  // `log`: what all books' signed logs are named after (proof::OriginOf). Errors: kBookNotFound;
  // kUnavailable if the database can't be reached.
  static absl::StatusOr<std::unique_ptr<BookExport>> Open(const std::string& conninfo,
                                                          const std::string& book,
                                                          const std::string& log);
  ~BookExport();

  // The next whole lines, some 64 KiB of them; nothing after the last. After an error, only another
  // export can go on: kUnavailable if the database was lost, kInternal if it refuses to read.
  absl::StatusOr<std::string> NextChunk();

 private:
  class Impl;
  explicit BookExport(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Writes the whole export into the file, which is there only once it is complete and on disk; one
// that was there is replaced. Blocks. Errors: those above; kInternal if the file can't be written.
absl::Status ExportBookToFile(const std::string& conninfo, const std::string& book,
                              const std::string& log, const std::string& path);

}  // namespace florin::ledger
