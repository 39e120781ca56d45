// What clients ask for, one promise for each idempotency key, and what they were told of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "services/payments/domain/payout.h"
#include "services/payments/domain/request.h"
#include "services/payments/domain/schedule.h"
#include "services/payments/domain/step.h"
#include "services/payments/flow/create_quote.h"

namespace florin::saga {

// One of `request`, `step`, `payout` and `schedule` says what for.
struct Promise {
  std::string key;
  Uuid user;
  std::optional<payments::PaymentRequest> request = {};
  std::optional<payments::QuoteRequest> quote = {};  // Which the request is to name.
  std::optional<payments::Step> step = {};
  std::optional<payments::PayoutRequest> payout = {};
  std::optional<payments::Schedule> schedule = {};

  bool abandoned = false;           // Nobody asks again after an answer that tells nothing.
  bool kept = false;                // An answer has shown that the key stands for this.
  bool refused = false;             // Refused without a trace: the client gives up.
  int running = 0;                  // Calls under way.
  int made = 0;                     // Answers that say that their own call made it.
  std::vector<Uuid> step_ids = {};  // That were chosen for the step.

  std::optional<payments::Payment> payment = {};   // As last told.
  std::optional<payments::Step> ended = {};        // As told; never changes.
  std::optional<payments::Schedule> ordered = {};  // As last told.

  // Whether the client knows the end.
  bool settled() const;
};

}  // namespace florin::saga
