// What can be said of a command without its book. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/ledger/domain/command.h"

namespace florin::ledger {

inline constexpr std::size_t kMostPostings = 64;
inline constexpr std::size_t kMostPreconditions = 16;
inline constexpr std::size_t kMostMetadata = 16;
inline constexpr std::size_t kLongestMetadataKey = 40;
inline constexpr std::size_t kLongestMetadataValue = 200;  // bytes
inline constexpr absl::Duration kLongestHold = absl::Hours(24 * 366 * 10);

// "post", "hold", "capture", "void", "expire", "reversal", "open_account", "close_account",
// "reopen_account", "set_credit_line", "close_period", "freeze_account": names of the record
// format, never changed.
std::string_view KindOf(const Action& action);

// Whether this kind moves or holds money (and so may have postings, an effective time).
bool MovesMoney(const Action& action);

// The postings of a post or a hold; nullptr for other kinds.
const std::vector<Posting>* PostingsOf(const Action& action);
// The hold that a capture, void or expiry is about; nullptr for other kinds.
const Uuid* HoldOf(const Action& action);
// The account that a command about an account names; nullptr for other kinds.
const Uuid* AccountOf(const Action& action);

// Every reason that a Refusal can have, by step (docs/ledger-rules.md has the finer order, which
// goes posting by posting), and whether such a refusal is remembered under the id: those that
// depend on the book are, those that the command alone shows are not. (A command of a group that
// fails because another one does is remembered if that one is; an expiry is never remembered as
// refused.)
struct RefusalRule {
  Reason reason;
  bool remembered;
};
inline constexpr RefusalRule kRefusalRules[] = {
    // 1. Idempotency.
    {Reason::kIdConflict, false},
    // 2. Shape.
    {Reason::kInvalidId, false},        // found by whoever read the request
    {Reason::kInvalidField, false},     // the same
    {Reason::kMissingField, false},     // the same
    {Reason::kLinkedChainOpen, false},  // the same
    {Reason::kTooManyItems, false},
    {Reason::kSameAccount, false},
    {Reason::kInvalidAmount, false},
    {Reason::kInvalidTimeout, false},
    {Reason::kInvalidLimits, false},
    {Reason::kInvalidPrecondition, false},
    {Reason::kInvalidMetadata, false},
    // 3. Existence.
    {Reason::kAccountNotFound, true},
    {Reason::kHoldNotFound, true},
    {Reason::kTransactionNotFound, true},
    // 4. State.
    {Reason::kAccountClosed, true},
    {Reason::kAccountNotClosed, true},
    {Reason::kAccountFrozen, true},
    {Reason::kCurrencyMismatch, true},
    {Reason::kHoldAlreadyCaptured, true},
    {Reason::kHoldAlreadyVoided, true},
    {Reason::kHoldExpired, true},
    {Reason::kHoldNotExpired, true},
    {Reason::kNotReversible, true},
    {Reason::kAlreadyReversed, true},
    {Reason::kEffectiveTimeInFuture, true},
    {Reason::kPeriodClosed, true},
    {Reason::kPreconditionFailed, true},
    // 5. Limits.
    {Reason::kCaptureExceedsHold, true},
    {Reason::kNothingToMove, true},
    {Reason::kBalanceOverflow, true},
    {Reason::kInsufficientFunds, true},
    {Reason::kCreditLimitExceeded, true},
    {Reason::kCreditLineInUse, true},
    // Of a group.
    {Reason::kLinkedTransactionFailed, true},
};

// Ids of commands that follow from what they are about, so that each is decided once: the opening
// of an account, the expiry of a hold.
Uuid OpeningIdOf(const Uuid& account_id);
Uuid ExpiryIdOf(const Uuid& hold_id);

// A refusal that is remembered as kRefusalRules says.
Refusal Refuse(Reason reason, std::string message, std::string param);

// "postings[3].amount_minor".
std::string PostingField(std::size_t posting, const char* field);

// Step 2 of the order in which a command is checked.
std::optional<Refusal> CheckShape(const Command& command);

// The path of the first field in which two commands with the same id differ; nothing if they are
// the same.
std::optional<std::string> FirstDifference(const Command& first, const Command& second);

}  // namespace florin::ledger
