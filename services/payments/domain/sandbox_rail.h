// How the sandbox's rail behaves, by the last four characters of the beneficiary's account, as
// data:
//
//   9001  settles an hour later
//   9002  rejects at once: AC01, the account does not exist
//   9003  settles at once, and returns the money a day later: AC04, the account is closed
//   9004  settles at once, and notifies of it three times
//   9005  takes it and settles, but says nothing for an hour, not even when asked
//
// and, so that reconciliation has something to find, wrongly:
//
//   9006  pays twice: the statement has it twice
//   9007  pays 1.00 less (of 1.00 or less: the half) than it was asked, a charge
//   9008  says that it has settled, and has not: nothing is on the statement
//   9009  says that it has rejected, and has paid
//   else  settles at once
//
// docs/rails.md has ready-made IBANs. Time is the sandbox's.
#pragma once

#include <string>
#include <vector>

#include "services/payments/domain/rail.h"

namespace florin::payments {

// What will happen to a payout, decided when it is submitted.
struct SandboxPlan {
  struct Event {
    RailEvent event = RailEvent::kSettled;
    absl::Duration after;  // Submission.
    std::string code = {};
    int notifications = 1;  // How often it is notified; 0: never.
    bool told = true;       // When it is asked about the payout.
    bool on_statement = true;
    bool charged = false;  // The statement has less than it was asked for.

    friend bool operator==(const Event&, const Event&) = default;
  };
  absl::Duration silence;  // How long nothing is answered about it.
  std::vector<Event> events;

  friend bool operator==(const SandboxPlan&, const SandboxPlan&) = default;
};

SandboxPlan PlanOf(const Beneficiary& beneficiary);

// What is left of an amount after the rail's charge.
Money ChargedOf(Money amount);

}  // namespace florin::payments
