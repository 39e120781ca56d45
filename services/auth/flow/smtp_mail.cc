#include "services/auth/flow/smtp_mail.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <string_view>

#include "services/auth/flow/mail_message.h"

namespace florin::auth {
namespace {

constexpr long kTimeoutSeconds = 10;

// Gives libcurl the next octets of the message.
std::size_t Read(char* buffer, std::size_t size, std::size_t count, void* message) {
  auto& rest = *static_cast<std::string_view*>(message);
  const std::size_t octets = std::min(size * count, rest.size());
  std::memcpy(buffer, rest.data(), octets);
  rest.remove_prefix(octets);
  return octets;
}

absl::Status SendNow(const SmtpOptions& options, const std::string& to, const std::string& text) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(),
                                                                 &curl_easy_cleanup);
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> recipients(
      curl_slist_append(nullptr, ("<" + to + ">").c_str()), &curl_slist_free_all);
  if (started != CURLE_OK || !curl || !recipients) {
    return Error(Reason::kUnavailable, "libcurl does not start");
  }
  std::string_view rest = text;
  CURL* const handle = curl.get();
  curl_easy_setopt(handle, CURLOPT_URL, options.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(handle, CURLOPT_USE_SSL,
                   static_cast<long>(options.allow_plaintext ? CURLUSESSL_TRY : CURLUSESSL_ALL));
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT, kTimeoutSeconds);
  curl_easy_setopt(handle, CURLOPT_MAIL_FROM, ("<" + options.from + ">").c_str());
  curl_easy_setopt(handle, CURLOPT_MAIL_RCPT, recipients.get());
  curl_easy_setopt(handle, CURLOPT_READFUNCTION, &Read);
  curl_easy_setopt(handle, CURLOPT_READDATA, &rest);
  curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
  if (!options.user.empty()) {
    curl_easy_setopt(handle, CURLOPT_USERNAME, options.user.c_str());
    curl_easy_setopt(handle, CURLOPT_PASSWORD, options.password.c_str());
  }
  if (curl_easy_perform(handle) != CURLE_OK) {
    return Error(Reason::kUnavailable, "the mail server did not take a message");
  }
  return absl::OkStatus();
}

}  // namespace

Task<absl::Status> SmtpMail::Send(Mail mail) {
  const std::string id = ids_.NewId().ToString();
  std::function<absl::Status()> work =
      [this, to = mail.to, text = ComposeMessage(mail, options_.from, clock_.Now(), id)] {
        return SendNow(options_, to, text);
      };
  co_return co_await sender_.Run<absl::Status>(std::move(work));
}

}  // namespace florin::auth
