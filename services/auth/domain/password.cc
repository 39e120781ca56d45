#include "services/auth/domain/password.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "libs/text/text.h"

namespace florin::auth {
namespace {

constexpr std::size_t kMinCharacters = 12;
constexpr std::size_t kMaxCharacters = 256;
constexpr std::size_t kLongestPiece = 6;     // Of repetition.
constexpr std::size_t kShortestContext = 4;  // Shorter ones occur in any text.
constexpr std::size_t kEnoughBesideContext = 8;
constexpr std::string_view kService = "florin";

absl::Status Weak(std::string_view message, const char* why) {
  return Error(Reason::kWeakPassword, message, {.param = "password", .metadata = {{"why", why}}});
}

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80; }

std::string ToLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// The letter that a digit or mark is often written for.
char LetterFor(char c) {
  switch (c) {
    case '0':
      return 'o';
    case '1':
    case '!':
      return 'i';
    case '3':
      return 'e';
    case '4':
    case '@':
      return 'a';
    case '5':
    case '$':
      return 's';
    case '7':
      return 't';
    default:
      return c;
  }
}

// Without the digits and marks around it.
std::string_view Core(std::string_view text) {
  while (!text.empty() && !IsLetter(text.back())) text.remove_suffix(1);
  while (!text.empty() && !IsLetter(text.front())) text.remove_prefix(1);
  return text;
}

std::string ReadAsLetters(std::string_view text) {
  std::string letters(text);
  std::transform(letters.begin(), letters.end(), letters.begin(), LetterFor);
  return letters;
}

bool IsCommon(std::string_view lower, const CommonPasswords& common) {
  const std::string core(Core(lower));
  return common.contains(std::string(lower)) || common.contains(core) ||
         common.contains(ReadAsLetters(core)) || common.contains(ReadAsLetters(lower));
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool IsRepeated(std::string_view text) {
  for (std::size_t piece = 1; piece <= kLongestPiece && piece < text.size(); ++piece) {
    if (text.substr(piece) == text.substr(0, text.size() - piece)) return true;
  }
  return false;
}

// Each octet is the last one's neighbour in the same direction; 9 and 0 are neighbours.
bool IsSequence(std::string_view text) {
  for (const int step : {1, -1}) {
    bool all = true;
    for (std::size_t i = 1; i < text.size() && all; ++i) {
      const int difference = text[i] - text[i - 1];
      all = difference == step || difference == -9 * step;
    }
    if (all) return true;
  }
  return false;
}

void Erase(std::string& text, std::string_view word) {
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word)) {
    text.erase(at, word.size());
  }
}

// Longest first, so that a name is taken out before its pieces.
std::vector<std::string> ContextWords(std::string_view email) {
  const std::string name = ToLower(email.substr(0, email.find('@')));
  std::vector<std::string> words = {std::string(kService), name};
  std::string piece;
  for (const char c : name + ".") {
    if (IsLetter(c)) {
      piece += c;
    } else {
      words.push_back(std::exchange(piece, {}));
    }
  }
  words.erase(std::remove_if(words.begin(), words.end(),
                             [](const std::string& w) { return w.size() < kShortestContext; }),
              words.end());
  std::sort(words.begin(), words.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  return words;
}

bool IsContext(std::string_view lower, std::string_view email, const CommonPasswords& common) {
  const std::vector<std::string> words = ContextWords(email);
  for (const std::string& spelling : {std::string(lower), ReadAsLetters(lower)}) {
    std::string rest = spelling;
    for (const std::string& word : words) Erase(rest, word);
    if (rest.size() == spelling.size()) continue;
    const std::string_view core = Core(rest);
    if (CountPlainCharacters(core).value_or(0) < kEnoughBesideContext || IsCommon(core, common)) {
      return true;
    }
  }
  return false;
}

}  // namespace

absl::Status CheckPassword(std::string_view password) {
  const auto characters = CountPlainCharacters(password);
  if (!characters || *characters < kMinCharacters || *characters > kMaxCharacters) {
    return Weak("the password must have 12 to 256 characters", "length");
  }
  return absl::OkStatus();
}

absl::Status CheckNewPassword(std::string_view password, std::string_view email,
                              const CommonPasswords& common) {
  FLORIN_RETURN_IF_ERROR(CheckPassword(password));
  if (IsAscii(password) && (IsRepeated(password) || IsSequence(password))) {
    return Weak("the password repeats itself or counts", "repeated");
  }
  const std::string lower = ToLower(password);
  if (IsCommon(lower, common)) {
    return Weak("the password is one of those that are guessed first", "common");
  }
  if (IsContext(lower, email, common)) {
    return Weak("the password is made of the names of the service and the user", "context");
  }
  return absl::OkStatus();
}

}  // namespace florin::auth
