// Flags and secrets. Flags are Abseil's (ABSL_FLAG in main.cc; `--help` lists them, `--flagfile=F`
// reads them from a file); secrets are files.
#pragma once

#include <string>
#include <vector>

#include "libs/status/status.h"

namespace florin::config {

// Parses the command line. `usage` is what --help prints first. On a bad flag or a stray argument,
// prints one line and exits with 2.
void ParseFlags(int argc, char** argv, const std::string& usage);
// The same for a program that takes arguments besides flags; gives them.
std::vector<std::string> ParseFlagsAndArguments(int argc, char** argv, const std::string& usage);

// Ends the process with exit status 2 and one clear line unless `status` is OK: for configuration
// errors in main().
void ExitIfError(const absl::Status& status, const std::string& doing);
template <class T>
T ValueOrExit(absl::StatusOr<T> result, const std::string& doing) {
  ExitIfError(result.status(), doing);
  return *std::move(result);
}

// Reads a file whole. A secret must not be readable by group or others. Errors name the file.
absl::StatusOr<std::string> ReadFile(const std::string& path);
absl::StatusOr<std::string> ReadSecretFile(const std::string& path);

}  // namespace florin::config
