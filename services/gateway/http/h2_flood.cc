#include "services/gateway/http/h2_flood.h"

#include <algorithm>
#include <utility>

namespace florin::gateway {
namespace {

constexpr std::int64_t kToken = 1'000'000;

// RFC 9113 section 6; 0x10 is PRIORITY_UPDATE of RFC 9218.
enum FrameType : unsigned char {
  kData = 0x0,
  kHeaders = 0x1,
  kPriorityFrame = 0x2,
  kRstStream = 0x3,
  kSettingsFrame = 0x4,
  kPingFrame = 0x6,
  kWindowUpdateFrame = 0x8,
  kContinuationFrame = 0x9,
  kPriorityUpdate = 0x10,
};
constexpr unsigned char kEndStream = 0x1;
constexpr unsigned char kEndHeaders = 0x4;

}  // namespace

TokenBucket::TokenBucket(std::int64_t burst, std::int64_t per_second, Time now)
    : capacity_(burst * kToken), per_second_(per_second), level_(capacity_), filled_(now) {}

bool TokenBucket::Take(Time now) {
  const auto passed = std::chrono::duration_cast<std::chrono::microseconds>(now - filled_);
  if (passed.count() > 0) {
    // A microsecond brings per_second_ millionths. An hour fills every bucket.
    const std::int64_t counted = std::min<std::int64_t>(passed.count(), 3'600'000'000);
    level_ = std::min(capacity_, level_ + counted * per_second_);
    filled_ = now;
  }
  if (level_ < kToken) return false;
  level_ -= kToken;
  return true;
}

void TokenBucket::Add(std::int64_t tokens) {
  level_ = std::min(capacity_, level_ + tokens * kToken);
}

const std::array<H2Flood::Allowance, H2Flood::kKinds>& H2Flood::Allowances() {
  static constexpr std::array<Allowance, kKinds> kAllowances = {{
      {.burst = 50, .per_second = 10, .per_request = 0},     // kPing: gRPC measures with them.
      {.burst = 20, .per_second = 2, .per_request = 0},      // kSettings
      {.burst = 200, .per_second = 20, .per_request = 2},    // kPriority
      {.burst = 1000, .per_second = 200, .per_request = 4},  // kWindowUpdate
      {.burst = 200, .per_second = 20, .per_request = 0},    // kReset: an app that turns away.
      {.burst = 100, .per_second = 10, .per_request = 0},    // kAbandoned
      {.burst = 200, .per_second = 50, .per_request = 2},    // kSmallData: gRPC's five octets.
      {.burst = 32, .per_second = 4, .per_request = 0},      // kContinuation
      {.burst = 50, .per_second = 10, .per_request = 0},     // kOther: GREASE, RFC 8701.
  }};
  return kAllowances;
}

namespace {

template <std::size_t... kIndex>
std::array<TokenBucket, sizeof...(kIndex)> FullBuckets(TokenBucket::Time now,
                                                       std::index_sequence<kIndex...>) {
  const auto& allowances = H2Flood::Allowances();
  return {{TokenBucket(allowances[kIndex].burst, allowances[kIndex].per_second, now)...}};
}

}  // namespace

H2Flood::H2Flood(Time now) : buckets_(FullBuckets(now, std::make_index_sequence<kKinds>())) {}

bool H2Flood::Observe(std::string_view bytes, Time now) {
  while (calm_ && !bytes.empty()) {
    std::size_t& left = preface_left_ > 0 ? preface_left_ : payload_left_;
    if (left > 0) {
      const std::size_t skipped = std::min(left, bytes.size());
      left -= skipped;
      bytes.remove_prefix(skipped);
      continue;
    }
    if (head_size_ == 0 && !in_header_block_) ++blocks_;
    const std::size_t taken = std::min(head_.size() - head_size_, bytes.size());
    std::copy_n(bytes.begin(), taken, head_.begin() + static_cast<std::ptrdiff_t>(head_size_));
    head_size_ += taken;
    bytes.remove_prefix(taken);
    if (head_size_ < head_.size()) break;
    head_size_ = 0;
    payload_left_ = static_cast<std::size_t>(head_[0]) << 16 |
                    static_cast<std::size_t>(head_[1]) << 8 | head_[2];
    OnFrame(now);
  }
  return calm_;
}

bool H2Flood::ObserveAbandoned(Time now) {
  Count(kAbandoned, now);
  return calm_;
}

void H2Flood::OnFrame(Time now) {
  const unsigned char type = head_[3];
  const unsigned char flags = head_[4];
  switch (type) {
    case kData:
      if (payload_left_ < kSmallDataBytes && (flags & kEndStream) == 0) Count(kSmallData, now);
      return;
    case kHeaders:
      for (int kind = 0; kind < kKinds; ++kind) {
        buckets_[static_cast<std::size_t>(kind)].Add(
            Allowances()[static_cast<std::size_t>(kind)].per_request);
      }
      block_bytes_ = payload_left_;
      continuations_ = 0;
      in_header_block_ = (flags & kEndHeaders) == 0;
      break;
    case kContinuationFrame:
      Count(kContinuation, now);
      block_bytes_ += payload_left_;
      if (++continuations_ > kContinuations) calm_ = false;
      in_header_block_ = (flags & kEndHeaders) == 0;
      break;
    case kPriorityFrame:
    case kPriorityUpdate:
      return Count(kPriority, now);
    case kRstStream:
      return Count(kReset, now);
    case kSettingsFrame:
      return Count(kSettings, now);
    case kPingFrame:
      return Count(kPing, now);
    case kWindowUpdateFrame:
      return Count(kWindowUpdate, now);
    default:
      return Count(kOther, now);
  }
  if (block_bytes_ > kHeaderBlockBytes) calm_ = false;
}

void H2Flood::Count(Kind kind, Time now) {
  if (!buckets_[static_cast<std::size_t>(kind)].Take(now)) calm_ = false;
}

}  // namespace florin::gateway
