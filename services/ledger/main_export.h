// --export_book, --export_file and --import_file: whole books between the database and files,
// instead of serving.
#pragma once

#include <string>

#include "libs/process/process.h"

namespace florin::ledger {

// With one of those flags: does it through --database (the runtime role) and ends the process, with
// exit status 2 and one clear line if it fails. `log`: what all books' logs are named after.
void ExportOrImportAndExitIfAsked(const process::Process& process, const std::string& log);

}  // namespace florin::ledger
