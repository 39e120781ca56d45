// Maker, checker, executor, and the roles that they give, over real gRPC and mutual TLS.
#include "services/auth/rpc/proposals_rpc.h"

#include <boost/asio/use_future.hpp>
#include <future>

#include "gmock/gmock.h"
#include "services/auth/flow/proposal_payload.h"
#include "services/auth/rpc/machine_access_fixture.h"

namespace florin::auth {
namespace {

using ::testing::ElementsAre;

constexpr char kAll[] = "proposals:read proposals:write proposals:approve roles:approve";
constexpr char kAdjustment[] = R"({"amount":"1250","to":"acc_1"})";

class ProposalsRpcTest : public MachineAccessTest {
 protected:
  ProposalsRpcTest() {
    for (const Uuid& user : {ann_, bob_}) role_store_.Give(user, Role::kAdmin);
  }

  v1::ProposalsClient Gateway() { return v1::ProposalsClient(Channel("gateway")); }
  v1::RolesClient Operator() { return v1::RolesClient(Channel("operator")); }

  absl::StatusOr<v1::Proposal> Propose(const Uuid& maker, const std::string& kind,
                                       const std::string& payload, const std::string& key = "key") {
    v1::CreateProposalRequest request;
    request.set_kind(kind);
    request.set_payload(payload);
    return runtime_.Run(Gateway().CreateProposal(As(maker, kAll, key), request));
  }
  Task<absl::StatusOr<v1::Proposal>> Approving(Uuid checker, v1::Proposal proposal,
                                               std::string scopes = kAll) {
    v1::ApproveProposalRequest request;
    request.set_proposal_id(proposal.proposal_id());
    request.set_payload_digest(proposal.payload_digest());
    co_return co_await Gateway().ApproveProposal(As(checker, scopes), request);
  }
  absl::StatusOr<v1::Proposal> Approve(const Uuid& checker, const v1::Proposal& proposal,
                                       const std::string& scopes = kAll) {
    return runtime_.Run(Approving(checker, proposal, scopes));
  }
  v1::Proposal Approved(const std::string& kind = "payments.adjustment",
                        const std::string& payload = kAdjustment) {
    const auto proposal = Propose(ann_, kind, payload);
    EXPECT_THAT(proposal, IsOk());
    EXPECT_THAT(Approve(bob_, *proposal), IsOk());
    return *proposal;
  }
  static v1::ConsumeProposalRequest Execution(const v1::Proposal& proposal,
                                              const std::string& execution_id = "pay_1") {
    v1::ConsumeProposalRequest request;
    request.set_proposal_id(proposal.proposal_id());
    request.set_kind(proposal.kind());
    request.set_payload_digest(proposal.payload_digest());
    request.set_execution_id(execution_id);
    return request;
  }
  absl::StatusOr<v1::Proposal> Consume(const v1::ConsumeProposalRequest& request,
                                       const std::string& caller = "payments") {
    return runtime_.Run(v1::ProposalsClient(Channel(caller)).ConsumeProposal({}, request));
  }
  v1::Proposal Get(const v1::Proposal& proposal) {
    v1::GetProposalRequest request;
    request.set_proposal_id(proposal.proposal_id());
    return runtime_.Run(Gateway().GetProposal(As(ann_, kAll), request)).value();
  }

  static v1::ChangeRoleRequest RoleWish(const Uuid& user, const std::string& role,
                                        const std::string& proposal_id = "") {
    v1::ChangeRoleRequest request;
    request.set_user_id(Name(user));
    request.set_role(role);
    request.set_proposal_id(proposal_id);
    return request;
  }
  absl::StatusOr<v1::UserRoles> Assign(const v1::ChangeRoleRequest& request,
                                       const std::string& key = "assign") {
    return runtime_.Run(Operator().AssignRole(WithKey(key), request));
  }
  absl::StatusOr<v1::UserRoles> Remove(const v1::ChangeRoleRequest& request,
                                       const std::string& key = "remove") {
    return runtime_.Run(Operator().RemoveRole(WithKey(key), request));
  }
};

TEST_F(ProposalsRpcTest, GoFromMakerToCheckerToExecutor) {
  const auto proposed = Propose(ann_, "payments.adjustment", kAdjustment);
  ASSERT_THAT(proposed, IsOk());
  EXPECT_EQ(proposed->state(), v1::Proposal::PROPOSED);
  EXPECT_EQ(proposed->maker(), Name(ann_));
  EXPECT_EQ(proposed->people_needed(), 2);
  EXPECT_EQ(proposed->payload_digest(), PayloadDigest(kAdjustment));
  EXPECT_THAT(Consume(Execution(*proposed)), StatusHasReason(Reason::kProposalNotApproved));
  EXPECT_EQ(Approve(bob_, *proposed)->state(), v1::Proposal::APPROVED);
  EXPECT_EQ(Consume(Execution(*proposed))->state(), v1::Proposal::EXECUTED);
  EXPECT_EQ(Consume(Execution(*proposed))->state(), v1::Proposal::EXECUTED);
  EXPECT_THAT(Consume(Execution(*proposed, "pay_2")), StatusHasReason(Reason::kProposalExecuted));
  const v1::Proposal read = Get(*proposed);
  ASSERT_EQ(read.decisions_size(), 2);
  EXPECT_EQ(read.decisions(0).actor(), Name(bob_));
  EXPECT_EQ(read.decisions(1).actor(), "payments");
}

TEST_F(ProposalsRpcTest, TheMakerIsNeverTheChecker) {
  const auto proposal = Propose(ann_, "payments.adjustment", kAdjustment);
  const auto self = Approve(ann_, *proposal);
  EXPECT_THAT(self, StatusHasReason(Reason::kSelfApproval));
  EXPECT_EQ(InfoOf(*ReasonOf(self.status())).http_status, 403);
  EXPECT_EQ(Get(*proposal).state(), v1::Proposal::PROPOSED);
  ASSERT_THAT(Refusals(), ElementsAre("auth.proposal.approve self_approval"));
  EXPECT_EQ(recorder_.events()[0].actor, Name(ann_));
  EXPECT_EQ(recorder_.events()[0].subject, proposal->proposal_id());
  EXPECT_EQ(recorder_.events()[0].origin.caller, "gateway");
}

TEST_F(ProposalsRpcTest, ARefusalThatCannotBeRecordedIsNotTold) {
  const auto proposal = Propose(ann_, "payments.adjustment", kAdjustment);
  recorder_.SetAnswer(Error(Reason::kUnavailable, "no trail"));
  EXPECT_THAT(Approve(ann_, *proposal), StatusHasReason(Reason::kUnavailable));
}

TEST_F(ProposalsRpcTest, OnlyWhoHasTheRightNowApproves) {
  const auto proposal = Propose(ann_, "roles.assign", RolePayload(eve_, Role::kOperator));
  ASSERT_THAT(proposal, IsOk());
  // A token without the kind's scope; a token from before the role was taken away.
  EXPECT_THAT(Approve(bob_, *proposal, "proposals:approve"),
              StatusHasReason(Reason::kScopeMissing));
  role_store_.Take(bob_, Role::kAdmin);
  EXPECT_THAT(Approve(bob_, *proposal), StatusHasReason(Reason::kScopeMissing));
  role_store_.Give(bob_, Role::kOperator);
  EXPECT_THAT(Approve(bob_, *proposal), StatusHasReason(Reason::kScopeMissing));
  EXPECT_THAT(Propose(eve_, "payments.adjustment", kAdjustment),
              StatusHasReason(Reason::kScopeMissing));
  role_store_.Give(bob_, Role::kAdmin);
  EXPECT_THAT(Approve(bob_, *proposal), IsOk());
  EXPECT_THAT(
      Refusals(),
      ElementsAre("auth.proposal.approve scope_missing", "auth.proposal.approve scope_missing",
                  "auth.proposal.approve scope_missing", "auth.proposal.create scope_missing"));
}

TEST_F(ProposalsRpcTest, WhatIsAlteredAfterTheApprovalIsRefused) {
  const v1::Proposal proposal = Approved();
  v1::ConsumeProposalRequest request = Execution(proposal);
  request.set_payload_digest(PayloadDigest(R"({"amount":"1251","to":"acc_1"})"));
  EXPECT_THAT(Consume(request), StatusHasReason(Reason::kProposalAltered));
  request = Execution(proposal);
  request.set_kind("accounts.limits");
  EXPECT_THAT(Consume(request), StatusHasReason(Reason::kProposalAltered));
  ASSERT_EQ(recorder_.events().size(), 2u);
  EXPECT_EQ(recorder_.events()[0].action, "auth.proposal.execute");
  EXPECT_EQ(recorder_.events()[0].actor, "payments");
  // Nor does a checker approve what they have not read.
  auto other = *Propose(ann_, "payments.adjustment", R"({"amount":"1","to":"acc_1"})", "key2");
  other.set_payload_digest(proposal.payload_digest());
  EXPECT_THAT(Approve(bob_, other), StatusHasReason(Reason::kProposalAltered));
  EXPECT_EQ(Get(proposal).state(), v1::Proposal::APPROVED);
}

TEST_F(ProposalsRpcTest, OfFiftyAtOnceOneConsumes) {
  const v1::Proposal proposal = Approved();
  const v1::ProposalsClient payments(Channel("payments"));
  std::vector<v1::ConsumeProposalRequest> requests;
  for (int i = 0; i < 50; ++i) requests.push_back(Execution(proposal, "pay_" + std::to_string(i)));
  std::vector<std::future<absl::StatusOr<v1::Proposal>>> answers;
  for (const v1::ConsumeProposalRequest& request : requests) {
    answers.push_back(asio::co_spawn(runtime_.context(), payments.ConsumeProposal({}, request),
                                     asio::use_future));
  }
  int consumed = 0;
  for (auto& answer : answers) {
    const auto result = answer.get();
    consumed += result.ok();
    if (result.ok()) continue;
    EXPECT_THAT(result, StatusHasReason(Reason::kProposalExecuted));
  }
  EXPECT_EQ(consumed, 1);
}

TEST_F(ProposalsRpcTest, TwoCheckersAtOnceMakeOneExecution) {
  role_store_.Give(eve_, Role::kAdmin);
  const Uuid zoe = SystemIds().NewId();
  role_store_.AddUser(zoe);
  const auto proposal = Propose(ann_, "roles.assign", RolePayload(zoe, Role::kOperator));
  std::vector<std::future<absl::StatusOr<v1::Proposal>>> answers;
  for (const Uuid& checker : {bob_, eve_}) {
    answers.push_back(
        asio::co_spawn(runtime_.context(), Approving(checker, *proposal), asio::use_future));
  }
  int approved = 0;
  for (auto& answer : answers) approved += answer.get().ok();
  EXPECT_EQ(approved, 1);
  const v1::ChangeRoleRequest wish = RoleWish(zoe, "operator", proposal->proposal_id());
  for (const char* key : {"a", "b"}) EXPECT_THAT(Assign(wish, key), IsOk());
  EXPECT_EQ(Get(*proposal).decisions_size(), 2);
}

TEST_F(ProposalsRpcTest, EndByExpiryRejectionAndWithdrawal) {
  const v1::Proposal expired = Approved();
  clock_.Advance(absl::Hours(24));
  EXPECT_EQ(Get(expired).state(), v1::Proposal::EXPIRED);
  EXPECT_THAT(Consume(Execution(expired)), StatusHasReason(Reason::kProposalExpired));

  auto proposal = Propose(ann_, "accounts.limits", "{}", "key2");
  v1::RejectProposalRequest reject;
  reject.set_proposal_id(proposal->proposal_id());
  EXPECT_THAT(runtime_.Run(Gateway().RejectProposal(As(ann_, kAll), reject)),
              StatusHasReason(Reason::kSelfApproval));
  EXPECT_EQ(runtime_.Run(Gateway().RejectProposal(As(bob_, kAll), reject))->state(),
            v1::Proposal::REJECTED);
  EXPECT_THAT(Approve(bob_, *proposal), StatusHasReason(Reason::kProposalClosed));

  proposal = Propose(ann_, "accounts.limits", "{}", "key3");
  v1::WithdrawProposalRequest withdraw;
  withdraw.set_proposal_id(proposal->proposal_id());
  EXPECT_THAT(runtime_.Run(Gateway().WithdrawProposal(As(bob_, kAll), withdraw)),
              StatusHasReason(Reason::kNotTheMaker));
  EXPECT_EQ(runtime_.Run(Gateway().WithdrawProposal(As(ann_, kAll), withdraw))->state(),
            v1::Proposal::WITHDRAWN);
  EXPECT_THAT(Consume(Execution(*proposal), "accounts"), StatusHasReason(Reason::kProposalClosed));
}

TEST_F(ProposalsRpcTest, RequestsAreChecked) {
  EXPECT_THAT(Propose(ann_, "payments.refund", "{}"),
              StatusHasReason(Reason::kInvalidProposalKind));
  EXPECT_THAT(Propose(ann_, "payments.adjustment", "{ }"),
              StatusHasReason(Reason::kInvalidProposalPayload));
  const v1::Proposal proposal = Approved();
  EXPECT_EQ(Propose(ann_, "payments.adjustment", kAdjustment)->proposal_id(),
            proposal.proposal_id());
  EXPECT_THAT(Propose(ann_, "payments.adjustment", "{}"),
              StatusHasReason(Reason::kIdempotencyKeyReused));
  EXPECT_THAT(Consume(Execution(proposal), "accounts"), StatusHasReason(Reason::kCallerNotAllowed));
  EXPECT_THAT(Consume(Execution(proposal), "gateway"), StatusHasReason(Reason::kCallerNotAllowed));
  for (const std::string& id : {std::string(), std::string(65, 'x'), std::string("a b")}) {
    EXPECT_THAT(Consume(Execution(proposal, id)), StatusHasParam("execution_id"));
  }
  const v1::ListProposalsRequest list;
  EXPECT_EQ(runtime_.Run(Gateway().ListProposals(As(bob_, kAll), list))->proposals_size(), 1);
}

TEST_F(ProposalsRpcTest, AnOperatorIsMadeByTwoPeople) {
  const v1::ChangeRoleRequest alone = RoleWish(eve_, "operator");
  EXPECT_THAT(Assign(alone), StatusHasReason(Reason::kProposalNeeded));
  EXPECT_THAT(Remove(RoleWish(bob_, "admin")), StatusHasReason(Reason::kProposalNeeded));
  const v1::Proposal proposal = Approved("roles.assign", RolePayload(eve_, Role::kOperator));
  // Another person, another role, the other direction than what was approved.
  EXPECT_THAT(Assign(RoleWish(bob_, "operator", proposal.proposal_id())),
              StatusHasReason(Reason::kProposalAltered));
  EXPECT_THAT(Assign(RoleWish(eve_, "admin", proposal.proposal_id())),
              StatusHasReason(Reason::kProposalAltered));
  EXPECT_THAT(Remove(RoleWish(eve_, "operator", proposal.proposal_id())),
              StatusHasReason(Reason::kProposalAltered));
  const auto roles = Assign(RoleWish(eve_, "operator", proposal.proposal_id()));
  ASSERT_THAT(roles, IsOk());
  EXPECT_THAT(roles->roles(), ElementsAre("customer", "operator"));
  EXPECT_EQ(Get(proposal).state(), v1::Proposal::EXECUTED);
}

TEST_F(ProposalsRpcTest, AProposalGivesARoleOnce) {
  const v1::Proposal grant = Approved("roles.assign", RolePayload(eve_, Role::kOperator));
  ASSERT_THAT(Assign(RoleWish(eve_, "operator", grant.proposal_id())), IsOk());
  const auto removal = Propose(bob_, "roles.remove", RolePayload(eve_, Role::kOperator));
  ASSERT_THAT(Approve(ann_, *removal), IsOk());
  EXPECT_THAT(Remove(RoleWish(eve_, "operator", removal->proposal_id()))->roles(),
              ElementsAre("customer"));
  // The old approval is used up.
  EXPECT_THAT(Assign(RoleWish(eve_, "operator", grant.proposal_id()), "again")->roles(),
              ElementsAre("customer"));
}

TEST_F(ProposalsRpcTest, MerchantsAreMadeByTheCertificateAlone) {
  EXPECT_THAT(Assign(RoleWish(eve_, "merchant"))->roles(), ElementsAre("customer", "merchant"));
  EXPECT_THAT(Assign(RoleWish(bob_, "merchant")), StatusHasReason(Reason::kIdempotencyKeyReused));
  EXPECT_THAT(Remove(RoleWish(eve_, "merchant"))->roles(), ElementsAre("customer"));
  EXPECT_THAT(Assign(RoleWish(eve_, "merchant"))->roles(), ElementsAre("customer"));
  EXPECT_THAT(Assign(RoleWish(eve_, "customer"), "k"), StatusHasReason(Reason::kInvalidRole));
  EXPECT_THAT(Assign(RoleWish(SystemIds().NewId(), "merchant"), "k"),
              StatusHasReason(Reason::kUserNotFound));
  const v1::ChangeRoleRequest wish = RoleWish(eve_, "merchant");
  EXPECT_THAT(runtime_.Run(v1::RolesClient(Channel("gateway")).AssignRole(WithKey("k"), wish)),
              StatusHasReason(Reason::kCallerNotAllowed));
}

TEST_F(ProposalsRpcTest, TheFirstTwoAdminsAreMadeByTheCertificate) {
  const Uuid zoe = SystemIds().NewId();
  role_store_.AddUser(zoe);
  EXPECT_THAT(Assign(RoleWish(eve_, "admin"), "1")->roles(), ElementsAre("customer", "admin"));
  EXPECT_THAT(Assign(RoleWish(eve_, "admin"), "1"), IsOk());
  EXPECT_THAT(Assign(RoleWish(eve_, "admin"), "2"), StatusHasReason(Reason::kProposalNeeded));
  EXPECT_THAT(Assign(RoleWish(zoe, "admin"), "2"), IsOk());
  EXPECT_THAT(Assign(RoleWish(bob_, "admin"), "3"), StatusHasReason(Reason::kProposalNeeded));
  v1::GetUserRolesRequest get;
  get.set_user_id(Name(zoe));
  const auto roles = runtime_.Run(Operator().GetUserRoles({}, get));
  ASSERT_THAT(roles, IsOk());
  EXPECT_THAT(roles->roles(), ElementsAre("customer", "admin"));
  EXPECT_THAT(roles->scopes(), ::testing::Contains("roles:approve"));
}

}  // namespace
}  // namespace florin::auth
