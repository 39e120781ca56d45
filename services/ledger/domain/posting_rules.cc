#include "services/ledger/domain/posting_rules.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "libs/status/check.h"
#include "services/ledger/domain/command_rules.h"
#include "services/ledger/domain/plan.h"
#include "services/ledger/domain/working_book.h"

namespace florin::ledger {
namespace {

void SortUnique(std::vector<Uuid>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

void AddAccounts(const std::vector<Posting>& postings, std::vector<Uuid>& ids) {
  for (const Posting& posting : postings) {
    ids.push_back(posting.debit_account_id);
    ids.push_back(posting.credit_account_id);
  }
}

// What stays the same of all changes together must cancel out.
void CheckConservation(const std::vector<Touch>& touches) {
  __int128 posted = 0;
  __int128 pending = 0;
  for (const Touch& touch : touches) {
    posted += touch.change.debits_posted;
    posted -= touch.change.credits_posted;
    pending += touch.change.debits_pending;
    pending -= touch.change.credits_pending;
  }
  FLORIN_CHECK(posted == 0 && pending == 0, "a transaction debits as much as it credits");
}

// Invariant 4, of an account as a transaction leaves it, whatever rule let it.
void CheckLimits(const Account& account) {
  const Counters& c = account.counters;
  FLORIN_CHECK(c.debits_posted >= 0 && c.credits_posted >= 0 && c.debits_pending >= 0 &&
                   c.credits_pending >= 0,
               "no counter is negative");
  const __int128 debt = static_cast<__int128>(c.debits_posted) - c.credits_posted;
  const AccountTerms& terms = account.terms;
  FLORIN_CHECK(
      !terms.debits_must_not_exceed_credits || debt + c.debits_pending <= terms.credit_line_minor,
      "no account owes more than its credit line");
  FLORIN_CHECK(!terms.credits_must_not_exceed_debits || -debt + c.credits_pending <= 0,
               "no account is credited more than it was debited");
}

class Batch {
 public:
  Batch(LoadedBook book, std::span<const Command> commands, absl::Time now)
      : book_(std::move(book), now) {
    outcomes_.reserve(commands.size());  // So that pointers into it stay valid.
    while (!commands.empty()) {
      std::size_t size = 1;
      while (size < commands.size() && commands[size - 1].linked_to_next) ++size;
      DecideGroup(commands.first(size));
      commands = commands.subspan(size);
    }
  }

  Effects Finish() && {
    Effects effects = std::move(book_).Finish();
    effects.outcomes = std::move(outcomes_);
    return effects;
  }

 private:
  const Decision* DecisionOf(const Uuid& id) const {
    if (const auto here = decided_here_.find(id); here != decided_here_.end()) {
      return &outcomes_[here->second].decision;
    }
    return book_.LoadedDecision(id);
  }

  void DecideGroup(std::span<const Command> group) {
    if (group.size() == 1 && !group[0].linked_to_next) return DecideAlone(group[0]);
    const auto is_known = [this](const Command& command) {
      return DecisionOf(command.transaction_id) != nullptr;
    };
    const auto known = std::count_if(group.begin(), group.end(), is_known);
    if (known == static_cast<std::ptrdiff_t>(group.size())) {
      for (const Command& command : group) outcomes_.push_back(Repeat(command));
    } else if (known > 0) {
      RefuseBrokenGroup(group);
    } else {
      DecideTogether(group);
    }
  }

  void DecideAlone(const Command& command) {
    if (DecisionOf(command.transaction_id) != nullptr) {
      outcomes_.push_back(Repeat(command));
      return;
    }
    Outcome outcome{.decision = {.command = command, .commit_time = {}, .fate = Commitment()}};
    outcome.decision.fate = Try(command);
    Place(std::move(outcome));
  }

  Outcome Repeat(const Command& command) const {
    const Decision& known = *DecisionOf(command.transaction_id);
    const std::optional<std::string> difference = FirstDifference(known.command, command);
    if (!difference) return {.decision = known, .replayed = true};
    return Refused(command, Refuse(Reason::kIdConflict,
                                   "the transaction id was used with other content", *difference));
  }

  static Outcome Refused(const Command& command, Refusal refusal) {
    return {.decision = {.command = command, .commit_time = {}, .fate = std::move(refusal)}};
  }

  // Some of the group were decided before, but not all: it is not the group of then.
  void RefuseBrokenGroup(std::span<const Command> group) {
    std::vector<Outcome> outcomes;
    for (const Command& command : group) {
      const bool known = DecisionOf(command.transaction_id) != nullptr;
      Refusal refusal =
          known ? Refuse(Reason::kIdConflict, "the transaction id was used outside this group",
                         "linked_to_next")
                : Refuse(Reason::kLinkedTransactionFailed,
                         "another transaction of the group was decided before", "");
      refusal.remembered = false;
      outcomes.push_back(Refused(command, std::move(refusal)));
    }
    for (Outcome& outcome : outcomes) outcomes_.push_back(std::move(outcome));
  }

  // All new: all commit, or none does. What the commands alone show comes before what the book says
  // to any of them, so that what can't be kept is never remembered.
  void DecideTogether(std::span<const Command> group) {
    absl::flat_hash_set<Uuid> ids;
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (ids.insert(group[i].transaction_id).second) continue;
      RefuseTogether(group, i,
                     Refuse(Reason::kIdConflict, "two transactions of the group have this id",
                            "transaction_id"));
      return;
    }
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (const std::optional<Refusal> refusal = CheckShape(group[i])) {
        RefuseTogether(group, i, *refusal);
        return;
      }
    }
    const std::size_t first = outcomes_.size();
    book_.Begin();
    for (std::size_t i = 0; i < group.size(); ++i) {
      Outcome outcome{.decision = {.command = group[i], .commit_time = {}, .fate = Commitment()}};
      outcome.decision.fate = Try(group[i]);
      if (const Refusal* breaker = outcome.decision.refusal()) {
        const Refusal reason = *breaker;
        for (std::size_t k = 0; k < i; ++k) decided_here_.erase(group[k].transaction_id);
        outcomes_.erase(outcomes_.begin() + static_cast<std::ptrdiff_t>(first), outcomes_.end());
        book_.Rollback();
        RefuseTogether(group, i, reason);
        return;
      }
      Place(std::move(outcome));
    }
    book_.End();
  }

  void RefuseTogether(std::span<const Command> group, std::size_t breaker, const Refusal& reason) {
    for (std::size_t i = 0; i < group.size(); ++i) {
      Refusal refusal = reason;
      if (i != breaker) {
        const std::string name(InfoOf(reason.reason).name);
        refusal = Refuse(Reason::kLinkedTransactionFailed,
                         absl::StrCat("transaction ", breaker + 1, " of the group: ", name), "");
        refusal.remembered = reason.remembered;
      }
      Place(Refused(group[i], std::move(refusal)));
    }
  }

  // Steps 2 to 5, and the effect.
  std::variant<Commitment, Refusal> Try(const Command& command) {
    if (std::optional<Refusal> refusal = CheckShape(command)) return *std::move(refusal);
    const auto decision_of = [this](const Uuid& id) { return DecisionOf(id); };
    std::variant<Plan, Refusal> planned = PlanCommand(book_, decision_of, command);
    if (auto* refusal = std::get_if<Refusal>(&planned)) {
      if (std::holds_alternative<ExpireHold>(command.action)) refusal->remembered = false;
      return std::move(*refusal);
    }
    Plan& plan = std::get<Plan>(planned);
    Perform(command, plan);
    return std::move(plan.commitment);
  }

  void Perform(const Command& command, const Plan& plan) {
    CheckConservation(plan.touches);
    const std::int64_t sequence = book_.NextSequence();
    for (const Touch& touch : plan.touches) {
      Account account = touch.account;
      account.counters = touch.after;
      account.version += 1;
      CheckLimits(account);
      book_.Change(account);
      book_.Add({.account_id = account.terms.account_id,
                 .version = account.version,
                 .sequence = sequence,
                 .change = touch.change,
                 .after = touch.after});
    }
    if (plan.hold) book_.Change(*plan.hold);
    if (plan.account) {
      CheckLimits(*plan.account);
      book_.Change(*plan.account);
    }
    if (plan.closed_until) book_.ClosePeriod(*plan.closed_until);
    const auto* reverse = std::get_if<Reverse>(&command.action);
    for (const std::int64_t i : plan.reversed) book_.MarkReversed(reverse->transaction_id, i);
  }

  // Dates what is to be kept.
  void Place(Outcome outcome) {
    if (IsNewDecision(outcome)) {
      book_.Date(outcome.decision);
      decided_here_.emplace(outcome.decision.command.transaction_id, outcomes_.size());
    }
    outcomes_.push_back(std::move(outcome));
  }

  WorkingBook book_;
  std::vector<Outcome> outcomes_;
  absl::flat_hash_map<Uuid, std::size_t> decided_here_;  // Indices of outcomes_.
};

}  // namespace

bool IsNewDecision(const Outcome& outcome) {
  const Refusal* refusal = outcome.decision.refusal();
  return !outcome.replayed && (refusal == nullptr || refusal->remembered);
}

References ReferencesOf(std::span<const Command> commands) {
  References references;
  for (const Command& command : commands) {
    references.decisions.push_back(command.transaction_id);
    if (const auto* postings = PostingsOf(command.action)) {
      AddAccounts(*postings, references.accounts);
    }
    if (const Uuid* account = AccountOf(command.action)) references.accounts.push_back(*account);
    for (const Precondition& precondition : command.preconditions) {
      references.accounts.push_back(precondition.account_id);
    }
    if (const Uuid* hold = HoldOf(command.action)) references.holds.push_back(*hold);
    if (const auto* reverse = std::get_if<Reverse>(&command.action)) {
      references.decisions.push_back(reverse->transaction_id);
      references.reversed.push_back(reverse->transaction_id);
    }
  }
  for (auto* ids :
       {&references.decisions, &references.accounts, &references.holds, &references.reversed}) {
    SortUnique(*ids);
  }
  return references;
}

std::vector<Uuid> AccountsOf(const References& references, const LoadedBook& book) {
  std::vector<Uuid> ids = references.accounts;
  for (const auto& [id, hold] : book.holds) AddAccounts(hold.postings, ids);
  for (const Uuid& id : references.reversed) {
    const auto original = book.decisions.find(id);
    if (original == book.decisions.end()) continue;
    if (const Commitment* moved = original->second.commitment()) AddAccounts(moved->postings, ids);
  }
  SortUnique(ids);
  return ids;
}

Effects ApplyBatch(LoadedBook book, std::span<const Command> commands, absl::Time now) {
  return Batch(std::move(book), commands, now).Finish();
}

}  // namespace florin::ledger
