#include "services/accounts/domain/name_match.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libs/text/fold.h"

namespace florin::accounts {
namespace {

using Word = std::u32string;
using Words = std::vector<Word>;

constexpr std::size_t kLongName = 12;     // Letters, from which on there may be two faults.
constexpr std::size_t kShortestName = 5;  // Below there may be none: "Ann" is not "Dan".

bool IsTitle(const Word& word) {
  static const std::set<Word> kTitles = {U"mr",   U"mrs", U"ms",   U"miss", U"mx", U"dr",
                                         U"prof", U"sir", U"dame", U"rev",  U"hr", U"fr"};
  return kTitles.contains(word);
}

Word Canonical(Word word) {
  static const std::pair<std::u32string_view, std::u32string_view> kForms[] = {
      {U"limited", U"ltd"}, {U"incorporated", U"inc"}, {U"corporation", U"corp"},
      {U"company", U"co"},  {U"und", U"and"},          {U"et", U"and"}};
  for (const auto& [from, to] : kForms) {
    if (word == from) return Word(to);
  }
  return word;
}

Words WordsOf(std::string_view name) {
  // An ampersand is a word.
  std::string spelled;
  for (const char character : name) {
    if (character == '&') {
      spelled += " and ";
    } else {
      spelled += character;
    }
  }
  Words words;
  for (Word& word : FoldedWords(spelled).value_or(Words())) {
    if (!IsTitle(word)) words.push_back(Canonical(std::move(word)));
  }
  return words;
}

Word Joined(const Words& words) {
  Word joined;
  for (const Word& word : words) joined += word;
  return joined;
}

// Letters wrong, missing or too many, and neighbours swapped (optimal string alignment distance).
std::size_t Faults(const Word& a, const Word& b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t wrong = a[i - 1] == b[j - 1] ? 0 : 1;
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + wrong});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        now[j] = std::min(now[j], before[j - 2] + 1);
      }
    }
    before = std::exchange(last, now);
  }
  return last[b.size()];
}

bool IsASlip(const Word& given, const Word& holder) {
  const std::size_t length = std::min(given.size(), holder.size());
  if (length < kShortestName) return false;
  return Faults(given, holder) <= (length >= kLongName ? 2u : 1u);
}

// "J Smith" for "John Smith": the last word whole and the same, each before it the same or an
// initial of the other's.
bool IsWithInitials(const Words& given, const Words& holder) {
  if (given.size() != holder.size() || given.size() < 2) return false;
  if (given.back() != holder.back() || given.back().size() < 2) return false;
  for (std::size_t i = 0; i + 1 < given.size(); ++i) {
    const bool initial = given[i].size() == 1 || holder[i].size() == 1;
    if (given[i] != holder[i] && (!initial || given[i].front() != holder[i].front())) return false;
  }
  return true;
}

// Both sorted. Every word of the shorter one is in the longer one, and there are two at least.
bool IsPartOf(const Words& a, const Words& b) {
  const Words& shorter = a.size() < b.size() ? a : b;
  const Words& longer = a.size() < b.size() ? b : a;
  return shorter.size() >= 2 && std::ranges::includes(longer, shorter);
}

}  // namespace

std::string_view NameOf(NameMatch match) {
  constexpr std::string_view kNames[] = {"match", "close_match", "no_match", "not_available"};
  return kNames[static_cast<std::size_t>(match)];
}

absl::StatusOr<NameMatch> ParseNameMatch(std::string_view name) {
  for (const NameMatch match :
       {NameMatch::kMatch, NameMatch::kCloseMatch, NameMatch::kNoMatch, NameMatch::kNotAvailable}) {
    if (NameOf(match) == name) return match;
  }
  return Error(Reason::kInternal, "the database has a match that there is not");
}

NameMatch MatchNames(std::string_view given, std::string_view holder) {
  const Words asked = WordsOf(given);
  const Words held = WordsOf(holder);
  if (asked.empty() || held.empty()) return NameMatch::kNoMatch;
  Words asked_sorted = asked;
  Words held_sorted = held;
  std::ranges::sort(asked_sorted);
  std::ranges::sort(held_sorted);
  if (asked_sorted == held_sorted) return NameMatch::kMatch;
  const bool close = Joined(asked) == Joined(held) || IsWithInitials(asked, held) ||
                     IsPartOf(asked_sorted, held_sorted) || IsASlip(Joined(asked), Joined(held));
  return close ? NameMatch::kCloseMatch : NameMatch::kNoMatch;
}

}  // namespace florin::accounts
