// Brings rows up to date with how personal data are kept now: seals what was written before there
// were keys, and reseals customers' keys after the ring got a new one.
#pragma once

#include <vector>

#include "libs/async/task.h"
#include "libs/pg/pool.h"
#include "services/accounts/store/personal_data.h"

namespace florin::accounts {

// Safe to run in several replicas at once: each works on rows that no other one has locked, and
// what is done already is found done. Thread-safe.
class PgSealing {
 public:
  // What the pool must prepare besides PgStore's.
  static std::vector<pg::Statement> Statements();

  // Both outlive this.
  PgSealing(pg::Pool& pool, PersonalData& data) : pool_(pool), data_(data) {}

  // One round of an async::Worker: works until nothing is left, logs how many rows it was, and has
  // keys forgotten whose time is over. Gives how many customers were sealed or resealed. A key that
  // does not open, e.g. since the ring's key was taken away too early, is logged and left. Errors:
  // kUnavailable, kInternal; logged, too.
  Task<absl::StatusOr<int>> RunOnce();

 private:
  Task<absl::StatusOr<int>> SealSome();
  Task<absl::StatusOr<int>> ResealSome(const char* statement);

  pg::Pool& pool_;
  PersonalData& data_;
};

}  // namespace florin::accounts
