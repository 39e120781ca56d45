#include "services/payments/rpc/suspense_rpc.h"

#include <utility>

#include "libs/audit/call_origin.h"
#include "libs/paging/paging.h"
#include "libs/rpc/timestamp.h"
#include "libs/rpc/user_of.h"
#include "services/payments/rpc/pricing_proto.h"

namespace florin::payments {
namespace {

// Each enumeration of ours begins with 0, each of the protos has "unspecified" before.
static_assert(v1::SuspenseItem::RETURNED == static_cast<int>(SuspenseState::kReturned) + 1);
static_assert(v1::SuspenseResolution::RETURN == static_cast<int>(ResolutionKind::kReturn) + 1);
static_assert(v1::SuspenseResolution::REFUSED == static_cast<int>(ResolutionState::kRefused) + 1);

v1::SuspenseResolution ToProto(const SuspenseResolution& resolution) {
  v1::SuspenseResolution proto;
  proto.set_kind(static_cast<v1::SuspenseResolution::Kind>(static_cast<int>(resolution.kind) + 1));
  proto.set_state(
      static_cast<v1::SuspenseResolution::State>(static_cast<int>(resolution.state) + 1));
  if (resolution.kind == ResolutionKind::kAssign) {
    proto.set_account_id(FormatId(IdKind::kAccount, resolution.account_id));
  }
  proto.set_payment_id(FormatId(IdKind::kPayment, resolution.payment_id));
  proto.set_operator_id(FormatId(IdKind::kUser, resolution.operator_id));
  proto.set_proposal_id(FormatId(IdKind::kProposal, resolution.proposal_id));
  proto.set_failure_reason(resolution.failure_reason);
  proto.set_rail_code(resolution.rail_code);
  SetTime(resolution.create_time, *proto.mutable_create_time());
  SetTime(resolution.update_time, *proto.mutable_update_time());
  return proto;
}

v1::SuspenseItem ToProto(const KeptSuspense& kept) {
  const SuspenseItem& item = kept.item;
  v1::SuspenseItem proto;
  proto.set_item_id(FormatSuspenseId(item.item_id));
  proto.set_state(static_cast<v1::SuspenseItem::State>(static_cast<int>(StateOf(kept)) + 1));
  SetMoney(item.amount, *proto.mutable_amount());
  proto.set_rail(item.rail);
  proto.set_deposit_id(item.deposit_id);
  if (!item.payment_id.is_nil()) {
    proto.set_payment_id(FormatId(IdKind::kPayment, item.payment_id));
  }
  if (!item.account_id.is_nil()) {
    proto.set_account_id(FormatId(IdKind::kAccount, item.account_id));
  }
  proto.set_account_reference(item.account_reference);
  proto.set_reference(item.reference);
  SetTime(item.create_time, *proto.mutable_create_time());
  if (kept.resolution) *proto.mutable_resolution() = ToProto(*kept.resolution);
  return proto;
}

absl::StatusOr<Uuid> ReadItemId(const std::string& text) {
  return ParseSuspenseId(text, "item_id");
}

absl::StatusOr<std::optional<SuspenseState>> ReadState(v1::SuspenseItem::State state) {
  if (state == v1::SuspenseItem::STATE_UNSPECIFIED) return std::optional<SuspenseState>();
  if (state < v1::SuspenseItem::OPEN || state > v1::SuspenseItem::RETURNED) {
    return Error(Reason::kInvalidField, "no state of an item", {.param = "state"});
  }
  return std::optional(static_cast<SuspenseState>(static_cast<int>(state) - 1));
}

}  // namespace

Task<absl::StatusOr<v1::ListSuspenseItemsResponse>> SuspenseRpc::ListSuspenseItems(
    rpc::Call&, const v1::ListSuspenseItemsRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Page page, ParsePage(request.page_size(), request.page_token()));
  FLORIN_CO_ASSIGN_OR_RETURN(const std::optional<SuspenseState> state, ReadState(request.state()));
  absl::StatusOr<std::vector<KeptSuspense>> items =
      co_await store_.ListItems(state, page.after, page.size + 1);
  if (!items.ok()) co_return items.status();
  v1::ListSuspenseItemsResponse response;
  response.set_next_page_token(
      CutPage(page, *items, [](const KeptSuspense& kept) { return kept.item.item_id; }));
  for (const KeptSuspense& kept : *items) *response.add_items() = ToProto(kept);
  co_return response;
}

Task<absl::StatusOr<v1::SuspenseItem>> SuspenseRpc::GetSuspenseItem(
    rpc::Call&, const v1::GetSuspenseItemRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ReadItemId(request.item_id()));
  const absl::StatusOr<KeptSuspense> kept = co_await store_.FindItem(id);
  if (!kept.ok()) co_return kept.status();
  co_return ToProto(*kept);
}

Task<absl::StatusOr<v1::SuspenseItem>> SuspenseRpc::AssignSuspenseItem(
    rpc::Call& call, const v1::AssignSuspenseItemRequest& request) {
  Suspense::Asked asked{.kind = ResolutionKind::kAssign};
  FLORIN_CO_ASSIGN_OR_RETURN(asked.account_id,
                             ParseId(IdKind::kAccount, request.account_id(), "account_id"));
  co_return co_await Resolve(call, std::move(asked), request.item_id(), request.proposal_id());
}

Task<absl::StatusOr<v1::SuspenseItem>> SuspenseRpc::ReturnSuspenseItem(
    rpc::Call& call, const v1::ReturnSuspenseItemRequest& request) {
  Suspense::Asked asked{.kind = ResolutionKind::kReturn};
  co_return co_await Resolve(call, std::move(asked), request.item_id(), request.proposal_id());
}

Task<absl::StatusOr<v1::SuspenseItem>> SuspenseRpc::Resolve(rpc::Call& call, Suspense::Asked asked,
                                                            std::string item_id,
                                                            std::string proposal_id) {
  FLORIN_CO_ASSIGN_OR_RETURN(asked.operator_id, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(asked.item_id, ReadItemId(item_id));
  FLORIN_CO_ASSIGN_OR_RETURN(asked.proposal_id,
                             ParseId(IdKind::kProposal, proposal_id, "proposal_id"));
  asked.idempotency_key = call.idempotency_key();
  asked.origin = audit::OriginOfCall(call);
  rpc::Outgoing context = call.AsService();
  const absl::StatusOr<Suspense::Outcome> outcome =
      co_await suspense_.Resolve(std::move(context), std::move(asked));
  if (!outcome.ok()) co_return outcome.status();
  if (outcome->replayed) call.MarkReplayed();
  const SuspenseResolution& resolution = *outcome->kept.resolution;
  if (resolution.state == ResolutionState::kRefused) co_return FailureOf(resolution);
  co_return ToProto(outcome->kept);
}

}  // namespace florin::payments
