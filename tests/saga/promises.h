// What clients ask for, one promise for each idempotency key, and what they were told of it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "services/payments/domain/bulk.h"
#include "services/payments/domain/payout.h"
#include "services/payments/domain/request.h"
#include "services/payments/domain/schedule.h"
#include "services/payments/domain/step.h"
#include "services/payments/flow/create_quote.h"

namespace florin::saga {

// What is to be paid as a bulk. Its items are sent in chunks, of which some get lost, and some come
// twice.
struct WantedBulk {
  payments::BulkMode mode;
  Uuid source_account_id;
  std::vector<payments::BulkItem> items;
  std::set<std::string> added = {};  // Ids of those that an answer has said are there.
};

// One of `request`, `step`, `payout`, `schedule` and `bulk` says what for.
struct Promise {
  std::string key;
  Uuid user;
  std::optional<payments::PaymentRequest> request = {};
  std::optional<payments::QuoteRequest> quote = {};  // Which the request is to name.
  std::optional<payments::Step> step = {};
  std::optional<payments::PayoutRequest> payout = {};
  std::optional<payments::Schedule> schedule = {};
  std::optional<WantedBulk> bulk = {};

  bool abandoned = false;           // Nobody asks again after an answer that tells nothing.
  bool kept = false;                // An answer has shown that the key stands for this.
  bool refused = false;             // Refused without a trace: the client gives up.
  int running = 0;                  // Calls under way.
  int made = 0;                     // Answers that say that their own call made it.
  std::vector<Uuid> step_ids = {};  // That were chosen for the step.

  std::optional<payments::Payment> payment = {};   // As last told.
  std::optional<payments::Step> ended = {};        // As told; never changes.
  std::optional<payments::Schedule> ordered = {};  // As last told.
  std::optional<payments::Bulk> collected = {};    // As last told.

  // Whether the client knows the end.
  bool settled() const;
  // What its payer must approve before the order begins; nullptr: nothing, as far as is known.
  const payments::OrderTerms* awaited() const;
};

// Whether nothing becomes of it any more.
bool IsOver(payments::BulkState state);

}  // namespace florin::saga
