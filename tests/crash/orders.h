// What has become of all that clients have ordered ahead, compared with what they wanted.
#pragma once

#include <set>
#include <string>

#include "tests/crash/mixed_load.h"

namespace florin::e2e {

struct OrderFigures {
  int schedules = 0;
  int occurrences = 0;  // That were due.
  int missed = 0;       // Of these, that nothing became of.
  int doubled = 0;      // With more than one payment.
  int bulks = 0;
  int items = 0;
  int requests = 0;
};

// Puts the clock forward until all schedules have had their last due occurrence, killing payments
// as it catches up, and waits until nothing that was ordered is under way.
void EndOrders(MixedLoad& load);

// Each occurrence that was due was made once or skipped as was asked for, no other was, each item
// of a bulk and each request was paid at most once, and a bulk of all or nothing was one.
OrderFigures ExpectOrders(MixedLoad& load);

// Adds the ledger's transactions that bulks of all or nothing have beside their payments' own.
// `found`: all that the ledger has.
void AddBookingsOfBulks(const std::set<std::string>& found, std::set<std::string>& expected);

}  // namespace florin::e2e
