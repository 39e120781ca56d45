// The memory of the sandbox's rail in memory, for tests of what uses a SandboxRailStore.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>
#include <vector>

#include "services/payments/store/sandbox_rail_store.h"

namespace florin::payments {

// Thread-safe.
class FakeSandboxRailStore : public SandboxRailStore {
 public:
  Task<absl::StatusOr<TakenPayout>> Take(TakenPayout payout,
                                         std::vector<PlannedEntry> entries) override {
    std::lock_guard lock(mutex_);
    const Uuid id = payout.payout_id;
    if (taken_.try_emplace(id, std::move(payout)).second) {
      for (PlannedEntry& entry : entries) Add(std::move(entry));
    }
    co_return Find(id);
  }

  Task<absl::StatusOr<std::optional<TakenPayout>>> FindTaken(Uuid payout_id) override {
    std::lock_guard lock(mutex_);
    if (!taken_.contains(payout_id)) co_return std::optional<TakenPayout>();
    co_return std::optional(Find(payout_id));
  }

  Task<absl::StatusOr<RailEntry>> AddDeposit(PlannedEntry deposit) override {
    std::lock_guard lock(mutex_);
    for (const auto& [number, kept] : entries_) {
      if (kept.entry.deposit_id == deposit.entry.deposit_id) co_return kept.entry;
    }
    co_return Add(std::move(deposit));
  }

  Task<absl::StatusOr<std::vector<RailEntry>>> DueNotifications(absl::Time now,
                                                                int limit) override {
    std::lock_guard lock(mutex_);
    std::vector<RailEntry> due;
    for (const auto& [number, kept] : entries_) {
      if (kept.notifications > 0 && kept.entry.book_time <= now) due.push_back(kept.entry);
    }
    co_return InOrder(std::move(due), limit);
  }

  Task<absl::Status> Notified(std::int64_t number) override {
    std::lock_guard lock(mutex_);
    PlannedEntry& kept = entries_.at(number);
    if (kept.notifications > 0) --kept.notifications;
    co_return absl::OkStatus();
  }

  Task<absl::StatusOr<std::vector<RailEntry>>> BookedAfter(absl::Time book_time,
                                                           std::int64_t number, absl::Time now,
                                                           int limit) override {
    std::lock_guard lock(mutex_);
    std::vector<RailEntry> booked;
    for (const auto& [key, kept] : entries_) {
      const RailEntry& entry = kept.entry;
      if (entry.event == RailEvent::kRejected || entry.book_time > now) continue;
      if (!kept.on_statement) continue;
      if (std::tie(entry.book_time, entry.number) > std::tie(book_time, number)) {
        booked.push_back(entry);
      }
    }
    co_return InOrder(std::move(booked), limit);
  }

 private:
  // With mutex_ held.
  RailEntry Add(PlannedEntry entry) {
    entry.entry.number = static_cast<std::int64_t>(entries_.size()) + 1;
    return entries_.emplace(entry.entry.number, std::move(entry)).first->second.entry;
  }
  TakenPayout Find(const Uuid& payout_id) {
    TakenPayout taken = taken_.at(payout_id);
    for (const auto& [number, kept] : entries_) {
      if (kept.entry.payout_id == payout_id && kept.told) taken.entries.push_back(kept.entry);
    }
    taken.entries = InOrder(std::move(taken.entries), static_cast<int>(entries_.size()));
    return taken;
  }
  static std::vector<RailEntry> InOrder(std::vector<RailEntry> entries, int limit) {
    std::ranges::sort(entries, {}, [](const RailEntry& entry) {
      return std::pair(entry.book_time, entry.number);
    });
    if (entries.size() > static_cast<std::size_t>(limit)) {
      entries.erase(entries.begin() + limit, entries.end());
    }
    return entries;
  }

  std::mutex mutex_;
  std::map<Uuid, TakenPayout> taken_;             // Without entries. Guarded by mutex_.
  std::map<std::int64_t, PlannedEntry> entries_;  // By number. Guarded by mutex_.
};

}  // namespace florin::payments
