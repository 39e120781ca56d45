#include "services/gateway/http/h2_flood.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace florin::gateway {
namespace {

using std::chrono::seconds;

constexpr H2Flood::Time kStart{std::chrono::hours(1)};

std::string Frame(unsigned char type, unsigned char flags, std::size_t size) {
  std::string bytes;
  for (int shift = 16; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift);
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(flags);
  return bytes + std::string(4 + size, '\0');
}
const std::string kPreface(24, 'P');

// How many of `frame` in a row are borne at one moment, `most` at most.
int Borne(H2Flood& flood, const std::string& frame, H2Flood::Time now, int most = 100'000) {
  int count = 0;
  while (count < most && flood.Observe(frame, now)) ++count;
  return count;
}

struct Row {
  const char* what;
  std::string frame;
  H2Flood::Kind kind;
};

const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
      {"PING", Frame(0x6, 0, 8), H2Flood::kPing},
      {"PING ACK that answers nothing", Frame(0x6, 1, 8), H2Flood::kPing},
      {"SETTINGS", Frame(0x4, 0, 0), H2Flood::kSettings},
      {"SETTINGS ACK", Frame(0x4, 1, 0), H2Flood::kSettings},
      {"PRIORITY", Frame(0x2, 0, 5), H2Flood::kPriority},
      {"PRIORITY_UPDATE", Frame(0x10, 0, 9), H2Flood::kPriority},
      {"WINDOW_UPDATE", Frame(0x8, 0, 4), H2Flood::kWindowUpdate},
      {"RST_STREAM", Frame(0x3, 0, 4), H2Flood::kReset},
      {"empty DATA", Frame(0x0, 0, 0), H2Flood::kSmallData},
      {"DATA with padding only", Frame(0x0, 8, 31), H2Flood::kSmallData},
      {"CONTINUATION that ends a block", Frame(0x1, 0, 1) + Frame(0x9, 4, 1),
       H2Flood::kContinuation},
      {"PUSH_PROMISE", Frame(0x5, 4, 4), H2Flood::kOther},
      {"GOAWAY", Frame(0x7, 0, 8), H2Flood::kOther},
      {"a type that nobody knows", Frame(0xbb, 0, 0), H2Flood::kOther},
  };
  return rows;
}

TEST(H2Flood, BearsABurstOfEachKind) {
  for (const Row& row : Rows()) {
    H2Flood flood(kStart);
    ASSERT_TRUE(flood.Observe(kPreface, kStart));
    const auto& allowance = H2Flood::Allowances()[row.kind];
    EXPECT_EQ(Borne(flood, row.frame, kStart), allowance.burst) << row.what;
    EXPECT_FALSE(flood.Observe(Frame(0x1, 5, 10), kStart + seconds(60)))
        << row.what << ": there is no way back";
  }
}

TEST(H2Flood, ForgivesWithTime) {
  for (const Row& row : Rows()) {
    H2Flood flood(kStart);
    flood.Observe(kPreface, kStart);
    const auto& allowance = H2Flood::Allowances()[row.kind];
    const int burst = static_cast<int>(allowance.burst);
    EXPECT_EQ(Borne(flood, row.frame, kStart, burst), burst) << row.what;
    EXPECT_EQ(Borne(flood, row.frame, kStart + seconds(3)), 3 * allowance.per_second) << row.what;
  }
}

TEST(H2Flood, KeepsItsBurstHoweverLongItWaits) {
  H2Flood flood(kStart);
  flood.Observe(kPreface, kStart);
  EXPECT_EQ(Borne(flood, Frame(0x6, 0, 8), kStart + std::chrono::hours(10'000)),
            H2Flood::Allowances()[H2Flood::kPing].burst);
}

TEST(H2Flood, CountsStreamsThatNobodyWaitedFor) {
  H2Flood flood(kStart);
  int borne = 0;
  while (flood.ObserveAbandoned(kStart)) ++borne;
  EXPECT_EQ(borne, H2Flood::Allowances()[H2Flood::kAbandoned].burst);
}

TEST(H2Flood, RequestsPayForWhatComesWithThem) {
  H2Flood flood(kStart);
  ASSERT_TRUE(flood.Observe(kPreface, kStart));
  for (int i = 0; i < 10'000; ++i) {
    const std::string request = Frame(0x1, 4, 100) + Frame(0x2, 0, 5) + Frame(0x0, 0, 5) +
                                Frame(0x0, 1, 100) + Frame(0x8, 0, 4) + Frame(0x8, 0, 4);
    ASSERT_TRUE(flood.Observe(request, kStart)) << i;
  }
}

TEST(H2Flood, DataThatCarriesSomethingIsFree) {
  H2Flood flood(kStart);
  flood.Observe(kPreface, kStart);
  EXPECT_EQ(Borne(flood, Frame(0x0, 0, 32), kStart, 10'000), 10'000);
  EXPECT_EQ(Borne(flood, Frame(0x0, 1, 0), kStart, 10'000), 10'000) << "it ends a stream";
}

TEST(H2Flood, BoundsAHeaderBlock) {
  const auto bears = [](const std::string& frames) {
    H2Flood flood(kStart);
    return flood.Observe(kPreface, kStart) && flood.Observe(frames, kStart);
  };
  EXPECT_TRUE(bears(Frame(0x1, 4, 16'384)));
  EXPECT_FALSE(bears(Frame(0x1, 4, 16'385)));
  EXPECT_TRUE(bears(Frame(0x1, 0, 16'000) + Frame(0x9, 4, 384)));
  EXPECT_FALSE(bears(Frame(0x1, 0, 16'000) + Frame(0x9, 4, 385)));
  std::string cut = Frame(0x1, 0, 1);
  for (int i = 0; i < 4; ++i) cut += Frame(0x9, 0, 0);
  EXPECT_TRUE(bears(cut));
  EXPECT_FALSE(bears(cut + Frame(0x9, 4, 0)));
}

TEST(H2Flood, SeesFramesHoweverTheyAreCut) {
  const std::string pings = [] {
    std::string all = kPreface;
    for (int i = 0; i < 51; ++i) all += Frame(0x6, 0, 8);
    return all;
  }();
  for (const std::size_t piece : {1u, 2u, 7u, 9u, 10u, 17u, 1000u}) {
    H2Flood flood(kStart);
    std::size_t at = 0;
    while (at < pings.size() && flood.Observe(pings.substr(at, piece), kStart)) at += piece;
    EXPECT_LT(at, pings.size()) << piece;
    EXPECT_GE(at + piece, pings.size() - 8) << piece << ": the last frame's head is what decides";
  }
}

TEST(H2Flood, KnowsWhetherAFrameIsOpen) {
  H2Flood flood(kStart);
  EXPECT_TRUE(flood.in_frame());
  flood.Observe(kPreface, kStart);
  EXPECT_FALSE(flood.in_frame());
  const std::string frame = Frame(0x6, 0, 8);
  flood.Observe(frame.substr(0, 3), kStart);
  EXPECT_TRUE(flood.in_frame());
  flood.Observe(frame.substr(3, 10), kStart);
  EXPECT_TRUE(flood.in_frame());
  flood.Observe(frame.substr(13), kStart);
  EXPECT_FALSE(flood.in_frame());
  flood.Observe(Frame(0x1, 0, 3), kStart);
  EXPECT_TRUE(flood.in_frame()) << "the header block goes on";
  flood.Observe(Frame(0x9, 4, 3), kStart);
  EXPECT_FALSE(flood.in_frame());
}

}  // namespace
}  // namespace florin::gateway
