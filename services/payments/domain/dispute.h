// A dispute as a value: the payer wants back what was captured, the payee may object, an operator
// decides. While it lasts, the money is with neither of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/payments/domain/pricing.h"

namespace florin::payments {

// How long the payee has to respond.
inline constexpr absl::Duration kResponseTime = absl::Hours(7 * 24);
inline constexpr std::size_t kMostEvidence = 20;         // texts of a dispute
inline constexpr std::size_t kLongestEvidence = 20'000;  // characters of a text
inline constexpr std::string_view kDisputeReasons[] = {
    "fraudulent", "duplicate", "not_received", "not_as_described", "canceled", "other"};

enum class DisputeState { kNeedsResponse, kUnderReview, kWon, kLost, kWithdrawn };

// "needs_response", … Parsing gives kInternal for any other text.
std::string_view NameOf(DisputeState state);
absl::StatusOr<DisputeState> ParseDisputeState(std::string_view name);

struct Dispute {
  Uuid dispute_id;  // That of the step that opened it.
  Uuid payment_id;
  DisputeState state = DisputeState::kNeedsResponse;
  std::int64_t amount_minor = 0;  // In the payment's currency.
  std::string reason_code;        // Of kDisputeReasons.
  absl::Time respond_by;
  Uuid payee_account_id = {};  // Of several payees the one it is about; else nil.
  Returned returned = {};      // Of a conversion: what it took from the payee and the house.
  Uuid deciding_step_id = {};  // The step in flight that decides it; nil: none.
  absl::Time create_time;
  absl::Time update_time;  // When `state` last changed.

  friend bool operator==(const Dispute&, const Dispute&) = default;
};

// Error: kInvalidField with param `reason_code`.
absl::Status CheckReasonCode(std::string_view code);

// A text of evidence: well-formed UTF-8 of 1 to kLongestEvidence characters, without control
// characters but line breaks and tabs. Error: kInvalidEvidence with param `texts`.
absl::Status CheckEvidence(std::string_view text);

}  // namespace florin::payments
