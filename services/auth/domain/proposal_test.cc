#include "services/auth/domain/proposal.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::auth {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
const absl::Time kOver = kNow + kProposalLifetime;
constexpr char kDigest[] = "d1";

Proposal Fresh(int people_needed = 2) {
  return {.kind = "payments.adjustment",
          .payload = "{}",
          .payload_digest = kDigest,
          .maker = "usr_maker",
          .people_needed = people_needed,
          .create_time = kNow,
          .expire_time = kOver};
}
Proposal Approved() { return *Approve(Fresh(), "usr_checker", kDigest, kNow); }
Execution Of(const std::string& execution_id = "pay_1") {
  return {.executor = "payments",
          .kind = "payments.adjustment",
          .payload_digest = kDigest,
          .execution_id = execution_id};
}

TEST(Proposal, GoesFromMakerToCheckerToExecutor) {
  const auto approved = Approve(Fresh(), "usr_checker", kDigest, kNow);
  ASSERT_THAT(approved, IsOk());
  EXPECT_EQ(approved->state, ProposalState::kApproved);
  const auto executed = Execute(*approved, Of(), kNow);
  ASSERT_THAT(executed, IsOk());
  EXPECT_EQ(executed->state, ProposalState::kExecuted);
  EXPECT_EQ(executed->execution_id, "pay_1");
  ASSERT_EQ(executed->decisions.size(), 2u);
  EXPECT_EQ(executed->decisions[0].actor, "usr_checker");
  EXPECT_EQ(executed->decisions[1].actor, "payments");
}

TEST(Proposal, TheMakerNeverDecides) {
  for (const Proposal& proposal : {Fresh(), Approved()}) {
    EXPECT_THAT(Approve(proposal, "usr_maker", kDigest, kNow),
                StatusHasReason(Reason::kSelfApproval));
    EXPECT_THAT(Approve(proposal, "usr_maker", "other", kOver),
                StatusHasReason(Reason::kSelfApproval));
    EXPECT_THAT(Reject(proposal, "usr_maker", kNow), StatusHasReason(Reason::kSelfApproval));
  }
}

TEST(Proposal, ItTakesAsManyPeopleAsItSays) {
  Proposal proposal = Fresh(4);
  for (const char* checker : {"usr_a", "usr_b"}) {
    // Twice by one is one.
    for (int i = 0; i < 2; ++i) {
      proposal = *Approve(proposal, checker, kDigest, kNow);
      EXPECT_EQ(proposal.state, ProposalState::kProposed) << checker;
      EXPECT_THAT(Execute(proposal, Of(), kNow), StatusHasReason(Reason::kProposalNotApproved));
    }
  }
  proposal = *Approve(proposal, "usr_c", kDigest, kNow);
  EXPECT_EQ(proposal.state, ProposalState::kApproved);
  EXPECT_EQ(proposal.decisions.size(), 3u);
}

TEST(Proposal, OnlyTheDigestThatWasProposedIsApproved) {
  for (const char* digest : {"", "d2", "D1", "d1 "}) {
    EXPECT_THAT(Approve(Fresh(), "usr_checker", digest, kNow),
                StatusHasReason(Reason::kProposalAltered));
  }
}

TEST(Proposal, WhatDiffersFromWhatWasApprovedIsNotExecuted) {
  Execution other_payload = Of();
  other_payload.payload_digest = "d2";
  Execution other_kind = Of();
  other_kind.kind = "accounts.limits";
  for (const Proposal& proposal : {Fresh(), Approved(), *Execute(Approved(), Of(), kNow)}) {
    EXPECT_THAT(Execute(proposal, other_payload, kNow), StatusHasReason(Reason::kProposalAltered));
    EXPECT_THAT(Execute(proposal, other_kind, kNow), StatusHasReason(Reason::kProposalAltered));
  }
}

TEST(Proposal, IsExecutedByItsExecutorOnly) {
  Execution execution = Of();
  for (const char* service : {"accounts", "auth", "ledger", ""}) {
    execution.executor = service;
    EXPECT_THAT(Execute(Approved(), execution, kNow), StatusHasReason(Reason::kCallerNotAllowed));
  }
}

TEST(Proposal, IsExecutedOnce) {
  const Proposal executed = *Execute(Approved(), Of("pay_1"), kNow);
  // The same execution may ask again, also when the time is over.
  for (const absl::Time time : {kNow, kOver}) {
    const auto again = Execute(executed, Of("pay_1"), time);
    ASSERT_THAT(again, IsOk());
    EXPECT_EQ(*again, executed);
    EXPECT_THAT(Execute(executed, Of("pay_2"), time), StatusHasReason(Reason::kProposalExecuted));
  }
}

TEST(Proposal, ExpiresAfterADay) {
  const absl::Time last = kOver - absl::Microseconds(1);
  EXPECT_EQ(StateAt(Fresh(), last), ProposalState::kProposed);
  EXPECT_EQ(StateAt(Fresh(), kOver), ProposalState::kExpired);
  EXPECT_EQ(StateAt(Approved(), kOver), ProposalState::kExpired);
  EXPECT_EQ(StateAt(*Execute(Approved(), Of(), kNow), kOver), ProposalState::kExecuted);
  EXPECT_THAT(Approve(Fresh(), "usr_checker", kDigest, last), IsOk());
  EXPECT_THAT(Execute(Approved(), Of(), last), IsOk());
  EXPECT_THAT(Approve(Fresh(), "usr_checker", kDigest, kOver),
              StatusHasReason(Reason::kProposalExpired));
  EXPECT_THAT(Execute(Approved(), Of(), kOver), StatusHasReason(Reason::kProposalExpired));
  EXPECT_THAT(Reject(Fresh(), "usr_checker", kOver), StatusHasReason(Reason::kProposalExpired));
  EXPECT_THAT(Withdraw(Fresh(), "usr_maker", kOver), StatusHasReason(Reason::kProposalExpired));
}

TEST(Proposal, EndsByItsMakerOrAChecker) {
  for (const Proposal& open : {Fresh(), Approved()}) {
    const auto rejected = Reject(open, "usr_other", kNow);
    ASSERT_THAT(rejected, IsOk());
    EXPECT_EQ(rejected->state, ProposalState::kRejected);
    const auto withdrawn = Withdraw(open, "usr_maker", kNow);
    ASSERT_THAT(withdrawn, IsOk());
    EXPECT_EQ(withdrawn->state, ProposalState::kWithdrawn);
    for (const Proposal& ended : {*rejected, *withdrawn, *Execute(Approved(), Of(), kNow)}) {
      EXPECT_THAT(Approve(ended, "usr_late", kDigest, kNow),
                  StatusHasReason(Reason::kProposalClosed));
      EXPECT_THAT(Reject(ended, "usr_late", kNow), StatusHasReason(Reason::kProposalClosed));
    }
    EXPECT_THAT(Execute(*rejected, Of(), kNow), StatusHasReason(Reason::kProposalClosed));
    EXPECT_THAT(Execute(*withdrawn, Of(), kNow), StatusHasReason(Reason::kProposalClosed));
    EXPECT_EQ(*Reject(*rejected, "usr_other", kNow), *rejected);
    EXPECT_EQ(*Withdraw(*withdrawn, "usr_maker", kNow), *withdrawn);
  }
  EXPECT_THAT(Withdraw(Fresh(), "usr_other", kNow), StatusHasReason(Reason::kNotTheMaker));
}

TEST(Proposal, ASecondCheckerComesTooLate) {
  EXPECT_THAT(Approve(Approved(), "usr_other", kDigest, kNow),
              StatusHasReason(Reason::kProposalClosed));
  EXPECT_EQ(*Approve(Approved(), "usr_checker", kDigest, kNow), Approved());
}

TEST(ProposalKind, SaysWhoDecidesAndWhoExecutes) {
  EXPECT_EQ(FindProposalKind("roles.assign")->checker_scope, "roles:approve");
  EXPECT_EQ(FindProposalKind("roles.remove")->executor, "auth");
  EXPECT_EQ(FindProposalKind("payments.adjustment")->people_needed, 2);
  EXPECT_THAT(FindProposalKind("payments.refund"), StatusHasReason(Reason::kInvalidProposalKind));
  EXPECT_THAT(FindProposalKind(""), StatusHasParam("kind"));
}

TEST(ProposalState, HasANameEach) {
  for (const ProposalState state :
       {ProposalState::kProposed, ProposalState::kApproved, ProposalState::kExecuted,
        ProposalState::kRejected, ProposalState::kWithdrawn, ProposalState::kExpired}) {
    EXPECT_EQ(ProposalStateFromName(NameOf(state)), state);
  }
  EXPECT_EQ(ProposalStateFromName("PROPOSED"), std::nullopt);
}

}  // namespace
}  // namespace florin::auth
