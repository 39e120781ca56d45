// What rails have said in their statements, and how far it has been compared with what is kept of
// payouts and deposits.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "services/payments/domain/rail_match.h"

namespace florin::payments {

// How far one rail's statement is read and compared.
struct RailProgress {
  std::string cursor = {};          // The rail's, of what was read last; empty at first.
  std::int64_t kept_lines = 0;      // How many have been read.
  std::int64_t compared_lines = 0;  // How many of those are compared, the first read first.
  absl::Time payouts_until = absl::UnixEpoch();   // Those executed before are compared,
  absl::Time deposits_until = absl::UnixEpoch();  // and those received before.

  friend bool operator==(const RailProgress&, const RailProgress&) = default;
};

// What a line is about.
struct RailSubject {
  Uuid payout_id = {};          // Nil for a deposit.
  std::string deposit_id = {};  // Empty for a payout.
  absl::Time time = {};         // When it was booked by the rail, executed here or received here.

  friend bool operator==(const RailSubject&, const RailSubject&) = default;
};

// Thread-safe. Every method is idempotent. Errors: kUnavailable (the outcome of a write is then
// unknown), kInternal.
class RailReconcileStore {
 public:
  virtual ~RailReconcileStore() = default;

  virtual Task<absl::StatusOr<RailProgress>> ProgressOf(std::string rail) = 0;

  // Keeps the lines that follow `cursor`, all or none, without what senders say. Nothing happens
  // if the statement has been read beyond `cursor` already. Gives the progress afterwards.
  virtual Task<absl::StatusOr<RailProgress>> KeepStatement(std::string rail, std::string cursor,
                                                           RailStatement page) = 0;
  // What the lines are about that were read after the first `after`, in that order, at most
  // `limit`.
  virtual Task<absl::StatusOr<std::vector<RailSubject>>> LinesAfter(std::string rail,
                                                                    std::int64_t after,
                                                                    int limit) = 0;
  // Payouts whose last stage is settled or returned since a time in [from, until), or deposits
  // that were received then; the first come first, at most `limit`, and all those that have the
  // time of the last.
  virtual Task<absl::StatusOr<std::vector<RailSubject>>> ExecutedPayouts(std::string rail,
                                                                         absl::Time from,
                                                                         absl::Time until,
                                                                         int limit) = 0;
  virtual Task<absl::StatusOr<std::vector<RailSubject>>> ReceivedDeposits(std::string rail,
                                                                          absl::Time from,
                                                                          absl::Time until,
                                                                          int limit) = 0;
  // All that is known of each, in order, its lines in the order of reading.
  virtual Task<absl::StatusOr<std::vector<RailCase>>> CasesOf(
      std::string rail, std::vector<RailSubject> subjects) = 0;

  // Moves on what `progress` says of lines, payouts and deposits compared, unless somebody else
  // has moved it further.
  virtual Task<absl::StatusOr<int>> RecordCompared(std::string rail, RailProgress progress) = 0;

  // Of every currency in which a rail has paid or received anything, in order of currency. Reads
  // all payouts and deposits there are.
  virtual Task<absl::StatusOr<std::vector<SettlementSums>>> SettlementSumsOf() = 0;
};

}  // namespace florin::payments
