#include "services/accounts/domain/holder.h"

#include <algorithm>

namespace florin::accounts {
namespace {

absl::Status HolderNotFound() {
  return Error(Reason::kHolderNotFound, "no such holder", {.param = "user_id"});
}

absl::Status LastOwner() {
  return Error(Reason::kLastOwner, "the user whose customer has the account is its owner always",
               {.param = "user_id"});
}

absl::Status InvalidUser(std::string_view why) {
  return Error(Reason::kInvalidHolder, std::string(why), {.param = "user_id"});
}

const Holder* Find(const AccountHolding& held, const Uuid& user_id) {
  const auto found = std::ranges::find(held.holders, user_id, &Holder::user_id);
  return found == held.holders.end() ? nullptr : &*found;
}

// Whether the customer may begin something, as it may open an account.
absl::Status CheckMayBegin(const CustomerStanding& customer) {
  const Circumstances now{.leaving = customer.leaving};
  return NextState(customer.state, CustomerEvent::kOpenAccount, Cause::kOwner, now).status();
}

absl::StatusOr<Holder> End(const AccountHolding& held, const Uuid& user_id, absl::Time now) {
  if (user_id == held.account.user_id) return LastOwner();
  const Holder* before = Find(held, user_id);
  if (before == nullptr) return HolderNotFound();
  Holder after = *before;
  if (after.state == HolderState::kEnded) return after;
  after.state = HolderState::kEnded;
  after.update_time = now;
  return after;
}

}  // namespace

std::string_view NameOf(HolderRole role) {
  constexpr std::string_view kNames[] = {"owner", "payer", "viewer"};
  return kNames[static_cast<std::size_t>(role)];
}

std::string_view NameOf(HolderState state) {
  constexpr std::string_view kNames[] = {"invited", "active", "ended"};
  return kNames[static_cast<std::size_t>(state)];
}

absl::StatusOr<HolderRole> ParseHolderRole(std::string_view name) {
  for (const HolderRole role : {HolderRole::kOwner, HolderRole::kPayer, HolderRole::kViewer}) {
    if (NameOf(role) == name) return role;
  }
  return Error(Reason::kInternal, "the database has a role that there is not");
}

absl::StatusOr<HolderState> ParseHolderState(std::string_view name) {
  for (const HolderState state :
       {HolderState::kInvited, HolderState::kActive, HolderState::kEnded}) {
    if (NameOf(state) == name) return state;
  }
  return Error(Reason::kInternal, "the database has a state that there is not");
}

bool Allows(HolderRole role, HolderAction action) {
  switch (action) {
    case HolderAction::kManage:
      return role == HolderRole::kOwner;
    case HolderAction::kPay:
      return role == HolderRole::kOwner || role == HolderRole::kPayer;
    case HolderAction::kView:
      return true;
  }
  return false;
}

std::optional<HolderRole> RoleOf(const AccountHolding& held, const Uuid& user_id) {
  if (user_id == held.account.user_id) return HolderRole::kOwner;
  const Holder* holder = Find(held, user_id);
  if (holder == nullptr || holder->state != HolderState::kActive) return std::nullopt;
  return holder->role;
}

absl::Status CheckMay(std::optional<HolderRole> role, HolderAction action) {
  if (!role) {
    return Error(Reason::kAccountNotFound, "no such account", {.param = "account_id"});
  }
  if (!Allows(*role, action)) {
    return Error(Reason::kHolderRoleMissing, "the holder's role does not allow it");
  }
  return absl::OkStatus();
}

absl::StatusOr<Holder> Invite(const AccountHolding& held, const Holder& asked) {
  FLORIN_RETURN_IF_ERROR(CheckMay(RoleOf(held, asked.invited_by), HolderAction::kManage));
  FLORIN_RETURN_IF_ERROR(CheckMayBegin(held.owner));
  if (asked.user_id == held.account.user_id) return InvalidUser("it is their account");
  const Holder* before = Find(held, asked.user_id);
  if (before != nullptr && before->state != HolderState::kEnded) {
    return InvalidUser("they hold the account, or are invited to");
  }
  const auto live = std::ranges::count_if(
      held.holders, [](const Holder& one) { return one.state != HolderState::kEnded; });
  if (static_cast<std::size_t>(live) >= kMostHolders) {
    return InvalidUser("the account has as many holders as there may be");
  }
  return asked;
}

absl::StatusOr<Holder> Accept(const AccountHolding& held, const Uuid& user_id, absl::Time now) {
  const Holder* before = Find(held, user_id);
  if (before == nullptr || before->state == HolderState::kEnded) return HolderNotFound();
  if (before->state == HolderState::kActive) return *before;
  if (!held.as_customer) {
    return Error(Reason::kCustomerNotFound, "no such customer", {.param = "customer_id"});
  }
  FLORIN_RETURN_IF_ERROR(CheckMayBegin(*held.as_customer));
  Holder after = *before;
  after.state = HolderState::kActive;
  after.customer_id = held.as_customer->customer_id;
  after.update_time = now;
  return after;
}

absl::StatusOr<Holder> ChangeRole(const AccountHolding& held, const Uuid& by, const Uuid& user_id,
                                  HolderRole role, absl::Time now) {
  FLORIN_RETURN_IF_ERROR(CheckMay(RoleOf(held, by), HolderAction::kManage));
  if (user_id == held.account.user_id) return LastOwner();
  const Holder* before = Find(held, user_id);
  if (before == nullptr || before->state == HolderState::kEnded) return HolderNotFound();
  Holder after = *before;
  if (after.role == role) return after;
  after.role = role;
  after.update_time = now;
  return after;
}

absl::StatusOr<Holder> Remove(const AccountHolding& held, const Uuid& by, const Uuid& user_id,
                              absl::Time now) {
  FLORIN_RETURN_IF_ERROR(CheckMay(RoleOf(held, by), HolderAction::kManage));
  return End(held, user_id, now);
}

absl::StatusOr<Holder> Leave(const AccountHolding& held, const Uuid& user_id, absl::Time now) {
  return End(held, user_id, now);
}

std::string CanonicalInvitation(const Uuid& account_id, const Uuid& user_id, HolderRole role) {
  // Ids have one length each, so that nothing needs one before it.
  return account_id.ToString() + user_id.ToString() + std::string(NameOf(role));
}

}  // namespace florin::accounts
