#include "services/accounts/flow/account_changes.h"

#include <utility>

#include "libs/clock/microseconds.h"

namespace florin::accounts {
namespace {

std::string TextOf(const Sides& sides) {
  if (sides.debits) return sides.credits ? "both" : "debits";
  return sides.credits ? "credits" : "none";
}

}  // namespace

audit::Event AccountChanges::EventOf(AccountEvent what, const Acting& acting,
                                     const Uuid& account_id) {
  audit::Event event;
  event.event_id = ids_.NewId();
  event.time = InMicroseconds(clock_.Now());
  event.action = "accounts.account." + std::string(NameOf(what));
  event.actor = FormatId(IdKind::kUser, acting.user_id);
  event.subject = FormatId(IdKind::kAccount, account_id);
  event.origin = acting.origin;
  return event;
}

Task<absl::StatusOr<AccountRecord>> AccountChanges::Freeze(rpc::Outgoing context, Acting acting,
                                                           Uuid account_id, Sides sides,
                                                           std::string reason) {
  const bool freezes = sides != Sides();
  if (freezes && !IsFreezeReason(reason)) {
    co_return Error(Reason::kInvalidField, "1 to 40 of a-z and _", {.param = "reason"});
  }
  const AccountEvent what = freezes ? AccountEvent::kFreeze : AccountEvent::kUnfreeze;
  const Uuid operator_id = acting.user_id;
  DecideAccount decide = [=](const AccountRecord& before) -> absl::StatusOr<AccountDecided> {
    if (before.account.user_id == operator_id) {
      return Error(Reason::kSelfApproval, "nobody decides on themselves");
    }
    AccountDecided decided{.after = before.standing};
    FLORIN_ASSIGN_OR_RETURN(decided.after.life,
                            NextLife(before.standing.life, what, Cause::kOperator));
    decided.after.frozen_by_operator = sides;
    decided.after.freeze_reason = freezes ? reason : "";
    decided.details["sides"] = TextOf(sides);
    if (freezes) decided.details["reason"] = reason;
    return decided;
  };
  const AccountRef ref{.user_id = std::nullopt, .account_id = account_id};
  audit::Event event = EventOf(what, acting, account_id);
  co_return co_await Change(std::move(context), ref, std::move(decide), std::move(event));
}

Task<absl::StatusOr<AccountRecord>> AccountChanges::Wake(rpc::Outgoing context, Acting acting,
                                                         Uuid account_id) {
  const absl::Time now = InMicroseconds(clock_.Now());
  DecideAccount decide = [=](const AccountRecord& before) -> absl::StatusOr<AccountDecided> {
    const AccountCircumstances circumstances{.customer_active = before.customer_active};
    AccountDecided decided{.after = before.standing};
    FLORIN_ASSIGN_OR_RETURN(decided.after.life, NextLife(before.standing.life, AccountEvent::kWake,
                                                         Cause::kOwner, circumstances));
    if (before.standing.life == AccountLife::kDormant) decided.after.wake_time = now;
    return decided;
  };
  const AccountRef ref{.user_id = acting.user_id, .account_id = account_id};
  audit::Event event = EventOf(AccountEvent::kWake, acting, account_id);
  co_return co_await Change(std::move(context), ref, std::move(decide), std::move(event));
}

Task<absl::StatusOr<AccountRecord>> AccountChanges::Change(rpc::Outgoing context, AccountRef ref,
                                                           DecideAccount decide,
                                                           audit::Event event) {
  absl::StatusOr<AccountRecord> after =
      co_await store_.ChangeAccount(ref, std::move(decide), std::move(event));
  if (!after.ok()) co_return after.status();
  const FreezesOf of{.account_id = ref.account_id};
  FLORIN_CO_RETURN_IF_ERROR(co_await telling_.Run(std::move(context), of));
  co_return after;
}

}  // namespace florin::accounts
