// Whether a name that a payer gave is that of an account's holder: UK Confirmation of Payee, and
// Verification of Payee of Regulation (EU) 2024/886 (Art. 5c of Regulation (EU) No 260/2012), which
// both know three answers.
//
// The rule of the schemes is each bank's own. This one, after FoldedWords() (libs/text/fold.h),
// without titles, and with legal forms in one spelling ("Limited" is "Ltd"):
//
//   match        the same words, in whatever order
//   close match  the same letters with other spaces; or an initial for a given name, beside the
//   same
//                surname; or words left out, two or more being the same; or one letter wrong,
//                missing, more, or two swapped (two such faults in twelve letters and more)
//   no match     everything else, and names without letters
//
// What a payer learns: of a close match the holder's name, so that a slip can be mended, as both
// schemes have it; of no match nothing. Pure.
#pragma once

#include <string_view>

#include "libs/status/status.h"

namespace florin::accounts {

enum class NameMatch {
  kMatch,
  kCloseMatch,
  kNoMatch,
  kNotAvailable,  // Nobody here knows the holder's name.
};
std::string_view NameOf(NameMatch match);  // "match", "close_match", "no_match", "not_available"
absl::StatusOr<NameMatch> ParseNameMatch(std::string_view name);  // Error: kInternal.

// Never kNotAvailable. What is no UTF-8 matches nothing.
NameMatch MatchNames(std::string_view given, std::string_view holder);

}  // namespace florin::accounts
