// GoogleTest matchers for Status and StatusOr. There is none for "some error": a test names the
// reason it expects.
//
//   EXPECT_THAT(ParseMoney("1.5"), StatusHasReason(Reason::kInvalidAmount));
//   ASSERT_THAT(store.Insert(payment), IsOk());
#pragma once

#include <ostream>
#include <string>

#include "gmock/gmock.h"
#include "libs/status/status.h"

namespace florin {

inline const absl::Status& StatusIn(const absl::Status& status) { return status; }
template <class T>
const absl::Status& StatusIn(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, negation ? "is an error" : "is OK") {
  *result_listener << "which is " << StatusIn(arg).ToString();
  return StatusIn(arg).ok();
}

MATCHER_P(StatusHasReason, reason, "has reason " + std::string(InfoOf(reason).name)) {
  *result_listener << "which is " << StatusIn(arg).ToString();
  return ReasonOf(StatusIn(arg)) == reason;
}

// Matches an error whose `param` is the one given.
MATCHER_P(StatusHasParam, param, std::string("has param ") + param) {
  *result_listener << "which is " << StatusIn(arg).ToString();
  return DetailOf(StatusIn(arg)).param == param;
}

}  // namespace florin
