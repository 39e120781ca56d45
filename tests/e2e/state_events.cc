#include "tests/e2e/state_events.h"

#include <algorithm>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "libs/status/status.h"

namespace florin::e2e {
namespace {

bool ledger_is_away = false;

constexpr char kThen[] = " → ";

bool Has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Calls with each (state, event) that a cell is about.
template <class Use>
void ForEach(const Table& table, Use use) {
  for (const Cell& cell : table.cells) {
    for (const std::string& place : Words(cell.states)) {
      for (const std::string& event : Words(cell.events)) use(cell, StateOf(place), event);
    }
  }
}

std::string Title(const Table& table, const std::string& state, const std::string& event) {
  return absl::StrCat(table.name, ": ", state, " × ", event);
}

void CheckNames(const Table& table) {
  ForEach(table, [&](const Cell&, const std::string& state, const std::string& event) {
    EXPECT_TRUE(state == kNone || Has(table.states, state)) << table.name << " has no " << state;
    EXPECT_TRUE(Has(table.events, event)) << table.name << " has no " << event;
  });
}

void CheckNoHole(const Table& table) {
  std::set<std::pair<std::string, std::string>> told;
  bool from_none = false;
  ForEach(table, [&](const Cell&, const std::string& state, const std::string& event) {
    told.emplace(state, event);
    from_none = from_none || state == kNone;
  });
  std::vector<std::string> states = table.states;
  if (from_none) states.emplace_back(kNone);
  for (const std::string& state : states) {
    for (const std::string& event : table.events) {
      EXPECT_TRUE(told.contains({state, event}))
          << Title(table, state, event) << " has no cell: write what is to happen";
    }
  }
}

// Whether `cell`, which is about an arrow's state and event, shows it.
bool Shows(const Cell& cell, const Arrow& arrow) {
  if (cell.outcome == kNobody) return true;
  if (cell.becomes.empty()) return arrow.from == arrow.to && cell.outcome == "200";
  return FirstOf(cell.becomes) == arrow.to;
}

void CheckArrows(const Table& table) {
  for (const Arrow& arrow : table.arrows) {
    bool shown = false;
    ForEach(table, [&](const Cell& cell, const std::string& state, const std::string& event) {
      if (state == arrow.from && event == arrow.event) shown = shown || Shows(cell, arrow);
    });
    EXPECT_TRUE(shown) << Title(table, arrow.from, arrow.event)
                       << ": the machine allows it, and no cell shows " << arrow.to;
  }
  if (table.arrows.empty()) return;
  ForEach(table, [&](const Cell& cell, const std::string& state, const std::string& event) {
    const auto arrow = std::ranges::find_if(table.arrows, [&](const Arrow& one) {
      return one.from == state && one.event == event &&
             (cell.becomes.empty() || one.to == FirstOf(cell.becomes));
    });
    const bool known = arrow != table.arrows.end();
    EXPECT_TRUE(known || cell.becomes.empty())
        << Title(table, state, event) << ": the machine has no way to " << cell.becomes;
    const bool refused = cell.becomes.empty() && cell.outcome != "200" && cell.outcome != kNobody;
    EXPECT_FALSE(known && refused && !arrow->guarded && cell.by.empty())
        << Title(table, state, event) << ": the machine always allows it";
  });
}

void CheckReasons(const Table& table) {
  for (const Cell& cell : table.cells) {
    if (cell.outcome == kNobody) {
      EXPECT_NE(cell.by, "") << table.name << ": " << cell.states << " × " << cell.events
                             << ": say why";
    }
    if (cell.outcome == kNobody || cell.outcome == "200") continue;
    const std::vector<std::string> parts = Words(cell.outcome);
    int status = 0;
    ASSERT_TRUE(parts.size() == 2 && absl::SimpleAtoi(parts[0], &status)) << cell.outcome;
    const std::optional<Reason> reason = ReasonFromName(parts[1]);
    ASSERT_TRUE(reason.has_value()) << cell.outcome;
    EXPECT_EQ(InfoOf(*reason).http_status, status) << cell.outcome;
  }
}

}  // namespace

std::vector<std::string> Words(const std::string& text) {
  return absl::StrSplit(text, ' ', absl::SkipEmpty());
}

std::string StateOf(const std::string& place) { return place.substr(0, place.find('/')); }

std::string FirstOf(const std::string& becomes) { return becomes.substr(0, becomes.find(kThen)); }

std::string LastOf(const std::string& becomes) {
  const std::size_t at = becomes.rfind(kThen);
  return at == std::string::npos ? becomes : becomes.substr(at + std::string(kThen).size());
}

std::string Shown(const Answer& answer) {
  if (answer.status != 200) return Outcome(answer);
  return absl::StrCat("200 ", boost::json::serialize(answer.body));
}

bool LedgerIsAway() { return ledger_is_away; }

LedgerAway::LedgerAway() {
  SharedStack().Kill("ledger");
  ledger_is_away = true;
}

LedgerAway::~LedgerAway() {
  SharedStack().Restart("ledger");
  ledger_is_away = false;
  const boost::json::object amount = {{"currency", "EUR"}, {"minor_units", "1"}};
  const boost::json::object deposit = {{"destination_account_id", account_}, {"amount", amount}};
  const Sent sent;  // With one key.
  Answer read;
  Answer paid;
  for (int i = 0; i < 300 && (read.status != 200 || paid.status != 200); ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    read = user_.Get(absl::StrCat("/v1/accounts/", account_));
    paid = user_.Post("/v1/deposits", deposit, sent);
  }
  EXPECT_EQ(Outcome(read), "200") << read;
  EXPECT_EQ(Outcome(paid), "200") << paid;
}

void CheckTable(const Table& table) {
  CheckNames(table);
  CheckNoHole(table);
  CheckArrows(table);
  CheckReasons(table);
}

}  // namespace florin::e2e
