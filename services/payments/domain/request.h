// What a user asks for, checked before anything is written: a request refused here leaves no trace.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/payments/domain/payment.h"

namespace florin::payments {

inline constexpr std::size_t kLongestReference = 140;  // characters
inline constexpr std::size_t kMostSplits = 50;

// How long money may be set aside for a payee to capture it.
inline constexpr absl::Duration kShortestAuthorization = absl::Minutes(1);
inline constexpr absl::Duration kLongestAuthorization = absl::Hours(30 * 24);
inline constexpr absl::Duration kDefaultAuthorization = absl::Hours(7 * 24);

struct PaymentRequest {
  Kind kind = Kind::kTransfer;
  Uuid source_account_id;  // Nil for a deposit.
  Uuid destination_account_id;
  Money amount;
  std::string reference;
  Uuid quote_id;              // Nil: no conversion.
  std::vector<Split> splits;  // Empty: one payee. Otherwise `destination_account_id` is the first.
  // As of Payment.
  std::optional<absl::Duration> authorization_timeout = {};

  friend bool operator==(const PaymentRequest&, const PaymentRequest&) = default;
};

// Errors: kUnknownCurrency with param `amount.currency`; kInvalidAmount with param
// `amount.minor_units` unless more than zero.
absl::StatusOr<Money> CheckAmount(std::string_view currency, std::int64_t minor_units);

// What can be judged without knowing the accounts. Errors: kSameAccount (param
// `destination_account_id`, or that of the split); kInvalidReference; kInvalidSplit unless splits
// are 1 to kMostSplits, to different accounts, each of more than zero, together the amount, and
// without a quote; kInvalidField (param `authorization_timeout_seconds`, or `capture_method` for an
// authorization with a quote or splits).
absl::Status CheckRequest(const PaymentRequest& request);

// Whether `user_id` may make this payment between these accounts; nothing stands for an account
// that does not exist. The user must own the account the payment acts on: the source of a transfer,
// the destination of a deposit. An account of somebody else is then answered as one that does not
// exist. The destination of a transfer may be anybody's. Errors: kAccountNotFound,
// kCurrencyMismatch, both with the param to blame. With a quote the destination's currency is for
// CheckQuote() to judge.
absl::Status CheckAccounts(const Uuid& user_id, const PaymentRequest& request,
                           const std::optional<AccountFacts>& source,
                           const std::optional<AccountFacts>& destination);

// The same for a payment to several payees; `destinations` in the order of its splits.
absl::Status CheckPayees(const Uuid& user_id, const PaymentRequest& request,
                         const std::optional<AccountFacts>& source,
                         const std::vector<std::optional<AccountFacts>>& destinations);

// The octets that say what a request asks for: equal for equal requests only, and the same for ever
// for those that do not use what was added later. Its hash is the
// fingerprint that tells a retry from another request under the same idempotency key.
std::string CanonicalRequest(const PaymentRequest& request);

// The payment that records the intent, in the state where the machine begins.
Payment NewPayment(const Uuid& payment_id, const Uuid& user_id, const PaymentRequest& request,
                   absl::Time now);

}  // namespace florin::payments
