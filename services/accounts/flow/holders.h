// Who may hold an account, invited, accepted and ended by the rules of holder.h. Every change is in
// the audit trail, with ids and roles only.
#pragma once

#include <string>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "services/accounts/store/holder_store.h"

namespace florin::accounts {

// Thread-safe.
class Holders {
 public:
  struct Request {
    Uuid actor;  // Who asks.
    Uuid account_id;
    Uuid user_id;                           // Whose holding it is.
    HolderRole role = HolderRole::kViewer;  // Where one is asked for.
    Uuid customer_id = {};                  // As which it is accepted.
    std::string idempotency_key = {};       // Of an invitation.
    audit::Origin origin = {};
  };
  struct Outcome {
    Holder holder;
    bool replayed = false;  // An earlier request has invited them.
  };

  // References outlive this.
  Holders(HolderStore& store, Clock& clock, IdSource& ids)
      : store_(store), clock_(clock), ids_(ids) {}

  // Errors: those of Invite(); kAccountNotFound; kIdempotencyKeyReused.
  Task<absl::StatusOr<Outcome>> Invite(Request request);
  // Errors: those of the functions of holder.h with these names; kAccountNotFound. Of an account
  // that there is not, accepting and leaving answer kHolderNotFound.
  Task<absl::StatusOr<Holder>> Accept(Request request);
  Task<absl::StatusOr<Holder>> ChangeRole(Request request);
  Task<absl::StatusOr<Holder>> Remove(Request request);
  Task<absl::StatusOr<Holder>> Leave(Request request);

 private:
  audit::Event EventOf(const std::string& verb, const Request& request, absl::Time now);

  HolderStore& store_;
  Clock& clock_;
  IdSource& ids_;
};

}  // namespace florin::accounts
