#include "libs/status/status.h"

#include <set>

#include "gtest/gtest.h"
#include "libs/status/check.h"
#include "libs/status/matchers.h"

namespace florin {
namespace {

absl::StatusOr<int> Half(int n) {
  if (n % 2 != 0) return Error(Reason::kInvalidField, "odd", {.param = "n"});
  return n / 2;
}

absl::StatusOr<int> Quarter(int n) {
  FLORIN_ASSIGN_OR_RETURN(const int half, Half(n));
  FLORIN_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

TEST(Status, CarriesReasonParamAndMetadata) {
  const absl::Status status = Error(Reason::kInsufficientFunds, "no cover",
                                    {.param = "amount", .metadata = {{"payment_id", "pay_1"}}});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status, StatusHasReason(Reason::kInsufficientFunds));
  EXPECT_EQ(DetailOf(status).param, "amount");
  EXPECT_EQ(DetailOf(status).metadata.at("payment_id"), "pay_1");
}

TEST(Status, AnErrorWithoutReasonIsInternal) {
  EXPECT_EQ(ReasonOf(absl::UnavailableError("x")), Reason::kInternal);
  EXPECT_EQ(ReasonOf(absl::OkStatus()), std::nullopt);
}

TEST(Status, MacrosLeaveWithTheError) {
  EXPECT_THAT(Quarter(8), IsOk());
  EXPECT_THAT(Quarter(6), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(Quarter(6), StatusHasParam("n"));
}

TEST(Registry, NumbersAndNamesAreUniqueAndLookedUpBothWays) {
  std::set<int> numbers;
  std::set<std::string_view> names;
#define FLORIN_REASON(enumerator, number, text, code, http, advice) \
  EXPECT_TRUE(numbers.insert(number).second) << text;               \
  EXPECT_TRUE(names.insert(text).second) << text;                   \
  EXPECT_EQ(ReasonFromName(text), Reason::enumerator);              \
  EXPECT_EQ(InfoOf(Reason::enumerator).name, text);                 \
  EXPECT_TRUE((http) >= 400 && (http) < 600) << text;
#include "libs/status/reasons.inc"
#undef FLORIN_REASON
  EXPECT_EQ(ReasonFromName("no_such_reason"), std::nullopt);
}

TEST(CheckDeathTest, EndsTheProcessWithThePromise) {
  EXPECT_DEATH(FLORIN_CHECK(1 == 2, "one is two"), "one is two");
}

}  // namespace
}  // namespace florin
