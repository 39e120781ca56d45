// How often a client of HTTP/2 may do what costs us and is no request: a pure rule over the bytes
// of a connection, which sees every frame, also those that the protocol has us ignore.
//
// Against the attacks known by name: rapid reset (CVE-2023-44487) and its turned form, where the
// client provokes the server into resetting (CVE-2025-8671); floods of PING, SETTINGS, PRIORITY,
// WINDOW_UPDATE and empty DATA (CVE-2019-9511 to 9518); endless CONTINUATION (CVE-2024-28182).
// RFC 9113 section 10.5 allows what follows: GOAWAY with ENHANCE_YOUR_CALM.
//
// No I/O and no clock. Not thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace florin::gateway {

// A budget that is full at first, is used up by events, and fills again with time.
class TokenBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;

  TokenBucket(std::int64_t burst, std::int64_t per_second, Time now);

  // Whether there was a token to take.
  bool Take(Time now);
  // Puts `tokens` back; what exceeds the burst is lost.
  void Add(std::int64_t tokens);

 private:
  std::int64_t capacity_;  // In millionths of a token, like level_.
  std::int64_t per_second_;
  std::int64_t level_;
  Time filled_;
};

// One connection's conduct.
class H2Flood {
 public:
  using Time = TokenBucket::Time;

  // What is counted, each by itself. Requests are not: other limits hold for them.
  enum Kind {
    kPing,
    kSettings,
    kPriority,
    kWindowUpdate,
    kReset,      // RST_STREAM by the client.
    kAbandoned,  // A stream that was reset before it was answered, by whomever.
    kSmallData,  // DATA of less than kSmallDataBytes that does not end its stream.
    kContinuation,
    kOther,  // Frames of an unknown type, or of one that no client needs.
    kKinds,
  };
  struct Allowance {
    std::int64_t burst;
    std::int64_t per_second;
    std::int64_t per_request;  // What each HEADERS frame gives back.
  };
  static const std::array<Allowance, kKinds>& Allowances();

  static constexpr std::size_t kSmallDataBytes = 32;
  // One header block as it is on the wire, and the frames that it may be cut into beside the first.
  static constexpr std::size_t kHeaderBlockBytes = 16 * 1024;
  static constexpr int kContinuations = 4;

  explicit H2Flood(Time now);

  // Looks at the connection's next bytes, before they are parsed. Whether the client keeps within
  // its allowance; once it did not, it never does again.
  bool Observe(std::string_view bytes, Time now);
  // A stream was reset before it was answered.
  bool ObserveAbandoned(Time now);

  // The frames that have begun so far, a header block counting as one.
  std::uint64_t blocks() const { return blocks_; }
  // Whether a preface, frame or header block has begun that has not ended.
  bool in_frame() const {
    return preface_left_ > 0 || head_size_ > 0 || payload_left_ > 0 || in_header_block_;
  }

 private:
  void OnFrame(Time now);
  void Count(Kind kind, Time now);

  std::array<TokenBucket, kKinds> buckets_;
  bool calm_ = true;
  std::size_t preface_left_ =
      24;  // RFC 9113 section 3.4; that it is the right one is not our matter.
  std::array<unsigned char, 9> head_ = {};
  std::size_t head_size_ = 0;
  std::size_t payload_left_ = 0;
  bool in_header_block_ = false;
  std::uint64_t blocks_ = 0;
  std::size_t block_bytes_ = 0;
  int continuations_ = 0;
};

}  // namespace florin::gateway
