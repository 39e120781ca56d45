// A connection to the gateway that sends bytes as an attacker would, and says what came back.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/stack.h"

namespace florin::security {

class RawConnection {
 public:
  // TLS, the gateway's certificate checked as an app would.
  explicit RawConnection(const e2e::Stack& stack);
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;

  // What the gateway has already refused to read is no error.
  void Send(std::string_view bytes);
  // Everything until the gateway ends the connection, which must come within 20 s, or the test
  // fails: an attacker's connection that is left open is a finding.
  std::string ReadToEnd();
  // Everything until `count` responses have come, as far as their header fields.
  std::string ReadResponses(int count);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// The statuses of the responses in `text`, in order.
std::vector<int> Statuses(const std::string& text);

// Sends `request` on a connection of its own and gives the statuses of everything that came until
// the gateway ended the connection.
std::vector<int> SendRaw(const std::string& request);

}  // namespace florin::security
