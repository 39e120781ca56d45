// The lives of a customer and of a verification, as tables: what may happen in which state, who may
// cause it, under which conditions, and what comes of it. Everything that changes a customer asks
// here first; docs/customers.md is drawn from these tables. Pure.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "libs/status/status.h"

namespace florin::accounts {

enum class CustomerState { kActive, kSuspended, kClosed, kErased };
enum class KycLevel { kNone, kBasic, kFull };
enum class VerificationState { kPending, kApproved, kRejected, kExpired };

enum class CustomerEvent {
  kUpdateProfile,
  kOpenAccount,
  kRequestVerification,
  kExport,
  kSuspend,
  kReactivate,
  kClose,
  kErase,
};
enum class VerificationEvent { kApprove, kReject, kExpire };
// What moves the KYC level.
enum class KycEvent { kApprovedBasic, kApprovedFull, kIdentityChanged, kErased };

// Who causes an event: the user whose customer it is, an operator, whoever verifies identities, or
// this service by itself.
enum class Cause { kOwner, kOperator, kVerifier, kService };

// What must hold besides the state.
enum class Guard {
  kNotLeaving,                // It is not being closed or erased.
  kNoVerificationPending,     // No verification is under way.
  kIdentityKeptWhilePending,  // What identifies the customer stays while one is under way.
  kAccountsEmpty,             // No account has a balance, a hold, or is being opened.
};

struct CustomerTransition {
  CustomerState from;
  CustomerEvent event;
  CustomerState to;
  Cause cause;
  std::vector<Guard> guards = {};
};
struct VerificationTransition {
  VerificationState from;
  VerificationEvent event;
  VerificationState to;
  std::vector<Cause> causes;
};
struct KycTransition {
  KycLevel from;
  KycEvent event;
  KycLevel to;
};

// What is not in these does not happen.
std::span<const CustomerTransition> CustomerTransitions();
std::span<const VerificationTransition> VerificationTransitions();
std::span<const KycTransition> KycTransitions();

// How a customer stands when something is about to happen to it.
struct Circumstances {
  bool leaving = false;
  bool verification_pending = false;
  bool identity_changes = false;
  bool accounts_empty = true;
};

// The state after the event. Errors: kCustomerErased, for anything that does not happen to an
// erased customer; kCustomerNotActive with metadata `state`, for anything else that does not happen
// in that state, and for a customer who leaves; kVerificationPending; kCustomerHasAccounts;
// kInternal for somebody who may not cause it (a programming error: who may call is decided
// before).
absl::StatusOr<CustomerState> NextState(CustomerState state, CustomerEvent event, Cause cause,
                                        const Circumstances& circumstances = {});

// Error: kCustomerErased, of an erased one: nothing of it is shown.
absl::Status CheckNotErased(CustomerState state);

// The state after the event; nothing if it has no effect, as a result that comes twice or late.
std::optional<VerificationState> NextState(VerificationState state, VerificationEvent event,
                                           Cause cause);

// The level after the event; the same one where the table has no row.
KycLevel NextLevel(KycLevel level, KycEvent event);

// Names: "active", "basic", "pending", "update_profile", … as the database and the page have them.
std::string_view NameOf(CustomerState state);
std::string_view NameOf(KycLevel level);
std::string_view NameOf(VerificationState state);
std::string_view NameOf(CustomerEvent event);
std::string_view NameOf(VerificationEvent event);
std::string_view NameOf(KycEvent event);
std::string_view NameOf(Cause cause);
std::string_view NameOf(Guard guard);

// Of a name as the database has it. Error: kInternal.
absl::StatusOr<CustomerState> ParseCustomerState(std::string_view name);
absl::StatusOr<KycLevel> ParseKycLevel(std::string_view name);
absl::StatusOr<VerificationState> ParseVerificationState(std::string_view name);

}  // namespace florin::accounts
