// What operators and owners change of an account, by the rules of account_machine.h. The ledger is
// told before they are answered; if it cannot be reached, a worker tells it later.
#pragma once

#include <string>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/rpc/context.h"
#include "services/accounts/flow/freeze_telling.h"
#include "services/accounts/store/account_state_store.h"

namespace florin::accounts {

// Thread-safe.
class AccountChanges {
 public:
  struct Acting {
    Uuid user_id;
    audit::Origin origin = {};
  };

  // References outlive this.
  AccountChanges(AccountStateStore& store, FreezeTelling& telling, Clock& clock, IdSource& ids)
      : store_(store), telling_(telling), clock_(clock), ids_(ids) {}

  // By an operator: from now on exactly these sides are frozen by operators, for that reason; none
  // and no reason: not any more. The same again changes nothing. Errors: kInvalidField with param
  // `reason`; kSelfApproval for their own account; kAccountNotFound; those of NextLife;
  // kUnavailable and kDeadlineExceeded, after which it is finished in the background.
  Task<absl::StatusOr<AccountRecord>> Freeze(rpc::Outgoing context, Acting acting, Uuid account_id,
                                             Sides sides, std::string reason);

  // By its owner. Errors: kAccountNotFound; those of NextLife; kUnavailable and kDeadlineExceeded,
  // as above.
  Task<absl::StatusOr<AccountRecord>> Wake(rpc::Outgoing context, Acting acting, Uuid account_id);

 private:
  Task<absl::StatusOr<AccountRecord>> Change(rpc::Outgoing context, AccountRef ref,
                                             DecideAccount decide, audit::Event event);
  audit::Event EventOf(AccountEvent what, const Acting& acting, const Uuid& account_id);

  AccountStateStore& store_;
  FreezeTelling& telling_;
  Clock& clock_;
  IdSource& ids_;
};

}  // namespace florin::accounts
