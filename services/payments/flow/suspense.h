// What operators do about money in suspense (domain/suspense.h):
//
//   1. the item, and the account that it is for, are checked: what can never be is refused before
//      anything is used up
//   2. what two people have agreed on is consumed at auth, for the operator's key as often as
//   needed
//   3. the resolution is kept under that key, pending: from now on nobody else resolves the item
//   4. its payment moves the money, as any deposit or payout does, and how that ended is recorded
//
// A crash after 3 leaves it pending, and the worker, or a repetition with the same key, goes on.
#pragma once

#include <string>

#include "florin/auth/v1/proposals.rpc.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "services/payments/flow/account_directory.h"
#include "services/payments/flow/payouts.h"
#include "services/payments/flow/settlement.h"
#include "services/payments/store/store.h"
#include "services/payments/store/suspense_store.h"

namespace florin::payments {

// Thread-safe. Outlives the calls under way.
class Suspense {
 public:
  // References outlive this.
  struct Parts {
    SuspenseStore& store;
    Store& payments;
    AccountDirectory& accounts;
    Settlement& settlement;
    Payouts& payouts;
    Rails rails;
    auth::v1::ProposalsClient& proposals;
    Clock& clock;
    IdSource& ids;
  };
  // What an operator asks for.
  struct Asked {
    Uuid operator_id;
    std::string idempotency_key;
    Uuid item_id;
    ResolutionKind kind = ResolutionKind::kAssign;
    Uuid account_id = {};  // Of kAssign.
    Uuid proposal_id;
    audit::Origin origin = {};
  };
  struct Outcome {
    KeptSuspense kept;      // Its resolution is the one that was asked for.
    bool replayed = false;  // An earlier request began it.
  };

  explicit Suspense(Parts parts) : parts_(std::move(parts)) {}

  // Resolves an item, once for each key. One that was refused is an Outcome, not an error
  // (FailureOf()); a return may still be on its way. Errors: kSuspenseItemNotFound,
  // kSuspenseItemClosed; those of CheckAssignable() and CheckReturnable(); kRailNotFound;
  // kIdempotencyKeyReused; those of auth's ConsumeProposal; kUnavailable, kDeadlineExceeded,
  // kOverloaded, kInternal: repeat with the same key.
  Task<absl::StatusOr<Outcome>> Resolve(rpc::Outgoing context, Asked asked);

  // One round of the worker: goes on with what is pending. Gives how many there were. Error: that
  // of ClaimPending().
  Task<absl::StatusOr<int>> RunOnce();

 private:
  // All but what Begin() decides.
  Task<absl::StatusOr<SuspenseResolution>> Check(rpc::Outgoing context, const Asked& asked);
  Task<absl::Status> Consume(rpc::Outgoing context, const Asked& asked, std::string payload);
  // Makes what is pending, and waits for its end; for that of a return only if `and_send`: the
  // worker of payouts sends it anyway, and asks the rail no more often than it should.
  Task<absl::StatusOr<KeptSuspense>> Drive(KeptSuspense kept, bool and_send);
  Task<absl::StatusOr<KeptSuspense>> Assign(const KeptSuspense& kept, Payment payment);

  const Parts parts_;
};

}  // namespace florin::payments
