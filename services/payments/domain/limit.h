// Limits: how much, or how often, somebody may pay. They are data; what they mean for a payment is
// decided here, and the ledger enforces it in the commit that moves the money
// (docs/adr/0011-limits-are-holds-on-control-accounts.md).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/money/money.h"
#include "libs/status/status.h"

namespace florin::payments {

inline constexpr absl::Duration kShortestWindow = absl::Minutes(1);
inline constexpr absl::Duration kLongestWindow = absl::Hours(24 * 366);

// Whose payments are added up. Names are stored: "user", "account", "payee".
enum class LimitScope {
  kUser,     // Of the user who pays, from whatever account.
  kAccount,  // From one account.
  kPayee,    // Of the user who pays, to one account.
};
enum class LimitMeasure {
  kAmount,  // What the payer is debited, in minor units.
  kCount,   // Payments.
};

struct Limit {
  Uuid limit_id;
  LimitScope scope = LimitScope::kUser;
  // Only of this user (kUser, kPayee) or this account (kAccount). Nothing: of each for themselves.
  std::optional<Uuid> subject;
  Currency currency;
  LimitMeasure measure = LimitMeasure::kAmount;
  // Rolling: the time after which a payment no longer counts. Nothing: each payment for itself.
  std::optional<absl::Duration> window;
  std::int64_t maximum = 0;  // Zero: no payment at all.

  friend bool operator==(const Limit&, const Limit&) = default;
};

// Error: kInvalidLimit, with the param to blame, unless the maximum is zero or more, the window is
// in whole seconds from kShortestWindow to kLongestWindow, and a count has a window.
absl::Status CheckLimit(const Limit& limit);

// What limits look at.
struct LimitedPayment {
  Uuid user_id;
  Uuid source_account_id;
  Uuid destination_account_id;
  Money debited;
};

// What a payment uses of a limit with a window.
struct LimitUse {
  Uuid limit_id;
  Uuid control_account_id;
  std::int64_t units = 0;  // Minor units, or one payment.
  absl::Duration window;

  friend bool operator==(const LimitUse&, const LimitUse&) = default;
};

// What `payment` uses of those of `limits` that are about it, by window. Error: kLimitExceeded,
// with `limit` and `remaining` in its metadata, where a limit is passed by this payment alone: the
// smallest such maximum is named.
absl::StatusOr<std::vector<LimitUse>> UsesOf(std::span<const Limit> limits,
                                             const LimitedPayment& payment);

// The bucket of `limit` that `payment` goes into: its account in the ledger. Follows from both, so
// that every attempt uses the same one.
Uuid ControlAccountOf(const Limit& limit, const LimitedPayment& payment);

// One hold for each window of `uses`, in their order.
struct LimitHold {
  Uuid transaction_id;  // Follows from the payment's id and the window.
  absl::Duration window;
  std::vector<LimitUse> uses;

  friend bool operator==(const LimitHold&, const LimitHold&) = default;
};
std::vector<LimitHold> HoldsOf(const Uuid& payment_id, std::span<const LimitUse> uses);

}  // namespace florin::payments
