#include "services/auth/rpc/approvals_rpc.h"

#include "gmock/gmock.h"
#include "libs/async/runtime.h"
#include "libs/status/matchers.h"
#include "services/auth/flow/fake_prover.h"
#include "services/auth/store/fake_approval_store.h"

namespace florin::auth {
namespace {

using ::testing::AllOf;

class ApprovalsRpcTest : public ::testing::Test {
 protected:
  v1::CreateApprovalRequest Request() {
    v1::CreateApprovalRequest request;
    request.set_approval_id(FormatId(IdKind::kApproval, SystemIds().NewId()));
    request.set_user_id(FormatId(IdKind::kUser, user_));
    request.set_kind(v1::Approval::PAYMENT);
    request.set_payment_id(FormatId(IdKind::kPayment, SystemIds().NewId()));
    request.mutable_amount()->set_currency("EUR");
    request.mutable_amount()->set_minor_units(1250);
    request.set_payee_account_id(FormatId(IdKind::kAccount, SystemIds().NewId()));
    request.set_payee_name("Zoë");
    request.mutable_expire_time()->set_seconds(1'790'000'300);
    request.mutable_expire_time()->set_nanos(1'000);
    request.set_nonce(std::string(32, 'n'));
    return request;
  }
  // A call of a user through the gateway, or of payments, after the server's checks.
  template <class Response, class Request>
  absl::StatusOr<Response> Ask(
      Task<absl::StatusOr<Response>> (ApprovalsRpc::*method)(rpc::Call&, const Request&),
      const Request& request, std::optional<Uuid> user = std::nullopt) {
    rpc::Principal principal;
    if (user) principal.user_id = FormatId(IdKind::kUser, *user);
    rpc::Call call(user ? "gateway" : "payments", rpc::Outgoing(), principal, user.has_value());
    return runtime_.Run((service_.*method)(call, request));
  }
  template <class Request>
  static Request For(const std::string& approval_id) {
    Request request;
    request.set_approval_id(approval_id);
    return request;
  }
  v1::RedeemApprovalRequest Redemption(const v1::Approval& approval) {
    auto request = For<v1::RedeemApprovalRequest>(approval.approval_id());
    request.set_payment_id(approval.payment_id());
    request.set_binding(*crypto::Base64UrlDecode(approval.binding()));
    return request;
  }

  async::Runtime runtime_{2};
  const Uuid user_ = SystemIds().NewId();
  FakeClock clock_{absl::FromUnixMicros(1'790'000'000'000'001)};
  FakeApprovalStore store_;
  FakeProver prover_;
  PaymentApprovals approvals_{store_, prover_, clock_};
  ApprovalsRpc service_{approvals_, clock_};
};

TEST_F(ApprovalsRpcTest, ShowsThePayerWhatIsAskedForAndRedeemsIt) {
  const v1::CreateApprovalRequest request = Request();
  const auto created = Ask(&ApprovalsRpc::CreateApproval, request);
  ASSERT_THAT(created, IsOk());
  EXPECT_EQ(created->state(), v1::Approval::PENDING);
  const std::string& id = created->approval_id();
  const auto shown = Ask(&ApprovalsRpc::GetApproval, For<v1::GetApprovalRequest>(id), user_);
  ASSERT_THAT(shown, IsOk());
  EXPECT_EQ(shown->DebugString(), created->DebugString());
  EXPECT_EQ(shown->amount().minor_units(), 1250);
  EXPECT_EQ(shown->amount().currency(), "EUR");
  EXPECT_EQ(shown->payee_name(), "Zoë");
  EXPECT_EQ(shown->payee_account_id(), request.payee_account_id());
  EXPECT_EQ(shown->expire_time().nanos(), 1'000);

  const auto begun = Ask(&ApprovalsRpc::BeginApproval, For<v1::BeginApprovalRequest>(id), user_);
  ASSERT_THAT(begun, IsOk());
  EXPECT_NE(begun->options(), "");
  EXPECT_TRUE(begun->totp());
  EXPECT_THAT(Ask(&ApprovalsRpc::RedeemApproval, Redemption(*created)),
              StatusHasReason(Reason::kApprovalPending));
  auto approve = For<v1::ApproveApprovalRequest>(id);
  approve.set_credential("right");
  const auto approved = Ask(&ApprovalsRpc::ApproveApproval, approve, user_);
  ASSERT_THAT(approved, IsOk());
  EXPECT_EQ(approved->state(), v1::Approval::APPROVED);
  EXPECT_EQ(approved->approve_time().seconds(), 1'790'000'000);
  const auto redeemed = Ask(&ApprovalsRpc::RedeemApproval, Redemption(*created));
  ASSERT_THAT(redeemed, IsOk());
  EXPECT_EQ(redeemed->approve_time().seconds(), 1'790'000'000);
  EXPECT_EQ(Ask(&ApprovalsRpc::GetApproval, For<v1::GetApprovalRequest>(id), user_)->state(),
            v1::Approval::REDEEMED);
}

TEST_F(ApprovalsRpcTest, OrdersAreShownWithTheirTerms) {
  v1::CreateApprovalRequest request = Request();
  request.clear_payment_id();
  const std::string id = FormatId(IdKind::kSchedule, SystemIds().NewId());
  request.set_kind(v1::Approval::SCHEDULE);
  request.set_schedule_id(id);
  request.set_terms("Every day");
  const auto created = Ask(&ApprovalsRpc::CreateApproval, request);
  ASSERT_THAT(created, IsOk());
  EXPECT_EQ(created->kind(), v1::Approval::SCHEDULE);
  EXPECT_EQ(created->schedule_id(), id);
  EXPECT_EQ(created->payment_id(), "");
  EXPECT_EQ(created->terms(), "Every day");
  auto begin = For<v1::BeginApprovalRequest>(created->approval_id());
  ASSERT_THAT(Ask(&ApprovalsRpc::BeginApproval, begin, user_), IsOk());
  auto approve = For<v1::ApproveApprovalRequest>(created->approval_id());
  approve.set_credential("right");
  ASSERT_THAT(Ask(&ApprovalsRpc::ApproveApproval, approve, user_), IsOk());
  v1::RedeemApprovalRequest redemption = Redemption(*created);
  redemption.set_schedule_id(id);
  EXPECT_THAT(Ask(&ApprovalsRpc::RedeemApproval, redemption), IsOk());
  // What it binds are the terms, too.
  request.set_terms("Every week");
  EXPECT_THAT(Ask(&ApprovalsRpc::CreateApproval, request), StatusHasReason(Reason::kIdConflict));

  request = Request();
  request.set_approval_id(FormatId(IdKind::kApproval, SystemIds().NewId()));
  request.clear_payment_id();
  request.clear_payee_account_id();
  request.set_kind(v1::Approval::BULK);
  request.set_bulk_id(FormatId(IdKind::kBulk, SystemIds().NewId()));
  request.set_terms("3 payments");
  const auto bulk = Ask(&ApprovalsRpc::CreateApproval, request);
  ASSERT_THAT(bulk, IsOk());
  EXPECT_EQ(bulk->kind(), v1::Approval::BULK);
  EXPECT_EQ(bulk->bulk_id(), request.bulk_id());
  EXPECT_EQ(bulk->payee_account_id(), "");
  request.set_schedule_id(id);
  EXPECT_THAT(Ask(&ApprovalsRpc::CreateApproval, request), StatusHasReason(Reason::kInvalidField));
}

TEST_F(ApprovalsRpcTest, SaysThatTimeIsOver) {
  const auto created = Ask(&ApprovalsRpc::CreateApproval, Request());
  clock_.Advance(absl::Minutes(5));
  const std::string& id = created->approval_id();
  EXPECT_EQ(Ask(&ApprovalsRpc::GetApproval, For<v1::GetApprovalRequest>(id), user_)->state(),
            v1::Approval::EXPIRED);
  EXPECT_THAT(Ask(&ApprovalsRpc::DeclineApproval, For<v1::DeclineApprovalRequest>(id), user_),
              StatusHasReason(Reason::kApprovalExpired));
}

TEST_F(ApprovalsRpcTest, AnotherUsersApprovalDoesNotExist) {
  const auto created = Ask(&ApprovalsRpc::CreateApproval, Request());
  const Uuid stranger = SystemIds().NewId();
  const auto get = [&](const std::string& id) {
    return Ask(&ApprovalsRpc::GetApproval, For<v1::GetApprovalRequest>(id), stranger).status();
  };
  const absl::Status foreign = get(created->approval_id());
  EXPECT_THAT(foreign, StatusHasReason(Reason::kApprovalNotFound));
  EXPECT_EQ(get(FormatId(IdKind::kApproval, SystemIds().NewId())), foreign);
  auto approve = For<v1::ApproveApprovalRequest>(created->approval_id());
  approve.set_totp_code("right");
  EXPECT_EQ(Ask(&ApprovalsRpc::ApproveApproval, approve, stranger).status(), foreign);
  EXPECT_EQ(Ask(&ApprovalsRpc::DeclineApproval,
                For<v1::DeclineApprovalRequest>(created->approval_id()), stranger)
                .status(),
            foreign);
}

TEST_F(ApprovalsRpcTest, MalformedRequestsNameTheField) {
  const std::pair<const char*, void (*)(v1::CreateApprovalRequest&)> changes[] = {
      {"approval_id", [](auto& r) { r.set_approval_id("apr_1"); }},
      {"user_id", [](auto& r) { r.set_user_id(r.payment_id()); }},
      {"kind", [](auto& r) { r.clear_kind(); }},
      {"payment_id", [](auto& r) { r.clear_payment_id(); }},
      {"amount", [](auto& r) { r.mutable_amount()->set_minor_units(0); }},
      {"amount.currency", [](auto& r) { r.clear_amount(); }},
      {"payee_account_id", [](auto& r) { r.clear_payee_account_id(); }},
      {"payee_name", [](auto& r) { r.clear_payee_name(); }},
      {"expire_time", [](auto& r) { r.mutable_expire_time()->set_nanos(1); }},
      {"expire_time", [](auto& r) { r.mutable_expire_time()->set_seconds(-1); }},
      {"nonce", [](auto& r) { r.set_nonce("n"); }},
  };
  for (const auto& [param, change] : changes) {
    v1::CreateApprovalRequest request = Request();
    change(request);
    EXPECT_THAT(Ask(&ApprovalsRpc::CreateApproval, request), StatusHasParam(param));
  }
  auto redeem = Redemption(*Ask(&ApprovalsRpc::CreateApproval, Request()));
  redeem.set_binding("short");
  EXPECT_THAT(Ask(&ApprovalsRpc::RedeemApproval, redeem),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("binding")));
}

}  // namespace
}  // namespace florin::auth
