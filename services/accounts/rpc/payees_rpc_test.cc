#include "services/accounts/rpc/payees_rpc.h"

#include "services/accounts/flow/accounts_fixture.h"

namespace florin::accounts {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// The fixture's customer is called Zoë Quuxholder here.
class PayeesRpcTest : public AccountsFixture {
 protected:
  template <class Response, class Request>
  absl::StatusOr<Response> Ask(Task<absl::StatusOr<Response>> (PayeesRpc::*method)(rpc::Call&,
                                                                                   const Request&),
                               const Uuid& user, const Request& request,
                               const std::string& key = "") {
    rpc::Outgoing incoming;
    incoming.idempotency_key = key;
    rpc::Principal principal{.user_id = FormatId(IdKind::kUser, user)};
    rpc::Call call("gateway", incoming, principal, true);
    absl::StatusOr<Response> response = runtime_.Run((service_.*method)(call, request));
    replayed_ = call.replayed();
    return response;
  }
  std::string OpenOfHolder() {
    Customer holder{.customer_id = SystemIds().NewId(),
                    .user_id = stranger_,
                    .display_name = "Zoë Quuxholder",
                    .create_time = clock_.Now()};
    const RequestKey key{.idempotency_key = "holder", .fingerprint = crypto::Sha256("")};
    EXPECT_THAT(runtime_.Run(store_.InsertCustomer(holder, key)), IsOk());
    OpenAccount::Request request = Request("holder");
    request.user_id = stranger_;
    request.customer_id = holder.customer_id;
    return FormatId(IdKind::kAccount, Open(request).value().account.account_id);
  }
  v1::CreatePayeeRequest CreateRequest(const std::string& name) {
    v1::CreatePayeeRequest request;
    request.set_customer_id(FormatId(IdKind::kCustomer, customer_));
    request.set_account_id(account_id_);
    request.set_name(name);
    return request;
  }
  absl::StatusOr<v1::Payee> Create(const v1::CreatePayeeRequest& request, const std::string& key) {
    return Ask(&PayeesRpc::CreatePayee, user_, request, key);
  }
  absl::StatusOr<v1::CheckPayeeNameResponse> Check(const std::string& name) {
    v1::CheckPayeeNameRequest request;
    request.set_account_id(account_id_);
    request.set_name(name);
    return Ask(&PayeesRpc::CheckPayeeName, user_, request);
  }

  Payees payees_{store_, store_, absl::Hours(24), clock_, SystemIds()};
  PayeesRpc service_{store_, payees_};
  const std::string account_id_ = OpenOfHolder();
  bool replayed_ = false;
};

TEST_F(PayeesRpcTest, OnlyACloseMatchShowsTheHoldersName) {
  const auto match = Check("zoe quuxholder");
  EXPECT_EQ(match->name_match(), v1::MATCH);
  EXPECT_EQ(match->holder_name(), "");
  const auto close = Check("Z Quuxholder");
  EXPECT_EQ(close->name_match(), v1::CLOSE_MATCH);
  EXPECT_EQ(close->holder_name(), "Zoë Quuxholder");
  const auto none = Check("Somebody Else");
  EXPECT_EQ(none->name_match(), v1::NO_MATCH);
  EXPECT_EQ(none->holder_name(), "");
}

TEST_F(PayeesRpcTest, AnotherNameIsRefusedUnlessItIsAccepted) {
  for (const std::string name : {"Z Quuxholder", "Somebody Else"}) {
    v1::CreatePayeeRequest request = CreateRequest(name);
    const absl::Status refused = Create(request, name).status();
    EXPECT_THAT(refused, StatusHasReason(Reason::kPayeeNameMismatch));
    EXPECT_THAT(refused.ToString(), Not(HasSubstr("Zo")));
    request.set_accept_name(true);
    const auto saved = Create(request, name);
    ASSERT_THAT(saved, IsOk());
    EXPECT_EQ(saved->name(), name);
  }
}

TEST_F(PayeesRpcTest, ANewPayeeIsUsableAfterItsTime) {
  const auto saved = Create(CreateRequest("Zoë Quuxholder"), "key");
  ASSERT_THAT(saved, IsOk());
  EXPECT_EQ(saved->name_match(), v1::MATCH);
  EXPECT_EQ(saved->state(), v1::Payee::ACTIVE);
  EXPECT_EQ(saved->usable_time().seconds() - saved->create_time().seconds(), 24 * 60 * 60);
  v1::LookUpPayeesRequest request;
  request.set_user_id(FormatId(IdKind::kUser, user_));
  request.add_account_ids(account_id_);
  const auto found = Ask(&PayeesRpc::LookUpPayees, user_, request);
  ASSERT_EQ(found->payees_size(), 1);
  EXPECT_EQ(found->payees(0).usable_time().seconds(), saved->usable_time().seconds());
  request.set_user_id(FormatId(IdKind::kUser, stranger_));
  EXPECT_EQ(Ask(&PayeesRpc::LookUpPayees, user_, request)->payees_size(), 0);
}

TEST_F(PayeesRpcTest, ASavedIbanIsFoundByWhoSavedIt) {
  v1::CreatePayeeRequest elsewhere = CreateRequest("Jo");
  elsewhere.clear_account_id();
  elsewhere.set_iban("de89 3704 0044 0532 0130 00");
  const auto saved = Create(elsewhere, "1");
  ASSERT_THAT(saved, IsOk());
  clock_.Advance(absl::Hours(1));
  ASSERT_THAT(Create(elsewhere, "2"), IsOk());
  v1::LookUpPayeesRequest request;
  request.set_user_id(FormatId(IdKind::kUser, user_));
  request.add_ibans("DE89370400440532013000");
  request.add_ibans("DE97500105170600000000");
  const auto found = Ask(&PayeesRpc::LookUpPayees, user_, request);
  ASSERT_THAT(found, IsOk());
  ASSERT_EQ(found->payees_size(), 1);
  EXPECT_EQ(found->payees(0).iban(), "DE89370400440532013000");
  EXPECT_EQ(found->payees(0).account_id(), "");
  EXPECT_EQ(found->payees(0).usable_time().seconds(), saved->usable_time().seconds())
      << "the earlier time";
  request.set_user_id(FormatId(IdKind::kUser, stranger_));
  EXPECT_EQ(Ask(&PayeesRpc::LookUpPayees, user_, request)->payees_size(), 0);
  request.add_ibans("DE88370400440532013000");
  EXPECT_THAT(Ask(&PayeesRpc::LookUpPayees, user_, request),
              StatusHasReason(Reason::kInvalidField));
  for (int i = 0; i < 100; ++i) request.add_ibans("DE89370400440532013000");
  EXPECT_THAT(Ask(&PayeesRpc::LookUpPayees, user_, request),
              StatusHasReason(Reason::kTooManyItems));
}

TEST_F(PayeesRpcTest, ARetryIsAnsweredAsBeforeWhateverTheHolderIsCalledNow) {
  const auto saved = Create(CreateRequest("Zoë Quuxholder"), "key");
  EXPECT_FALSE(replayed_);
  clock_.Advance(absl::Hours(1));
  const auto again = Create(CreateRequest("Zoë Quuxholder"), "key");
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(replayed_);
  EXPECT_EQ(again->DebugString(), saved->DebugString());
  EXPECT_THAT(Create(CreateRequest("Zoe Quuxholder"), "key"),
              StatusHasReason(Reason::kIdempotencyKeyReused));
}

TEST_F(PayeesRpcTest, AnIbanHasNoHolderToCompare) {
  v1::CreatePayeeRequest request = CreateRequest("Anybody");
  request.clear_account_id();
  request.set_iban("de89 3704 0044 0532 0130 00");
  const auto saved = Create(request, "key");
  ASSERT_THAT(saved, IsOk());
  EXPECT_EQ(saved->iban(), "DE89370400440532013000");
  EXPECT_EQ(saved->name_match(), v1::NOT_AVAILABLE);
}

TEST_F(PayeesRpcTest, MalformedRequestsNameTheField) {
  v1::CreatePayeeRequest request = CreateRequest("Zoë Quuxholder");
  request.set_iban("DE89370400440532013000");
  EXPECT_THAT(Create(request, "1").status(),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("account_id")));
  request.clear_account_id();
  request.set_iban("DE88370400440532013000");
  EXPECT_THAT(Create(request, "1").status(),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("iban")));
  EXPECT_THAT(Create(CreateRequest(""), "1").status(),
              AllOf(StatusHasReason(Reason::kInvalidDisplayName), StatusHasParam("name")));
  request = CreateRequest("Zoë Quuxholder");
  request.set_account_id(FormatId(IdKind::kAccount, SystemIds().NewId()));
  EXPECT_THAT(Create(request, "1"), StatusHasReason(Reason::kAccountNotFound));
  request = CreateRequest("Zoë Quuxholder");
  request.set_customer_id(FormatId(IdKind::kCustomer, SystemIds().NewId()));
  EXPECT_THAT(Create(request, "1"), StatusHasReason(Reason::kCustomerNotFound));
}

TEST_F(PayeesRpcTest, ADeletedPayeeIsGone) {
  const auto saved = Create(CreateRequest("Zoë Quuxholder"), "key");
  v1::DeletePayeeRequest request;
  request.set_payee_id(saved->payee_id());
  EXPECT_THAT(Ask(&PayeesRpc::DeletePayee, stranger_, request),
              StatusHasReason(Reason::kPayeeNotFound));
  const auto deleted = Ask(&PayeesRpc::DeletePayee, user_, request);
  ASSERT_THAT(deleted, IsOk());
  EXPECT_EQ(deleted->state(), v1::Payee::DELETED);
  EXPECT_EQ(deleted->name(), "");
  EXPECT_EQ(Ask(&PayeesRpc::DeletePayee, user_, request)->DebugString(), deleted->DebugString());
  v1::GetPayeeRequest get;
  get.set_payee_id(saved->payee_id());
  EXPECT_THAT(Ask(&PayeesRpc::GetPayee, user_, get), StatusHasReason(Reason::kPayeeNotFound));
  const v1::ListPayeesRequest list;
  EXPECT_EQ(Ask(&PayeesRpc::ListPayees, user_, list)->payees_size(), 0);
}

TEST_F(PayeesRpcTest, EventsHaveIdsOnly) {
  const auto saved = Create(CreateRequest("Zoë Quuxholder"), "key");
  ASSERT_THAT(saved, IsOk());
  int found = 0;
  for (const audit::Event& event : store_.events()) {
    if (event.subject != saved->payee_id()) continue;
    ++found;
    EXPECT_EQ(event.action, "accounts.payee.create");
    EXPECT_THAT(audit::EncodeEvent(event), Not(HasSubstr("Quuxholder")));
  }
  EXPECT_EQ(found, 1);
}

}  // namespace
}  // namespace florin::accounts
