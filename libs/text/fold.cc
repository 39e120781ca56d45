#include "libs/text/fold.h"

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include <cstdlib>
#include <memory>

namespace florin {
namespace {

struct Freed {
  void operator()(void* pointer) const { std::free(pointer); }  // NOLINT: libunistring's malloc.
};

// What decomposes into nothing, in lower case.
std::u32string_view SpelledOut(char32_t letter) {
  switch (letter) {
    case U'ß':
      return U"ss";
    case U'æ':
      return U"ae";
    case U'œ':
      return U"oe";
    case U'ø':
      return U"o";
    case U'đ':
    case U'ð':
      return U"d";
    case U'ł':
      return U"l";
    case U'þ':
      return U"th";
    case U'ı':
      return U"i";
    default:
      return {};
  }
}

bool IsSilent(char32_t character) {
  return character == U'\'' || character == U'’' || character == U'ʼ' || character == U'`' ||
         character == U'.' || uc_is_general_category(character, UC_CATEGORY_Mn);
}

bool IsOfAWord(char32_t character) {
  return uc_is_general_category(character, UC_CATEGORY_L) ||
         uc_is_general_category(character, UC_CATEGORY_N);
}

// Case folded in NFKD; nothing for what is no UTF-8.
std::optional<std::u32string> Folded(std::string_view text) {
  const auto* octets = reinterpret_cast<const std::uint8_t*>(text.data());
  if (u8_check(octets, text.size()) != nullptr) return std::nullopt;
  if (text.empty()) return std::u32string();
  std::size_t length = 0;
  const std::unique_ptr<std::uint8_t, Freed> folded(
      u8_casefold(octets, text.size(), nullptr, UNINORM_NFKD, nullptr, &length));
  if (folded == nullptr) return std::nullopt;
  std::size_t count = 0;
  const std::unique_ptr<std::uint32_t, Freed> points(
      u8_to_u32(folded.get(), length, nullptr, &count));
  if (points == nullptr) return std::nullopt;
  return std::u32string(points.get(), points.get() + count);
}

}  // namespace

std::optional<std::vector<std::u32string>> FoldedWords(std::string_view text) {
  const std::optional<std::u32string> folded = Folded(text);
  if (!folded) return std::nullopt;
  std::vector<std::u32string> words;
  std::u32string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (const char32_t character : *folded) {
    if (IsSilent(character)) continue;
    if (!IsOfAWord(character)) {
      end_word();
      continue;
    }
    const std::u32string_view spelled = SpelledOut(character);
    if (spelled.empty()) {
      word += character;
    } else {
      word += spelled;
    }
  }
  end_word();
  return words;
}

}  // namespace florin
