#include "services/accounts/domain/customer_machine.h"

#include <algorithm>
#include <string>

namespace florin::accounts {
namespace {

using S = CustomerState;
using E = CustomerEvent;
using V = VerificationState;
using G = Guard;

template <class Enum, std::size_t Size>
absl::StatusOr<Enum> Parse(const Enum (&all)[Size], std::string_view name) {
  for (const Enum one : all) {
    if (NameOf(one) == name) return one;
  }
  return Error(Reason::kInternal, "the database has a name that there is not");
}

absl::Status NotNow(CustomerState state, std::string_view what) {
  if (state == S::kErased) {
    return Error(Reason::kCustomerErased, "the customer was erased", {.param = "customer_id"});
  }
  return Error(Reason::kCustomerNotActive, "the customer's state does not allow this",
               {.param = "customer_id", .metadata = {{"state", std::string(what)}}});
}

absl::Status Check(Guard guard, CustomerState state, const Circumstances& now) {
  switch (guard) {
    case G::kNotLeaving:
      return now.leaving ? NotNow(state, "leaving") : absl::OkStatus();
    case G::kNoVerificationPending:
      if (!now.verification_pending) return absl::OkStatus();
      return Error(Reason::kVerificationPending, "a verification is under way");
    case G::kIdentityKeptWhilePending:
      if (!now.verification_pending || !now.identity_changes) return absl::OkStatus();
      return Error(Reason::kVerificationPending, "what is being verified does not change");
    case G::kAccountsEmpty:
      if (now.accounts_empty) return absl::OkStatus();
      return Error(Reason::kCustomerHasAccounts, "an account is not empty");
  }
  return Error(Reason::kInternal, "no such guard");
}

}  // namespace

std::span<const CustomerTransition> CustomerTransitions() {
  constexpr Cause kOwner = Cause::kOwner;
  constexpr Cause kOperator = Cause::kOperator;
  static const std::vector<CustomerTransition> kTable = {
      {S::kActive,
       E::kUpdateProfile,
       S::kActive,
       kOwner,
       {G::kNotLeaving, G::kIdentityKeptWhilePending}},
      {S::kActive, E::kOpenAccount, S::kActive, kOwner, {G::kNotLeaving}},
      {S::kActive,
       E::kRequestVerification,
       S::kActive,
       kOwner,
       {G::kNotLeaving, G::kNoVerificationPending}},
      {S::kActive, E::kExport, S::kActive, kOwner},
      {S::kActive, E::kSuspend, S::kSuspended, kOperator, {G::kNotLeaving}},
      {S::kActive, E::kReactivate, S::kActive, kOperator},
      {S::kActive, E::kClose, S::kClosed, kOwner, {G::kAccountsEmpty}},
      {S::kActive, E::kErase, S::kErased, kOwner, {G::kAccountsEmpty}},
      {S::kSuspended, E::kExport, S::kSuspended, kOwner},
      {S::kSuspended, E::kSuspend, S::kSuspended, kOperator},
      {S::kSuspended, E::kReactivate, S::kActive, kOperator},
      {S::kClosed, E::kExport, S::kClosed, kOwner},
      {S::kClosed, E::kClose, S::kClosed, kOwner},
      {S::kClosed, E::kErase, S::kErased, kOwner, {G::kAccountsEmpty}},
      {S::kErased, E::kErase, S::kErased, kOwner},
  };
  return kTable;
}

std::span<const VerificationTransition> VerificationTransitions() {
  static const std::vector<VerificationTransition> kTable = {
      {V::kPending,
       VerificationEvent::kApprove,
       V::kApproved,
       {Cause::kVerifier, Cause::kOperator}},
      {V::kPending, VerificationEvent::kReject, V::kRejected, {Cause::kVerifier, Cause::kOperator}},
      {V::kPending, VerificationEvent::kExpire, V::kExpired, {Cause::kService}},
  };
  return kTable;
}

std::span<const KycTransition> KycTransitions() {
  using L = KycLevel;
  using K = KycEvent;
  static const std::vector<KycTransition> kTable = {
      {L::kNone, K::kApprovedBasic, L::kBasic},  {L::kNone, K::kApprovedFull, L::kFull},
      {L::kBasic, K::kApprovedFull, L::kFull},   {L::kBasic, K::kIdentityChanged, L::kNone},
      {L::kFull, K::kIdentityChanged, L::kNone}, {L::kBasic, K::kErased, L::kNone},
      {L::kFull, K::kErased, L::kNone},
  };
  return kTable;
}

absl::StatusOr<CustomerState> NextState(CustomerState state, CustomerEvent event, Cause cause,
                                        const Circumstances& circumstances) {
  for (const CustomerTransition& row : CustomerTransitions()) {
    if (row.from != state || row.event != event) continue;
    if (row.cause != cause) return Error(Reason::kInternal, "not theirs to cause");
    for (const Guard guard : row.guards) {
      FLORIN_RETURN_IF_ERROR(Check(guard, state, circumstances));
    }
    return row.to;
  }
  return NotNow(state, NameOf(state));
}

absl::Status CheckNotErased(CustomerState state) {
  return state == S::kErased ? NotNow(state, NameOf(state)) : absl::OkStatus();
}

std::optional<VerificationState> NextState(VerificationState state, VerificationEvent event,
                                           Cause cause) {
  for (const VerificationTransition& row : VerificationTransitions()) {
    if (row.from == state && row.event == event && std::ranges::count(row.causes, cause) > 0) {
      return row.to;
    }
  }
  return std::nullopt;
}

KycLevel NextLevel(KycLevel level, KycEvent event) {
  for (const KycTransition& row : KycTransitions()) {
    if (row.from == level && row.event == event) return row.to;
  }
  return level;
}

std::string_view NameOf(CustomerState state) {
  constexpr std::string_view kNames[] = {"active", "suspended", "closed", "erased"};
  return kNames[static_cast<std::size_t>(state)];
}
std::string_view NameOf(KycLevel level) {
  constexpr std::string_view kNames[] = {"none", "basic", "full"};
  return kNames[static_cast<std::size_t>(level)];
}
std::string_view NameOf(VerificationState state) {
  constexpr std::string_view kNames[] = {"pending", "approved", "rejected", "expired"};
  return kNames[static_cast<std::size_t>(state)];
}
std::string_view NameOf(CustomerEvent event) {
  constexpr std::string_view kNames[] = {"update_profile", "open_account", "request_verification",
                                         "export",         "suspend",      "reactivate",
                                         "close",          "erase"};
  return kNames[static_cast<std::size_t>(event)];
}
std::string_view NameOf(VerificationEvent event) {
  constexpr std::string_view kNames[] = {"approve", "reject", "expire"};
  return kNames[static_cast<std::size_t>(event)];
}
std::string_view NameOf(KycEvent event) {
  constexpr std::string_view kNames[] = {"approved_basic", "approved_full", "identity_changed",
                                         "erased"};
  return kNames[static_cast<std::size_t>(event)];
}
std::string_view NameOf(Cause cause) {
  constexpr std::string_view kNames[] = {"owner", "operator", "verifier", "service"};
  return kNames[static_cast<std::size_t>(cause)];
}
std::string_view NameOf(Guard guard) {
  constexpr std::string_view kNames[] = {"not leaving", "no verification pending",
                                         "identity kept while one is pending", "accounts empty"};
  return kNames[static_cast<std::size_t>(guard)];
}

absl::StatusOr<CustomerState> ParseCustomerState(std::string_view name) {
  constexpr CustomerState kAll[] = {S::kActive, S::kSuspended, S::kClosed, S::kErased};
  return Parse(kAll, name);
}
absl::StatusOr<KycLevel> ParseKycLevel(std::string_view name) {
  constexpr KycLevel kAll[] = {KycLevel::kNone, KycLevel::kBasic, KycLevel::kFull};
  return Parse(kAll, name);
}
absl::StatusOr<VerificationState> ParseVerificationState(std::string_view name) {
  constexpr VerificationState kAll[] = {V::kPending, V::kApproved, V::kRejected, V::kExpired};
  return Parse(kAll, name);
}

}  // namespace florin::accounts
