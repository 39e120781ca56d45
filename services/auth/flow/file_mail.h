// Messages as files, for running locally and for tests of a whole stack.
#pragma once

#include <string>

#include "libs/async/runtime.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "services/auth/flow/mail.h"

namespace florin::auth {

// One file for each message in `directory`, mode 0600, named ID.eml by an id that sorts by time. A
// file is whole when it has that name. Thread-safe. Destroy it after its callers' runtime has
// stopped and before that runtime.
class FileMail : public MailSender {
 public:
  FileMail(std::string directory, std::string from, Clock& clock, IdSource& ids)
      : directory_(std::move(directory)), from_(std::move(from)), clock_(clock), ids_(ids) {}
  Task<absl::Status> Send(Mail mail) override;

 private:
  const std::string directory_;
  const std::string from_;
  Clock& clock_;
  IdSource& ids_;
  async::ThreadPool writer_{1};
};

}  // namespace florin::auth
