#include "services/payments/domain/state_machine.h"

#include "gmock/gmock.h"

namespace florin::payments {
namespace {

using ::testing::Eq;
using ::testing::Optional;

constexpr State kStates[] = {State::kProcessing, State::kSucceeded, State::kFailed};
constexpr Event kEvents[] = {Event::kCreate, Event::kLedgerCommitted, Event::kLedgerRefused};
constexpr Actor kActors[] = {Actor::kOwner, Actor::kLedger};

TEST(StateMachineTest, APaymentBeginsInProcessing) {
  EXPECT_THAT(NextState(std::nullopt, Event::kCreate, Actor::kOwner), Optional(State::kProcessing));
}

TEST(StateMachineTest, TheLedgersAnswerEndsIt) {
  EXPECT_THAT(NextState(State::kProcessing, Event::kLedgerCommitted, Actor::kLedger),
              Optional(State::kSucceeded));
  EXPECT_THAT(NextState(State::kProcessing, Event::kLedgerRefused, Actor::kLedger),
              Optional(State::kFailed));
}

TEST(StateMachineTest, NobodyButTheLedgerEndsIt) {
  for (const Event event : kEvents) {
    EXPECT_THAT(NextState(State::kProcessing, event, Actor::kOwner), Eq(std::nullopt));
  }
}

TEST(StateMachineTest, NothingLeavesATerminalState) {
  for (const State state : {State::kSucceeded, State::kFailed}) {
    EXPECT_TRUE(IsTerminal(state));
    for (const Event event : kEvents) {
      for (const Actor actor : kActors) {
        EXPECT_THAT(NextState(state, event, actor), Eq(std::nullopt));
      }
    }
  }
  EXPECT_FALSE(IsTerminal(State::kProcessing));
}

TEST(StateMachineTest, EveryStateIsReachable) {
  for (const State state : kStates) {
    bool reachable = false;
    for (const Transition& transition : Transitions()) reachable |= transition.to == state;
    EXPECT_TRUE(reachable) << NameOf(state);
  }
}

TEST(StateMachineTest, NamesOfStatesAndKindsReadBack) {
  for (const State state : kStates) EXPECT_EQ(ParseState(NameOf(state)).value(), state);
  for (const Kind kind : {Kind::kTransfer, Kind::kDeposit}) {
    EXPECT_EQ(ParseKind(NameOf(kind)).value(), kind);
  }
}

}  // namespace
}  // namespace florin::payments
