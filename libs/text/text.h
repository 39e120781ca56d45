// Text that people write for people: names, references.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace florin {

// The number of characters (code points) of `text`, or nothing unless it is well-formed UTF-8 (RFC
// 3629: no overlong forms, no surrogates, nothing above U+10FFFF) without control characters
// (Unicode category Cc: U+0000-U+001F, U+007F-U+009F), so that a name stays on its line wherever it
// is shown and fits every database. Pure.
//
//   const auto length = CountPlainCharacters(request.reference());
//   if (!length || *length > 140) return Error(Reason::kInvalidReference, …);
std::optional<std::size_t> CountPlainCharacters(std::string_view text);

// `text` in Normalization Form C (UAX #15), so that what looks the same and was typed on different
// devices is the same octets. Nothing unless it is well-formed UTF-8. Pure; by libunistring, which
// knows Unicode 14.
std::optional<std::string> NormalizeNfc(std::string_view text);

}  // namespace florin
