// Errors with a stable reason.
//
// Florin uses absl::Status and absl::StatusOr everywhere and throws nowhere; exceptions of
// libraries are turned into a Status at their edge. Every error that leaves a function of ours is
// made by Error() and carries a Reason of the registry (reasons.inc). The reason crosses process
// borders (libs/rpc) and becomes the `reason` of the HTTP problem document. The message is for
// developers and free to change; never branch on it, and never put secrets or personal data in it.
//
//   if (amount <= 0) {
//     return Error(Reason::kInvalidAmount, "must be positive", {.param = "amount.minor_units"});
//   }
//   if (ReasonOf(status) == Reason::kInsufficientFunds) …
//
// Two kinds of failure, never mixed: a caller's mistake or a fault outside is a Status; a broken
// promise of our own is FLORIN_CHECK (check.h).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace florin {

// Every reason of the registry. Values are the registry's numbers.
enum class Reason : int {
#define FLORIN_REASON(enumerator, number, name, code, http, advice) enumerator = number,
#include "libs/status/reasons.inc"
#undef FLORIN_REASON
};

// A row of the registry.
struct ReasonInfo {
  Reason reason;
  std::string_view name;  // What clients see, e.g. "insufficient_funds".
  absl::StatusCode code;
  int http_status;
  std::string_view advice;  // What the client can do.
};

// What an error says beside its reason.
struct ErrorDetail {
  std::string param = {};  // The offending field's path, e.g. "amount.minor_units".
  std::map<std::string, std::string> metadata =
      {};  // More facts for machines. No secrets, no personal data.
};

// Makes an error. Its code is the one that the registry gives for the reason.
absl::Status Error(Reason reason, std::string_view message, ErrorDetail detail = {});

// The reason that `status` carries; kInternal for an error without one. Nothing for OK.
std::optional<Reason> ReasonOf(const absl::Status& status);

ErrorDetail DetailOf(const absl::Status& status);

// The registry. InfoOf never fails; FromName gives nothing for a name that no row has.
const ReasonInfo& InfoOf(Reason reason);
std::optional<Reason> ReasonFromName(std::string_view name);

}  // namespace florin

// Leaves the function with the error of `expression`, if it is one.
#define FLORIN_RETURN_IF_ERROR(expression) FLORIN_INTERNAL_RETURN_IF_ERROR(return, expression)
#define FLORIN_CO_RETURN_IF_ERROR(expression) FLORIN_INTERNAL_RETURN_IF_ERROR(co_return, expression)

// Declares or assigns `lhs` from a StatusOr, or leaves the function with its error.
//   FLORIN_ASSIGN_OR_RETURN(const Uuid id, ParseId("acc", text));
#define FLORIN_ASSIGN_OR_RETURN(lhs, expression) \
  FLORIN_INTERNAL_ASSIGN_OR(return, FLORIN_INTERNAL_NAME(status_or_, __LINE__), lhs, expression)
#define FLORIN_CO_ASSIGN_OR_RETURN(lhs, expression) \
  FLORIN_INTERNAL_ASSIGN_OR(co_return, FLORIN_INTERNAL_NAME(status_or_, __LINE__), lhs, expression)

#define FLORIN_INTERNAL_RETURN_IF_ERROR(leave, expression)                                     \
  do {                                                                                         \
    if (::absl::Status florin_status = (expression); !florin_status.ok()) leave florin_status; \
  } while (false)
#define FLORIN_INTERNAL_ASSIGN_OR(leave, holder, lhs, expression) \
  auto holder = (expression);                                     \
  if (!holder.ok()) leave std::move(holder).status();             \
  lhs = *std::move(holder)
#define FLORIN_INTERNAL_NAME_JOIN(a, b) a##b
#define FLORIN_INTERNAL_NAME(a, b) FLORIN_INTERNAL_NAME_JOIN(a, b)
