// How messages reach users. The text is made here in auth; what carries it is chosen in main.cc.
#pragma once

#include <string>

#include "libs/async/task.h"
#include "libs/status/status.h"

namespace florin::auth {

struct Mail {
  std::string to;       // As NormalizeEmail gives it: no header can be smuggled in.
  std::string subject;  // One line of ASCII.
  std::string body;     // Plain text, UTF-8, lines ended by LF.
};

// Thread-safe.
class MailSender {
 public:
  virtual ~MailSender() = default;
  // Hands the message over; it may arrive twice after an error. Error: kUnavailable, without
  // address or text.
  virtual Task<absl::Status> Send(Mail mail) = 0;
};

}  // namespace florin::auth
