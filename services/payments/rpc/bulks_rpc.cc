#include "services/payments/rpc/bulks_rpc.h"

#include <utility>

#include "libs/audit/call_origin.h"
#include "libs/paging/paging.h"
#include "libs/rpc/timestamp.h"
#include "libs/rpc/user_of.h"
#include "services/payments/flow/settlement.h"
#include "services/payments/rpc/number_pages.h"
#include "services/payments/rpc/order_next_action.h"

namespace florin::payments {
namespace {

v1::Bulk::State ToProto(BulkState state) {
  switch (state) {
    case BulkState::kDraft:
      return v1::Bulk::DRAFT;
    case BulkState::kCanceled:
      return v1::Bulk::CANCELED;
    case BulkState::kPaying:
    case BulkState::kHolding:
    case BulkState::kCapturing:
    case BulkState::kReleasing:
      return v1::Bulk::PROCESSING;
    case BulkState::kCompleted:
      return v1::Bulk::COMPLETED;
    case BulkState::kFailed:
      return v1::Bulk::FAILED;
    case BulkState::kRequiresAction:
      return v1::Bulk::REQUIRES_ACTION;
  }
  return v1::Bulk::STATE_UNSPECIFIED;
}

v1::BulkItem::State ToProto(ItemState state) {
  switch (state) {
    case ItemState::kPending:
      return v1::BulkItem::PENDING;
    case ItemState::kHeld:
      return v1::BulkItem::HELD;
    case ItemState::kSucceeded:
      return v1::BulkItem::SUCCEEDED;
    case ItemState::kFailed:
      return v1::BulkItem::FAILED;
  }
  return v1::BulkItem::STATE_UNSPECIFIED;
}

absl::StatusOr<std::optional<ItemState>> ParseState(v1::BulkItem::State state) {
  switch (state) {
    case v1::BulkItem::STATE_UNSPECIFIED:
      return std::optional<ItemState>();
    case v1::BulkItem::PENDING:
      return std::optional(ItemState::kPending);
    case v1::BulkItem::HELD:
      return std::optional(ItemState::kHeld);
    case v1::BulkItem::SUCCEEDED:
      return std::optional(ItemState::kSucceeded);
    case v1::BulkItem::FAILED:
      return std::optional(ItemState::kFailed);
    default:
      return Error(Reason::kInvalidField, "no such state", {.param = "state"});
  }
}

absl::StatusOr<BulkMode> ParseMode(v1::Bulk::Mode mode) {
  switch (mode) {
    case v1::Bulk::ALL_OR_NOTHING:
      return BulkMode::kAllOrNothing;
    case v1::Bulk::BEST_EFFORT:
      return BulkMode::kBestEffort;
    default:
      return Error(Reason::kInvalidField, "ALL_OR_NOTHING or BEST_EFFORT", {.param = "mode"});
  }
}

void SetSum(std::int64_t minor_units, const Bulk& bulk, florin::money::v1::Money& out) {
  out.set_currency(std::string(bulk.currency.code()));
  out.set_minor_units(minor_units);
}

v1::Bulk ToProto(const BulkProgress& progress, const std::string& approval_page) {
  const Bulk& bulk = progress.bulk;
  v1::Bulk proto;
  proto.set_bulk_id(FormatId(IdKind::kBulk, bulk.bulk_id));
  proto.set_state(ToProto(bulk.state));
  proto.set_mode(bulk.mode == BulkMode::kAllOrNothing ? v1::Bulk::ALL_OR_NOTHING
                                                      : v1::Bulk::BEST_EFFORT);
  proto.set_source_account_id(FormatId(IdKind::kAccount, bulk.source_account_id));
  proto.set_items(bulk.item_count);
  SetSum(bulk.total_minor, bulk, *proto.mutable_amount());
  for (const auto& [state, sum] : progress.sums) {
    v1::Bulk::Progress& part = *proto.add_progress();
    part.set_state(ToProto(state));
    part.set_items(sum.items);
    SetSum(sum.total_minor, bulk, *part.mutable_amount());
  }
  SetTime(bulk.create_time, *proto.mutable_create_time());
  SetTime(bulk.update_time, *proto.mutable_update_time());
  if (bulk.state == BulkState::kRequiresAction) {
    *proto.mutable_next_action() = NextActionOf(AskedOf(bulk), approval_page);
  }
  proto.set_cancel_reason(bulk.cancel_reason);
  return proto;
}

v1::BulkItem ToProto(const BulkItem& item) {
  v1::BulkItem proto;
  proto.set_item_id(item.item_id);
  proto.set_destination_account_id(FormatId(IdKind::kAccount, item.destination_account_id));
  proto.set_minor_units(item.amount_minor);
  proto.set_reference(item.reference);
  proto.set_state(ToProto(item.state));
  if (!item.payment_id.is_nil()) {
    proto.set_payment_id(FormatId(IdKind::kPayment, item.payment_id));
  }
  proto.set_failure_reason(item.failure_reason);
  return proto;
}

absl::StatusOr<std::vector<BulkItem>> ParseItems(const v1::AddBulkItemsRequest& request) {
  std::vector<BulkItem> items;
  items.reserve(static_cast<std::size_t>(request.items_size()));
  for (const v1::AddBulkItemsRequest::Item& proto : request.items()) {
    const std::string param = "items[" + std::to_string(items.size()) + "].destination_account_id";
    FLORIN_ASSIGN_OR_RETURN(const Uuid destination,
                            ParseId(IdKind::kAccount, proto.destination_account_id(), param));
    items.push_back({.item_id = proto.item_id(),
                     .destination_account_id = destination,
                     .amount_minor = proto.minor_units(),
                     .reference = proto.reference()});
  }
  return items;
}

}  // namespace

Task<absl::StatusOr<v1::Bulk>> BulksRpc::Answer(Uuid user_id, Uuid bulk_id) {
  const absl::StatusOr<BulkProgress> progress = co_await store_.GetProgress(user_id, bulk_id);
  if (!progress.ok()) co_return progress.status();
  co_return ToProto(*progress, approval_page_);
}

Task<absl::StatusOr<v1::Bulk>> BulksRpc::CreateBulk(rpc::Call& call,
                                                    const v1::CreateBulkRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(
      const Uuid source,
      ParseId(IdKind::kAccount, request.source_account_id(), "source_account_id"));
  FLORIN_CO_ASSIGN_OR_RETURN(const BulkMode mode, ParseMode(request.mode()));
  rpc::Outgoing context = call.AsService();
  const absl::StatusOr<BulkOrders::Outcome> outcome =
      co_await orders_.Create(std::move(context), user, source, mode, call.idempotency_key());
  if (!outcome.ok()) co_return outcome.status();
  if (outcome->replayed) call.MarkReplayed();
  co_return co_await Answer(user, outcome->bulk.bulk_id);
}

Task<absl::StatusOr<v1::Bulk>> BulksRpc::GetBulk(rpc::Call& call,
                                                 const v1::GetBulkRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ParseId(IdKind::kBulk, request.bulk_id(), "bulk_id"));
  co_return co_await Answer(user, id);
}

Task<absl::StatusOr<v1::Bulk>> BulksRpc::AddBulkItems(rpc::Call& call,
                                                      const v1::AddBulkItemsRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ParseId(IdKind::kBulk, request.bulk_id(), "bulk_id"));
  FLORIN_CO_ASSIGN_OR_RETURN(std::vector<BulkItem> items, ParseItems(request));
  const absl::StatusOr<Bulk> bulk = co_await orders_.Add(user, id, std::move(items));
  if (!bulk.ok()) co_return bulk.status();
  if (bulk->state != BulkState::kDraft) co_return co_await Answer(user, id);
  // A draft's items are all pending: nothing has to be counted.
  BulkProgress progress{.bulk = *bulk};
  progress.sums[ItemState::kPending] = {bulk->item_count, bulk->total_minor};
  co_return ToProto(progress, approval_page_);
}

Task<absl::StatusOr<v1::ListBulkItemsResponse>> BulksRpc::ListBulkItems(
    rpc::Call& call, const v1::ListBulkItemsRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ParseId(IdKind::kBulk, request.bulk_id(), "bulk_id"));
  FLORIN_CO_ASSIGN_OR_RETURN(const std::optional<ItemState> state, ParseState(request.state()));
  FLORIN_CO_ASSIGN_OR_RETURN(const Page page, ParsePage(request.page_size(), request.page_token()));
  FLORIN_CO_ASSIGN_OR_RETURN(const std::optional<int> after, NumberOf(page.after));
  absl::StatusOr<std::vector<BulkItem>> items =
      co_await store_.ListItems(user, id, state, after.value_or(0), page.size + 1);
  if (!items.ok()) co_return items.status();
  v1::ListBulkItemsResponse response;
  response.set_next_page_token(
      CutPage(page, *items, [](const BulkItem& item) { return PagedBy(item.number); }));
  for (const BulkItem& item : *items) *response.add_items() = ToProto(item);
  co_return response;
}

Task<absl::StatusOr<v1::Bulk>> BulksRpc::SubmitBulk(rpc::Call& call,
                                                    const v1::SubmitBulkRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ParseId(IdKind::kBulk, request.bulk_id(), "bulk_id"));
  rpc::Outgoing context = call.AsService();
  const absl::StatusOr<Bulk> bulk =
      co_await orders_.Submit(std::move(context), user, id, audit::OriginOfCall(call));
  if (!bulk.ok()) co_return bulk.status();
  co_return co_await Answer(user, id);
}

Task<absl::StatusOr<v1::Bulk>> BulksRpc::ConfirmBulk(rpc::Call& call,
                                                     const v1::ConfirmBulkRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ParseId(IdKind::kBulk, request.bulk_id(), "bulk_id"));
  rpc::Outgoing context = call.AsService();
  FLORIN_CO_RETURN_IF_ERROR(
      co_await confirm_.Run(std::move(context), user, id, audit::OriginOfCall(call)));
  co_return co_await Answer(user, id);
}

Task<absl::StatusOr<v1::Bulk>> BulksRpc::CancelBulk(rpc::Call& call,
                                                    const v1::CancelBulkRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ParseId(IdKind::kBulk, request.bulk_id(), "bulk_id"));
  const absl::StatusOr<Bulk> bulk = co_await store_.ChangeBulk(
      user, id, BulkEvent::kCancel, NowInMicroseconds(clock_), audit::OriginOfCall(call));
  if (!bulk.ok()) co_return bulk.status();
  co_return co_await Answer(user, id);
}

}  // namespace florin::payments
