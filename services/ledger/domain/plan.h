// Steps 3 to 5 of the rules (posting_rules.h) for one command: what it would do to the book, or why
// not. Pure; changes nothing.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "absl/functional/function_ref.h"
#include "services/ledger/domain/working_book.h"

namespace florin::ledger {

// What the transaction does to one account.
struct Touch {
  Account account;  // As it is before.
  Counters change;
  Counters after;
  // The first postings that debit and credit it, to name in a refusal.
  std::size_t debited_by = 0;
  std::size_t credited_by = 0;
};

struct Plan {
  Commitment commitment;
  std::vector<Touch> touches;          // In order of first mention.
  std::optional<Hold> hold;            // Made or changed.
  std::optional<Account> account;      // Opened or changed, without an entry.
  std::vector<std::int64_t> reversed;  // Postings of the transaction to reverse.
  std::optional<absl::Time> closed_until;
};

// The decision under an id, this batch's included; null if there is none.
using FindDecision = absl::FunctionRef<const Decision*(const Uuid&)>;

std::variant<Plan, Refusal> PlanCommand(const WorkingBook& book, FindDecision decision_of,
                                        const Command& command);

}  // namespace florin::ledger
