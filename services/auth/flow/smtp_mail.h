// Messages by SMTP (RFC 5321), through libcurl.
#pragma once

#include <string>

#include "libs/async/runtime.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "services/auth/flow/mail.h"

namespace florin::auth {

struct SmtpOptions {
  // smtp://HOST:PORT or smtps://HOST:PORT. With smtp:// the connection is upgraded (STARTTLS) or
  // not used, unless `allow_plaintext` (a relay on this machine).
  std::string url;
  bool allow_plaintext = false;
  std::string from;
  std::string user;      // Empty: without authentication.
  std::string password;  // From a secret file.
};

// Thread-safe; one message at a time, ten seconds each at most. Destroy it after its callers'
// runtime has stopped and before that runtime.
class SmtpMail : public MailSender {
 public:
  SmtpMail(SmtpOptions options, Clock& clock, IdSource& ids)
      : options_(std::move(options)), clock_(clock), ids_(ids) {}
  Task<absl::Status> Send(Mail mail) override;

 private:
  const SmtpOptions options_;
  Clock& clock_;
  IdSource& ids_;
  async::ThreadPool sender_{1};
};

}  // namespace florin::auth
