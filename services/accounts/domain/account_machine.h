// The life of an account once it is open, as a table: what may happen in which state, who may cause
// it, under which conditions, and what comes of it; and which sides the ledger freezes for it.
// Everything that changes an account's standing asks here first; docs/accounts.md is drawn from the
// table. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/accounts/domain/customer_machine.h"

namespace florin::accounts {

enum class AccountLife {
  kOpen,
  kDormant,  // Nothing has happened for long: no debits until its owner wakes it.
  kClosing,  // What is in it is being swept; it is closed next, or stays.
  kClosed,
};

enum class AccountEvent {
  kFreeze,
  kUnfreeze,
  kFallAsleep,
  kWake,
  kClose,
  kFinish,  // The ledger has closed it.
  kStay,    // The ledger could not close it.
};

// What must hold besides the state.
enum class AccountGuard {
  kCustomerActive,   // Its customer is active and not leaving.
  kDebitsNotFrozen,  // By no operator.
  kNothingHeld,      // Neither debits nor credits are held.
  kEmptyOrSwept,     // The balance is zero, or more and to be swept.
};

struct AccountTransition {
  AccountLife from;
  AccountEvent event;
  AccountLife to;
  Cause cause;
  std::vector<AccountGuard> guards = {};
};

// What is not in here does not happen.
std::span<const AccountTransition> AccountTransitions();

// How an account stands when something is about to happen to it.
struct AccountCircumstances {
  bool customer_active = true;
  bool debits_frozen = false;
  bool held = false;
  bool empty_or_swept = true;
};

// The state after the event. Errors: kAccountDormant, kAccountClosed (also of one that is being
// closed) for what does not happen in that state; kCustomerNotActive, kAccountFrozen,
// kAccountNotEmpty of the guards; kInternal for somebody who may not cause it, and for what never
// happens to an open account (a programming error).
absl::StatusOr<AccountLife> NextLife(AccountLife life, AccountEvent event, Cause cause,
                                     const AccountCircumstances& circumstances = {});

// Sides of an account that take nothing new.
struct Sides {
  bool debits = false;
  bool credits = false;

  friend bool operator==(const Sides&, const Sides&) = default;
};

// Everything about an account that changes after it was opened.
struct AccountStanding {
  AccountLife life = AccountLife::kOpen;
  Sides frozen_by_operator = {};
  std::string freeze_reason;  // The operator's code; empty unless they froze a side.
  bool suspended = false;     // Its customer is.
  absl::Time wake_time = absl::InfinitePast();  // When its owner last woke it.
  // While it is closing: where the balance goes, and when a worker looks after it.
  std::optional<Uuid> sweep_to = {};
  absl::Time next_attempt_time = absl::InfinitePast();
  int closing_attempt = 0;  // How often closing was begun.

  friend bool operator==(const AccountStanding&, const AccountStanding&) = default;
};

// What the ledger is to freeze: the operator's sides, and debits of dormant accounts and of those
// of suspended customers. The trigger note_freeze of the database says the same.
Sides FrozenSides(const AccountStanding& standing);

// Whether `reason` can be an operator's: 1 to 40 of a-z and `_`.
bool IsFreezeReason(std::string_view reason);

// When an account has slept long enough: `after` since it was opened, last had an entry, and was
// last woken.
bool IsAsleep(absl::Time create_time, absl::Time last_entry_time, absl::Time wake_time,
              absl::Duration after, absl::Time now);

// Names as the database and the page have them: "open", "fall_asleep", …
std::string_view NameOf(AccountLife life);
std::string_view NameOf(AccountEvent event);
std::string_view NameOf(AccountGuard guard);
// Error: kInternal.
absl::StatusOr<AccountLife> ParseAccountLife(std::string_view name);

}  // namespace florin::accounts
