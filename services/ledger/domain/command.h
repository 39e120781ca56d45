// What callers ask of a book, and what became of it. Plain values: the rules are in
// command_rules.h (what a command alone shows) and posting_rules.h (what the book says to it).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "libs/status/status.h"
#include "services/ledger/domain/values.h"

namespace florin::ledger {

// Moves money now.
struct Post {
  std::vector<Posting> postings;
  friend bool operator==(const Post&, const Post&) = default;
};

// Sets money aside: counts as pending, against the limits, until it is captured, voided or expired.
struct MakeHold {
  std::vector<Posting> postings;
  std::optional<absl::Duration> timeout;  // From the commit; nothing: never expires.
  friend bool operator==(const MakeHold&, const MakeHold&) = default;
};

// Posts what is held, or a part of it. Several captures may share a hold.
struct Capture {
  Uuid hold_id;
  // One for each posting of the hold, zero or more; empty: all that is left.
  std::vector<std::int64_t> amounts_minor;
  bool final = false;  // Releases what is left.
  friend bool operator==(const Capture&, const Capture&) = default;
};

// Releases all that is left of a hold.
struct VoidHold {
  Uuid hold_id;
  friend bool operator==(const VoidHold&, const VoidHold&) = default;
};

// The same after its time: the command of the sweeper, not of callers.
struct ExpireHold {
  Uuid hold_id;
  friend bool operator==(const ExpireHold&, const ExpireHold&) = default;
};

// Moves back what a post or a capture moved, each posting at most once.
struct Reverse {
  Uuid transaction_id;
  std::optional<std::int64_t> posting;  // Index of the one to reverse; nothing: all.
  bool at_original_time = false;        // Dated as the original was.
  friend bool operator==(const Reverse&, const Reverse&) = default;
};

struct OpenAccount {
  AccountTerms terms;
  friend bool operator==(const OpenAccount&, const OpenAccount&) = default;
};

struct CloseAccount {
  Uuid account_id;
  friend bool operator==(const CloseAccount&, const CloseAccount&) = default;
};

struct ReopenAccount {
  Uuid account_id;
  friend bool operator==(const ReopenAccount&, const ReopenAccount&) = default;
};

struct SetCreditLine {
  Uuid account_id;
  std::int64_t credit_line_minor = 0;
  friend bool operator==(const SetCreditLine&, const SetCreditLine&) = default;
};

// Nothing can be dated before `until` any more.
struct ClosePeriod {
  absl::Time until;
  friend bool operator==(const ClosePeriod&, const ClosePeriod&) = default;
};

// From now on the account refuses exactly these sides; neither: it is frozen no more.
struct FreezeAccount {
  Uuid account_id;
  Freeze frozen = {};
  friend bool operator==(const FreezeAccount&, const FreezeAccount&) = default;
};

// In the order of the names in KindOf.
using Action = std::variant<Post, MakeHold, Capture, VoidHold, ExpireHold, Reverse, OpenAccount,
                            CloseAccount, ReopenAccount, SetCreditLine, ClosePeriod, FreezeAccount>;

// What must hold of an account at the moment of the decision. `balance` is posted, in the direction
// of the account's normal side.
struct Precondition {
  Uuid account_id;
  std::optional<std::int64_t> version;
  std::optional<std::int64_t> least_balance_minor;
  std::optional<std::int64_t> most_balance_minor;

  friend bool operator==(const Precondition&, const Precondition&) = default;
};

// Why a command has no effect.
struct Refusal {
  Reason reason;
  std::string message;
  std::string param;        // The offending field, e.g. "postings[0].amount_minor".
  bool remembered = false;  // Under the id, for ever; otherwise the id is free for another command.

  friend bool operator==(const Refusal&, const Refusal&) = default;
};

struct Command {
  Uuid transaction_id;  // Chosen by the caller; takes effect once.
  Action action;
  std::optional<absl::Time> effective_time;  // Business time. Nothing: the time of commit.
  Metadata metadata;
  std::vector<Precondition> preconditions;
  // Commits only together with the next command of the batch, and that with its next, …
  bool linked_to_next = false;
  // The first field that could not even be read (an account id that is none). Such a command
  // matches no earlier one.
  std::optional<Refusal> malformed;

  friend bool operator==(const Command&, const Command&) = default;
};

// What a command that committed did.
struct Commitment {
  std::vector<Posting> postings;  // What moved or is held, exactly.
  absl::Time effective_time;
  std::optional<absl::Time> expire_time;  // Of the hold that it made.

  friend bool operator==(const Commitment&, const Commitment&) = default;
};

// What became of a command.
struct Decision {
  Command command;
  // Place in the book: 1, 2, 3, … without gaps over all decisions, refusals that are remembered
  // included; 0 for one that is not.
  std::int64_t sequence = 0;
  absl::Time commit_time;  // Strictly increasing with `sequence`.
  std::variant<Commitment, Refusal> fate;

  const Commitment* commitment() const { return std::get_if<Commitment>(&fate); }
  const Refusal* refusal() const { return std::get_if<Refusal>(&fate); }
  friend bool operator==(const Decision&, const Decision&) = default;
};

// The answer to a command. `replayed`: it had been decided before, and this is what was decided
// then.
struct Outcome {
  Decision decision;
  bool replayed = false;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

}  // namespace florin::ledger
