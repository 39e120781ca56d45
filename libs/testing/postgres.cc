#include "libs/testing/postgres.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <thread>
#include <vector>

#include <pqxx/pqxx>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace florin::testing {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void Die(const std::string& what) {
  std::cerr << "testing::Postgres: " << what << std::endl;
  std::_Exit(1);
}

std::string FindBinaries() {
  const std::string debian = "/usr/lib/postgresql/15/bin";
  if (fs::exists(debian + "/initdb")) return debian;
  std::array<char, 4096> line{};
  FILE* pipe = popen("pg_config --bindir", "r");
  const bool read = pipe != nullptr && fgets(line.data(), line.size(), pipe) != nullptr;
  if (pipe != nullptr) pclose(pipe);
  std::string directory(absl::StripSuffix(line.data(), "\n"));
  if (!read || !fs::exists(directory + "/initdb")) Die("no PostgreSQL is installed");
  return directory;
}

// What the child does between fork and exec; only async-signal-safe calls, since the test may have
// threads.
[[noreturn]] void Become(const passwd* user, int log, char* const* arguments) {
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  const bool changed = user == nullptr || (setgroups(0, nullptr) == 0 &&
                                           setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0);
  if (!changed) _exit(126);
  // After setuid, which clears it.
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  execv(arguments[0], arguments);
  _exit(127);
}

}  // namespace

struct Postgres::State {
  std::string binaries = FindBinaries();
  std::string directory;
  const passwd* user = nullptr;  // Whom to become; nullptr to stay who we are.
  pid_t server = -1;

  std::string log() const { return directory + "/log"; }

  pid_t Spawn(const std::vector<std::string>& command, const passwd* as) {
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const int log_file = open(log().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    const pid_t child = fork();
    if (child == 0) Become(as, log_file, arguments.data());
    close(log_file);
    if (child < 0) Die("cannot fork");
    return child;
  }

  void RunToEnd(const std::vector<std::string>& command, const passwd* as) {
    int status = 0;
    waitpid(Spawn(command, as), &status, 0);
    if (status != 0) DieWithLog(command[0] + " failed");
  }

  [[noreturn]] void DieWithLog(const std::string& what) {
    std::ifstream file(log());
    Die(absl::StrCat(what, ":\n", std::string(std::istreambuf_iterator<char>(file), {})));
  }

  void WaitUntilReady(const std::string& conninfo) {
    for (int attempt = 0; attempt < 1500; ++attempt) {
      try {
        pqxx::connection probe(conninfo);
        return;
      } catch (const pqxx::broken_connection&) {
        if (waitpid(server, nullptr, WNOHANG) == server) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    }
    DieWithLog("the server does not answer");
  }
};

Postgres::Postgres() : state_(std::make_unique<State>()) {
  State& s = *state_;
  // Short: the path of a Unix socket has at most 107 characters.
  std::string directory = "/tmp/florin-pg-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) Die("cannot make a temporary directory");
  s.directory = directory;
  if (geteuid() == 0) {
    s.user = getpwnam("postgres");
    if (s.user == nullptr) Die("running as root, and there is no user postgres to run as");
    if (chown(directory.c_str(), s.user->pw_uid, s.user->pw_gid) != 0) Die("chown failed");
  }
  const std::string data = directory + "/data";
  s.RunToEnd({s.binaries + "/initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8",
              "--locale=C", "--no-sync", "--no-instructions"},
             s.user);
  s.server = s.Spawn({s.binaries + "/postgres", "-D", data, "-k", directory, "-c",
                      "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off", "-c",
                      "shared_buffers=32MB", "-c", "max_connections=100"},
                     s.user);
  s.WaitUntilReady(conninfo("postgres"));
}

Postgres::~Postgres() {
  kill(state_->server, SIGQUIT);
  waitpid(state_->server, nullptr, 0);
  std::error_code ignored;
  fs::remove_all(state_->directory, ignored);
}

void Postgres::CreateSchema(const std::string& schema) {
  const char* source = std::getenv("FLORIN_SOURCE_DIR");
  const std::string script =
      absl::StrCat(source == nullptr ? "." : source, "/deploy/local/schema.sql");
  state_->RunToEnd({state_->binaries + "/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v",
                    "schema=" + schema, "-f", script, "-d", conninfo("postgres")},
                   nullptr);
}

std::string Postgres::conninfo(const std::string& role) const {
  return absl::StrCat("host=", state_->directory, " dbname=postgres user=", role);
}

}  // namespace florin::testing
