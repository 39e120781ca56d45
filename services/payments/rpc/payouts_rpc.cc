#include "services/payments/rpc/payouts_rpc.h"

#include "libs/audit/call_origin.h"
#include "libs/rpc/user_of.h"
#include "services/payments/domain/approval.h"
#include "services/payments/domain/iban.h"
#include "services/payments/rpc/payments_rpc.h"

namespace florin::payments {
namespace {

absl::StatusOr<PayoutRequest> Parse(const v1::CreatePayoutRequest& proto) {
  FLORIN_ASSIGN_OR_RETURN(
      const Uuid source, ParseId(IdKind::kAccount, proto.source_account_id(), "source_account_id"));
  FLORIN_ASSIGN_OR_RETURN(const Money amount,
                          CheckAmount(proto.amount().currency(), proto.amount().minor_units()));
  const v1::Beneficiary& to = proto.beneficiary();
  FLORIN_ASSIGN_OR_RETURN(Beneficiary beneficiary,
                          CheckBeneficiary(to.name(), to.iban(), to.account()));
  return PayoutRequest{.source_account_id = source,
                       .amount = amount,
                       .beneficiary = std::move(beneficiary),
                       .reference = proto.reference(),
                       .rail = proto.rail().empty() ? std::string(kSandboxRail) : proto.rail()};
}

}  // namespace

v1::Payout PayoutsRpc::ToProto(const Payout& payout) const {
  v1::Payout proto;
  *proto.mutable_payment() = PaymentProto(payout.payment, approval_page_);
  proto.mutable_beneficiary()->set_name(payout.beneficiary.name);
  if (payout.beneficiary.is_iban) {
    proto.mutable_beneficiary()->set_iban(payout.beneficiary.account);
  } else {
    proto.mutable_beneficiary()->set_account(payout.beneficiary.account);
  }
  proto.set_rail(payout.rail);
  // Of a payout that the ledger would not send, the code is its payment's failure_reason.
  const State state = payout.payment.state;
  const bool by_rail = state == State::kReturned || payout.stage == PayoutStage::kRejected;
  if (by_rail) proto.set_rail_code(payout.code);
  // Each enumeration of ours has "none" where the protos have "unspecified".
  static_assert(v1::Payout::GIVEN_BACK == static_cast<int>(FeeState::kGivenBack));
  const FeeState fee = FeeStateOf(payout);
  proto.set_fee_state(static_cast<v1::Payout::FeeState>(static_cast<int>(fee)));
  proto.set_fee_kept_if_returned(fee != FeeState::kNone &&
                                 !payout.payment.pricing->fee->back_if_returned);
  return proto;
}

Task<absl::StatusOr<v1::Payout>> PayoutsRpc::CreatePayout(rpc::Call& call,
                                                          const v1::CreatePayoutRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(PayoutRequest parsed, Parse(request));
  rpc::Outgoing context = call.AsService();
  std::string key = call.idempotency_key();
  const absl::StatusOr<Payouts::Outcome> outcome = co_await payouts_.Create(
      std::move(context), user, std::move(key), std::move(parsed), audit::OriginOfCall(call));
  if (!outcome.ok()) co_return outcome.status();
  if (outcome->replayed) call.MarkReplayed();
  const Payout& payout = outcome->payout;
  if (payout.payment.state == State::kFailed) co_return FailureOf(payout);
  if (payout.payment.state == State::kCanceled) co_return CancellationOf(payout.payment);
  co_return ToProto(payout);
}

Task<absl::StatusOr<v1::Payout>> PayoutsRpc::GetPayout(rpc::Call& call,
                                                       const v1::GetPayoutRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kPayment, request.payment_id(), "payment_id"));
  const absl::StatusOr<Payout> payout = co_await payouts_.Get(user, id);
  if (!payout.ok()) co_return payout.status();
  co_return ToProto(*payout);
}

Task<absl::StatusOr<v1::Payout>> PayoutsRpc::CancelPayout(rpc::Call& call,
                                                          const v1::CancelPayoutRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kPayment, request.payment_id(), "payment_id"));
  const absl::StatusOr<Payout> payout =
      co_await payouts_.Cancel(user, id, audit::OriginOfCall(call));
  if (!payout.ok()) co_return payout.status();
  co_return ToProto(*payout);
}

Task<absl::StatusOr<v1::DepositReference>> DepositsRpc::GetDepositReference(
    rpc::Call& call, const v1::GetDepositReferenceRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kAccount, request.account_id(), "account_id"));
  std::vector<Uuid> ids = {id};
  rpc::Outgoing context = call.AsService();
  const auto found = co_await accounts_.LookUp(std::move(context), std::move(ids));
  if (!found.ok()) co_return found.status();
  const std::optional<KnownAccount>& facts = found->front();
  if (!facts || facts->owner_user_id != user) {
    co_return Error(Reason::kAccountNotFound, "no such account", {.param = "account_id"});
  }
  v1::DepositReference proto;
  proto.set_account_id(request.account_id());
  proto.set_virtual_iban(VirtualIbanOf(id));
  co_return proto;
}

}  // namespace florin::payments
