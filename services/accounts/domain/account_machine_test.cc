// The life of an account, state by state and event by event; and the page that shows it, which
// FLORIN_UPDATE=1 writes.
#include "services/accounts/domain/account_machine.h"

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "libs/status/matchers.h"

namespace florin::accounts {
namespace {

using L = AccountLife;
using E = AccountEvent;
using ::testing::AllOf;

constexpr L kLives[] = {L::kOpen, L::kDormant, L::kClosing, L::kClosed};
constexpr E kEvents[] = {E::kFreeze, E::kUnfreeze, E::kFallAsleep, E::kWake,
                         E::kClose,  E::kFinish,   E::kStay};

Cause CauseOf(E event) {
  if (event == E::kFreeze || event == E::kUnfreeze) return Cause::kOperator;
  return event == E::kWake || event == E::kClose ? Cause::kOwner : Cause::kService;
}

// "open", or the reason of the refusal.
std::string Outcome(L life, E event, const AccountCircumstances& now = {}) {
  const auto next = NextLife(life, event, CauseOf(event), now);
  if (next.ok()) return std::string(NameOf(*next));
  return std::string(InfoOf(ReasonOf(next.status()).value()).name);
}

// Written out, not computed from the table that it tests.
TEST(AccountMachine, EveryStateWithEveryEvent) {
  const std::string closed = "account_closed";
  const std::string dormant = "account_dormant";
  const std::map<L, std::vector<std::string>> expected = {
      {L::kOpen, {"open", "open", "dormant", "open", "closing", "internal", "internal"}},
      {L::kDormant, {"dormant", "dormant", "dormant", "open", dormant, dormant, dormant}},
      {L::kClosing, {"closing", "closing", closed, closed, "closing", "closed", "open"}},
      {L::kClosed, {closed, closed, closed, closed, "closed", closed, closed}},
  };
  for (const L life : kLives) {
    for (std::size_t i = 0; i < std::size(kEvents); ++i) {
      EXPECT_EQ(Outcome(life, kEvents[i]), expected.at(life)[i])
          << NameOf(life) << " " << NameOf(kEvents[i]);
    }
    EXPECT_EQ(ParseAccountLife(NameOf(life)).value(), life);
  }
  EXPECT_THAT(ParseAccountLife("asleep"), StatusHasReason(Reason::kInternal));
}

TEST(AccountMachine, NobodyCausesWhatIsNotTheirs) {
  for (const E event : kEvents) {
    for (const Cause cause : {Cause::kOwner, Cause::kOperator, Cause::kService}) {
      if (cause == CauseOf(event)) continue;
      EXPECT_FALSE(NextLife(L::kClosing, event, cause).ok()) << NameOf(event);
      EXPECT_FALSE(NextLife(L::kOpen, event, cause).ok()) << NameOf(event);
    }
  }
}

TEST(AccountMachine, WhatIsInTheWay) {
  EXPECT_EQ(Outcome(L::kOpen, E::kClose, {.customer_active = false}), "customer_not_active");
  EXPECT_EQ(Outcome(L::kOpen, E::kClose, {.debits_frozen = true}), "account_frozen");
  EXPECT_EQ(Outcome(L::kOpen, E::kClose, {.held = true}), "account_not_empty");
  EXPECT_EQ(Outcome(L::kOpen, E::kClose, {.empty_or_swept = false}), "account_not_empty");
  EXPECT_EQ(Outcome(L::kOpen, E::kFallAsleep, {.customer_active = false}), "customer_not_active");
  EXPECT_EQ(Outcome(L::kDormant, E::kWake, {.customer_active = false}), "customer_not_active");
  EXPECT_EQ(Outcome(L::kDormant, E::kFreeze, {.customer_active = false}), "dormant");
  EXPECT_EQ(Outcome(L::kClosing, E::kFinish, {.customer_active = false, .held = true}), "closed");
  EXPECT_THAT(
      NextLife(L::kOpen, E::kClose, Cause::kOwner, {.empty_or_swept = false}).status(),
      AllOf(StatusHasReason(Reason::kAccountNotEmpty), StatusHasParam("sweep_to_account_id")));
}

TEST(AccountMachine, EachCauseFreezesItsSides) {
  const Sides none;
  const Sides debits{.debits = true};
  const Sides credits{.credits = true};
  EXPECT_EQ(FrozenSides({}), none);
  EXPECT_EQ(FrozenSides({.suspended = true}), debits);
  EXPECT_EQ(FrozenSides({.life = L::kDormant}), debits);
  EXPECT_EQ(FrozenSides({.life = L::kClosing}), none);
  EXPECT_EQ(FrozenSides({.frozen_by_operator = credits}), credits);
  EXPECT_EQ(FrozenSides({.frozen_by_operator = credits, .suspended = true}),
            (Sides{.debits = true, .credits = true}));
}

TEST(AccountMachine, SleepsAfterTheLastOfWhatHappened) {
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  const absl::Duration after = absl::Hours(10);
  const absl::Time old = now - absl::Hours(10);
  const absl::Time recent = old + absl::Microseconds(1);
  const absl::Time never = absl::InfinitePast();
  EXPECT_TRUE(IsAsleep(old, never, never, after, now));
  EXPECT_TRUE(IsAsleep(old, old, old, after, now));
  EXPECT_FALSE(IsAsleep(recent, old, never, after, now));
  EXPECT_FALSE(IsAsleep(old, recent, never, after, now));
  EXPECT_FALSE(IsAsleep(old, old, recent, after, now));
}

TEST(AccountMachine, ReasonsAreCodes) {
  EXPECT_TRUE(IsFreezeReason("court_order"));
  EXPECT_TRUE(IsFreezeReason(std::string(40, 'a')));
  for (const std::string& bad : {std::string(), std::string(41, 'a'), std::string("Anna owes 5"),
                                 std::string("a1"), std::string("a\n")}) {
    EXPECT_FALSE(IsFreezeReason(bad)) << bad;
  }
}

std::string Drawing() {
  std::stringstream out;
  out << "| from | event | to | who | if |\n|---|---|---|---|---|\n";
  for (const AccountTransition& row : AccountTransitions()) {
    std::string guards;
    for (const AccountGuard guard : row.guards) {
      guards += (guards.empty() ? "" : ", ") + std::string(NameOf(guard));
    }
    out << "| " << NameOf(row.from) << " | " << NameOf(row.event) << " | " << NameOf(row.to)
        << " | " << NameOf(row.cause) << " | " << guards << " |\n";
  }
  out << "\n```mermaid\nstateDiagram-v2\n  [*] --> open\n";
  for (const AccountTransition& row : AccountTransitions()) {
    if (row.from == row.to) continue;
    out << "  " << NameOf(row.from) << " --> " << NameOf(row.to) << " : " << NameOf(row.event)
        << "\n";
  }
  out << "  closed --> [*]\n```\n";
  return out.str();
}

TEST(AccountMachine, ThePageShowsTheTable) {
  const char* root = std::getenv("FLORIN_SOURCE_DIR");
  const std::string path = std::string(root == nullptr ? "." : root) + "/docs/accounts.md";
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  const std::string page = text.str();
  const std::string begin = "<!-- tables: FLORIN_UPDATE=1 accounts_domain_test -->\n";
  const std::size_t from = page.find(begin);
  const std::size_t to = page.find("<!-- end of tables -->\n");
  ASSERT_NE(from, std::string::npos) << path;
  ASSERT_NE(to, std::string::npos) << path;
  const std::size_t start = from + begin.size();
  if (std::getenv("FLORIN_UPDATE") != nullptr) {
    std::ofstream(path) << page.substr(0, start) << Drawing() << page.substr(to);
    return;
  }
  EXPECT_EQ(page.substr(start, to - start), Drawing()) << "run this test with FLORIN_UPDATE=1";
}

}  // namespace
}  // namespace florin::accounts
