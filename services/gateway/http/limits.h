// What one client may take of us. The defaults are what docs/api.md promises.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace florin::gateway {

struct Limits {
  std::size_t header_bytes = 8 * 1024;  // Request line and fields; at most kReadBufferBytes.
  std::uint64_t body_bytes = 64 * 1024;

  absl::Duration handshake_time = absl::Seconds(5);
  absl::Duration header_time = absl::Seconds(10);  // From the first byte to the end of the fields.
  absl::Duration body_time = absl::Seconds(10);
  // Within body_time, a body must also come at this rate: see BodyTime.
  absl::Duration body_grace = absl::Seconds(2);
  std::uint64_t body_bytes_per_second = 8 * 1024;
  absl::Duration idle_time = absl::Seconds(60);     // Between requests.
  absl::Duration request_time = absl::Seconds(10);  // Deadline of the call inside.
  absl::Duration write_time = absl::Seconds(10);
  // After a last response we read and drop what the client still sends, so that it gets to read the
  // response: closing at once would reset the connection under it.
  absl::Duration linger_time = absl::Seconds(2);
  std::size_t linger_bytes = 4 * 1024 * 1024;
  // How often deadlines are looked at; a time-out is late by this much at most. One timer for each
  // thread.
  absl::Duration sweep_interval = absl::Milliseconds(250);

  // Of one connection of HTTP/2; what it may do besides is in h2_flood.h.
  std::uint32_t streams = 100;                    // Open, and requests under way.
  std::size_t stream_bodies_bytes = 1024 * 1024;  // Of all requests that are not answered yet.
  std::size_t queued_responses_bytes = 4 * 1024 * 1024;  // Beyond it no request is begun.

  int connections = 10'000;
  int connections_per_network = 200;  // limits/network.h
  int requests_in_flight = 1'000;
};

// How long after its beginning a body may be incomplete of which `received` bytes have come: the
// grace, and after that as long as those bytes take at the least rate; body_time at most.
inline absl::Duration BodyTime(const Limits& limits, std::uint64_t received) {
  const absl::Duration paid = absl::Seconds(static_cast<double>(received) /
                                            static_cast<double>(limits.body_bytes_per_second));
  return std::min(limits.body_time, limits.body_grace + paid);
}

inline constexpr std::size_t kReadBufferBytes = 16 * 1024;

}  // namespace florin::gateway
