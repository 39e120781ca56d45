#include "tests/simulation/at_once.h"

#include <algorithm>
#include <future>
#include <map>
#include <span>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include "absl/strings/str_cat.h"
#include "services/ledger/store/opening.h"
#include "tests/simulation/describe.h"

namespace florin::simulation {
namespace {

using Complaint = std::optional<std::string>;
using Outcomes = absl::StatusOr<std::vector<ledger::Outcome>>;

constexpr int kMostRepetitions = 100;

// Commits until the store answers.
Task<Outcomes> CommitAtLast(ledger::Store* store, std::string book,
                            std::vector<ledger::Command> commands, absl::Time now) {
  Outcomes outcomes = co_await store->Commit(book, commands, now);
  for (int i = 0; i < kMostRepetitions && ReasonOf(outcomes.status()) == Reason::kUnavailable;
       ++i) {
    outcomes = co_await store->Commit(book, commands, now);
  }
  co_return outcomes;
}

// Answers by id. One id may be decided once only, whoever was told.
class Told {
 public:
  Complaint Add(const std::vector<ledger::Outcome>& outcomes) {
    for (const ledger::Outcome& outcome : outcomes) {
      if (outcome.decision.sequence == 0) continue;
      const auto [told, is_new] =
          told_.emplace(outcome.decision.command.transaction_id, outcome.decision);
      if (!is_new && !(told->second == outcome.decision)) {
        return "told in two ways: " + Describe(outcome);
      }
    }
    return {};
  }

  Complaint DiffersFrom(const std::vector<ledger::Decision>& journal) const {
    std::size_t found = 0;
    for (const ledger::Decision& decision : journal) {
      const auto told = told_.find(decision.command.transaction_id);
      if (told == told_.end()) continue;
      ++found;
      if (!(told->second == decision)) {
        return "kept otherwise than told: " + Describe(ledger::Outcome{.decision = decision});
      }
    }
    if (found == told_.size()) return {};
    return absl::StrCat(told_.size() - found, " decisions were told and are not kept");
  }

 private:
  std::map<Uuid, ledger::Decision> told_;
};

// The journal's commands as the reference ledger decides them, group by group, each at the time at
// which it was decided.
ReferenceLedger Replay(std::span<const ledger::Decision> journal) {
  ReferenceLedger reference;
  while (!journal.empty()) {
    std::vector<ledger::Command> group;
    for (const ledger::Decision& decision : journal) {
      group.push_back(decision.command);
      if (!decision.command.linked_to_next) break;
    }
    reference.Commit(group, journal.front().commit_time);
    journal = journal.subspan(group.size());
  }
  return reference;
}

// The batches of a workload: commits as they are, openings as their commands.
std::vector<Step> BatchesOf(const std::vector<Step>& steps) {
  std::vector<Step> batches;
  for (Step step : steps) {
    if (step.kind == Step::Kind::kOpenAccounts) step.commands = ledger::OpeningsOf(step.accounts);
    const bool writes = step.kind == Step::Kind::kCommit || step.kind == Step::Kind::kOpenAccounts;
    if (writes) batches.push_back(std::move(step));
  }
  return batches;
}

}  // namespace

std::optional<std::string> RunAtOnce(const AtOnce& stage, const std::vector<Step>& steps) {
  const absl::Status made =
      stage.runtime.Run(stage.stores.at(0)->EnsureBook(stage.book, IndexedMetadata()));
  if (!made.ok()) return "the book cannot be made: " + made.ToString();
  Told told;
  std::size_t turn = 0;
  std::vector<Step> batches = BatchesOf(steps);
  for (std::span<Step> rest = batches; !rest.empty();) {
    const std::size_t count = std::min(stage.together, rest.size());
    if (stage.before_each) stage.before_each();
    std::vector<std::future<Outcomes>> answers;
    for (Step& step : rest.first(count)) {
      ledger::Store* store = stage.stores[turn++ % stage.stores.size()];
      answers.push_back(asio::co_spawn(stage.runtime.executor(),
                                       CommitAtLast(store, stage.book, step.commands, step.now),
                                       asio::use_future));
    }
    for (std::future<Outcomes>& answer : answers) answer.wait();  // All, whatever comes of one.
    for (std::future<Outcomes>& answer : answers) {
      const Outcomes outcomes = answer.get();
      if (!outcomes.ok()) return "the store fails: " + outcomes.status().ToString();
      if (Complaint complaint = told.Add(*outcomes)) return complaint;
    }
    rest = rest.subspan(count);
  }
  const KeptBook kept = stage.read();
  if (Complaint complaint = BrokenInvariant(kept)) return complaint;
  if (Complaint complaint = told.DiffersFrom(kept.journal)) return complaint;
  return FirstDifference(kept, Replay(kept.journal).book(), IndexedMetadata());
}

}  // namespace florin::simulation
