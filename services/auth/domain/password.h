// What a password must be.
#pragma once

#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "libs/status/status.h"

namespace florin::auth {

// Passwords that guessers try first, in lower case.
using CommonPasswords = absl::flat_hash_set<std::string>;

// 12 to 256 code points of UTF-8 without control characters; nothing is asked of their composition
// (NIST SP 800-63B-4 section 3.1.1.2). Error: kWeakPassword with param `password` and metadata
// `why` = `length`, also for text that is not UTF-8. Pure.
absl::Status CheckPassword(std::string_view password);

// The same, and that a guesser would not come to it soon. `why` says what is wrong:
//   repeated  a short piece of ASCII again and again ("abcabcabcabc"), or ASCII octets that count
//             up or down ("123456789012");
//   common    on the list, as it is or when digits and marks around it are taken away and letters
//             read for the digits that stand for them ("P@ssw0rd2026!" is "password");
//   context   little is left when the name of the service and of the user (the local part of
//             `email`, and its pieces of four characters or more) are taken out
//             ("florin-ann-2026"), or what is left is on the list.
// Whole passwords are judged, never a word within a longer one. Pure.
absl::Status CheckNewPassword(std::string_view password, std::string_view email,
                              const CommonPasswords& common);

}  // namespace florin::auth
