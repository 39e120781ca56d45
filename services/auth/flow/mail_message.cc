#include "services/auth/flow/mail_message.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace florin::auth {

std::string ComposeMessage(const Mail& mail, const std::string& from, absl::Time date,
                           const std::string& id) {
  const std::string domain = from.substr(from.find('@') + 1);
  return absl::StrCat(
      "From: ", from, "\r\nTo: ", mail.to, "\r\nSubject: ", mail.subject,
      "\r\nDate: ", absl::FormatTime("%a, %d %b %Y %H:%M:%S +0000", date, absl::UTCTimeZone()),
      "\r\nMessage-ID: <", id, "@", domain,
      ">\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: 8bit\r\nAuto-Submitted: auto-generated\r\n\r\n",
      absl::StrReplaceAll(mail.body, {{"\n", "\r\n"}}));
}

}  // namespace florin::auth
