#include "services/payments/domain/dispute.h"

#include <algorithm>

#include "libs/status/check.h"
#include "libs/text/text.h"

namespace florin::payments {

std::string_view NameOf(DisputeState state) {
  switch (state) {
    case DisputeState::kNeedsResponse:
      return "needs_response";
    case DisputeState::kUnderReview:
      return "under_review";
    case DisputeState::kWon:
      return "won";
    case DisputeState::kLost:
      return "lost";
    case DisputeState::kWithdrawn:
      return "withdrawn";
  }
  FLORIN_CHECK(false, "every state has a name");
  return {};
}

absl::StatusOr<DisputeState> ParseDisputeState(std::string_view name) {
  for (const DisputeState state :
       {DisputeState::kNeedsResponse, DisputeState::kUnderReview, DisputeState::kWon,
        DisputeState::kLost, DisputeState::kWithdrawn}) {
    if (name == NameOf(state)) return state;
  }
  return Error(Reason::kInternal, "no state of a dispute has this name");
}

absl::Status CheckReasonCode(std::string_view code) {
  if (std::ranges::find(kDisputeReasons, code) != std::end(kDisputeReasons)) {
    return absl::OkStatus();
  }
  return Error(Reason::kInvalidField, "not a reason of a dispute", {.param = "reason_code"});
}

absl::Status CheckEvidence(std::string_view text) {
  std::string on_one_line(text);
  std::ranges::replace_if(
      on_one_line, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  const std::optional<std::size_t> length = CountPlainCharacters(on_one_line);
  if (length && *length > 0 && *length <= kLongestEvidence) return absl::OkStatus();
  return Error(Reason::kInvalidEvidence, "a text of 1 to 20,000 characters", {.param = "texts"});
}

}  // namespace florin::payments
