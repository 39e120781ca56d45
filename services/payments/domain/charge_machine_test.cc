#include "services/payments/domain/charge_machine.h"

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <tuple>

#include "libs/status/matchers.h"

namespace florin::payments {
namespace {

using ::testing::AllOf;
using ::testing::Eq;

constexpr Actor kActors[] = {Actor::kOwner, Actor::kAuth,   Actor::kLedger,
                             Actor::kPayee, Actor::kWorker, Actor::kOperator};
constexpr DisputeState kDisputeStates[] = {DisputeState::kNeedsResponse, DisputeState::kUnderReview,
                                           DisputeState::kWon, DisputeState::kLost,
                                           DisputeState::kWithdrawn};
constexpr DisputeEvent kDisputeEvents[] = {DisputeEvent::kOpened,     DisputeEvent::kRespond,
                                           DisputeEvent::kTimeOver,   DisputeEvent::kAccept,
                                           DisputeEvent::kWithdraw,   DisputeEvent::kResolveWon,
                                           DisputeEvent::kResolveLost};

// Every state, event and actor: what is not in this list is refused.
TEST(DisputeMachineTest, AllowsThisAndNothingElse) {
  using S = DisputeState;
  using E = DisputeEvent;
  const std::map<std::tuple<S, E, Actor>, S> allowed = {
      {{S::kNeedsResponse, E::kRespond, Actor::kPayee}, S::kUnderReview},
      {{S::kUnderReview, E::kRespond, Actor::kPayee}, S::kUnderReview},
      {{S::kNeedsResponse, E::kTimeOver, Actor::kWorker}, S::kUnderReview},
      {{S::kNeedsResponse, E::kAccept, Actor::kPayee}, S::kLost},
      {{S::kUnderReview, E::kAccept, Actor::kPayee}, S::kLost},
      {{S::kNeedsResponse, E::kWithdraw, Actor::kOwner}, S::kWithdrawn},
      {{S::kUnderReview, E::kWithdraw, Actor::kOwner}, S::kWithdrawn},
      {{S::kUnderReview, E::kResolveWon, Actor::kOperator}, S::kWon},
      {{S::kUnderReview, E::kResolveLost, Actor::kOperator}, S::kLost},
  };
  for (const S state : kDisputeStates) {
    for (const E event : kDisputeEvents) {
      for (const Actor actor : kActors) {
        const auto row = allowed.find({state, event, actor});
        const std::optional<S> expected =
            row == allowed.end() ? std::nullopt : std::optional(row->second);
        EXPECT_EQ(NextState(state, event, actor), expected)
            << NameOf(state) << " " << NameOf(event) << " " << NameOf(actor);
      }
    }
  }
  for (const S state : {S::kWon, S::kLost, S::kWithdrawn}) EXPECT_TRUE(IsTerminal(state));
  EXPECT_FALSE(IsTerminal(S::kNeedsResponse));
  EXPECT_FALSE(IsTerminal(S::kUnderReview));
}

TEST(RefundMachineTest, AllowsThisAndNothingElse) {
  using S = StepState;
  using E = StepEvent;
  const std::map<std::pair<std::optional<S>, E>, S> allowed = {
      {{std::nullopt, E::kBegin}, S::kProcessing},
      {{std::nullopt, E::kRefuse}, S::kFailed},
      {{S::kProcessing, E::kLedgerCommitted}, S::kSucceeded},
      {{S::kProcessing, E::kLedgerRefused}, S::kFailed},
  };
  for (const std::optional<S> state : {std::optional<S>(), std::optional(S::kProcessing),
                                       std::optional(S::kSucceeded), std::optional(S::kFailed)}) {
    for (const E event : {E::kBegin, E::kRefuse, E::kLedgerCommitted, E::kLedgerRefused}) {
      const auto row = allowed.find({state, event});
      EXPECT_THAT(NextState(state, event),
                  Eq(row == allowed.end() ? std::nullopt : std::optional(row->second)));
    }
  }
}

TEST(DisputeMachineTest, NamesReadBack) {
  for (const DisputeState state : kDisputeStates) {
    EXPECT_EQ(ParseDisputeState(NameOf(state)).value(), state);
  }
  for (const StepState state :
       {StepState::kProcessing, StepState::kSucceeded, StepState::kFailed}) {
    EXPECT_EQ(ParseStepState(NameOf(state)).value(), state);
  }
}

TEST(StepNamesTest, ReadBack) {
  for (const StepKind kind :
       {StepKind::kCapture, StepKind::kVoid, StepKind::kExpiry, StepKind::kRefund,
        StepKind::kDispute, StepKind::kAccept, StepKind::kWithdraw, StepKind::kResolve}) {
    EXPECT_EQ(ParseStepKind(NameOf(kind)).value(), kind);
  }
}

TEST(CheckEvidenceTest, IsPlainTextOfSomeLength) {
  for (const std::string& good :
       {std::string("a"), std::string("é\r\n\tline"), std::string(kLongestEvidence, 'x')}) {
    EXPECT_THAT(CheckEvidence(good), IsOk());
  }
  for (const std::string& bad : {std::string(), std::string("a\0b", 3), std::string("\x1b[2J"),
                                 std::string("\xff"), std::string(kLongestEvidence + 1, 'x')}) {
    EXPECT_THAT(CheckEvidence(bad),
                AllOf(StatusHasReason(Reason::kInvalidEvidence), StatusHasParam("texts")));
  }
}

TEST(CheckReasonCodeTest, IsOneOfTheList) {
  for (const std::string_view code : kDisputeReasons) EXPECT_THAT(CheckReasonCode(code), IsOk());
  for (const char* code : {"", "Fraudulent", "because"}) {
    EXPECT_THAT(CheckReasonCode(code),
                AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("reason_code")));
  }
}

TEST(ShortfallPolicyTest, IsOneOfTwo) {
  EXPECT_EQ(ParseShortfallPolicy("refuse").value(), false);
  EXPECT_EQ(ParseShortfallPolicy("receivable").value(), true);
  EXPECT_THAT(ParseShortfallPolicy(""), StatusHasReason(Reason::kInvalidField));
}

// What is asked for tells a retry from another request, and each part of it does.
TEST(CanonicalStepTest, EveryPartTells) {
  const Step step{.kind = StepKind::kRefund, .amount_minor = 1, .note = "a"};
  std::vector<Step> others(6, step);
  others[0].kind = StepKind::kCapture;
  others[1].amount_minor = 2;
  others[2].note = "b";
  others[3].final = true;
  others[4].payment_id = DeriveId("other", "payment");
  others[5].dispute_id = DeriveId("other", "dispute");
  for (const Step& other : others) EXPECT_NE(CanonicalStep(other), CanonicalStep(step));
  // Not what only this attempt is.
  Step again = step;
  again.step_id = DeriveId("another", "attempt");
  again.create_time = absl::FromUnixSeconds(5);
  EXPECT_EQ(CanonicalStep(again), CanonicalStep(step));
}

// The page draws what the program does: FLORIN_UPDATE=1 draws it anew.
TEST(StateMachinesTest, AreDrawnInTheDocs) {
  const std::string path = std::string(std::getenv("FLORIN_SOURCE_DIR")) + "/docs/payments.md";
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  std::string page = text.str();
  const std::string begin = "<!-- drawn by payments_domain_test -->\n";
  const std::string end = "<!-- end of the drawing -->";
  const std::size_t from = page.find(begin);
  const std::size_t to = page.find(end);
  ASSERT_NE(from, std::string::npos);
  ASSERT_NE(to, std::string::npos);
  const std::size_t start = from + begin.size();
  if (std::getenv("FLORIN_UPDATE") != nullptr) {
    page.replace(start, to - start, "\n" + DrawStateMachines());
    std::ofstream(path) << page;
    return;
  }
  EXPECT_EQ(page.substr(start, to - start), "\n" + DrawStateMachines());
}

}  // namespace
}  // namespace florin::payments
