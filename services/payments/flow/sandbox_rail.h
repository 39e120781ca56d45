// The sandbox's rail: a bank outside that behaves as the beneficiary's account asks for
// (domain/sandbox_rail.h), in the sandbox's time. Survives restarts of payments, whose database it
// only borrows.
#pragma once

#include <string>
#include <vector>

#include "libs/clock/clock.h"
#include "services/payments/flow/rail.h"
#include "services/payments/store/sandbox_rail_store.h"

namespace florin::payments {

// What was booked is on the statement a minute later: what is committed in between under an earlier
// time is not passed over.
inline constexpr absl::Duration kStatementDelay = absl::Minutes(1);

// Thread-safe.
class SandboxRail : public Rail {
 public:
  // References outlive this.
  SandboxRail(SandboxRailStore& store, Clock& clock) : store_(store), clock_(clock) {}

  Task<absl::StatusOr<RailStatus>> Submit(RailPayout payout) override;
  Task<absl::StatusOr<RailStatus>> StatusOf(Uuid payout_id) override;
  Task<absl::StatusOr<std::vector<RailEntry>>> Notifications(int limit) override;
  Task<absl::Status> Acknowledge(std::int64_t number) override;
  Task<absl::StatusOr<RailStatement>> Statement(std::string cursor, int limit) override;

  // Money arrives at the rail, of which it will notify so many times. `deposit` has its id, amount,
  // reference of an account and reference. Idempotent. Error: kIdempotencyKeyReused with param
  // `deposit_id` for a known id with other content.
  Task<absl::Status> Receive(RailEntry deposit, int notifications);

 private:
  SandboxRailStore& store_;
  Clock& clock_;
};

}  // namespace florin::payments
