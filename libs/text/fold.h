// Text as it is compared where spelling does not count.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace florin {

// The words of a text: compatibility decomposed and case folded (UAX #15 NFKD, Unicode's full case
// folding), without marks (Mn: accents), cut at whatever is neither letter nor digit. Apostrophes
// and dots cut nothing: "O'Brien" is "obrien", "J.P." is "jp". Letters that do not decompose but
// are written with others, as in passports (ICAO Doc 9303): ß is ss, æ ae, œ oe, ø o, đ d, ł l, þ
// th. Nothing unless the text is well-formed UTF-8. Pure; by libunistring.
std::optional<std::vector<std::u32string>> FoldedWords(std::string_view text);

}  // namespace florin
