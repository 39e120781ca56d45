#include "services/payments/domain/state_machine.h"

#include <map>

#include "gmock/gmock.h"

namespace florin::payments {
namespace {

using ::testing::Eq;
using ::testing::Optional;

constexpr State kStates[] = {State::kProcessing,     State::kSucceeded, State::kFailed,
                             State::kRequiresAction, State::kCanceled,  State::kRequiresCapture,
                             State::kReturned};
constexpr Event kEvents[] = {Event::kCreate,           Event::kCreateForApproval,
                             Event::kApprovalRedeemed, Event::kApprovalRefused,
                             Event::kCancel,           Event::kLedgerCommitted,
                             Event::kLedgerRefused,    Event::kLedgerHeld,
                             Event::kCapture,          Event::kVoid,
                             Event::kExpire,           Event::kCapturedPart,
                             Event::kCapturedLast,     Event::kReleasedRest,
                             Event::kReleasedAll,      Event::kLedgerReserved,
                             Event::kCancelUnsent,     Event::kRailSettled,
                             Event::kRailRejected,     Event::kRailReturned};
constexpr Actor kActors[] = {Actor::kOwner,  Actor::kAuth,     Actor::kLedger, Actor::kPayee,
                             Actor::kWorker, Actor::kOperator, Actor::kRail};

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
    if (event == Event::kCancelUnsent) continue;  // Of payouts.
    EXPECT_THAT(NextState(State::kProcessing, event, Actor::kOwner), Eq(std::nullopt));
    EXPECT_THAT(NextState(State::kProcessing, event, Actor::kAuth), Eq(std::nullopt));
    EXPECT_THAT(NextState(State::kProcessing, event, Actor::kPayee), Eq(std::nullopt));
  }
}

// Every event and actor: what is not in this list is refused.
TEST(StateMachineTest, ARailEndsPayoutsAndMayReturnThem) {
  const std::map<std::pair<State, Event>, State> allowed = {
      {{State::kProcessing, Event::kRailSettled}, State::kSucceeded},
      {{State::kProcessing, Event::kRailRejected}, State::kFailed},
      {{State::kSucceeded, Event::kRailReturned}, State::kReturned},
  };
  for (const State state : kStates) {
    for (const Event event : kEvents) {
      const auto row = allowed.find({state, event});
      EXPECT_EQ(NextState(state, event, Actor::kRail),
                row == allowed.end() ? std::nullopt : std::optional(row->second))
          << NameOf(state) << " " << NameOf(event);
    }
  }
  EXPECT_THAT(NextState(State::kProcessing, Event::kCancelUnsent, Actor::kOwner),
              Optional(State::kCanceled));
}

// Every event and actor: what is not in this list is refused.
TEST(StateMachineTest, AnAuthorizationIsThePayeesToUseAndTheLedgersToEnd) {
  const std::map<std::pair<Event, Actor>, State> allowed = {
      {{Event::kCapture, Actor::kPayee}, State::kRequiresCapture},
      {{Event::kVoid, Actor::kPayee}, State::kRequiresCapture},
      {{Event::kExpire, Actor::kWorker}, State::kRequiresCapture},
      {{Event::kCapturedPart, Actor::kLedger}, State::kRequiresCapture},
      {{Event::kCapturedLast, Actor::kLedger}, State::kSucceeded},
      {{Event::kReleasedRest, Actor::kLedger}, State::kSucceeded},
      {{Event::kReleasedAll, Actor::kLedger}, State::kCanceled},
  };
  for (const Event event : kEvents) {
    for (const Actor actor : kActors) {
      const auto row = allowed.find({event, actor});
      EXPECT_EQ(NextState(State::kRequiresCapture, event, actor),
                row == allowed.end() ? std::nullopt : std::optional(row->second))
          << NameOf(event) << " " << NameOf(actor);
    }
  }
}

TEST(StateMachineTest, OnlyARedeemedApprovalStartsAPaymentThatRequiresAction) {
  for (const Event event : kEvents) {
    for (const Actor actor : kActors) {
      const bool redeemed = event == Event::kApprovalRedeemed && actor == Actor::kAuth;
      EXPECT_EQ(NextState(State::kRequiresAction, event, actor) == State::kProcessing, redeemed);
    }
  }
}

TEST(StateMachineTest, ItsOwnerOrARefusedApprovalGivesItUp) {
  EXPECT_THAT(NextState(State::kRequiresAction, Event::kCancel, Actor::kOwner),
              Optional(State::kCanceled));
  EXPECT_THAT(NextState(State::kRequiresAction, Event::kApprovalRefused, Actor::kAuth),
              Optional(State::kCanceled));
  EXPECT_THAT(NextState(State::kRequiresAction, Event::kApprovalRefused, Actor::kOwner),
              Eq(std::nullopt));
}

TEST(StateMachineTest, NothingLeavesATerminalState) {
  for (const State state :
       {State::kSucceeded, State::kFailed, State::kCanceled, State::kReturned}) {
    EXPECT_TRUE(IsTerminal(state));
    for (const Event event : kEvents) {
      for (const Actor actor : kActors) {
        if (event == Event::kRailReturned) continue;  // Of payouts.
        EXPECT_THAT(NextState(state, event, actor), Eq(std::nullopt));
      }
    }
  }
  EXPECT_FALSE(IsTerminal(State::kProcessing));
  EXPECT_FALSE(IsTerminal(State::kRequiresAction));
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
  for (const Kind kind : {Kind::kTransfer, Kind::kDeposit, Kind::kPayout}) {
    EXPECT_EQ(ParseKind(NameOf(kind)).value(), kind);
  }
}

}  // namespace
}  // namespace florin::payments
