// Each state × each event of a state machine, through HTTPS: a table of cells, of which this checks
// that it has no hole, that it agrees with the machine's own data, and that it is what happens.
//
// States and events are the enumerators of the domain's enums: where one is added, the table has a
// hole, and the test fails until somebody has written what is to happen.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {

// The state of what is not there yet.
inline constexpr char kNone[] = "–";
// The outcome of a cell that no request can bring about.
inline constexpr char kNobody[] = "nobody";

// What happens in some states by some events.
struct Cell {
  // Names, separated by spaces. "CANCELED/voided" is CANCELED, but brought there in another way.
  std::string states;
  std::string events;
  // Of the request that causes it: "200", or "409 bulk_closed"; or kNobody.
  std::string outcome;
  // The state afterwards: "PAYING → PAID" where the machine's is over before anybody sees it.
  // Empty: nothing that can be seen has changed, nor any balance.
  std::string becomes = "";
  // By which request, where there are several; with kNobody, why nobody can.
  std::string by = "";
};

// What the machine itself says.
struct Arrow {
  std::string from;
  std::string event;
  std::string to;
  bool guarded = false;  // It needs more than the state.
};

// A machine as its domain has it, and what is said of it here.
struct Table {
  std::string name;
  std::vector<std::string> states;
  std::vector<std::string> events;
  std::vector<Arrow> arrows;
  std::vector<Cell> cells;
};

// Fails the test for each state and event without a cell, for names that the machine does not have,
// for arrows that no cell shows and changes that no arrow has, and for refusals with a reason that
// the registry does not have, or has under another status.
void CheckTable(const Table& table);

// "CANCELED/voided" is "CANCELED".
std::string StateOf(const std::string& place);
// Of "PAYING → PAID" the first, and the last.
std::string FirstOf(const std::string& becomes);
std::string LastOf(const std::string& becomes);
std::vector<std::string> Words(const std::string& text);

// The answer as a text, but of an error its reason only: the request's id is always another one.
std::string Shown(const Answer& answer);

// The ledger is killed, and started again at the end; goes on once those who call it reach it
// again, for which they may take a second.
class LedgerAway {
 public:
  LedgerAway();
  ~LedgerAway();
  LedgerAway(const LedgerAway&) = delete;
  LedgerAway& operator=(const LedgerAway&) = delete;

 private:
  ApiUser user_{SharedStack()};
  std::string account_ = user_.OpenAccount("EUR");
};

// Whether there is one, so that nobody can read a balance.
bool LedgerIsAway();

namespace state_events_internal {

template <auto kValue>
constexpr bool IsEnumerator() {
  // "… [with auto kValue = florin::payments::State::kFailed]", or "(florin::payments::State)9".
  constexpr std::string_view kText = __PRETTY_FUNCTION__;
  constexpr std::string_view kMark = "kValue = ";
  return kText[kText.find(kMark) + kMark.size()] != '(';
}

template <class Enum, std::size_t... kIndex>
std::vector<Enum> Enumerators(std::index_sequence<kIndex...>) {
  std::vector<Enum> all;
  const auto add = [&all](bool is, Enum value) {
    if (is) all.push_back(value);
  };
  (add(IsEnumerator<static_cast<Enum>(kIndex)>(), static_cast<Enum>(kIndex)), ...);
  return all;
}

}  // namespace state_events_internal

// The names of all enumerators of an enum that counts from 0; NameOf() has them.
template <class Enum>
std::vector<std::string> NamesOf() {
  std::vector<std::string> names;
  for (const Enum value :
       state_events_internal::Enumerators<Enum>(std::make_index_sequence<64>())) {
    names.emplace_back(NameOf(value));
  }
  return names;
}
// The same in capitals, as the API has states.
template <class Enum>
std::vector<std::string> StatesOf() {
  std::vector<std::string> names = NamesOf<Enum>();
  for (std::string& name : names) name = absl::AsciiStrToUpper(name);
  return names;
}
// How many there are; for an enum without NameOf().
template <class Enum>
std::size_t CountOf() {
  return state_events_internal::Enumerators<Enum>(std::make_index_sequence<64>()).size();
}
template <class Enum>
std::string StateName(Enum state) {
  return absl::AsciiStrToUpper(std::string(NameOf(state)));
}

// How a machine is worked through HTTPS. `Subject` is copied, and has a `Sent sent`.
template <class Subject>
struct Machine : Table {
  // By state: a new one that is in it. Also for kNone.
  std::map<std::string, std::function<Subject()>> bring = {};
  // States that last only while the ledger is away: what is prepared before, and begun then.
  struct Away {
    std::function<Subject()> prepare;
    std::function<void(Subject&)> begin;
  };
  std::map<std::string, Away> away = {};
  // By event, or event and `by` ("cancel by the payee"): the request. It sends `sent`, so that it
  // can be repeated.
  std::map<std::string, std::function<Answer(Subject&)>> cause = {};
  // As whoever may see it reads it.
  std::function<std::string(Subject&)> state = {};
  // Everything that anybody can read of it, and the balances.
  std::function<std::string(Subject&)> seen = {};
};

template <class Subject>
std::string StateAfter(const Machine<Subject>& machine, Subject& subject,
                       const std::string& expected) {
  std::string state = machine.state(subject);
  for (int i = 0; i < 300 && state != expected; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    state = machine.state(subject);
  }
  return state;
}

// Causes one cell, looks at what has become of it, and repeats the request. `subject` is in
// `place`.
template <class Subject>
void RunCell(const Machine<Subject>& machine, const Cell& cell, const std::string& place,
             const std::string& event, Subject& subject) {
  const std::string request = cell.by.empty() ? event : absl::StrCat(event, " ", cell.by);
  SCOPED_TRACE(absl::StrCat(machine.name, ": ", place, " × ", request));
  const auto cause = machine.cause.find(request);
  ASSERT_NE(cause, machine.cause.end()) << "no request for it";
  const std::string start = StateOf(place);
  ASSERT_EQ(StateAfter(machine, subject, start), start) << "it was not brought there";
  const std::string before = machine.seen(subject);
  subject.sent = Sent();
  const Answer answer = cause->second(subject);
  EXPECT_EQ(Outcome(answer), cell.outcome) << answer;
  const std::string end = cell.becomes.empty() ? start : LastOf(cell.becomes);
  EXPECT_EQ(StateAfter(machine, subject, end), end);
  const std::string after = machine.seen(subject);
  if (cell.becomes.empty()) {
    EXPECT_EQ(after, before) << "something has changed";
  } else {
    EXPECT_NE(after, before) << "nothing has changed";
  }
  const Answer again = cause->second(subject);
  EXPECT_EQ(Outcome(again), cell.outcome) << "repeated: " << again;
  EXPECT_EQ(machine.seen(subject), after) << "repeated, it has had another effect";
}

// The cells of one place: first those that change nothing, all of one subject.
template <class Subject>
void RunPlace(const Machine<Subject>& machine, const std::string& place,
              const std::function<Subject()>& bring) {
  for (const bool changing : {false, true}) {
    std::optional<Subject> standing;
    for (const Cell& cell : machine.cells) {
      const std::vector<std::string> places = Words(cell.states);
      if (cell.outcome == kNobody || cell.becomes.empty() == changing) continue;
      if (std::find(places.begin(), places.end(), place) == places.end()) continue;
      for (const std::string& event : Words(cell.events)) {
        if (!standing || changing) standing = bring();
        RunCell(machine, cell, place, event, *standing);
        if (::testing::Test::HasFailure()) standing.reset();
      }
    }
  }
}

// While the ledger is away, all of them at once. What changes there, changes once it is back.
template <class Subject>
void RunAway(Machine<Subject>& machine) {
  if (machine.away.empty()) return;
  std::map<std::string, Subject> subjects;
  for (auto& [place, away] : machine.away) subjects.emplace(place, away.prepare());
  {
    const LedgerAway ledger_away;
    for (auto& [place, subject] : subjects) {
      machine.away[place].begin(subject);
      for (const Cell& cell : machine.cells) {
        const std::vector<std::string> places = Words(cell.states);
        if (cell.outcome == kNobody || !cell.becomes.empty()) continue;
        if (std::find(places.begin(), places.end(), place) == places.end()) continue;
        for (const std::string& event : Words(cell.events)) {
          RunCell(machine, cell, place, event, subject);
        }
      }
    }
  }
  for (auto& [place, subject] : subjects) {
    for (const Cell& cell : machine.cells) {
      if (cell.states != place || cell.becomes.empty()) continue;
      SCOPED_TRACE(absl::StrCat(machine.name, ": ", place, " × ", cell.events, ", it is back"));
      EXPECT_EQ(StateAfter(machine, subject, LastOf(cell.becomes)), LastOf(cell.becomes));
    }
  }
}

// Checks the table, and works through all of its cells.
template <class Subject>
void WorkThrough(Machine<Subject>& machine) {
  CheckTable(machine);
  std::vector<std::string> places;
  for (const Cell& cell : machine.cells) {
    if (cell.outcome == kNobody) continue;
    for (const std::string& place : Words(cell.states)) {
      if (machine.away.contains(place)) continue;
      if (std::find(places.begin(), places.end(), place) == places.end()) places.push_back(place);
    }
  }
  for (const std::string& place : places) {
    const auto bring = machine.bring.find(place);
    if (bring == machine.bring.end()) {
      ADD_FAILURE() << machine.name << ": nobody brings it to " << place;
      continue;
    }
    RunPlace<Subject>(machine, place, bring->second);
  }
  RunAway(machine);
}

}  // namespace florin::e2e
