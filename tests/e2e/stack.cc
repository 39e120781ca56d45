#include "tests/e2e/stack.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

namespace florin::e2e {
namespace {

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) {
    std::fprintf(stderr, "%s is not set: run this test through ctest or tests/run\n", name);
    std::exit(2);
  }
  return value;
}

std::string Script(const std::string& name) {
  return absl::StrCat(FromEnvironment("FLORIN_SOURCE_DIR"), "/deploy/local/", name);
}

std::string ReadWhole(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::unique_ptr<Stack> shared_stack;

// A function's static: others are initialized in no certain order.
std::vector<std::string>& SharedStackOptions() {
  static std::vector<std::string> options = {"--no-demo"};
  return options;
}

class SharedStackEnvironment : public ::testing::Environment {
 public:
  void SetUp() override { shared_stack = std::make_unique<Stack>(SharedStackOptions()); }
  void TearDown() override {
    // Leaks are reported when a process ends, so end them first.
    const CommandResult down = Run({Script("down"), "--home", shared_stack->home()});
    EXPECT_EQ(down.status, 0) << down.output;
    EXPECT_EQ(shared_stack->SanitizerReports(), "");
    shared_stack.reset();
  }
};

const auto* const registered =
    ::testing::AddGlobalTestEnvironment(std::make_unique<SharedStackEnvironment>().release());

}  // namespace

bool AddSharedStackOptions(const std::vector<std::string>& options) {
  std::vector<std::string>& all = SharedStackOptions();
  all.insert(all.end(), options.begin(), options.end());
  return true;
}

CommandResult Run(const std::vector<std::string>& command) {
  std::string line;
  for (const std::string& word : command)
    absl::StrAppend(&line, "'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "' ");
  FILE* pipe = popen(absl::StrCat(line, "2>&1").c_str(), "r");
  CommandResult result;
  char buffer[4096];
  while (const std::size_t count = std::fread(buffer, 1, sizeof(buffer), pipe))
    result.output.append(buffer, count);
  const int status = pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  absl::StripTrailingAsciiWhitespace(&result.output);
  return result;
}

Stack::Stack(const std::vector<std::string>& options) {
  // A short path: a Unix socket's may have 107 bytes.
  std::string name = "/tmp/florin-test.XXXXXX";
  home_ = mkdtemp(name.data());
  // All clients of a test are of one network, and many tests are faster than its quota.
  std::vector<std::string> command = {Script("up"),  "--home",
                                      home_,         "--port",
                                      "0",           "--rate-limits",
                                      "off",         "--skip-build",
                                      "--build-dir", FromEnvironment("FLORIN_BINARY_DIR")};
  command.insert(command.end(), options.begin(), options.end());
  const CommandResult result = Run(command);
  if (result.status != 0) {
    std::fprintf(stderr, "deploy/local/up failed:\n%s\n", result.output.c_str());
    Run({Script("down"), "--home", home_});
    std::_Exit(1);
  }
  environment_ = ReadWhole(std::filesystem::path(home_) / "env");
}

Stack::~Stack() {
  Run({Script("down"), "--home", home_});
  if (std::getenv("FLORIN_KEEP_HOME") == nullptr) std::filesystem::remove_all(home_);
}

std::string Stack::Variable(const std::string& name) const {
  const std::string start = absl::StrCat("export ", name, "='");
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(environment_, '\n')))
    if (absl::StartsWith(line, start))
      return line.substr(start.size(), line.size() - start.size() - 1);
  ADD_FAILURE() << name << " is not in " << home_ << "/env";
  return "";
}

CommandResult Stack::Sql(const std::string& role, const std::string& sql) const {
  return Run(
      {Script("psql"), "--home", home_, role, "-v", "ON_ERROR_STOP=1", "-q", "-At", "-c", sql});
}

std::vector<std::string> Stack::SqlEach(const std::string& role,
                                        const std::vector<std::string>& statements) const {
  std::vector<std::string> command = {Script("psql"), "--home",         home_, role, "-At",
                                      "-v",           "VERBOSITY=terse"};
  for (const std::string& statement : statements) {
    command.push_back("-c");
    command.push_back(statement);
  }
  return absl::StrSplit(Run(command).output, '\n', absl::SkipEmpty());
}

std::string Stack::Query(const std::string& sql) const {
  const CommandResult result = Sql("postgres", sql);
  EXPECT_EQ(result.status, 0) << sql << "\n" << result.output;
  return result.output;
}

void Stack::Kill(const std::string& service) const {
  const std::string pid = ReadWhole(std::filesystem::path(home_) / "run" / (service + ".pid"));
  ASSERT_GT(std::atoi(pid.c_str()), 1) << service;
  ASSERT_EQ(kill(std::atoi(pid.c_str()), SIGKILL), 0) << service;
}

void Stack::Restart(const std::string& service) const {
  // It waits a minute for the service; whatever hangs beyond that is not waited for.
  const CommandResult result =
      Run({"timeout", "--kill-after=5", "120", Script("restart"), "--home", home_, service});
  ASSERT_EQ(result.status, 0) << result.output;
}

std::string Stack::SanitizerReports() const {
  std::string reports;
  for (const auto& file :
       std::filesystem::directory_iterator(std::filesystem::path(home_) / "log")) {
    const std::string text = ReadWhole(file.path());
    for (const char* mark : {"ERROR: AddressSanitizer", "ERROR: LeakSanitizer",
                             "runtime error: ", "WARNING: ThreadSanitizer"})
      if (const std::size_t at = text.find(mark); at != std::string::npos)
        absl::StrAppend(&reports, file.path().filename().string(), ": ", text.substr(at, 4000),
                        "\n");
  }
  return reports;
}

Stack& SharedStack() { return *shared_stack; }

}  // namespace florin::e2e
