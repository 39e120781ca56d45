#include "services/ledger/main_export.h"

#include <cstdio>
#include <cstdlib>

#include "absl/flags/flag.h"
#include "libs/config/config.h"
#include "services/ledger/domain/opening_rules.h"
#include "services/ledger/store/book_export.h"
#include "services/ledger/store/book_import.h"

ABSL_FLAG(std::string, export_book, "",
          "Write this book to --export_file (docs/proof.md has the format) and exit.");
ABSL_FLAG(
    std::string, export_file, "",
    "Where --export_book goes; a file that is there is replaced once the export is complete.");
ABSL_FLAG(
    std::string, import_file, "",
    "Make a book of this file that --export_book wrote, into an empty or no book of its name, "
    "and exit. Run florin-verify on it first.");

namespace florin::ledger {

void ExportOrImportAndExitIfAsked(const process::Process& process, const std::string& log) {
  const std::string book = absl::GetFlag(FLAGS_export_book);
  const std::string to = absl::GetFlag(FLAGS_export_file);
  const std::string from = absl::GetFlag(FLAGS_import_file);
  if (book.empty() && to.empty() && from.empty()) return;
  if (book.empty() != to.empty() || to.empty() == from.empty()) {
    config::ExitIfError(Error(Reason::kInvalidField,
                              "give --export_book and --export_file, or --import_file alone"),
                        "reading the flags");
  }
  const std::string database = process.Database({}).conninfo;
  if (!book.empty()) {
    if (!IsBookName(book)) {
      config::ExitIfError(Error(Reason::kBookNotFound, "no such book"), "--export_book");
    }
    config::ExitIfError(ExportBookToFile(database, book, log, to), "--export_book");
    std::printf("book %s is in %s\n", book.c_str(), to.c_str());
    std::exit(0);
  }
  const proof::BookLine made =
      config::ValueOrExit(ImportBookFromFile(database, from), "--import_file");
  std::printf("book %s was made of %s, up to sequence %lld\n", made.book.c_str(), from.c_str(),
              static_cast<long long>(made.last_sequence));
  std::exit(0);
}

}  // namespace florin::ledger
