// The memory of the sandbox's rail: as a bank's outside, nobody else's.
#pragma once

#include <optional>
#include <vector>

#include "libs/async/task.h"
#include "services/payments/domain/rail.h"

namespace florin::payments {

// A payout that the rail has taken.
struct TakenPayout {
  Uuid payout_id;
  Money amount;
  absl::Time silent_until;  // It says nothing about it before.
  // What happened and will happen, as far as it is told, in order of `book_time`.
  std::vector<RailEntry> entries;
};

// An entry, and how often it is notified.
struct PlannedEntry {
  RailEntry entry;
  int notifications = 1;
  bool told = true;  // Part of what FindTaken() gives.
  bool on_statement = true;
};

// Thread-safe. Every method is idempotent but Notified(), which may be repeated at the price of a
// notification. Errors: kUnavailable (the outcome of a write is then unknown), kInternal.
class SandboxRailStore {
 public:
  virtual ~SandboxRailStore() = default;

  // Keeps a payout whose id is new with what will happen to it, and gives what is kept under the
  // id. The entries' numbers are given here.
  virtual Task<absl::StatusOr<TakenPayout>> Take(TakenPayout payout,
                                                 std::vector<PlannedEntry> entries) = 0;
  virtual Task<absl::StatusOr<std::optional<TakenPayout>>> FindTaken(Uuid payout_id) = 0;
  // Keeps a deposit whose id is new, and gives what is kept under the id.
  virtual Task<absl::StatusOr<RailEntry>> AddDeposit(PlannedEntry deposit) = 0;
  // Up to `limit` entries that are booked by `now` and still to be notified, the first booked
  // first.
  virtual Task<absl::StatusOr<std::vector<RailEntry>>> DueNotifications(absl::Time now,
                                                                        int limit) = 0;
  // One notification less of the entry.
  virtual Task<absl::Status> Notified(std::int64_t number) = 0;
  // Up to `limit` entries of the statement booked by `now`, but for rejections, after the one with
  // this time and number, in that order.
  virtual Task<absl::StatusOr<std::vector<RailEntry>>> BookedAfter(absl::Time book_time,
                                                                   std::int64_t number,
                                                                   absl::Time now, int limit) = 0;
};

}  // namespace florin::payments
