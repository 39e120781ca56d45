#include "services/gateway/http/trace_context.h"

#include "gtest/gtest.h"

namespace florin::gateway {
namespace {

const Uuid kRequest = *Uuid::Parse("018f3a1e-7b2c-7d3e-8f4a-5b6c7d8e9f00");
const Uuid kSpan = *Uuid::Parse("018f3a1e-7b2c-7d3e-9000-000000000001");

TEST(ContinueTraceTest, KeepsTheTraceAndFlagsOfAValidOne) {
  EXPECT_EQ(
      ContinueTrace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", kRequest, kSpan),
      "00-4bf92f3577b34da6a3ce929d0e0e4736-9000000000000001-00");
  EXPECT_EQ(ContinueTrace("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", kRequest,
                          kSpan),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-9000000000000001-01");
}

TEST(ContinueTraceTest, StartsATraceOtherwise) {
  const char* const fresh = "00-018f3a1e7b2c7d3e8f4a5b6c7d8e9f00-9000000000000001-01";
  EXPECT_EQ(ContinueTrace(std::nullopt, kRequest, kSpan), fresh);
  for (const char* invalid : {"", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
                              "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                              "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                              "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                              "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                              "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
                              "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                              "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x"}) {
    EXPECT_EQ(ContinueTrace(invalid, kRequest, kSpan), fresh) << invalid;
  }
}

}  // namespace
}  // namespace florin::gateway
