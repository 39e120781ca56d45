#include "services/accounts/rpc/holders_rpc.h"

#include "services/accounts/flow/accounts_fixture.h"
#include "services/accounts/rpc/accounts_rpc.h"

namespace florin::accounts {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

class HoldersRpcTest : public AccountsFixture {
 protected:
  template <class Rpc, class Response, class Request>
  absl::StatusOr<Response> Ask(
      Rpc& service, Task<absl::StatusOr<Response>> (Rpc::*method)(rpc::Call&, const Request&),
      const Uuid& user, const Request& request, const std::string& key = "") {
    rpc::Outgoing incoming;
    incoming.idempotency_key = key;
    rpc::Principal principal{.user_id = FormatId(IdKind::kUser, user)};
    rpc::Call call("gateway", incoming, principal, true);
    absl::StatusOr<Response> response = runtime_.Run((service.*method)(call, request));
    replayed_ = call.replayed();
    return response;
  }
  absl::StatusOr<v1::Holder> Invite(const Uuid& by, const Uuid& user, v1::Account::Role role,
                                    const std::string& key) {
    v1::InviteHolderRequest request;
    request.set_account_id(account_id_);
    request.set_user_id(FormatId(IdKind::kUser, user));
    request.set_role(role);
    return Ask(service_, &HoldersRpc::InviteHolder, by, request, key);
  }
  absl::StatusOr<v1::Holding> Accept(const Uuid& user, const Uuid& customer) {
    v1::AcceptHoldingRequest request;
    request.set_account_id(account_id_);
    request.set_customer_id(FormatId(IdKind::kCustomer, customer));
    return Ask(service_, &HoldersRpc::AcceptHolding, user, request);
  }
  absl::StatusOr<v1::Holder> Remove(const Uuid& by, const Uuid& user) {
    v1::RemoveHolderRequest request;
    request.set_account_id(account_id_);
    request.set_user_id(FormatId(IdKind::kUser, user));
    return Ask(service_, &HoldersRpc::RemoveHolder, by, request);
  }
  absl::StatusOr<v1::Holder> Change(const Uuid& by, const Uuid& user, v1::Account::Role role) {
    v1::ChangeHolderRequest request;
    request.set_account_id(account_id_);
    request.set_user_id(FormatId(IdKind::kUser, user));
    request.set_role(role);
    return Ask(service_, &HoldersRpc::ChangeHolder, by, request);
  }
  absl::StatusOr<v1::ListHoldersResponse> List(const Uuid& by) {
    v1::ListHoldersRequest request;
    request.set_account_id(account_id_);
    return Ask(service_, &HoldersRpc::ListHolders, by, request);
  }
  absl::StatusOr<v1::Account> See(const Uuid& user) {
    v1::GetAccountRequest request;
    request.set_account_id(account_id_);
    return Ask(accounts_, &AccountsRpc::GetAccount, user, request);
  }

  Holders holders_{store_, clock_, SystemIds()};
  HoldersRpc service_{store_, holders_};
  AccountsRpc accounts_{
      store_, store_, open_, ledger_reader_, clock_, SystemIds(), *Books::Make("main")};
  const std::string account_id_ =
      FormatId(IdKind::kAccount, Open(Request("key")).value().account.account_id);
  const Uuid strangers_customer_ = NewCustomer(stranger_);
  bool replayed_ = false;
};

TEST_F(HoldersRpcTest, AnInvitationIsAcceptedAndThenTheAccountIsThere) {
  const auto invited = Invite(user_, stranger_, v1::Account::PAYER, "key");
  ASSERT_THAT(invited, IsOk());
  EXPECT_EQ(invited->state(), v1::Holder::INVITED);
  EXPECT_EQ(invited->display_name(), "");
  EXPECT_THAT(See(stranger_), StatusHasReason(Reason::kAccountNotFound));
  EXPECT_THAT(List(stranger_), StatusHasReason(Reason::kAccountNotFound));
  const v1::ListHoldingsRequest mine;
  const auto holdings = Ask(service_, &HoldersRpc::ListHoldings, stranger_, mine);
  ASSERT_EQ(holdings->holdings_size(), 1);
  EXPECT_EQ(holdings->holdings(0).account_id(), account_id_);
  EXPECT_EQ(holdings->holdings(0).owner_name(), "Zoë");

  const auto accepted = Accept(stranger_, strangers_customer_);
  ASSERT_THAT(accepted, IsOk());
  EXPECT_EQ(accepted->state(), v1::Holder::ACTIVE);
  EXPECT_EQ(accepted->owner_name(), "Zoë");
  EXPECT_EQ(Accept(stranger_, strangers_customer_)->DebugString(), accepted->DebugString());
  EXPECT_EQ(See(stranger_)->role(), v1::Account::PAYER);
  EXPECT_EQ(See(user_)->role(), v1::Account::OWNER);
  const auto listed = List(stranger_);
  ASSERT_EQ(listed->holders_size(), 2);
  EXPECT_EQ(listed->holders(0).user_id(), FormatId(IdKind::kUser, user_));
  EXPECT_EQ(listed->holders(1).display_name(), "Zoë");
}

TEST_F(HoldersRpcTest, ARetryInvitesNobodyAgain) {
  ASSERT_THAT(Invite(user_, stranger_, v1::Account::PAYER, "key"), IsOk());
  EXPECT_FALSE(replayed_);
  ASSERT_THAT(Accept(stranger_, strangers_customer_), IsOk());
  const auto again = Invite(user_, stranger_, v1::Account::PAYER, "key");
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(replayed_);
  EXPECT_EQ(again->state(), v1::Holder::ACTIVE);
  EXPECT_THAT(Invite(user_, stranger_, v1::Account::VIEWER, "key"),
              StatusHasReason(Reason::kIdempotencyKeyReused));
  ASSERT_THAT(Remove(user_, stranger_), IsOk());
  EXPECT_EQ(Invite(user_, stranger_, v1::Account::PAYER, "key")->state(), v1::Holder::ENDED);
  EXPECT_THAT(See(stranger_), StatusHasReason(Reason::kAccountNotFound));
}

TEST_F(HoldersRpcTest, WhoMayNotManageIsToldSoOnlyIfTheySeeTheAccount) {
  ASSERT_THAT(Invite(user_, stranger_, v1::Account::PAYER, "key"), IsOk());
  ASSERT_THAT(Accept(stranger_, strangers_customer_), IsOk());
  const Uuid other = SystemIds().NewId();
  EXPECT_THAT(Invite(stranger_, other, v1::Account::VIEWER, "2"),
              StatusHasReason(Reason::kHolderRoleMissing));
  EXPECT_THAT(Change(stranger_, stranger_, v1::Account::OWNER),
              StatusHasReason(Reason::kHolderRoleMissing));
  EXPECT_THAT(Invite(other, stranger_, v1::Account::VIEWER, "2"),
              StatusHasReason(Reason::kAccountNotFound));
  EXPECT_THAT(Remove(other, stranger_), StatusHasReason(Reason::kAccountNotFound));
  ASSERT_THAT(Change(user_, stranger_, v1::Account::OWNER), IsOk());
  EXPECT_THAT(Invite(stranger_, other, v1::Account::VIEWER, "2"), IsOk());
  EXPECT_THAT(Remove(stranger_, user_), StatusHasReason(Reason::kLastOwner));
}

TEST_F(HoldersRpcTest, LeavingEndsItAndAStrangerLearnsNothing) {
  v1::LeaveHoldingRequest request;
  request.set_account_id(account_id_);
  const auto leave = [&](const Uuid& user) {
    return Ask(service_, &HoldersRpc::LeaveHolding, user, request);
  };
  EXPECT_THAT(leave(stranger_), StatusHasReason(Reason::kHolderNotFound));
  const absl::Status unknown = leave(stranger_).status();
  request.set_account_id(FormatId(IdKind::kAccount, SystemIds().NewId()));
  EXPECT_EQ(leave(stranger_).status(), unknown);
  request.set_account_id(account_id_);
  EXPECT_THAT(leave(user_), StatusHasReason(Reason::kLastOwner));
  ASSERT_THAT(Invite(user_, stranger_, v1::Account::VIEWER, "key"), IsOk());
  EXPECT_EQ(leave(stranger_)->state(), v1::Holder::ENDED);
  EXPECT_EQ(leave(stranger_)->state(), v1::Holder::ENDED);
  EXPECT_THAT(Accept(stranger_, strangers_customer_), StatusHasReason(Reason::kHolderNotFound));
}

TEST_F(HoldersRpcTest, PaymentsLearnWhoHoldsAndWhatItIs) {
  ASSERT_THAT(Invite(user_, stranger_, v1::Account::PAYER, "key"), IsOk());
  v1::LookUpAccountsRequest request;
  request.add_account_ids(account_id_);
  const auto look_up = [&] {
    return Ask(accounts_, &AccountsRpc::LookUpAccounts, user_, request)->accounts(0);
  };
  EXPECT_EQ(look_up().kind(), v1::Account::WALLET);
  EXPECT_EQ(look_up().holders_size(), 0);
  ASSERT_THAT(Accept(stranger_, strangers_customer_), IsOk());
  ASSERT_EQ(look_up().holders_size(), 1);
  EXPECT_EQ(look_up().holders(0).user_id(), FormatId(IdKind::kUser, stranger_));
  EXPECT_EQ(look_up().holders(0).role(), v1::Account::PAYER);
  ASSERT_THAT(Remove(user_, stranger_), IsOk());
  EXPECT_EQ(look_up().holders_size(), 0);
}

TEST_F(HoldersRpcTest, MalformedRequestsNameTheField) {
  EXPECT_THAT(Invite(user_, stranger_, v1::Account::ROLE_UNSPECIFIED, "key").status(),
              AllOf(StatusHasReason(Reason::kInvalidHolder), StatusHasParam("role")));
  EXPECT_THAT(Invite(user_, user_, v1::Account::VIEWER, "key").status(),
              AllOf(StatusHasReason(Reason::kInvalidHolder), StatusHasParam("user_id")));
  v1::InviteHolderRequest request;
  request.set_account_id(account_id_);
  request.set_user_id("usr_1");
  request.set_role(v1::Account::VIEWER);
  EXPECT_THAT(Ask(service_, &HoldersRpc::InviteHolder, user_, request, "key").status(),
              AllOf(StatusHasReason(Reason::kInvalidId), StatusHasParam("user_id")));
  v1::OpenAccountRequest open;
  open.set_customer_id(FormatId(IdKind::kCustomer, customer_));
  open.set_currency("EUR");
  open.set_kind(static_cast<v1::Account::Kind>(9));
  EXPECT_THAT(Ask(accounts_, &AccountsRpc::OpenAccount, user_, open, "kind").status(),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("kind")));
}

TEST_F(HoldersRpcTest, AKindIsPartOfTheRequest) {
  v1::OpenAccountRequest open;
  open.set_customer_id(FormatId(IdKind::kCustomer, customer_));
  open.set_currency("EUR");
  open.set_kind(v1::Account::SAVINGS);
  const auto opened = Ask(accounts_, &AccountsRpc::OpenAccount, user_, open, "pocket");
  ASSERT_THAT(opened, IsOk());
  EXPECT_EQ(opened->kind(), v1::Account::SAVINGS);
  open.set_kind(v1::Account::MERCHANT);
  EXPECT_THAT(Ask(accounts_, &AccountsRpc::OpenAccount, user_, open, "pocket"),
              StatusHasReason(Reason::kIdempotencyKeyReused));
}

TEST_F(HoldersRpcTest, EventsHaveIdsAndRoles) {
  ASSERT_THAT(Invite(user_, stranger_, v1::Account::PAYER, "key"), IsOk());
  ASSERT_THAT(Accept(stranger_, strangers_customer_), IsOk());
  ASSERT_THAT(Change(user_, stranger_, v1::Account::VIEWER), IsOk());
  ASSERT_THAT(Change(user_, stranger_, v1::Account::VIEWER), IsOk());
  ASSERT_THAT(Remove(user_, stranger_), IsOk());
  std::vector<std::string> actions;
  for (const audit::Event& event : store_.events()) {
    if (event.subject != account_id_) continue;
    actions.push_back(event.action + " " + event.actor);
    EXPECT_EQ(event.details.at("holder"), FormatId(IdKind::kUser, stranger_));
    EXPECT_THAT(audit::EncodeEvent(event), ::testing::Not(HasSubstr("Zoë")));
  }
  const std::string owner = FormatId(IdKind::kUser, user_);
  EXPECT_THAT(actions, ::testing::ElementsAre(
                           "accounts.holder.invite " + owner,
                           "accounts.holder.accept " + FormatId(IdKind::kUser, stranger_),
                           "accounts.holder.change " + owner, "accounts.holder.remove " + owner));
}

}  // namespace
}  // namespace florin::accounts
