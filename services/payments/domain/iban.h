// Account numbers with check digits: ISO 13616 (IBAN), ISO 7064 mod 97-10.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libs/ids/ids.h"

namespace florin::payments {

// `text` in the form that is stored and compared, upper case and without blanks, if it is an IBAN:
// two letters, two check digits that fit, and 11 to 30 letters and digits. What lengths a country
// has is not checked.
std::optional<std::string> ParseIban(std::string_view text);

// What outsiders name an account of Florin by: an IBAN of no country ("XF", of those that ISO 3166
// leaves to users), whose 26 last characters are the account's id. The same for ever.
std::string VirtualIbanOf(const Uuid& account_id);

// The account that a text names in that way, written as people do; nothing if it names none. That
// the account exists is not said.
std::optional<Uuid> ParseVirtualIban(std::string_view text);

}  // namespace florin::payments
