// Who holds an account besides the user whose customer has it, and what each of them may do.
//
//   nobody -- invited -- active -- ended
//                  `------------'
//
// Everything here is pure: a record of how an account is held goes in, what becomes of one holder
// comes out. A holder that comes out as it was has not changed, which is how a repetition has one
// effect.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/accounts/domain/account.h"
#include "services/accounts/domain/customer_machine.h"

namespace florin::accounts {

// Each includes what comes after it.
enum class HolderRole { kOwner, kPayer, kViewer };
enum class HolderState { kInvited, kActive, kEnded };
// What a holder may want to do.
enum class HolderAction { kManage, kPay, kView };

// "owner", "payer", "viewer"; "invited", "active", "ended". Parsing gives kInternal for others.
std::string_view NameOf(HolderRole role);
std::string_view NameOf(HolderState state);
absl::StatusOr<HolderRole> ParseHolderRole(std::string_view name);
absl::StatusOr<HolderState> ParseHolderState(std::string_view name);

bool Allows(HolderRole role, HolderAction action);

// Of an account, with its owner and those whose holding has ended not counted among them.
inline constexpr std::size_t kMostHolders = 20;

// One invitation and what became of it. Somebody who is invited again has another one.
struct Holder {
  Uuid holder_id;  // Sorts by the time of the invitation. Not shown.
  Uuid account_id;
  Uuid user_id;
  HolderRole role = HolderRole::kViewer;
  HolderState state = HolderState::kInvited;
  Uuid invited_by;                       // The user.
  std::optional<Uuid> customer_id = {};  // As which they have accepted.
  absl::Time create_time;
  absl::Time update_time;

  friend bool operator==(const Holder&, const Holder&) = default;
};

// A customer, as far as it matters whether it may begin something.
struct CustomerStanding {
  Uuid customer_id;
  CustomerState state = CustomerState::kActive;
  bool leaving = false;
};

// An open account and everybody who has to do with it.
struct AccountHolding {
  Account account;
  CustomerStanding owner;
  std::vector<Holder> holders;                  // The last invitation of each user.
  std::optional<CustomerStanding> as_customer;  // Of who accepts, if it is theirs.
};

// The user's role: of its owner and of those who have accepted. Nothing for everybody else.
std::optional<HolderRole> RoleOf(const AccountHolding& held, const Uuid& user_id);

// Errors: kAccountNotFound for whoever has no role; kHolderRoleMissing for one that does not allow
// it.
absl::Status CheckMay(std::optional<HolderRole> role, HolderAction action);

// `asked`, invited by a user of the account. Errors: those of CheckMay(); kInvalidHolder with param
// `user_id`, for somebody who holds it, is invited, or is one too many; kCustomerNotActive,
// kCustomerErased of the owner's customer.
absl::StatusOr<Holder> Invite(const AccountHolding& held, const Holder& asked);

// Accepts as `held.as_customer`. Errors: kHolderNotFound; kCustomerNotFound for none;
// kCustomerNotActive, kCustomerErased of it.
absl::StatusOr<Holder> Accept(const AccountHolding& held, const Uuid& user_id, absl::Time now);

// By `by`. Errors: those of CheckMay(); kLastOwner for the account's own; kHolderNotFound.
absl::StatusOr<Holder> ChangeRole(const AccountHolding& held, const Uuid& by, const Uuid& user_id,
                                  HolderRole role, absl::Time now);
absl::StatusOr<Holder> Remove(const AccountHolding& held, const Uuid& by, const Uuid& user_id,
                              absl::Time now);

// Errors: kLastOwner for the account's own; kHolderNotFound.
absl::StatusOr<Holder> Leave(const AccountHolding& held, const Uuid& user_id, absl::Time now);

// The octets that say what an invitation asks for.
std::string CanonicalInvitation(const Uuid& account_id, const Uuid& user_id, HolderRole role);

}  // namespace florin::accounts
