#include "services/payments/domain/passing.h"

#include <algorithm>
#include <iterator>

#include "gtest/gtest.h"

namespace florin::payments {
namespace {

constexpr Reason kPassing[] = {Reason::kUnavailable, Reason::kDeadlineExceeded,
                               Reason::kOverloaded};

constexpr Reason kAll[] = {
#define FLORIN_REASON(enumerator, number, name, code, http, advice) Reason::enumerator,
#include "libs/status/reasons.inc"
#undef FLORIN_REASON
};

TEST(PassingTest, OnlyWhatIsAboutTheMoment) {
  for (const Reason reason : kAll) {
    const bool passes = std::ranges::find(kPassing, reason) != std::end(kPassing);
    const absl::Status error = Error(reason, "told to fail");
    EXPECT_EQ(MayPass(reason), passes) << InfoOf(reason).name;
    EXPECT_EQ(MayPass(error), passes) << InfoOf(reason).name;
    EXPECT_EQ(DecidesNothing(error), passes || reason == Reason::kInternal) << InfoOf(reason).name;
  }
}

TEST(PassingTest, OkIsNoError) {
  EXPECT_FALSE(MayPass(absl::OkStatus()));
  EXPECT_FALSE(DecidesNothing(absl::OkStatus()));
}

}  // namespace
}  // namespace florin::payments
