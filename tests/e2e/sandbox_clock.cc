#include "tests/e2e/sandbox_clock.h"

#include <string>

#include "gtest/gtest.h"

namespace florin::e2e {

absl::Time SandboxNow(ApiUser& user) {
  const Answer clock = user.Get("/v1/sandbox/clock");
  EXPECT_EQ(Outcome(clock), "200") << clock;
  absl::Time now;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, clock.Text("current_time"), &now, &error))
      << error;
  return now;
}

Answer AdvanceTo(ApiUser& user, absl::Time target) {
  const std::string text = absl::FormatTime("%Y-%m-%d%ET%H:%M:%E6SZ", target, absl::UTCTimeZone());
  return user.Post("/v1/sandbox/clock:advance", boost::json::object{{"target_time", text}});
}

void Advance(ApiUser& user, absl::Duration by) {
  const Answer answer = AdvanceTo(user, SandboxNow(user) + by);
  ASSERT_EQ(Outcome(answer), "200") << answer;
}

}  // namespace florin::e2e
