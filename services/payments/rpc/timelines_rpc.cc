#include "services/payments/rpc/timelines_rpc.h"

#include <utility>

#include "libs/rpc/timestamp.h"
#include "libs/rpc/user_of.h"

namespace florin::payments {
namespace {

std::string TextOf(const Uuid& account_id) {
  return account_id.is_nil() ? std::string() : FormatId(IdKind::kAccount, account_id);
}

v1::TimelineEntry ToProto(const TimelineEntry& entry) {
  v1::TimelineEntry proto;
  SetTime(entry.time, *proto.mutable_time());
  proto.set_event(entry.event);
  proto.set_reason(entry.reason);
  if (!entry.transaction_id.is_nil()) {
    proto.set_transaction_id(FormatId(IdKind::kTransaction, entry.transaction_id));
  }
  for (const LedgerPosting& posting : entry.postings) {
    v1::TimelineEntry::Posting& moved = *proto.add_postings();
    moved.set_debit_account_id(TextOf(posting.debit_account_id));
    moved.set_credit_account_id(TextOf(posting.credit_account_id));
    moved.set_amount_minor(posting.amount_minor);
  }
  for (const auto& [name, value] : entry.inputs) (*proto.mutable_inputs())[name] = value;
  return proto;
}

}  // namespace

Task<absl::StatusOr<PaymentHistory>> TimelinesRpc::Gather(Payment payment) {
  std::vector<Uuid> ids = {payment.payment_id};
  absl::StatusOr<std::vector<WholePayment>> whole = co_await store_.WholePayments(std::move(ids));
  if (!whole.ok()) co_return whole.status();
  if (whole->empty()) co_return Error(Reason::kPaymentNotFound, "no such payment");
  absl::StatusOr<std::vector<Dispute>> disputes =
      co_await charges_.ListDisputes(payment.payment_id);
  if (!disputes.ok()) co_return disputes.status();
  absl::StatusOr<std::vector<RecoveryFailure>> failures =
      co_await store_.ListFailures(payment.payment_id);
  if (!failures.ok()) co_return failures.status();
  absl::StatusOr<PaymentOrigin> origin = co_await origins_.OriginOf(payment.payment_id);
  if (!origin.ok()) co_return origin.status();
  absl::StatusOr<std::vector<JudgedLimit>> limits = co_await limits_.Of(whole->front().payment);
  if (!limits.ok()) co_return limits.status();
  std::vector<Uuid> further = LedgerIdsOf(whole->front().payment, *origin);
  absl::StatusOr<LedgerRecords> ledger = co_await reconcile_.Records(*whole, std::move(further));
  if (!ledger.ok()) co_return ledger.status();
  co_return PaymentHistory{.payment = std::move(whole->front().payment),
                           .steps = std::move(whole->front().steps),
                           .disputes = *std::move(disputes),
                           .failures = *std::move(failures),
                           .ledger = *std::move(ledger),
                           .origin = *std::move(origin),
                           .limits = *std::move(limits)};
}

Task<absl::StatusOr<v1::GetPaymentTimelineResponse>> TimelinesRpc::GetPaymentTimeline(
    rpc::Call& call, const v1::GetPaymentTimelineRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kPayment, request.payment_id(), "payment_id"));
  rpc::Outgoing context = call.AsService();
  absl::StatusOr<SeenPayment> seen = co_await parties_.Find(std::move(context), user, id);
  if (!seen.ok()) co_return seen.status();
  absl::StatusOr<PaymentHistory> history = co_await Gather(std::move(seen->payment));
  if (!history.ok()) co_return history.status();
  history->viewer = user;
  const std::vector<TimelineEntry> timeline =
      seen->payer ? TimelineOf(*history)
                  : TimelineForPayee(*std::move(history), seen->payee_account_ids);
  v1::GetPaymentTimelineResponse response;
  for (const TimelineEntry& entry : timeline) *response.add_entries() = ToProto(entry);
  co_return response;
}

}  // namespace florin::payments
