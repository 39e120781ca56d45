// Bulks: many payments from one account, and how they become all or nothing.
//
//   BEST_EFFORT      draft -> paying -> completed
//   ALL_OR_NOTHING   draft -> holding -> capturing -> completed     every item was held
//                                     -> releasing -> failed        one was refused
//
// Either goes from draft to requires_action first if its payer must approve it, and from there on
// as if it was submitted then, or to canceled.
//
// The ledger sets the money of each item aside, on both sides and within all limits, and what is
// held resolves whatever happens to the accounts afterwards: once every item is held no capture can
// be refused, and while one is missing nothing has moved. The change of the bulk's state is the
// decision.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "services/payments/domain/order_approval.h"
#include "services/payments/domain/request.h"

namespace florin::payments {

enum class BulkMode { kAllOrNothing, kBestEffort };
enum class BulkState {
  kDraft,
  kCanceled,
  kPaying,
  kHolding,
  kCapturing,
  kReleasing,
  kCompleted,
  kFailed,
  kRequiresAction
};
enum class BulkEvent { kSubmit, kCancel };
enum class ItemState { kPending, kHeld, kSucceeded, kFailed };

// Names as they are stored: "best_effort", "holding", "submit", "pending", … Parsing gives
// kInternal for any other text.
std::string_view NameOf(BulkMode mode);
std::string_view NameOf(BulkState state);
std::string_view NameOf(BulkEvent event);
std::string_view NameOf(ItemState state);
absl::StatusOr<BulkMode> ParseBulkMode(std::string_view name);
absl::StatusOr<BulkState> ParseBulkState(std::string_view name);
absl::StatusOr<ItemState> ParseItemState(std::string_view name);

inline constexpr int kMostBulkItems = 100'000;
inline constexpr std::size_t kMostItemsAtOnce = 1000;
inline constexpr std::size_t kLongestItemId = 64;

struct Bulk {
  Uuid bulk_id;
  Uuid user_id;
  BulkMode mode = BulkMode::kBestEffort;
  BulkState state = BulkState::kDraft;
  Uuid source_account_id;
  Currency currency;
  int item_count = 0;
  std::int64_t total_minor = 0;
  absl::Time create_time;
  absl::Time update_time;
  std::optional<OrderTerms> approval = {};  // Nothing: submitted without, or not yet.
  std::string content = {};                 // With `approval`: digest of its items, octets.
  std::string cancel_reason = {};  // Name of the reason where auth's answer has canceled it.

  friend bool operator==(const Bulk&, const Bulk&) = default;
};

struct BulkItem {
  int number = 0;  // From 1, in the order in which they were added.
  std::string item_id;
  Uuid destination_account_id;
  std::int64_t amount_minor = 0;
  std::string reference;  // As Payment::reference.
  Uuid reserved_id;       // Of its payment, if all or nothing is paid.
  ItemState state = ItemState::kPending;
  std::optional<Pricing> pricing;  // As it was held.
  Uuid payment_id;                 // Nil: none was made.
  std::string failure_reason;

  friend bool operator==(const BulkItem&, const BulkItem&) = default;
};

// What can be judged of an item without its account; `param` is the item's path ("items[3]").
// Errors: kInvalidField (item_id), kInvalidAmount, kSameAccount, kInvalidReference.
absl::Status CheckItem(const Bulk& bulk, const BulkItem& item, const std::string& param);

// Which field of an item that was added before differs: its name, or "".
std::string_view Difference(const BulkItem& kept, const BulkItem& item);

// Adds to a draft what are new items; none may be added to any bulk. Errors: kBulkClosed;
// kBulkFull; kInvalidAmount where the total does not fit.
absl::Status Count(Bulk& bulk, const std::vector<BulkItem>& added);

// What an item is, for the digest of a bulk's items: equal for equal items only, and none the
// beginning of another.
std::string CanonicalItem(const BulkItem& item);

// What its payer is shown beside total and payees: "3 payments, list 5f2c…", with the digest of its
// items in hexadecimal.
std::string TermsOf(int items, std::string_view content_hex);

// A draft with items that now waits for its payer's approval.
void AwaitApproval(Bulk& bulk, OrderTerms terms, std::string content, absl::Time now);
// After its approval was redeemed for `binding`: it must require action, and is paid.
void Start(Bulk& bulk, std::string binding, absl::Time now);
// After auth refused its approval for good: it must require action, and is canceled.
void GiveUp(Bulk& bulk, Reason reason, absl::Time now);

// What its user does. Submitting what was submitted and canceling what was canceled changes
// nothing. Errors: kBulkClosed; kInvalidField for one without items.
absl::Status Apply(Bulk& bulk, BulkEvent event, absl::Time now);

bool IsWorkedOn(BulkState state);

// Where a bulk goes on to, given whether some item is pending, held, or has failed, and whether the
// ledger may have a hold; the state itself where there is more to do.
BulkState NextOf(BulkState state, bool pending, bool held, bool failed, bool hold_open);

PaymentRequest PaymentOf(const Bulk& bulk, const BulkItem& item);
// The key of its payment: no client can send it, since it has a space.
std::string ItemKey(const Uuid& bulk_id, const std::string& item_id);
// The payment of an item that is held, or is about to be, in processing.
Payment HeldPayment(const Bulk& bulk, const BulkItem& item, absl::Time now);
// Ids of the ledger transactions that set its money aside and release it.
Uuid HoldIdOf(const Payment& payment);
Uuid VoidIdOf(const Payment& payment);

std::string CanonicalBulk(const Bulk& bulk);

}  // namespace florin::payments
