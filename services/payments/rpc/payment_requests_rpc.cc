#include "services/payments/rpc/payment_requests_rpc.h"

#include <utility>

#include "libs/audit/call_origin.h"
#include "libs/paging/paging.h"
#include "libs/rpc/timestamp.h"
#include "libs/rpc/user_of.h"
#include "services/payments/flow/settlement.h"

namespace florin::payments {
namespace {

absl::Status NotFound() {
  return Error(Reason::kPaymentRequestNotFound, "no such payment request");
}

absl::StatusOr<Uuid> ParseRequestId(const std::string& id) {
  return ParseId(IdKind::kPaymentRequest, id, "payment_request_id");
}

v1::PaymentRequest::State ToProto(MoneyRequestState state) {
  switch (state) {
    case MoneyRequestState::kOpen:
      return v1::PaymentRequest::OPEN;
    case MoneyRequestState::kPaying:
      return v1::PaymentRequest::PAYING;
    case MoneyRequestState::kPaid:
      return v1::PaymentRequest::PAID;
    case MoneyRequestState::kDeclined:
      return v1::PaymentRequest::DECLINED;
    case MoneyRequestState::kWithdrawn:
      return v1::PaymentRequest::WITHDRAWN;
    case MoneyRequestState::kExpired:
      return v1::PaymentRequest::EXPIRED;
  }
  return v1::PaymentRequest::STATE_UNSPECIFIED;
}

v1::PaymentRequest ToProto(const MoneyRequest& request, const Uuid& viewer, absl::Time now) {
  const bool payee = request.user_id == viewer;
  const bool pays = request.paying && request.paying->user_id == viewer;
  v1::PaymentRequest proto;
  proto.set_payment_request_id(FormatId(IdKind::kPaymentRequest, request.request_id));
  proto.set_state(ToProto(StateAt(request, now)));
  proto.mutable_amount()->set_currency(std::string(request.amount.currency.code()));
  proto.mutable_amount()->set_minor_units(request.amount.minor_units);
  proto.set_reference(request.reference);
  SetTime(request.expire_time, *proto.mutable_expire_time());
  proto.set_link_path("/pay/" + proto.payment_request_id());
  if (payee) {
    proto.set_destination_account_id(FormatId(IdKind::kAccount, request.destination_account_id));
    if (!request.payer_user_id.is_nil()) {
      proto.set_payer_user_id(FormatId(IdKind::kUser, request.payer_user_id));
    }
  }
  const bool paid = request.state == MoneyRequestState::kPaid;
  if (!request.payment_id.is_nil() && (pays || (payee && paid))) {
    proto.set_payment_id(FormatId(IdKind::kPayment, request.payment_id));
  }
  SetTime(request.create_time, *proto.mutable_create_time());
  SetTime(request.update_time, *proto.mutable_update_time());
  return proto;
}

absl::StatusOr<MoneyRequest> ParseWanted(const v1::CreatePaymentRequestRequest& proto) {
  MoneyRequest wanted{
      .amount = {.minor_units = 0, .currency = *Currency::Parse("EUR")},
      .reference = proto.reference(),
  };
  FLORIN_ASSIGN_OR_RETURN(
      wanted.destination_account_id,
      ParseId(IdKind::kAccount, proto.destination_account_id(), "destination_account_id"));
  FLORIN_ASSIGN_OR_RETURN(wanted.amount,
                          CheckAmount(proto.amount().currency(), proto.amount().minor_units()));
  if (!proto.payer_user_id().empty()) {
    FLORIN_ASSIGN_OR_RETURN(wanted.payer_user_id,
                            ParseId(IdKind::kUser, proto.payer_user_id(), "payer_user_id"));
  }
  return wanted;
}

}  // namespace

Task<absl::StatusOr<v1::PaymentRequest>> PaymentRequestsRpc::Show(rpc::Outgoing context,
                                                                  Uuid viewer,
                                                                  MoneyRequest request) {
  std::vector<Uuid> ids = {request.destination_account_id};
  const auto found = co_await accounts_.LookUp(std::move(context), std::move(ids));
  if (!found.ok()) co_return found.status();
  v1::PaymentRequest proto = ToProto(request, viewer, clock_.Now());
  if (found->front()) proto.set_payee_name(found->front()->holder_name);
  co_return proto;
}

Task<absl::StatusOr<v1::PaymentRequest>> PaymentRequestsRpc::CreatePaymentRequest(
    rpc::Call& call, const v1::CreatePaymentRequestRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(MoneyRequest wanted, ParseWanted(request));
  wanted.user_id = user;
  const absl::Duration life = request.expires_in_seconds() == 0
                                  ? kDefaultMoneyRequest
                                  : absl::Seconds(request.expires_in_seconds());
  rpc::Outgoing context = call.AsService();
  absl::StatusOr<PayRequest::Created> created =
      co_await requests_.Create(context, std::move(wanted), life, call.idempotency_key());
  if (!created.ok()) co_return created.status();
  if (created->replayed) call.MarkReplayed();
  co_return co_await Show(std::move(context), user, std::move(created->request));
}

Task<absl::StatusOr<v1::PaymentRequest>> PaymentRequestsRpc::GetPaymentRequest(
    rpc::Call& call, const v1::GetPaymentRequestRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ParseRequestId(request.payment_request_id()));
  absl::StatusOr<MoneyRequest> found = co_await requests_.Find(user, id);
  if (!found.ok()) co_return found.status();
  rpc::Outgoing context = call.AsService();
  co_return co_await Show(std::move(context), user, *std::move(found));
}

Task<absl::StatusOr<v1::ListPaymentRequestsResponse>> PaymentRequestsRpc::ListPaymentRequests(
    rpc::Call& call, const v1::ListPaymentRequestsRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Page page, ParsePage(request.page_size(), request.page_token()));
  absl::StatusOr<std::vector<MoneyRequest>> requests =
      co_await store_.ListRequests(user, page.after, page.size + 1);
  if (!requests.ok()) co_return requests.status();
  v1::ListPaymentRequestsResponse response;
  response.set_next_page_token(
      CutPage(page, *requests, [](const MoneyRequest& one) { return one.request_id; }));
  // Without names: all of them are the user's own.
  for (const MoneyRequest& one : *requests) {
    *response.add_payment_requests() = ToProto(one, user, clock_.Now());
  }
  co_return response;
}

Task<absl::StatusOr<v1::PaymentRequest>> PaymentRequestsRpc::PayPaymentRequest(
    rpc::Call& call, const v1::PayPaymentRequestRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ParseRequestId(request.payment_request_id()));
  FLORIN_CO_ASSIGN_OR_RETURN(
      const Uuid source,
      ParseId(IdKind::kAccount, request.source_account_id(), "source_account_id"));
  rpc::Outgoing context = call.AsService();
  Paying paying{.user_id = user, .source_account_id = source, .key = call.idempotency_key()};
  absl::StatusOr<PayRequest::Paid> paid =
      co_await requests_.Run(context, id, std::move(paying), audit::OriginOfCall(call));
  if (!paid.ok()) co_return paid.status();
  if (paid->replayed) call.MarkReplayed();
  co_return co_await Show(std::move(context), user, std::move(paid->request));
}

Task<absl::StatusOr<v1::PaymentRequest>> PaymentRequestsRpc::DeclinePaymentRequest(
    rpc::Call& call, const v1::DeclinePaymentRequestRequest& request) {
  co_return co_await Close(call, request.payment_request_id(), MoneyRequestEvent::kDecline);
}

Task<absl::StatusOr<v1::PaymentRequest>> PaymentRequestsRpc::WithdrawPaymentRequest(
    rpc::Call& call, const v1::WithdrawPaymentRequestRequest& request) {
  co_return co_await Close(call, request.payment_request_id(), MoneyRequestEvent::kWithdraw);
}

Task<absl::StatusOr<v1::PaymentRequest>> PaymentRequestsRpc::Close(rpc::Call& call,
                                                                   std::string request_id,
                                                                   MoneyRequestEvent event) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ParseRequestId(request_id));
  const absl::StatusOr<MoneyRequest> seen = co_await requests_.Find(user, id);
  if (!seen.ok()) co_return seen.status();
  const bool may = event == MoneyRequestEvent::kWithdraw
                       ? seen->user_id == user
                       : seen->user_id != user && IsFor(*seen, user);
  if (!may) co_return NotFound();
  absl::StatusOr<MoneyRequest> closed =
      co_await store_.CloseRequest(id, event, NowInMicroseconds(clock_));
  if (!closed.ok()) co_return closed.status();
  rpc::Outgoing context = call.AsService();
  co_return co_await Show(std::move(context), user, *std::move(closed));
}

}  // namespace florin::payments
