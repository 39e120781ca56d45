#include "services/payments/rpc/payments_rpc.h"

#include <utility>

#include "libs/paging/paging.h"
#include "services/payments/domain/ledger_transaction.h"

namespace florin::payments {
namespace {

// From a verified token, so that a bad one is nobody's fault but auth's.
absl::StatusOr<Uuid> UserOf(const rpc::Call& call) {
  return ParseId(IdKind::kUser, call.principal().user_id, "sub");
}

void SetTime(absl::Time time, google::protobuf::Timestamp& out) {
  const std::int64_t micros = absl::ToUnixMicros(time);
  out.set_seconds(micros / 1'000'000);
  out.set_nanos(static_cast<std::int32_t>(micros % 1'000'000 * 1'000));
}

v1::Payment::State ToProto(State state) {
  switch (state) {
    case State::kProcessing:
      return v1::Payment::PROCESSING;
    case State::kSucceeded:
      return v1::Payment::SUCCEEDED;
    case State::kFailed:
      return v1::Payment::FAILED;
  }
  return v1::Payment::STATE_UNSPECIFIED;
}

v1::Payment ToProto(const Payment& payment) {
  const bool transfer = payment.kind == Kind::kTransfer;
  v1::Payment proto;
  proto.set_payment_id(FormatId(IdKind::kPayment, payment.payment_id));
  proto.set_kind(transfer ? v1::Payment::TRANSFER : v1::Payment::DEPOSIT);
  proto.set_state(ToProto(payment.state));
  if (transfer) {
    proto.set_source_account_id(FormatId(IdKind::kAccount, payment.source_account_id));
  }
  proto.set_destination_account_id(FormatId(IdKind::kAccount, payment.destination_account_id));
  proto.mutable_amount()->set_currency(std::string(payment.amount.currency.code()));
  proto.mutable_amount()->set_minor_units(payment.amount.minor_units);
  proto.set_reference(payment.reference);
  proto.set_failure_reason(payment.failure_reason);
  proto.set_transaction_id(FormatId(IdKind::kTransaction, payment.transaction_id));
  SetTime(payment.create_time, *proto.mutable_create_time());
  SetTime(payment.update_time, *proto.mutable_update_time());
  return proto;
}

absl::StatusOr<PaymentRequest> ParseTransfer(const v1::CreatePaymentRequest& proto) {
  FLORIN_ASSIGN_OR_RETURN(
      const Uuid source, ParseId(IdKind::kAccount, proto.source_account_id(), "source_account_id"));
  FLORIN_ASSIGN_OR_RETURN(
      const Uuid destination,
      ParseId(IdKind::kAccount, proto.destination_account_id(), "destination_account_id"));
  FLORIN_ASSIGN_OR_RETURN(const Money amount,
                          CheckAmount(proto.amount().currency(), proto.amount().minor_units()));
  return PaymentRequest{.kind = Kind::kTransfer,
                        .source_account_id = source,
                        .destination_account_id = destination,
                        .amount = amount,
                        .reference = proto.reference()};
}

absl::StatusOr<PaymentRequest> ParseDeposit(const v1::CreateDepositRequest& proto) {
  FLORIN_ASSIGN_OR_RETURN(
      const Uuid destination,
      ParseId(IdKind::kAccount, proto.destination_account_id(), "destination_account_id"));
  FLORIN_ASSIGN_OR_RETURN(const Money amount,
                          CheckAmount(proto.amount().currency(), proto.amount().minor_units()));
  return PaymentRequest{.kind = Kind::kDeposit,
                        .source_account_id = Uuid(),
                        .destination_account_id = destination,
                        .amount = amount,
                        .reference = proto.reference()};
}

}  // namespace

Task<absl::StatusOr<v1::Payment>> PaymentsRpc::CreatePayment(
    rpc::Call& call, const v1::CreatePaymentRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(PaymentRequest parsed, ParseTransfer(request));
  co_return co_await Create(call, std::move(parsed));
}

Task<absl::StatusOr<v1::Payment>> PaymentsRpc::CreateDeposit(
    rpc::Call& call, const v1::CreateDepositRequest& request) {
  if (!sandbox_) co_return Error(Reason::kSandboxDisabled, "there is no sandbox rail here");
  FLORIN_CO_ASSIGN_OR_RETURN(PaymentRequest parsed, ParseDeposit(request));
  co_return co_await Create(call, std::move(parsed));
}

Task<absl::StatusOr<v1::Payment>> PaymentsRpc::Create(rpc::Call& call, PaymentRequest request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  rpc::Outgoing context = call.AsService();
  std::string key = call.idempotency_key();
  const absl::StatusOr<florin::payments::CreatePayment::Outcome> outcome =
      co_await create_.Run(std::move(context), user, std::move(key), std::move(request));
  if (!outcome.ok()) co_return outcome.status();
  if (outcome->replayed) call.MarkReplayed();
  if (outcome->payment.state == State::kFailed) co_return FailureOf(outcome->payment);
  co_return ToProto(outcome->payment);
}

Task<absl::StatusOr<v1::Payment>> PaymentsRpc::GetPayment(rpc::Call& call,
                                                          const v1::GetPaymentRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid payment_id,
                             ParseId(IdKind::kPayment, request.payment_id(), "payment_id"));
  const absl::StatusOr<Payment> payment = co_await store_.GetPayment(user, payment_id);
  if (!payment.ok()) co_return payment.status();
  co_return ToProto(*payment);
}

Task<absl::StatusOr<v1::ListPaymentsResponse>> PaymentsRpc::ListPayments(
    rpc::Call& call, const v1::ListPaymentsRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Page page, ParsePage(request.page_size(), request.page_token()));
  absl::StatusOr<std::vector<Payment>> payments =
      co_await store_.ListPayments(user, page.after, page.size + 1);
  if (!payments.ok()) co_return payments.status();
  v1::ListPaymentsResponse response;
  response.set_next_page_token(
      CutPage(page, *payments, [](const Payment& payment) { return payment.payment_id; }));
  for (const Payment& payment : *payments) *response.add_payments() = ToProto(payment);
  co_return response;
}

}  // namespace florin::payments
