// Money that came in and could not be credited (2200), as items that operators look after: each is
// assigned to the account that it is for (D4), or sent back to whom it came from, by a payout of
// the house from suspense (P1 to P3 in place of D5 and D6). Two people agree on either.
//
//   OPEN       nobody has done anything yet, or what was tried was refused: by the ledger, since
//              the account takes nothing, or by the rail, and the money is in suspense again
//   ASSIGNING  to be credited to an account, by a payment of kind deposit
//   ASSIGNED
//   RETURNING  to be sent back, by a payout
//   RETURNED   until the rail returns it, which opens the item again
//
// Whatever is tried is a resolution with an id of its own, and so has the payment that moves its
// money; an item has one that was not refused at most, so that no money is given away twice.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "services/payments/domain/payout.h"
#include "services/payments/domain/rail_deposit.h"

namespace florin::payments {

// "sus_…", as libs/ids has it for other ids. Parsing: kInvalidId with `param`.
std::string FormatSuspenseId(const Uuid& item_id);
absl::StatusOr<Uuid> ParseSuspenseId(std::string_view text, std::string_view param);

enum class SuspenseState { kOpen, kAssigning, kAssigned, kReturning, kReturned };
enum class ResolutionKind { kAssign, kReturn };
enum class ResolutionState {
  kPending,  // Its payment is to be made, or on its way.
  kDone,
  kRefused,
};

// Names as they are stored: "open", "assign", "pending", … Parsing gives kInternal for any other
// text.
std::string_view NameOf(SuspenseState state);
std::string_view NameOf(ResolutionKind kind);
std::string_view NameOf(ResolutionState state);
absl::StatusOr<SuspenseState> ParseSuspenseState(std::string_view name);
absl::StatusOr<ResolutionKind> ParseResolutionKind(std::string_view name);
absl::StatusOr<ResolutionState> ParseResolutionState(std::string_view name);

// Every way of a resolution; SQL holds the same.
struct ResolutionTransition {
  std::optional<ResolutionState> from;  // Nothing: it is begun.
  ResolutionState to;
  std::optional<ResolutionKind> only;  // Nothing: of both kinds.
};
std::span<const ResolutionTransition> ResolutionTransitions();
bool MayEnd(ResolutionKind kind, ResolutionState from, ResolutionState to);

struct SuspenseItem {
  Uuid item_id;
  // What a rail has received; or empty, and the payout that came back.
  std::string rail;
  std::string deposit_id = {};
  Uuid payment_id = {};
  // Whose it was to be, or who had paid it: the account that takes nothing more. Nil: not known.
  Uuid account_id = {};
  Money amount;
  std::string account_reference = {};  // Of a deposit: whom it is for, as its sender wrote it.
  std::string reference = {};          // Of a deposit: what its sender says. Personal data.
  absl::Time create_time;

  friend bool operator==(const SuspenseItem&, const SuspenseItem&) = default;
};

struct SuspenseResolution {
  Uuid resolution_id;
  Uuid item_id;
  ResolutionKind kind = ResolutionKind::kAssign;
  Uuid account_id = {};  // Of kAssign, with its owner.
  Uuid owner_id = {};
  Uuid payment_id;   // That moves the money.
  Uuid operator_id;  // Who did what two people had agreed on:
  Uuid proposal_id;
  ResolutionState state = ResolutionState::kPending;
  std::string failure_reason = {};  // Of kRefused: the name of a reason,
  std::string rail_code = {};       // and where the rail is why, its code.
  absl::Time create_time;
  absl::Time update_time;

  friend bool operator==(const SuspenseResolution&, const SuspenseResolution&) = default;
};

// An item with what was tried last, if anything was.
struct KeptSuspense {
  SuspenseItem item;
  std::optional<SuspenseResolution> resolution;

  friend bool operator==(const KeptSuspense&, const KeptSuspense&) = default;
};
SuspenseState StateOf(const KeptSuspense& kept);

// The item that a deposit becomes which cannot be credited, and a payout whose money its account
// does not take back.
SuspenseItem ItemOf(const RailDeposit& deposit, absl::Time now);
SuspenseItem ItemOf(const Payout& payout, absl::Time now);

// Whether it can be credited to the account, as far as that never changes. Errors:
// kAccountNotFound, kCurrencyMismatch, and kInvalidField for an account in another book than
// `book`, where suspense is; all with param `account_id`. Closed accounts and those that take no
// money now are for the ledger to refuse.
absl::Status CheckAssignable(const SuspenseItem& item, const std::optional<AccountFacts>& account,
                             const std::string& book);
// Whether it can go back: kInvalidField with param `item_id` for a payout, which no rail has sent.
absl::Status CheckReturnable(const SuspenseItem& item);

// The payment that a resolution makes, and its payout's terms. Its key is one that no user can
// send. What is assigned is the owner's deposit, without a fee; what is returned is a payout of the
// house, for a beneficiary who is known to the rail by the deposit.
Payment PaymentOf(const SuspenseItem& item, const SuspenseResolution& resolution, absl::Time now);
Beneficiary SenderOf(const SuspenseItem& item);
std::string IdempotencyKeyOf(const SuspenseResolution& resolution);

// Whose payouts from suspense are: nobody's who can log in.
Uuid SuspenseUser();
bool IsFromSuspense(const Payment& payment);

// How a return ends when its payout reaches a stage; nothing where it does not end then. `why`: the
// payout's code, or why the ledger has refused it.
struct ReturnEnd {
  ResolutionState state = ResolutionState::kDone;
  std::string failure_reason = {};
  std::string rail_code = {};

  friend bool operator==(const ReturnEnd&, const ReturnEnd&) = default;
};
std::optional<ReturnEnd> ReturnEndOf(PayoutStage stage, const std::string& why);

// What two people agree on: canonical JSON (RFC 8785).
std::string PayloadOf(const SuspenseResolution& resolution);

// What whoever asked for a refused one is told: its reason, with metadata `item_id`, and
// `rail_code` where the rail is why.
absl::Status FailureOf(const SuspenseResolution& resolution);

}  // namespace florin::payments
