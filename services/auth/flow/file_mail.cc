#include "services/auth/flow/file_mail.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <functional>

#include "services/auth/flow/mail_message.h"

namespace florin::auth {
namespace {

absl::Status WriteWhole(const std::string& path, const std::string& text) {
  const std::string unfinished = path + ".new";
  const int file = open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return Error(Reason::kUnavailable, "the directory for mail cannot be written");
  const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (close(file) != 0 || !written || std::rename(unfinished.c_str(), path.c_str()) != 0) {
    unlink(unfinished.c_str());
    return Error(Reason::kUnavailable, "a message could not be written");
  }
  return absl::OkStatus();
}

}  // namespace

Task<absl::Status> FileMail::Send(Mail mail) {
  const std::string id = ids_.NewId().ToString();
  std::function<absl::Status()> work = [path = directory_ + "/" + id + ".eml",
                                        text = ComposeMessage(mail, from_, clock_.Now(), id)] {
    return WriteWhole(path, text);
  };
  co_return co_await writer_.Run<absl::Status>(std::move(work));
}

}  // namespace florin::auth
