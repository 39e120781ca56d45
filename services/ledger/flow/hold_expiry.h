// Releases holds whose time is over, in order of that time, by commands of their own in the
// journal.
//
// Only tidies up: what is over can't be captured, swept or not. May run in several processes: the
// id of an expiry follows from its hold, so each is decided once.
#pragma once

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/status/status.h"
#include "services/ledger/flow/batcher.h"
#include "services/ledger/store/store.h"

namespace florin::ledger {

class HoldExpiry {
 public:
  // Not owned; outlive it.
  HoldExpiry(Store& store, PostingBatcher& batcher, Clock& clock)
      : store_(store), batcher_(batcher), clock_(clock) {}

  // One round over all books, for async::Worker: goes on until nothing is left to release. Errors:
  // those of the store; the next round begins anew.
  Task<absl::Status> RunOnce();

 private:
  Task<absl::Status> Sweep(std::string book);

  Store& store_;
  PostingBatcher& batcher_;
  Clock& clock_;
};

}  // namespace florin::ledger
