#include "tests/simulation/simulation.h"

#include <algorithm>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "libs/status/check.h"
#include "services/ledger/domain/command_rules.h"
#include "tests/simulation/describe.h"

namespace florin::simulation {
namespace {

using Complaint = std::optional<std::string>;

// How often a batch is repeated before the simulation gives up: more than any fault strikes.
constexpr int kMostRepetitions = 100;

class Play {
 public:
  Play(const Stage& stage, Coverage& coverage) : stage_(stage), coverage_(coverage) {}

  Complaint Begin() {
    const absl::Status made =
        stage_.runtime.Run(stage_.store.EnsureBook(stage_.book, IndexedMetadata()));
    if (made.ok()) return {};
    return "the book cannot be made: " + made.ToString();
  }

  Complaint Do(const Step& step) {
    switch (step.kind) {
      case Step::Kind::kCommit:
        return Commit(step.commands, step.now);
      case Step::Kind::kDryRun:
        return DryRun(step);
      case Step::Kind::kOpenAccounts:
        return OpenAccounts(step);
      case Step::Kind::kSweep:
        break;
    }
    return Sweep(step);
  }

  Complaint Finish() {
    const KeptBook kept = stage_.read();
    Complaint complaint = BrokenInvariant(kept);
    if (!complaint) complaint = FirstDifference(kept, reference_.book(), IndexedMetadata());
    for (const ledger::Decision& decision : kept.journal) {
      const auto told = told_.find(decision.command.transaction_id);
      if (complaint || told == told_.end() || told->second == decision) continue;
      complaint = "kept otherwise than told: " + Describe(ledger::Outcome{.decision = decision});
    }
    return complaint;
  }

 private:
  static bool IsUnavailable(const absl::Status& status) {
    return ReasonOf(status) == Reason::kUnavailable;
  }

  // Calls the store until it answers. `commits_` is then how many transactions that took.
  template <class T, class Call>
  absl::StatusOr<T> Ask(const Call& call) {
    const std::int64_t before = stage_.wire == nullptr ? 0 : stage_.wire->commits();
    absl::StatusOr<T> answer = stage_.runtime.Run(call());
    for (int i = 0; i < kMostRepetitions && IsUnavailable(answer.status()); ++i) {
      coverage_.unavailable += 1;
      answer = stage_.runtime.Run(call());
    }
    commits_ = stage_.wire == nullptr ? answer.ok() : stage_.wire->commits() - before;
    return answer;
  }

  Complaint Commit(const std::vector<ledger::Command>& commands, absl::Time now) {
    const absl::StatusOr<std::vector<ledger::Outcome>> outcomes = Ask<std::vector<ledger::Outcome>>(
        [&] { return stage_.store.Commit(stage_.book, commands, now); });
    if (!outcomes.ok()) return "the store fails: " + outcomes.status().ToString();
    if (commits_ == 0) return "the store answers without having committed";
    coverage_.recommitted += commits_ > 1 ? 1 : 0;
    std::vector<Verdict> verdicts;
    for (std::int64_t i = 0; i < commits_; ++i) verdicts = reference_.Commit(commands, now);
    for (const ledger::Outcome& outcome : *outcomes) {
      const ledger::Refusal* refusal = outcome.decision.refusal();
      const auto reason = refusal == nullptr ? std::optional<Reason>() : refusal->reason;
      const std::string kind(ledger::KindOf(outcome.decision.command.action));
      if (!outcome.replayed) coverage_.outcomes[{kind, reason}] += 1;
    }
    if (Complaint complaint = Compare(verdicts, *outcomes)) return complaint;
    return CompareWithTold(*outcomes);
  }

  Complaint DryRun(const Step& step) {
    const absl::StatusOr<std::vector<ledger::Outcome>> outcomes = Ask<std::vector<ledger::Outcome>>(
        [&] { return stage_.store.DryRun(stage_.book, step.commands, step.now); });
    if (!outcomes.ok()) return "the dry run fails: " + outcomes.status().ToString();
    return Compare(reference_.DryRun(step.commands, step.now), *outcomes);
  }

  Complaint OpenAccounts(const Step& step) {
    const absl::StatusOr<std::vector<ledger::Account>> opened = Ask<std::vector<ledger::Account>>(
        [&] { return stage_.store.OpenAccounts(stage_.book, step.accounts, step.now); });
    ReferenceLedger::Opening expected = reference_.OpenAccounts(step.accounts, step.now);
    for (std::int64_t i = 1; i < commits_; ++i) {
      expected = reference_.OpenAccounts(step.accounts, step.now);
    }
    if (expected.objection) {
      const std::vector<std::string>& params = expected.objection->params;
      const std::string param = DetailOf(opened.status()).param;
      const bool named =
          params.empty() || std::find(params.begin(), params.end(), param) != params.end();
      if (ReasonOf(opened.status()) == expected.objection->reason && named) return {};
      return absl::StrCat(
          "opening should be refused: ", std::string(InfoOf(expected.objection->reason).name),
          ", but: ", opened.status().ToString(), " ", param);
    }
    if (!opened.ok()) return "opening fails: " + opened.status().ToString();
    if (*opened == expected.accounts) return {};
    return "the accounts opened are not as expected";
  }

  // What flow/HoldExpiry does.
  Complaint Sweep(const Step& step) {
    const absl::StatusOr<std::vector<Uuid>> holds = Ask<std::vector<Uuid>>(
        [&] { return stage_.store.ExpiredHolds(stage_.book, step.now, step.limit); });
    if (!holds.ok()) return "looking for expired holds fails: " + holds.status().ToString();
    if (*holds != reference_.ExpiredHolds(step.now, step.limit)) {
      return absl::StrCat("not the expired holds: ", holds->size());
    }
    std::vector<ledger::Command> commands;
    for (const Uuid& hold : *holds) {
      ledger::Command command;
      command.transaction_id = ledger::ExpiryIdOf(hold);
      command.action = ledger::ExpireHold{hold};
      commands.push_back(std::move(command));
    }
    return commands.empty() ? Complaint() : Commit(commands, step.now);
  }

  Complaint Compare(const std::vector<Verdict>& verdicts,
                    const std::vector<ledger::Outcome>& outcomes) const {
    if (verdicts.size() != outcomes.size()) {
      return absl::StrCat(outcomes.size(), " outcomes of ", verdicts.size(), " commands");
    }
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (stage_.trace) std::cout << "    -> " << Describe(outcomes[i]) << "\n";
      if (Agree(verdicts[i], outcomes[i])) continue;
      return absl::StrCat("command [", i, "]:\n  store     ", Describe(outcomes[i]),
                          "\n  reference ", Describe(verdicts[i].outcome));
    }
    return {};
  }

  // The same id has the same answer for ever, message included.
  Complaint CompareWithTold(const std::vector<ledger::Outcome>& outcomes) {
    for (const ledger::Outcome& outcome : outcomes) {
      if (outcome.decision.sequence == 0) continue;
      const auto [told, is_new] =
          told_.emplace(outcome.decision.command.transaction_id, outcome.decision);
      if (!is_new && !(told->second == outcome.decision)) {
        return "another answer than the first time: " + Describe(outcome);
      }
    }
    return {};
  }

  const Stage& stage_;
  Coverage& coverage_;
  ReferenceLedger reference_;
  std::map<Uuid, ledger::Decision> told_;  // What the store has answered.
  std::int64_t commits_ = 0;
};

// Tries without each part of `steps[at].*list`.
template <class Part>
void ShrinkList(std::vector<Step>& steps, std::size_t at, std::vector<Part> Step::*list,
                const std::function<bool(const std::vector<Step>&)>& fails) {
  for (std::size_t i = (steps[at].*list).size(); i-- > 0;) {
    std::vector<Step> fewer = steps;
    std::vector<Part>& parts = fewer[at].*list;
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i));
    if (fails(fewer)) steps = std::move(fewer);
  }
}

}  // namespace

std::optional<Failure> Run(const Stage& stage, const std::vector<Step>& steps, Coverage& coverage) {
  Play play(stage, coverage);
  if (Complaint complaint = play.Begin()) return Failure{0, *complaint};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (stage.trace) std::cout << i << ": " << Describe(steps[i]) << std::endl;
    if (stage.before_step) stage.before_step(i);
    const Complaint complaint = play.Do(steps[i]);
    if (stage.wire != nullptr) stage.wire->Disarm();
    if (complaint) return Failure{i, *complaint};
  }
  if (Complaint complaint = play.Finish()) return Failure{steps.size(), *complaint};
  return {};
}

std::vector<Step> Shrink(std::vector<Step> steps,
                         const std::function<bool(const std::vector<Step>&)>& fails) {
  for (std::size_t i = steps.size(); i-- > 0;) {
    std::vector<Step> fewer = steps;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    if (fails(fewer)) steps = std::move(fewer);
  }
  for (std::size_t i = steps.size(); i-- > 0;) {
    ShrinkList(steps, i, &Step::commands, fails);
    ShrinkList(steps, i, &Step::accounts, fails);
  }
  return steps;
}

std::string Describe(const std::vector<Step>& steps) {
  std::string text;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    absl::StrAppend(&text, i, ": ", Describe(steps[i]), "\n");
  }
  return text;
}

}  // namespace florin::simulation
