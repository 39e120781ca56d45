#include "services/payments/rpc/reconciliation_rpc.h"

#include <utility>

#include "libs/audit/call_origin.h"
#include "libs/paging/paging.h"
#include "libs/rpc/timestamp.h"
#include "libs/rpc/user_of.h"
#include "libs/text/text.h"
#include "services/payments/flow/settlement.h"

namespace florin::payments {
namespace {

constexpr std::size_t kLongestNote = 500;

v1::Discrepancy::Kind ToProto(DiscrepancyKind kind) {
  switch (kind) {
    case DiscrepancyKind::kUnfinished:
      return v1::Discrepancy::UNFINISHED;
    case DiscrepancyKind::kParked:
      return v1::Discrepancy::PARKED;
    case DiscrepancyKind::kMissingInLedger:
      return v1::Discrepancy::MISSING_IN_LEDGER;
    case DiscrepancyKind::kMovedAlthoughEnded:
      return v1::Discrepancy::MOVED_ALTHOUGH_ENDED;
    case DiscrepancyKind::kAmountDiffers:
      return v1::Discrepancy::AMOUNT_DIFFERS;
    case DiscrepancyKind::kClearingDiffers:
      return v1::Discrepancy::CLEARING_DIFFERS;
    case DiscrepancyKind::kUnknownTransaction:
      return v1::Discrepancy::UNKNOWN_TRANSACTION;
    case DiscrepancyKind::kMissingHere:
      return v1::Discrepancy::MISSING_HERE;
    case DiscrepancyKind::kMissingAtRail:
      return v1::Discrepancy::MISSING_AT_RAIL;
    case DiscrepancyKind::kRailAmountDiffers:
      return v1::Discrepancy::RAIL_AMOUNT_DIFFERS;
    case DiscrepancyKind::kExecutedTwice:
      return v1::Discrepancy::EXECUTED_TWICE;
    case DiscrepancyKind::kStageDiffers:
      return v1::Discrepancy::STAGE_DIFFERS;
    case DiscrepancyKind::kSettlementDiffers:
      return v1::Discrepancy::SETTLEMENT_DIFFERS;
  }
  return v1::Discrepancy::KIND_UNSPECIFIED;
}

v1::Discrepancy::State ToProto(DiscrepancyState state) {
  switch (state) {
    case DiscrepancyState::kOpen:
      return v1::Discrepancy::OPEN;
    case DiscrepancyState::kAgreed:
      return v1::Discrepancy::AGREED;
    case DiscrepancyState::kResolved:
      return v1::Discrepancy::RESOLVED;
  }
  return v1::Discrepancy::STATE_UNSPECIFIED;
}

absl::StatusOr<std::optional<DiscrepancyState>> ReadState(v1::Discrepancy::State state) {
  switch (state) {
    case v1::Discrepancy::STATE_UNSPECIFIED:
      return std::nullopt;
    case v1::Discrepancy::OPEN:
      return DiscrepancyState::kOpen;
    case v1::Discrepancy::AGREED:
      return DiscrepancyState::kAgreed;
    case v1::Discrepancy::RESOLVED:
      return DiscrepancyState::kResolved;
    default:
      return Error(Reason::kInvalidField, "no state of a discrepancy", {.param = "state"});
  }
}

v1::Discrepancy ToProto(const KeptDiscrepancy& kept) {
  const Discrepancy& discrepancy = kept.discrepancy;
  v1::Discrepancy proto;
  proto.set_discrepancy_id(FormatId(IdKind::kDiscrepancy, discrepancy.discrepancy_id));
  proto.set_kind(ToProto(discrepancy.kind));
  proto.set_state(ToProto(kept.state));
  if (!discrepancy.payment_id.is_nil()) {
    proto.set_payment_id(FormatId(IdKind::kPayment, discrepancy.payment_id));
  }
  if (!discrepancy.transaction_id.is_nil()) {
    proto.set_transaction_id(FormatId(IdKind::kTransaction, discrepancy.transaction_id));
  }
  proto.set_is_about_step(!discrepancy.step_id.is_nil());
  if (discrepancy.currency) {
    proto.mutable_at_risk()->set_currency(std::string(discrepancy.currency->code()));
    proto.mutable_at_risk()->set_minor_units(discrepancy.at_risk_minor);
  }
  proto.set_expected(discrepancy.expected);
  proto.set_found(discrepancy.found);
  proto.set_note(kept.note);
  proto.set_rail(discrepancy.rail);
  proto.set_deposit_id(discrepancy.deposit_id);
  SetTime(kept.create_time, *proto.mutable_create_time());
  SetTime(kept.update_time, *proto.mutable_update_time());
  return proto;
}

v1::BookClearing ToProto(const Clearing& clearing) {
  const std::string currency(clearing.pair.currency.code());
  const auto set = [&currency](std::int64_t minor_units, florin::money::v1::Money& money) {
    money.set_currency(currency);
    money.set_minor_units(minor_units);
  };
  v1::BookClearing proto;
  proto.set_source_book(clearing.pair.books.source);
  proto.set_target_book(clearing.pair.books.target);
  set(clearing.owed_minor, *proto.mutable_owed());
  set(clearing.due_minor, *proto.mutable_due());
  set(clearing.under_way_minor, *proto.mutable_under_way());
  proto.set_agrees(clearing.Agrees());
  return proto;
}

absl::StatusOr<Uuid> ReadDiscrepancyId(const std::string& text) {
  return ParseId(IdKind::kDiscrepancy, text, "discrepancy_id");
}

}  // namespace

Task<absl::StatusOr<v1::ListDiscrepanciesResponse>> ReconciliationRpc::ListDiscrepancies(
    rpc::Call&, const v1::ListDiscrepanciesRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const std::optional<DiscrepancyState> state,
                             ReadState(request.state()));
  FLORIN_CO_ASSIGN_OR_RETURN(const Page page, ParsePage(request.page_size(), request.page_token()));
  absl::StatusOr<std::vector<KeptDiscrepancy>> kept =
      co_await store_.ListDiscrepancies(state, page.after, page.size + 1);
  if (!kept.ok()) co_return kept.status();
  v1::ListDiscrepanciesResponse response;
  response.set_next_page_token(CutPage(
      page, *kept, [](const KeptDiscrepancy& one) { return one.discrepancy.discrepancy_id; }));
  for (const KeptDiscrepancy& one : *kept) *response.add_discrepancies() = ToProto(one);
  co_return response;
}

Task<absl::StatusOr<v1::Discrepancy>> ReconciliationRpc::GetDiscrepancy(
    rpc::Call&, const v1::GetDiscrepancyRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ReadDiscrepancyId(request.discrepancy_id()));
  const absl::StatusOr<KeptDiscrepancy> kept = co_await store_.GetDiscrepancy(id);
  if (!kept.ok()) co_return kept.status();
  co_return ToProto(*kept);
}

Task<absl::StatusOr<v1::Discrepancy>> ReconciliationRpc::ResolveDiscrepancy(
    rpc::Call& call, const v1::ResolveDiscrepancyRequest& request) {
  Resolution resolution{.discrepancy_id = {}, .user_id = {}, .note = request.note()};
  FLORIN_CO_ASSIGN_OR_RETURN(resolution.user_id, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(resolution.discrepancy_id,
                             ReadDiscrepancyId(request.discrepancy_id()));
  const std::optional<std::size_t> length = CountPlainCharacters(request.note());
  if (!length || *length == 0 || *length > kLongestNote) {
    co_return Error(Reason::kInvalidField, "1 to 500 characters", {.param = "note"});
  }
  resolution.origin = audit::OriginOfCall(call);
  const absl::StatusOr<KeptDiscrepancy> kept =
      co_await store_.Resolve(std::move(resolution), NowInMicroseconds(clock_));
  if (!kept.ok()) co_return kept.status();
  co_return ToProto(*kept);
}

Task<absl::StatusOr<v1::RunReconciliationResponse>> ReconciliationRpc::RunReconciliation(
    rpc::Call&, const v1::RunReconciliationRequest&) {
  const absl::StatusOr<ReconcileResult> result = co_await reconcile_.RunOnce();
  if (!result.ok()) co_return result.status();
  const absl::StatusOr<RailReconcileResult> rails = co_await rails_.RunOnce();
  if (!rails.ok()) co_return rails.status();
  const absl::Status shown = co_await reconcile_.ShowExposure();
  if (!shown.ok()) co_return shown;
  v1::RunReconciliationResponse response;
  response.set_payments(result->payments);
  response.set_steps(result->steps);
  response.set_transactions(result->transactions);
  response.set_found(result->found + rails->found);
  response.set_agreed(result->agreed + rails->agreed);
  response.set_rail_lines(rails->lines);
  response.set_rail_payouts(rails->payouts);
  response.set_rail_deposits(rails->deposits);
  SetTime(result->complete_until, *response.mutable_complete_until());
  for (const Clearing& one : result->clearings) *response.add_clearings() = ToProto(one);
  co_return response;
}

Task<absl::StatusOr<v1::RetryPaymentResponse>> ReconciliationRpc::RetryPayment(
    rpc::Call& call, const v1::RetryPaymentRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kPayment, request.payment_id(), "payment_id"));
  const absl::StatusOr<Payment> payment = co_await payments_.FindPayment(id);
  if (!payment.ok()) co_return payment.status();
  audit::Origin origin = audit::OriginOfCall(call);
  const absl::StatusOr<int> taken =
      co_await store_.TakeUpAgain(id, user, NowInMicroseconds(clock_), std::move(origin));
  if (!taken.ok()) co_return taken.status();
  if (*taken == 0) {
    co_return Error(Reason::kPaymentNotParked, "recovery has not given up on the payment");
  }
  v1::RetryPaymentResponse response;
  response.set_taken_up(*taken);
  co_return response;
}

}  // namespace florin::payments
