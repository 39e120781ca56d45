// Requests for money and their state machine, as data.
//
// One payment pays a request: whoever begins to pay has it until that payment has ended, and only a
// payment that ended badly opens it again.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "services/payments/domain/request.h"

namespace florin::payments {

enum class MoneyRequestState { kOpen, kPaying, kPaid, kDeclined, kWithdrawn, kExpired };
enum class MoneyRequestEvent { kPay, kPaymentSucceeded, kPaymentFailed, kDecline, kWithdraw };

// Names as they are stored: "open", "withdraw", … Parsing gives kInternal for any other text.
// kExpired is not stored: it is an open one whose time is over.
std::string_view NameOf(MoneyRequestState state);
std::string_view NameOf(MoneyRequestEvent event);
absl::StatusOr<MoneyRequestState> ParseMoneyRequestState(std::string_view name);

struct MoneyRequestTransition {
  MoneyRequestState from;
  MoneyRequestEvent event;
  MoneyRequestState to;
};
// Every transition there is.
std::span<const MoneyRequestTransition> MoneyRequestTransitions();
std::optional<MoneyRequestState> NextState(MoneyRequestState from, MoneyRequestEvent event);

inline constexpr absl::Duration kShortestMoneyRequest = absl::Minutes(1);
inline constexpr absl::Duration kLongestMoneyRequest = absl::Hours(366 * 24);
inline constexpr absl::Duration kDefaultMoneyRequest = absl::Hours(7 * 24);

// Who pays, from where, and under which key of theirs.
struct Paying {
  Uuid user_id;
  Uuid source_account_id;
  std::string key;

  friend bool operator==(const Paying&, const Paying&) = default;
};

struct MoneyRequest {
  Uuid request_id;
  Uuid user_id;  // The payee.
  MoneyRequestState state = MoneyRequestState::kOpen;
  Uuid destination_account_id;
  Money amount;
  std::string reference;  // As Payment::reference.
  Uuid payer_user_id;     // Who alone may pay; nil: whoever has the link.
  absl::Time expire_time;
  std::optional<Paying> paying;  // Of one that is being paid or was.
  Uuid payment_id;               // Nil before there is one.
  absl::Time create_time;
  absl::Time update_time;

  friend bool operator==(const MoneyRequest&, const MoneyRequest&) = default;
};

// kExpired for an open one whose time is over.
MoneyRequestState StateAt(const MoneyRequest& request, absl::Time now);
// Whether this user may see, pay and decline it, the payee apart.
bool IsFor(const MoneyRequest& request, const Uuid& user_id);

// Begins to pay it; the same payer with the same key goes on with what they have begun, or gets
// what is paid. Errors: kPaymentRequestExpired; kPaymentRequestClosed with metadata `state`.
absl::Status BeginToPay(MoneyRequest& request, const Paying& paying, absl::Time now);
// What became of the payment, which nothing changes any more or which waits for its approval;
// nothing: none could be made. Of a request that `paying` does not pay (any more) nothing changes.
void Conclude(MoneyRequest& request, const Paying& paying, const std::optional<Payment>& payment,
              absl::Time now);
// Declining and withdrawing. Doing it again changes nothing. Errors as of BeginToPay().
absl::Status Close(MoneyRequest& request, MoneyRequestEvent event, absl::Time now);

PaymentRequest PaymentOf(const MoneyRequest& request);
// The key of its payment: no client can send it, since it has spaces.
std::string PaymentKey(const MoneyRequest& request);
std::string CanonicalMoneyRequest(const MoneyRequest& request, absl::Duration life);

}  // namespace florin::payments
