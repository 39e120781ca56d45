#include "libs/config/config.h"

#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"

namespace florin::config {

std::vector<std::string> ParseFlagsAndArguments(int argc, char** argv, const std::string& usage) {
  absl::SetProgramUsageMessage(usage);
  absl::FlagsUsageConfig help;
  // `--help` shows the flags of main.cc and of libs/process, not those of every library linked in.
  const auto ours = [](absl::string_view file) {
    return file.find("services/") != absl::string_view::npos ||
           file.find("libs/process/") != absl::string_view::npos ||
           file.find("tests/bench/") != absl::string_view::npos;
  };
  help.contains_helpshort_flags = ours;
  help.contains_help_flags = ours;
  absl::SetFlagsUsageConfig(help);
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  return {rest.begin() + 1, rest.end()};
}

void ParseFlags(int argc, char** argv, const std::string& usage) {
  const std::vector<std::string> rest = ParseFlagsAndArguments(argc, argv, usage);
  if (rest.empty()) return;
  std::fprintf(stderr, "%s: unexpected argument '%s'; see --help\n", argv[0], rest[0].c_str());
  std::exit(2);
}

void ExitIfError(const absl::Status& status, const std::string& doing) {
  if (status.ok()) return;
  std::fprintf(stderr, "cannot start: %s: %s\n", doing.c_str(),
               std::string(status.message()).c_str());
  std::exit(2);
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error(Reason::kInternal, "cannot read " + path);
  std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file.bad()) return Error(Reason::kInternal, "cannot read " + path);
  return content;
}

absl::StatusOr<std::string> ReadSecretFile(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return Error(Reason::kInternal, "cannot read " + path);
  if ((info.st_mode & 077) != 0)
    return Error(Reason::kInternal, path + " must have mode 0600: others can read it");
  return ReadFile(path);
}

}  // namespace florin::config
