// A whole Florin of real processes for a test program: started by deploy/local/up in a temporary
// directory, stopped and removed at the end. What a newcomer runs is what is tested.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace florin::e2e {

struct CommandResult {
  int status = 0;      // Exit status.
  std::string output;  // Standard output and standard error.
};

// Runs a command and waits for it.
CommandResult Run(const std::vector<std::string>& command);

class Stack {
 public:
  // Ends the test program with the output of `up` if it fails. Needs FLORIN_SOURCE_DIR and
  // FLORIN_BINARY_DIR, which ctest sets.
  explicit Stack(const std::vector<std::string>& options);
  // Stops every process and, unless FLORIN_KEEP_HOME is set, removes the directory.
  ~Stack();
  Stack(const Stack&) = delete;

  const std::string& home() const { return home_; }
  // A variable of HOME/env: "FLORIN_URL", "FLORIN_CA", "FLORIN_LEDGER", "FLORIN_CERTS".
  std::string Variable(const std::string& name) const;

  // Runs SQL through deploy/local/psql, unaligned and without headers. Status 0 and the rows, or
  // the error's text.
  CommandResult Sql(const std::string& role, const std::string& sql) const;
  // Runs statements one after another in one session, whatever becomes of each, and gives a line
  // for each: a command's tag, a row's only value, or its error.
  std::vector<std::string> SqlEach(const std::string& role,
                                   const std::vector<std::string>& statements) const;
  // One value as the superuser, for checks; a failed statement fails the test.
  std::string Query(const std::string& sql) const;

  // Ends a process at once, as a power cut would. `service` may be "postgres".
  void Kill(const std::string& service) const;
  // Starts it again and waits until it is ready; fails the test if that fails.
  void Restart(const std::string& service) const;

  // What sanitizers have said in the services' logs; empty if nothing.
  std::string SanitizerReports() const;

 private:
  std::string home_;
  std::string environment_;  // The text of HOME/env.
};

// Further options of the shared stack. To be called before main(), by a static's initializer.
bool AddSharedStackOptions(const std::vector<std::string>& options);

// The stack of this test program. It is started before the first test, with --no-demo, and ends
// after the last one, which fails if a sanitizer has complained in a service.
Stack& SharedStack();

}  // namespace florin::e2e
