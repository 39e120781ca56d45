// A Redis of its own for a test, on a Unix socket in a directory of its own; it can be killed,
// paused and started again. Ends with the test's process at the latest.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>

#include "libs/status/check.h"

namespace florin::gateway {

class TestRedis {
 public:
  TestRedis() {
    std::string directory = "/tmp/florin-redis-XXXXXX";
    FLORIN_CHECK(mkdtemp(directory.data()) != nullptr, "a temporary directory can be made");
    directory_ = directory;
    Start();
  }
  ~TestRedis() {
    Kill();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  TestRedis(const TestRedis&) = delete;

  std::string address() const { return directory_ + "/socket"; }

  // Starts it, empty, and waits until it takes connections.
  void Start() {
    std::filesystem::remove(address());
    const std::string socket = address();
    server_ = fork();
    FLORIN_CHECK(server_ >= 0, "a process can be started");
    if (server_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int null = open("/dev/null", O_RDWR);
      dup2(null, STDOUT_FILENO);
      dup2(null, STDERR_FILENO);
      execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket.c_str(),
             "--unixsocketperm", "700", "--save", "", "--appendonly", "no", "--dir",
             directory_.c_str(), nullptr);
      _exit(127);
    }
    while (!Listens()) {
      FLORIN_CHECK(waitpid(server_, nullptr, WNOHANG) == 0, "redis-server runs");
      std::this_thread::yield();
    }
  }

  // At once, as a crash would.
  void Kill() {
    if (server_ <= 0) return;
    kill(server_, SIGKILL);
    waitpid(server_, nullptr, 0);
    server_ = 0;
  }

  // Makes it hang, with its connections open.
  void Pause() {
    kill(server_, SIGSTOP);
    waitpid(server_, nullptr, WUNTRACED);
  }
  void Resume() { kill(server_, SIGCONT); }

 private:
  bool Listens() const {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, address().c_str(), sizeof(name.sun_path) - 1);
    const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool connected = connect(probe, reinterpret_cast<sockaddr*>(&name), sizeof(name)) == 0;
    close(probe);
    return connected;
  }

  std::string directory_;
  pid_t server_ = 0;
};

}  // namespace florin::gateway
