#include "libs/clock/ahead_clock.h"

#include "gtest/gtest.h"

namespace florin {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'790'000'000);

TEST(AheadClockTest, GoesWithItsBaseUntilTold) {
  FakeClock base(kStart);
  AheadClock clock(base);
  EXPECT_EQ(clock.Now(), kStart);
  base.Advance(absl::Seconds(1));
  EXPECT_EQ(clock.Now(), kStart + absl::Seconds(1));
  EXPECT_EQ(clock.ahead(), absl::ZeroDuration());
}

TEST(AheadClockTest, NeverGoesBack) {
  FakeClock base(kStart);
  AheadClock clock(base);
  clock.GoAhead(absl::Hours(2));
  clock.GoAhead(absl::Hours(1));
  clock.GoAhead(-absl::Hours(9));
  EXPECT_EQ(clock.Now(), kStart + absl::Hours(2));
  clock.GoAhead(absl::Hours(3));
  EXPECT_EQ(clock.Now(), kStart + absl::Hours(3));
  EXPECT_EQ(clock.BaseNow(), kStart);
}

}  // namespace
}  // namespace florin
