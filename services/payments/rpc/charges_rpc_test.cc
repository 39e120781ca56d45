// Captures, refunds and disputes as users call them: shapes, permissions, and who sees what.
#include "services/payments/rpc/charges_rpc.h"

#include "services/payments/flow/payments_fixture.h"
#include "services/payments/rpc/disputes_rpc.h"
#include "services/payments/rpc/payments_rpc.h"

namespace florin::payments {
namespace {

using ::testing::AllOf;
using ::testing::SizeIs;

// The user pays from A to the stranger's C; a third user has nothing to do with it.
class ChargesRpcTest : public PaymentsFixture {
 protected:
  rpc::Call CallOf(const Uuid& user, const std::string& key = "", std::string scope = "") {
    rpc::Outgoing incoming;
    incoming.idempotency_key = key;
    rpc::Principal principal{.user_id = FormatId(IdKind::kUser, user), .scopes = {scope}};
    return rpc::Call("gateway", incoming, principal, true);
  }
  // Calls `method` of `service` as `user`.
  template <class S, class Result, class Request>
  Result As(const Uuid& user, S& service, Task<Result> (S::*method)(rpc::Call&, const Request&),
            const Request& request, const std::string& key = "key", std::string scope = "") {
    rpc::Call call = CallOf(user, key, std::move(scope));
    return runtime_.Run((service.*method)(call, request));
  }

  v1::Payment Pay(std::int64_t minor_units, bool manual, const std::string& key = "pay") {
    v1::CreatePaymentRequest request;
    request.set_source_account_id(FormatId(IdKind::kAccount, a_));
    request.set_destination_account_id(FormatId(IdKind::kAccount, c_));
    request.mutable_amount()->set_currency("EUR");
    request.mutable_amount()->set_minor_units(minor_units);
    if (manual) request.set_capture_method(v1::Payment::MANUAL);
    const auto made = As(user_, payments_, &PaymentsRpc::CreatePayment, request, key);
    EXPECT_THAT(made, IsOk());
    return *made;
  }
  absl::StatusOr<v1::Payment> Get(const Uuid& user, const v1::Payment& payment) {
    v1::GetPaymentRequest request;
    request.set_payment_id(payment.payment_id());
    return As(user, payments_, &PaymentsRpc::GetPayment, request);
  }
  absl::StatusOr<v1::Payment> Cancel(const Uuid& user, const v1::Payment& payment) {
    v1::CancelPaymentRequest request;
    request.set_payment_id(payment.payment_id());
    return As(user, payments_, &PaymentsRpc::CancelPayment, request);
  }
  // 0: all that is left.
  absl::StatusOr<v1::Capture> Capture(const Uuid& user, const v1::Payment& payment,
                                      std::int64_t minor_units, const std::string& key = "key") {
    v1::CapturePaymentRequest request;
    request.set_payment_id(payment.payment_id());
    if (minor_units != 0) SetEuro(minor_units, *request.mutable_amount());
    return As(user, charges_, &ChargesRpc::CapturePayment, request, key);
  }
  absl::StatusOr<v1::Refund> Refund(const Uuid& user, const v1::Payment& payment,
                                    std::int64_t minor_units, const std::string& key = "key") {
    v1::CreateRefundRequest request;
    request.set_payment_id(payment.payment_id());
    request.set_reason("sorry");
    if (minor_units != 0) SetEuro(minor_units, *request.mutable_amount());
    return As(user, charges_, &ChargesRpc::CreateRefund, request, key);
  }
  absl::StatusOr<v1::Dispute> Open(const Uuid& user, const v1::Payment& payment) {
    v1::OpenDisputeRequest request;
    request.set_payment_id(payment.payment_id());
    request.set_reason_code("not_received");
    return As(user, disputes_, &DisputesRpc::OpenDispute, request);
  }
  static void SetEuro(std::int64_t minor_units, florin::money::v1::Money& out) {
    out.set_currency("EUR");
    out.set_minor_units(minor_units);
  }

  const Uuid third_ = SystemIds().NewId();
  PaymentsRpc payments_{create_, confirm_, parties_, steps_,     store_,
                        proofs_, "main",   true,     "https://x"};
  ChargesRpc charges_{steps_, parties_, store_, SystemIds(), true};
  DisputesRpc disputes_{steps_, parties_, store_, proposals_, SystemIds(), clock_};
};

TEST_F(ChargesRpcTest, ThePayeeSeesThePaymentButNotThePayer) {
  const v1::Payment payment = Pay(400, true);
  EXPECT_EQ(payment.state(), v1::Payment::REQUIRES_CAPTURE);
  EXPECT_EQ(payment.capture_method(), v1::Payment::MANUAL);
  EXPECT_EQ(payment.authorization_expire_time().seconds(), 1'790'000'000 + 7 * 24 * 3600);
  EXPECT_FALSE(payment.has_captured_amount());
  EXPECT_EQ(Get(user_, payment)->DebugString(), payment.DebugString());
  v1::Payment seen = payment;
  seen.clear_source_account_id();
  EXPECT_EQ(Get(stranger_, payment)->DebugString(), seen.DebugString());
  EXPECT_THAT(Get(third_, payment), StatusHasReason(Reason::kPaymentNotFound));
}

TEST_F(ChargesRpcTest, APaymentThatNeverReachedThePayeeDoesNotExistForThem) {
  ledger_double_.Fund(a_, -1000);
  v1::CreatePaymentRequest request;
  request.set_source_account_id(FormatId(IdKind::kAccount, a_));
  request.set_destination_account_id(FormatId(IdKind::kAccount, c_));
  SetEuro(5, *request.mutable_amount());
  const auto refused = As(user_, payments_, &PaymentsRpc::CreatePayment, request);
  v1::Payment payment;
  payment.set_payment_id(DetailOf(refused.status()).metadata.at("payment_id"));
  EXPECT_EQ(Get(user_, payment)->failure_reason(), "insufficient_funds");
  EXPECT_THAT(Get(stranger_, payment), StatusHasReason(Reason::kPaymentNotFound));
}

TEST_F(ChargesRpcTest, OnlyThePayeeCaptures) {
  const v1::Payment payment = Pay(400, true);
  EXPECT_THAT(Capture(user_, payment, 100), StatusHasReason(Reason::kPaymentNotFound));
  EXPECT_THAT(Capture(third_, payment, 100), StatusHasReason(Reason::kPaymentNotFound));
  const auto captured = Capture(stranger_, payment, 100);
  ASSERT_THAT(captured, IsOk());
  EXPECT_EQ(captured->amount().minor_units(), 100);
  EXPECT_EQ(Capture(stranger_, payment, 100)->DebugString(), captured->DebugString());
  EXPECT_THAT(Capture(stranger_, payment, 301, "more"),
              StatusHasReason(Reason::kCaptureExceedsAuthorization));
  EXPECT_EQ(Get(user_, payment)->captured_amount().minor_units(), 100);
  ASSERT_THAT(Capture(stranger_, payment, 0, "rest"), IsOk());
  EXPECT_EQ(Get(user_, payment)->state(), v1::Payment::SUCCEEDED);
}

TEST_F(ChargesRpcTest, OnlyThePayeeVoids) {
  const v1::Payment payment = Pay(400, true);
  EXPECT_THAT(Cancel(user_, payment), StatusHasReason(Reason::kPaymentNotCancelable));
  EXPECT_THAT(Cancel(third_, payment), StatusHasReason(Reason::kPaymentNotFound));
  for (int i = 0; i < 2; ++i) {
    const auto canceled = Cancel(stranger_, payment);
    ASSERT_THAT(canceled, IsOk());
    EXPECT_EQ(canceled->state(), v1::Payment::CANCELED);
    EXPECT_EQ(canceled->source_account_id(), "");
  }
  EXPECT_EQ(ledger_double_.HeldOf(a_), 0);
  const v1::Payment moved = Pay(400, false, "moved");
  EXPECT_THAT(Cancel(stranger_, moved), StatusHasReason(Reason::kPaymentNotCancelable));
}

TEST_F(ChargesRpcTest, AmountsAreOfThePaymentsCurrencyAndMoreThanZero) {
  const v1::Payment payment = Pay(400, true);
  v1::CapturePaymentRequest request;
  request.set_payment_id(payment.payment_id());
  request.mutable_amount()->set_currency("USD");
  request.mutable_amount()->set_minor_units(1);
  EXPECT_THAT(As(stranger_, charges_, &ChargesRpc::CapturePayment, request),
              AllOf(StatusHasReason(Reason::kCurrencyMismatch)));
  SetEuro(-1, *request.mutable_amount());
  EXPECT_THAT(As(stranger_, charges_, &ChargesRpc::CapturePayment, request),
              StatusHasReason(Reason::kInvalidAmount));
  SetEuro(0, *request.mutable_amount());
  EXPECT_THAT(As(stranger_, charges_, &ChargesRpc::CapturePayment, request),
              StatusHasReason(Reason::kInvalidAmount));
  EXPECT_EQ(Get(user_, payment)->state(), v1::Payment::REQUIRES_CAPTURE);
}

TEST_F(ChargesRpcTest, AnAuthorizationTimeIsOfManualPaymentsOnly) {
  v1::CreatePaymentRequest request;
  request.set_source_account_id(FormatId(IdKind::kAccount, a_));
  request.set_destination_account_id(FormatId(IdKind::kAccount, c_));
  SetEuro(5, *request.mutable_amount());
  request.set_authorization_timeout_seconds(60);
  EXPECT_THAT(As(user_, payments_, &PaymentsRpc::CreatePayment, request).status(),
              AllOf(StatusHasReason(Reason::kInvalidField),
                    StatusHasParam("authorization_timeout_seconds")));
  request.set_capture_method(v1::Payment::MANUAL);
  request.set_authorization_timeout_seconds(59);
  EXPECT_THAT(As(user_, payments_, &PaymentsRpc::CreatePayment, request),
              StatusHasReason(Reason::kInvalidField));
  request.set_authorization_timeout_seconds(60);
  const auto made = As(user_, payments_, &PaymentsRpc::CreatePayment, request);
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->authorization_expire_time().seconds(), 1'790'000'060);
}

TEST_F(ChargesRpcTest, RefundsAreForBothPartiesToRead) {
  const v1::Payment payment = Pay(400, false);
  ledger_double_.Fund(c_, -300);
  EXPECT_THAT(Refund(user_, payment, 100), StatusHasReason(Reason::kPaymentNotFound));
  const auto refund = Refund(stranger_, payment, 250);
  ASSERT_THAT(refund, IsOk());
  EXPECT_EQ(refund->state(), v1::Refund::SUCCEEDED);
  EXPECT_EQ(refund->reason(), "sorry");
  EXPECT_EQ(refund->owed_amount().minor_units(), 150);
  EXPECT_EQ(Get(user_, payment)->refunded_amount().minor_units(), 250);
  const absl::Status refused = Refund(stranger_, payment, 151, "more").status();
  EXPECT_THAT(refused, StatusHasReason(Reason::kRefundExceedsCaptured));
  EXPECT_EQ(DetailOf(refused).metadata.at("remaining_minor"), "150");

  v1::GetRefundRequest get;
  get.set_payment_id(payment.payment_id());
  get.set_refund_id(refund->refund_id());
  EXPECT_EQ(As(stranger_, charges_, &ChargesRpc::GetRefund, get)->DebugString(),
            refund->DebugString());
  const auto by_payer = As(user_, charges_, &ChargesRpc::GetRefund, get);
  ASSERT_THAT(by_payer, IsOk());
  EXPECT_FALSE(by_payer->has_owed_amount()) << "what the payee owes is theirs to know";
  EXPECT_THAT(As(third_, charges_, &ChargesRpc::GetRefund, get),
              StatusHasReason(Reason::kPaymentNotFound));
  const v1::Payment other = Pay(1, false, "other");
  get.set_payment_id(other.payment_id());
  EXPECT_THAT(As(user_, charges_, &ChargesRpc::GetRefund, get),
              StatusHasReason(Reason::kRefundNotFound));

  v1::ListRefundsRequest list;
  list.set_payment_id(payment.payment_id());
  list.set_page_size(1);
  const auto first = As(user_, charges_, &ChargesRpc::ListRefunds, list);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->refunds(0).state(), v1::Refund::FAILED);
  list.set_page_token(first->next_page_token());
  const auto second = As(user_, charges_, &ChargesRpc::ListRefunds, list);
  EXPECT_EQ(second->refunds(0).refund_id(), refund->refund_id());
  EXPECT_EQ(second->next_page_token(), "");
  EXPECT_THAT(As(third_, charges_, &ChargesRpc::ListRefunds, list),
              StatusHasReason(Reason::kPaymentNotFound));
}

TEST_F(ChargesRpcTest, ADisputesPartsAreEachForTheirParty) {
  const v1::Payment payment = Pay(400, false);
  EXPECT_THAT(Open(stranger_, payment), StatusHasReason(Reason::kPaymentNotFound));
  const auto opened = Open(user_, payment);
  ASSERT_THAT(opened, IsOk());
  EXPECT_EQ(opened->state(), v1::Dispute::NEEDS_RESPONSE);
  EXPECT_EQ(opened->amount().minor_units(), 400);
  EXPECT_EQ(Open(user_, payment)->DebugString(), opened->DebugString());

  v1::SubmitEvidenceRequest evidence;
  evidence.set_dispute_id(opened->dispute_id());
  EXPECT_THAT(As(stranger_, disputes_, &DisputesRpc::SubmitEvidence, evidence),
              StatusHasReason(Reason::kInvalidEvidence));
  evidence.add_texts("Signed for\non Monday.");
  EXPECT_THAT(As(user_, disputes_, &DisputesRpc::SubmitEvidence, evidence),
              StatusHasReason(Reason::kDisputeNotFound));
  const auto responded = As(stranger_, disputes_, &DisputesRpc::SubmitEvidence, evidence);
  ASSERT_THAT(responded, IsOk());
  EXPECT_EQ(responded->state(), v1::Dispute::UNDER_REVIEW);

  v1::GetDisputeRequest get;
  get.set_dispute_id(opened->dispute_id());
  EXPECT_THAT(As(user_, disputes_, &DisputesRpc::GetDispute, get)->evidence(), SizeIs(0));
  EXPECT_THAT(As(stranger_, disputes_, &DisputesRpc::GetDispute, get)->evidence(), SizeIs(1));
  EXPECT_THAT(As(third_, disputes_, &DisputesRpc::GetDispute, get),
              StatusHasReason(Reason::kDisputeNotFound));
  EXPECT_THAT(
      As(third_, disputes_, &DisputesRpc::GetDispute, get, "", "disputes:resolve")->evidence(),
      SizeIs(1));

  v1::AcceptDisputeRequest accept;
  accept.set_dispute_id(opened->dispute_id());
  EXPECT_THAT(As(user_, disputes_, &DisputesRpc::AcceptDispute, accept),
              StatusHasReason(Reason::kDisputeNotFound));
  v1::WithdrawDisputeRequest withdraw;
  withdraw.set_dispute_id(opened->dispute_id());
  EXPECT_THAT(As(stranger_, disputes_, &DisputesRpc::WithdrawDispute, withdraw),
              StatusHasReason(Reason::kDisputeNotFound));

  v1::ResolveDisputeRequest resolve;
  resolve.set_dispute_id(opened->dispute_id());
  EXPECT_THAT(As(third_, disputes_, &DisputesRpc::ResolveDispute, resolve).status(),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("outcome")));
  resolve.set_outcome(v1::Dispute::WON);
  resolve.set_proposal_id(FormatId(IdKind::kProposal, SystemIds().NewId()));
  for (const Uuid& party : {user_, stranger_}) {
    EXPECT_THAT(As(party, disputes_, &DisputesRpc::ResolveDispute, resolve),
                StatusHasReason(Reason::kSelfApproval));
  }
  EXPECT_THAT(As(third_, disputes_, &DisputesRpc::ResolveDispute, resolve),
              StatusHasReason(Reason::kProposalNotFound));
  const auto approve = [this, &resolve](const std::string& outcome) {
    const crypto::Digest digest = crypto::Sha256(R"({"dispute_id":")" + resolve.dispute_id() +
                                                 R"(","outcome":")" + outcome + R"("})");
    proposals_double_.Approve(resolve.proposal_id(), "payments.dispute",
                              crypto::Hex(crypto::AsOctets(digest)));
  };
  approve("LOST");
  EXPECT_THAT(As(third_, disputes_, &DisputesRpc::ResolveDispute, resolve),
              StatusHasReason(Reason::kProposalAltered));
  approve("WON");
  const auto won = As(third_, disputes_, &DisputesRpc::ResolveDispute, resolve);
  ASSERT_THAT(won, IsOk());
  EXPECT_EQ(won->state(), v1::Dispute::WON);
  EXPECT_EQ(As(third_, disputes_, &DisputesRpc::ResolveDispute, resolve)->DebugString(),
            won->DebugString());
  resolve.set_outcome(v1::Dispute::LOST);
  approve("LOST");
  EXPECT_THAT(As(third_, disputes_, &DisputesRpc::ResolveDispute, resolve),
              StatusHasReason(Reason::kIdempotencyKeyReused));
  const absl::Status late =
      As(third_, disputes_, &DisputesRpc::ResolveDispute, resolve, "late").status();
  EXPECT_THAT(late, StatusHasReason(Reason::kDisputeClosed));
  EXPECT_EQ(DetailOf(late).metadata.at("state"), "WON");
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 400);
}

}  // namespace
}  // namespace florin::payments
