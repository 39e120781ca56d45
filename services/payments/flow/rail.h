// What a rail is to payments: another bank's end of the wire. sandbox_rail.h is the only one yet.
#pragma once

#include <string>
#include <vector>

#include "libs/async/task.h"
#include "services/payments/domain/rail.h"

namespace florin::payments {

// Thread-safe. Errors of every method: kUnavailable, kDeadlineExceeded: unknown, ask again.
class Rail {
 public:
  virtual ~Rail() = default;

  // Asks the rail to pay, and gives what it says at once. Idempotent: the rail knows a payout by
  // its id, and pays it once however often it is submitted. Error, too: kInternal for a known id
  // with another amount.
  virtual Task<absl::StatusOr<RailStatus>> Submit(RailPayout payout) = 0;

  // What has become of a payout: kUnknown if it was never submitted.
  virtual Task<absl::StatusOr<RailStatus>> StatusOf(Uuid payout_id) = 0;

  // Up to `limit` of what has happened and was not acknowledged yet, the oldest first. The same may
  // be notified again, also after Acknowledge(): whoever acts on it does so once for each deposit
  // id, and asks StatusOf() about payouts.
  virtual Task<absl::StatusOr<std::vector<RailEntry>>> Notifications(int limit) = 0;
  // What was notified has been acted on.
  virtual Task<absl::Status> Acknowledge(std::int64_t number) = 0;

  // Up to `limit` lines of the rail's statement after `cursor` (empty: from the beginning), for
  // reconciliation. What is booked later has a later cursor. Error: kInvalidField for a cursor that
  // the rail never gave.
  virtual Task<absl::StatusOr<RailStatement>> Statement(std::string cursor, int limit) = 0;
};

}  // namespace florin::payments
