// A message as SMTP and .eml files have it.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "services/auth/flow/mail.h"

namespace florin::auth {

// RFC 5322 with CRLF, UTF-8 as it is (8BITMIME). Lines of the body that are longer than 998 octets
// are for the caller not to have. `id` makes the Message-ID, with the domain of `from`. Pure.
std::string ComposeMessage(const Mail& mail, const std::string& from, absl::Time date,
                           const std::string& id);

}  // namespace florin::auth
