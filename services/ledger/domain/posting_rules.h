// The rules of posting. This file and its source hold all of them, in the order in which a command
// is checked:
//
//   1. Is the id known? Then the first decision stands: the same content gets it again, other
//   content is an id conflict.
//   2. Shape: what the command alone shows.
//   3. Existence of every account, 4. none closed, 5. currencies, 6. counters hold the sums, 7.
//   limits of the accounts.
//
// Invariants kept here (numbers of DESIGN.md, section 3):
//   1. Every committed transaction debits and credits the same total in each currency.
//   3. A command decided under an id stays decided. Refusals of steps 3 to 7 depend on the book and
//   are remembered, so that a "no" never
//      turns into a "yes". Refusals of step 2 depend on the command alone and are not: the id is
//      free for a corrected command.
//   4. No account passes its limits. They bind after the whole transaction, not between its
//   postings.
//
// Pure: no clock, no storage. Later commands of a batch see what earlier ones did, so a batch
// equals its commands one by one.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "services/ledger/domain/values.h"

namespace florin::ledger {

inline constexpr std::size_t kMostPostings = 64;
inline constexpr std::size_t kMostMetadata = 16;
inline constexpr std::size_t kLongestMetadataKey = 40;
inline constexpr std::size_t kLongestMetadataValue = 200;  // bytes

// Every reason that a Refusal can have, in order of precedence, and whether such a refusal is
// remembered under the id.
struct RefusalRule {
  Reason reason;
  bool remembered;
};
inline constexpr RefusalRule kRefusalRules[] = {
    {Reason::kIdConflict, false},
    {Reason::kInvalidId, false},     // of an account, found by whoever read the request
    {Reason::kInvalidField, false},  // the same, of effective_time
    {Reason::kTooManyItems, false},
    {Reason::kSameAccount, false},
    {Reason::kInvalidAmount, false},
    {Reason::kInvalidMetadata, false},
    {Reason::kAccountNotFound, true},
    {Reason::kAccountClosed, true},
    {Reason::kCurrencyMismatch, true},
    {Reason::kBalanceOverflow, true},
    {Reason::kInsufficientFunds, true},
    {Reason::kCreditLimitExceeded, true},
};
bool IsRemembered(const Refusal& refusal);

// Whether a store has to write this outcome: decided now, and for ever.
bool IsNewDecision(const Outcome& outcome);

// What a batch needs to know of its book: every account that its commands name, and every decision
// under one of their ids.
struct LoadedBook {
  BookState state;
  absl::flat_hash_map<Uuid, Account> accounts;
  absl::flat_hash_map<Uuid, Decision> decisions;
};

// What a store has to write for a batch, all in one commit: the outcomes that are new decisions,
// the entries, the accounts as they are now and where the book stands now.
struct Effects {
  std::vector<Outcome> outcomes;  // One for each command, in order.
  std::vector<Entry> entries;     // In order of sequence.
  std::vector<Account> accounts;  // Those with new entries, in order of id.
  BookState state;
};

// Decides `inputs` in order. Commits are dated `now`, or as soon after the last commit of the book
// as is strictly later.
Effects ApplyBatch(LoadedBook book, std::span<const TransactionInput> inputs, absl::Time now);

// What ApplyBatch needs loaded: ids of accounts, sorted and each once.
std::vector<Uuid> AccountsOf(std::span<const TransactionInput> inputs);

// Step 2 alone.
std::optional<Refusal> CheckShape(const TransactionInput& input);

// The path of the first field in which two commands with the same id differ; nothing if they are
// the same.
std::optional<std::string> FirstDifference(const TransactionInput& first,
                                           const TransactionInput& second);

}  // namespace florin::ledger
