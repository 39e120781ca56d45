#include "services/accounts/rpc/account_states_rpc.h"

#include "services/accounts/flow/accounts_fixture.h"

namespace florin::accounts {
namespace {

using ::testing::AllOf;

class AccountStatesRpcTest : public AccountsFixture {
 protected:
  template <class Response, class Request>
  absl::StatusOr<Response> Ask(
      Task<absl::StatusOr<Response>> (AccountStatesRpc::*method)(rpc::Call&, const Request&),
      const Uuid& user, const Request& request) {
    rpc::Outgoing incoming;
    rpc::Principal principal{.user_id = FormatId(IdKind::kUser, user)};
    rpc::Call call("gateway", incoming, principal, true);
    return runtime_.Run((service_.*method)(call, request));
  }
  template <class Request>
  Request Of() const {
    Request request;
    request.set_account_id(id_);
    return request;
  }
  absl::StatusOr<v1::AccountSummary> Freeze(v1::Account::Frozen sides,
                                            const std::string& reason = "court_order") {
    auto request = Of<v1::FreezeAccountRequest>();
    request.set_sides(sides);
    request.set_reason(reason);
    return Ask(&AccountStatesRpc::FreezeAccount, stranger_, request);
  }
  absl::StatusOr<v1::AccountState> Get(const Uuid& user) {
    return Ask(&AccountStatesRpc::GetAccountState, user, Of<v1::GetAccountStateRequest>());
  }

  AccountStatesRpc service_{store_, account_changes_, close_};
  const std::string id_ = FormatId(IdKind::kAccount, Open(Request("a"))->account.account_id);
};

TEST_F(AccountStatesRpcTest, TheOwnerSeesWhatIsFrozenAndTheOperatorWhy) {
  for (const auto sides : {v1::Account::DEBITS, v1::Account::CREDITS, v1::Account::BOTH}) {
    const auto frozen = Freeze(sides);
    ASSERT_THAT(frozen, IsOk());
    EXPECT_EQ(frozen->frozen(), sides);
    EXPECT_EQ(frozen->frozen_by_operator(), sides);
    EXPECT_EQ(frozen->reason(), "court_order");
    EXPECT_EQ(frozen->customer_id(), FormatId(IdKind::kCustomer, customer_));
    EXPECT_EQ(Get(user_)->frozen(), sides);
  }
  const auto lifted =
      Ask(&AccountStatesRpc::UnfreezeAccount, stranger_, Of<v1::UnfreezeAccountRequest>());
  ASSERT_THAT(lifted, IsOk());
  EXPECT_EQ(lifted->frozen(), v1::Account::NOT_FROZEN);
  EXPECT_EQ(lifted->reason(), "");
  EXPECT_EQ(Get(user_)->frozen(), v1::Account::NOT_FROZEN);
  EXPECT_EQ(Get(user_)->state(), v1::AccountState::OPEN);
}

TEST_F(AccountStatesRpcTest, ChecksShape) {
  EXPECT_THAT(Freeze(v1::Account::NOT_FROZEN),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("sides")));
  EXPECT_THAT(Freeze(v1::Account::DEBITS, "Because."),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("reason")));
  auto close = Of<v1::CloseAccountRequest>();
  close.set_sweep_to_account_id("acc_");
  EXPECT_THAT(Ask(&AccountStatesRpc::CloseAccount, user_, close),
              AllOf(StatusHasReason(Reason::kInvalidId), StatusHasParam("sweep_to_account_id")));
  v1::GetAccountStateRequest nothing;
  EXPECT_THAT(Ask(&AccountStatesRpc::GetAccountState, user_, nothing),
              AllOf(StatusHasReason(Reason::kInvalidId), StatusHasParam("account_id")));
}

TEST_F(AccountStatesRpcTest, AnothersAccountDoesNotExist) {
  EXPECT_THAT(Get(stranger_), StatusHasReason(Reason::kAccountNotFound));
  EXPECT_THAT(Ask(&AccountStatesRpc::WakeAccount, stranger_, Of<v1::WakeAccountRequest>()),
              StatusHasReason(Reason::kAccountNotFound));
  EXPECT_THAT(Ask(&AccountStatesRpc::CloseAccount, stranger_, Of<v1::CloseAccountRequest>()),
              StatusHasReason(Reason::kAccountNotFound));
}

TEST_F(AccountStatesRpcTest, ClosesAndWakes) {
  EXPECT_EQ(Ask(&AccountStatesRpc::WakeAccount, user_, Of<v1::WakeAccountRequest>())->state(),
            v1::AccountState::OPEN);
  EXPECT_EQ(Ask(&AccountStatesRpc::CloseAccount, user_, Of<v1::CloseAccountRequest>())->state(),
            v1::AccountState::CLOSED);
  EXPECT_EQ(Get(user_)->state(), v1::AccountState::CLOSED);
  EXPECT_THAT(Ask(&AccountStatesRpc::WakeAccount, user_, Of<v1::WakeAccountRequest>()),
              StatusHasReason(Reason::kAccountClosed));
  EXPECT_THAT(Freeze(v1::Account::BOTH), StatusHasReason(Reason::kAccountClosed));
}

}  // namespace
}  // namespace florin::accounts
