// What a trail gives to those who read it: events in the order of the log, heads, leaves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/merkle/tree_head.h"
#include "libs/status/status.h"

namespace florin::audit {

struct ChainedEvent {
  std::uint64_t number = 0;  // From 1 on
  merkle::Digest leaf{};     // As it was when the event was chained
  Event event;               // As it is now
};

struct Filter {
  std::optional<absl::Time> from;  // Inclusive
  std::optional<absl::Time> to;    // Exclusive
  std::string subject;             // Exactly these, if not empty
  std::string actor;
  std::string action;
};

// Part of the log: events with consecutive numbers, and the heads that cover one of them last.
struct Stretch {
  std::vector<ChainedEvent> events;
  std::vector<merkle::SignedTreeHead> heads;  // By size
};

// Thread-safe. Errors of all methods: kUnavailable, kAuditInconsistent.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual const std::string& origin() const = 0;
  virtual Task<absl::StatusOr<std::optional<merkle::SignedTreeHead>>> LatestHead() = 0;
  // At most `limit` events with greater numbers, in order.
  virtual Task<absl::StatusOr<std::vector<ChainedEvent>>> Query(Filter filter, std::uint64_t after,
                                                                int limit) = 0;
  // The events with numbers after + 1 … until, at most `limit`, and the heads of their numbers;
  // those of size `after`, too, since a stream may have broken off before it.
  virtual Task<absl::StatusOr<Stretch>> Read(std::uint64_t after, std::uint64_t until,
                                             int limit) = 0;
};

}  // namespace florin::audit
