#include "services/payments/store/fake_rail_reconcile_store.h"

#include <algorithm>
#include <utility>

namespace florin::payments {
namespace {

RailSubject SubjectOf(const RailEntry& line) {
  return {.payout_id = line.payout_id, .deposit_id = line.deposit_id, .time = line.book_time};
}

// As the SQL of it: the first of them, and those at the time of the last.
std::vector<RailSubject> FirstOf(std::vector<RailSubject> subjects, absl::Time from,
                                 absl::Time until, int limit) {
  std::erase_if(subjects,
                [=](const RailSubject& one) { return one.time < from || one.time >= until; });
  std::ranges::stable_sort(subjects, {}, &RailSubject::time);
  const auto wanted = static_cast<std::size_t>(limit);
  while (subjects.size() > wanted && subjects.back().time > subjects[wanted - 1].time) {
    subjects.pop_back();
  }
  return subjects;
}

void AddPayout(const Payout& payout, std::map<std::string, SettlementSums>& sums) {
  const bool booking =
      payout.stage == PayoutStage::kSettling || payout.stage == PayoutStage::kReturning;
  if (!booking && payout.stage != PayoutStage::kSettled) return;
  const Money& amount = payout.payment.amount;
  SettlementSums& sum =
      sums.try_emplace(std::string(amount.currency.code()), SettlementSums{amount.currency})
          .first->second;
  sum.least_minor -= amount.minor_units;
  if (!booking) sum.most_minor -= amount.minor_units;
}

void AddDeposit(const RailDeposit& deposit, std::map<std::string, SettlementSums>& sums) {
  if (deposit.stage == DepositStage::kReceived) return;
  const Money& amount = deposit.amount;
  SettlementSums& sum =
      sums.try_emplace(std::string(amount.currency.code()), SettlementSums{amount.currency})
          .first->second;
  const bool ended =
      deposit.stage == DepositStage::kCredited || deposit.stage == DepositStage::kUnmatched;
  if (ended) sum.least_minor += amount.minor_units;
  sum.most_minor += amount.minor_units;
}

}  // namespace

Task<absl::StatusOr<RailProgress>> FakeRailReconcileStore::ProgressOf(std::string rail) {
  std::lock_guard lock(mutex_);
  co_return progress_[rail];
}

Task<absl::StatusOr<RailProgress>> FakeRailReconcileStore::KeepStatement(std::string rail,
                                                                         std::string cursor,
                                                                         RailStatement page) {
  std::lock_guard lock(mutex_);
  RailProgress& progress = progress_[rail];
  if (progress.cursor != cursor) co_return progress;
  std::map<std::int64_t, RailEntry>& lines = lines_[rail];
  for (RailEntry& line : page.entries) {
    ++progress.kept_lines;
    const bool known = std::ranges::any_of(
        lines, [&line](const auto& kept) { return kept.second.number == line.number; });
    line.account_reference.clear();
    line.reference.clear();
    if (!known) lines.emplace(progress.kept_lines, std::move(line));
  }
  progress.cursor = page.next_cursor;
  co_return progress;
}

Task<absl::StatusOr<std::vector<RailSubject>>> FakeRailReconcileStore::LinesAfter(
    std::string rail, std::int64_t after, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<RailSubject> subjects;
  const std::map<std::int64_t, RailEntry>& lines = lines_[rail];
  for (auto line = lines.upper_bound(after); line != lines.end(); ++line) {
    if (subjects.size() == static_cast<std::size_t>(limit)) break;
    subjects.push_back(SubjectOf(line->second));
  }
  co_return subjects;
}

Task<absl::StatusOr<std::vector<RailSubject>>> FakeRailReconcileStore::ExecutedPayouts(
    std::string rail, absl::Time from, absl::Time until, int limit) {
  std::vector<RailSubject> subjects;
  for (const auto& [payout, since] : payouts_.AllPayouts()) {
    const bool executed =
        payout.stage == PayoutStage::kSettled || payout.stage == PayoutStage::kReturned;
    if (executed && payout.rail == rail) {
      subjects.push_back({.payout_id = payout.payment.payment_id, .time = since});
    }
  }
  co_return FirstOf(std::move(subjects), from, until, limit);
}

Task<absl::StatusOr<std::vector<RailSubject>>> FakeRailReconcileStore::ReceivedDeposits(
    std::string rail, absl::Time from, absl::Time until, int limit) {
  std::vector<RailSubject> subjects;
  for (const RailDeposit& deposit : deposits_.All()) {
    if (deposit.rail != rail) continue;
    subjects.push_back({.deposit_id = deposit.deposit_id, .time = deposit.create_time});
  }
  co_return FirstOf(std::move(subjects), from, until, limit);
}

Task<absl::StatusOr<std::vector<RailCase>>> FakeRailReconcileStore::CasesOf(
    std::string rail, std::vector<RailSubject> subjects) {
  std::vector<RailCase> cases;
  for (const RailSubject& subject : subjects) {
    cases.push_back(
        {.rail = rail, .payout_id = subject.payout_id, .deposit_id = subject.deposit_id});
    RailCase& one = cases.back();
    for (const auto& [payout, since] : payouts_.AllPayouts()) {
      if (payout.payment.payment_id != subject.payout_id || payout.rail != rail) continue;
      one.payout = PayoutAtUs{.payment_id = subject.payout_id,
                              .amount = payout.payment.amount,
                              .stage = payout.stage,
                              .since = since};
    }
    for (const RailDeposit& deposit : deposits_.All()) {
      if (deposit.deposit_id != subject.deposit_id || deposit.rail != rail) continue;
      one.deposit = DepositAtUs{.deposit_id = deposit.deposit_id,
                                .amount = deposit.amount,
                                .stage = deposit.stage,
                                .payment_id = deposit.payment_id,
                                .since = deposit.create_time};
    }
    std::lock_guard lock(mutex_);
    for (const auto& [position, line] : lines_[rail]) {
      const bool its = line.payout_id == subject.payout_id && line.deposit_id == subject.deposit_id;
      if (its) one.lines.push_back(line);
    }
  }
  co_return cases;
}

Task<absl::StatusOr<int>> FakeRailReconcileStore::RecordCompared(std::string rail,
                                                                 RailProgress progress) {
  std::lock_guard lock(mutex_);
  if (fail_) co_return Error(Reason::kUnavailable, "told to fail");
  RailProgress& kept = progress_[rail];
  kept.compared_lines = std::max(kept.compared_lines, progress.compared_lines);
  kept.payouts_until = std::max(kept.payouts_until, progress.payouts_until);
  kept.deposits_until = std::max(kept.deposits_until, progress.deposits_until);
  co_return 1;
}

Task<absl::StatusOr<std::vector<SettlementSums>>> FakeRailReconcileStore::SettlementSumsOf() {
  std::map<std::string, SettlementSums> sums;
  for (const auto& [payout, since] : payouts_.AllPayouts()) AddPayout(payout, sums);
  for (const RailDeposit& deposit : deposits_.All()) AddDeposit(deposit, sums);
  std::lock_guard lock(mutex_);
  for (const auto& [rail, lines] : lines_) {
    for (const auto& [position, line] : lines) {
      const Money& amount = line.amount;
      SettlementSums& sum =
          sums.try_emplace(std::string(amount.currency.code()), SettlementSums{amount.currency})
              .first->second;
      const bool paid = line.event == RailEvent::kSettled;
      sum.statement_minor += paid ? -amount.minor_units : amount.minor_units;
    }
  }
  std::vector<SettlementSums> all;
  for (const auto& [currency, sum] : sums) all.push_back(sum);
  co_return all;
}

void FakeRailReconcileStore::FailRecords(bool fail) {
  std::lock_guard lock(mutex_);
  fail_ = fail;
}

}  // namespace florin::payments
