#include "services/payments/domain/bulk.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libs/status/check.h"
#include "libs/text/text.h"

namespace florin::payments {
namespace {

constexpr std::array kModes = {
    std::pair(BulkMode::kAllOrNothing, std::string_view("all_or_nothing")),
    std::pair(BulkMode::kBestEffort, std::string_view("best_effort"))};
constexpr std::array kStates = {
    std::pair(BulkState::kDraft, std::string_view("draft")),
    std::pair(BulkState::kCanceled, std::string_view("canceled")),
    std::pair(BulkState::kPaying, std::string_view("paying")),
    std::pair(BulkState::kHolding, std::string_view("holding")),
    std::pair(BulkState::kCapturing, std::string_view("capturing")),
    std::pair(BulkState::kReleasing, std::string_view("releasing")),
    std::pair(BulkState::kCompleted, std::string_view("completed")),
    std::pair(BulkState::kFailed, std::string_view("failed")),
    std::pair(BulkState::kRequiresAction, std::string_view("requires_action"))};
constexpr std::array kEvents = {std::pair(BulkEvent::kSubmit, std::string_view("submit")),
                                std::pair(BulkEvent::kCancel, std::string_view("cancel"))};
constexpr std::array kItemStates = {std::pair(ItemState::kPending, std::string_view("pending")),
                                    std::pair(ItemState::kHeld, std::string_view("held")),
                                    std::pair(ItemState::kSucceeded, std::string_view("succeeded")),
                                    std::pair(ItemState::kFailed, std::string_view("failed"))};

template <class Table, class Value>
std::string_view NameIn(const Table& table, Value value) {
  return std::ranges::find(table, value, &Table::value_type::first)->second;
}

template <class Value, class Table>
absl::StatusOr<Value> ValueIn(const Table& table, std::string_view name) {
  const auto row = std::ranges::find(table, name, &Table::value_type::second);
  if (row == table.end()) return Error(Reason::kInternal, "no such name is stored");
  return row->first;
}

bool IsItemId(std::string_view id) {
  return !id.empty() && id.size() <= kLongestItemId && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

// Where it is worked on first.
BulkState FirstOf(BulkMode mode) {
  return mode == BulkMode::kBestEffort ? BulkState::kPaying : BulkState::kHolding;
}

void AppendField(std::string& out, std::string_view field) {
  out += std::to_string(field.size()) + ':';
  out += field;
  out += ';';
}

absl::Status Wrong(Reason reason, std::string_view why, const std::string& item,
                   std::string_view field) {
  return Error(reason, why, {.param = item + '.' + std::string(field)});
}

}  // namespace

std::string_view NameOf(BulkMode mode) { return NameIn(kModes, mode); }
std::string_view NameOf(BulkState state) { return NameIn(kStates, state); }
std::string_view NameOf(BulkEvent event) { return NameIn(kEvents, event); }
std::string_view NameOf(ItemState state) { return NameIn(kItemStates, state); }
absl::StatusOr<BulkMode> ParseBulkMode(std::string_view name) {
  return ValueIn<BulkMode>(kModes, name);
}
absl::StatusOr<BulkState> ParseBulkState(std::string_view name) {
  return ValueIn<BulkState>(kStates, name);
}
absl::StatusOr<ItemState> ParseItemState(std::string_view name) {
  return ValueIn<ItemState>(kItemStates, name);
}

absl::Status CheckItem(const Bulk& bulk, const BulkItem& item, const std::string& param) {
  if (!IsItemId(item.item_id)) {
    return Wrong(Reason::kInvalidField, "1 to 64 of letters, digits, '.', '_' and '-'", param,
                 "item_id");
  }
  if (item.amount_minor <= 0) {
    return Wrong(Reason::kInvalidAmount, "more than zero", param, "minor_units");
  }
  if (item.destination_account_id == bulk.source_account_id) {
    return Wrong(Reason::kSameAccount, "source and destination are the same account", param,
                 "destination_account_id");
  }
  const std::optional<std::size_t> length = CountPlainCharacters(item.reference);
  if (!length || *length > kLongestReference) {
    return Wrong(Reason::kInvalidReference,
                 "at most 140 characters of UTF-8 without control characters", param, "reference");
  }
  return absl::OkStatus();
}

std::string_view Difference(const BulkItem& kept, const BulkItem& item) {
  if (kept.destination_account_id != item.destination_account_id) return "destination_account_id";
  if (kept.amount_minor != item.amount_minor) return "minor_units";
  if (kept.reference != item.reference) return "reference";
  return "";
}

absl::Status Count(Bulk& bulk, const std::vector<BulkItem>& added) {
  if (added.empty()) return absl::OkStatus();
  if (bulk.state != BulkState::kDraft) {
    return Error(Reason::kBulkClosed, "it takes no more items");
  }
  if (added.size() > static_cast<std::size_t>(kMostBulkItems - bulk.item_count)) {
    return Error(Reason::kBulkFull, "at most 100,000 items", {.param = "items"});
  }
  for (const BulkItem& item : added) {
    const std::optional<std::int64_t> sum = CheckedAdd(bulk.total_minor, item.amount_minor);
    if (!sum) {
      return Error(Reason::kInvalidAmount, "the sum of all items does not fit", {.param = "items"});
    }
    bulk.total_minor = *sum;
    ++bulk.item_count;
  }
  return absl::OkStatus();
}

std::string CanonicalItem(const BulkItem& item) {
  std::string out;
  AppendField(out, item.item_id);
  AppendField(out, FormatId(IdKind::kAccount, item.destination_account_id));
  AppendField(out, std::to_string(item.amount_minor));
  AppendField(out, item.reference);
  return out;
}

std::string TermsOf(int items, std::string_view content_hex) {
  return std::to_string(items) + (items == 1 ? " payment" : " payments") + ", list " +
         std::string(content_hex);
}

void AwaitApproval(Bulk& bulk, OrderTerms terms, std::string content, absl::Time now) {
  FLORIN_CHECK(bulk.state == BulkState::kDraft && bulk.item_count > 0,
               "only a draft with items waits for an approval");
  bulk.state = BulkState::kRequiresAction;
  bulk.approval = std::move(terms);
  bulk.content = std::move(content);
  bulk.update_time = now;
}

void Start(Bulk& bulk, std::string binding, absl::Time now) {
  FLORIN_CHECK(bulk.state == BulkState::kRequiresAction && bulk.approval,
               "only a bulk that requires action is started");
  bulk.state = FirstOf(bulk.mode);
  bulk.approval->approved_binding = std::move(binding);
  bulk.update_time = now;
}

void GiveUp(Bulk& bulk, Reason reason, absl::Time now) {
  FLORIN_CHECK(bulk.state == BulkState::kRequiresAction,
               "only a bulk that requires action is given up");
  bulk.state = BulkState::kCanceled;
  bulk.cancel_reason = InfoOf(reason).name;
  bulk.update_time = now;
}

absl::Status Apply(Bulk& bulk, BulkEvent event, absl::Time now) {
  const bool submit = event == BulkEvent::kSubmit;
  const bool waiting = bulk.state == BulkState::kRequiresAction;
  if (waiting && submit) return absl::OkStatus();
  if (bulk.state != BulkState::kDraft && !waiting) {
    const bool canceled = bulk.state == BulkState::kCanceled;
    if (canceled != submit) return absl::OkStatus();
    return Error(Reason::kBulkClosed, canceled ? "it was canceled" : "it was submitted");
  }
  if (submit && bulk.item_count == 0) {
    return Error(Reason::kInvalidField, "it has no items", {.param = "bulk_id"});
  }
  bulk.state = submit ? FirstOf(bulk.mode) : BulkState::kCanceled;
  bulk.update_time = now;
  return absl::OkStatus();
}

bool IsWorkedOn(BulkState state) {
  return state == BulkState::kPaying || state == BulkState::kHolding ||
         state == BulkState::kCapturing || state == BulkState::kReleasing;
}

BulkState NextOf(BulkState state, bool pending, bool held, bool failed, bool hold_open) {
  switch (state) {
    case BulkState::kPaying:
      return pending ? state : BulkState::kCompleted;
    case BulkState::kHolding:
      if (failed) return BulkState::kReleasing;
      return pending ? state : BulkState::kCapturing;
    case BulkState::kCapturing:
      return held ? state : BulkState::kCompleted;
    case BulkState::kReleasing:
      return pending || held || hold_open ? state : BulkState::kFailed;
    default:
      return state;
  }
}

PaymentRequest PaymentOf(const Bulk& bulk, const BulkItem& item) {
  return {.kind = Kind::kTransfer,
          .source_account_id = bulk.source_account_id,
          .destination_account_id = item.destination_account_id,
          .amount = {.minor_units = item.amount_minor, .currency = bulk.currency},
          .reference = item.reference};
}

std::string ItemKey(const Uuid& bulk_id, const std::string& item_id) {
  return "item " + FormatId(IdKind::kBulk, bulk_id) + ' ' + item_id;
}

Payment HeldPayment(const Bulk& bulk, const BulkItem& item, absl::Time now) {
  Payment payment = NewPayment(item.reserved_id, bulk.user_id, PaymentOf(bulk, item), now);
  payment.pricing = item.pricing;
  return payment;
}

Uuid HoldIdOf(const Payment& payment) {
  return DeriveId("florin.payments.bulk_hold", FormatId(IdKind::kPayment, payment.payment_id));
}

Uuid VoidIdOf(const Payment& payment) {
  return DeriveId("florin.payments.bulk_void", FormatId(IdKind::kPayment, payment.payment_id));
}

std::string CanonicalBulk(const Bulk& bulk) {
  return bulk.source_account_id.ToString() + ' ' + std::string(NameOf(bulk.mode));
}

}  // namespace florin::payments
