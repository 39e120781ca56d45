#include "services/accounts/domain/account_machine.h"

#include <algorithm>

namespace florin::accounts {
namespace {

using L = AccountLife;
using E = AccountEvent;
using G = AccountGuard;

absl::Status Check(G guard, const AccountCircumstances& now) {
  switch (guard) {
    case G::kCustomerActive:
      if (now.customer_active) return absl::OkStatus();
      return Error(Reason::kCustomerNotActive, "the account's customer is not active");
    case G::kDebitsNotFrozen:
      if (!now.debits_frozen) return absl::OkStatus();
      return Error(Reason::kAccountFrozen, "the account's debits are frozen",
                   {.param = "account_id"});
    case G::kNothingHeld:
      if (!now.held) return absl::OkStatus();
      return Error(Reason::kAccountNotEmpty, "something is held", {.param = "account_id"});
    case G::kEmptyOrSwept:
      if (now.empty_or_swept) return absl::OkStatus();
      return Error(Reason::kAccountNotEmpty, "there is a balance",
                   {.param = "sweep_to_account_id"});
  }
  return Error(Reason::kInternal, "no such guard");
}

absl::Status NotNow(L life) {
  switch (life) {
    case L::kDormant:
      return Error(Reason::kAccountDormant, "the account is dormant", {.param = "account_id"});
    case L::kClosing:
    case L::kClosed:
      return Error(Reason::kAccountClosed, "the account is closed, or about to be",
                   {.param = "account_id"});
    case L::kOpen:
      break;
  }
  return Error(Reason::kInternal, "that does not happen to an open account");
}

}  // namespace

std::span<const AccountTransition> AccountTransitions() {
  constexpr Cause kOwner = Cause::kOwner;
  constexpr Cause kOperator = Cause::kOperator;
  constexpr Cause kService = Cause::kService;
  static const std::vector<AccountTransition> kTable = {
      {L::kOpen, E::kFreeze, L::kOpen, kOperator},
      {L::kOpen, E::kUnfreeze, L::kOpen, kOperator},
      {L::kOpen, E::kFallAsleep, L::kDormant, kService, {G::kCustomerActive}},
      {L::kOpen, E::kWake, L::kOpen, kOwner},
      {L::kOpen,
       E::kClose,
       L::kClosing,
       kOwner,
       {G::kCustomerActive, G::kDebitsNotFrozen, G::kNothingHeld, G::kEmptyOrSwept}},
      {L::kDormant, E::kFreeze, L::kDormant, kOperator},
      {L::kDormant, E::kUnfreeze, L::kDormant, kOperator},
      {L::kDormant, E::kFallAsleep, L::kDormant, kService},
      {L::kDormant, E::kWake, L::kOpen, kOwner, {G::kCustomerActive}},
      {L::kClosing, E::kFreeze, L::kClosing, kOperator},
      {L::kClosing, E::kUnfreeze, L::kClosing, kOperator},
      {L::kClosing, E::kClose, L::kClosing, kOwner},
      {L::kClosing, E::kFinish, L::kClosed, kService},
      {L::kClosing, E::kStay, L::kOpen, kService},
      {L::kClosed, E::kClose, L::kClosed, kOwner},
  };
  return kTable;
}

absl::StatusOr<AccountLife> NextLife(AccountLife life, AccountEvent event, Cause cause,
                                     const AccountCircumstances& circumstances) {
  for (const AccountTransition& row : AccountTransitions()) {
    if (row.from != life || row.event != event) continue;
    if (row.cause != cause) return Error(Reason::kInternal, "not theirs to cause");
    for (const G guard : row.guards) FLORIN_RETURN_IF_ERROR(Check(guard, circumstances));
    return row.to;
  }
  return NotNow(life);
}

Sides FrozenSides(const AccountStanding& standing) {
  Sides sides = standing.frozen_by_operator;
  sides.debits = sides.debits || standing.suspended || standing.life == L::kDormant;
  return sides;
}

bool IsFreezeReason(std::string_view reason) {
  return !reason.empty() && reason.size() <= 40 &&
         std::ranges::all_of(reason, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

bool IsAsleep(absl::Time create_time, absl::Time last_entry_time, absl::Time wake_time,
              absl::Duration after, absl::Time now) {
  return std::max({create_time, last_entry_time, wake_time}) <= now - after;
}

std::string_view NameOf(AccountLife life) {
  constexpr std::string_view kNames[] = {"open", "dormant", "closing", "closed"};
  return kNames[static_cast<std::size_t>(life)];
}
std::string_view NameOf(AccountEvent event) {
  constexpr std::string_view kNames[] = {"freeze", "unfreeze", "fall_asleep", "wake",
                                         "close",  "finish",   "stay"};
  return kNames[static_cast<std::size_t>(event)];
}
std::string_view NameOf(AccountGuard guard) {
  constexpr std::string_view kNames[] = {"customer active", "debits not frozen by an operator",
                                         "nothing held", "empty, or swept"};
  return kNames[static_cast<std::size_t>(guard)];
}

absl::StatusOr<AccountLife> ParseAccountLife(std::string_view name) {
  for (const L life : {L::kOpen, L::kDormant, L::kClosing, L::kClosed}) {
    if (NameOf(life) == name) return life;
  }
  return Error(Reason::kInternal, "the database has a state that there is not");
}

}  // namespace florin::accounts
