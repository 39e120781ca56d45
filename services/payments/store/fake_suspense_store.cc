#include "services/payments/store/fake_suspense_store.h"

#include <algorithm>

#include "services/payments/store/store.h"

namespace florin::payments {

KeptSuspense FakeSuspenseStore::KeptOf(const SuspenseItem& item) const {
  KeptSuspense kept{.item = item, .resolution = {}};
  for (const Row& row : resolutions_) {
    if (row.resolution.item_id == item.item_id) kept.resolution = row.resolution;
  }
  return kept;
}

std::optional<StoredResolution> FakeSuspenseStore::Known(const Uuid& operator_id,
                                                         const std::string& key,
                                                         const crypto::Digest& fingerprint) const {
  for (const Row& row : resolutions_) {
    if (row.resolution.operator_id != operator_id || row.key != key) continue;
    return StoredResolution{
        .kept = {.item = items_.at(row.resolution.item_id), .resolution = row.resolution},
        .same_request = row.fingerprint == fingerprint,
        .replayed = true};
  }
  return std::nullopt;
}

Task<absl::Status> FakeSuspenseStore::KeepItem(SuspenseItem item) {
  std::lock_guard lock(mutex_);
  const audit::Event event = EventOf(item);
  if (items_.emplace(item.item_id, item).second) events_.push_back(event);
  co_return absl::OkStatus();
}

Task<absl::StatusOr<KeptSuspense>> FakeSuspenseStore::FindItem(Uuid item_id) {
  std::lock_guard lock(mutex_);
  const auto item = items_.find(item_id);
  if (item == items_.end()) co_return NoSuchSuspense();
  co_return KeptOf(item->second);
}

Task<absl::StatusOr<std::vector<KeptSuspense>>> FakeSuspenseStore::ListItems(
    std::optional<SuspenseState> state, std::optional<Uuid> before, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<KeptSuspense> found;
  for (auto item = items_.rbegin(); item != items_.rend(); ++item) {
    if (found.size() == static_cast<std::size_t>(limit)) break;
    if (before && item->first >= *before) continue;
    KeptSuspense kept = KeptOf(item->second);
    if (!state || StateOf(kept) == *state) found.push_back(std::move(kept));
  }
  co_return found;
}

Task<absl::StatusOr<std::optional<StoredResolution>>> FakeSuspenseStore::FindResolution(
    Uuid operator_id, std::string idempotency_key, crypto::Digest fingerprint) {
  std::lock_guard lock(mutex_);
  co_return Known(operator_id, idempotency_key, fingerprint);
}

Task<absl::StatusOr<StoredResolution>> FakeSuspenseStore::Begin(SuspenseResolution resolution,
                                                                std::string idempotency_key,
                                                                crypto::Digest fingerprint,
                                                                audit::Origin origin) {
  std::lock_guard lock(mutex_);
  auto known = Known(resolution.operator_id, idempotency_key, fingerprint);
  if (known) co_return *std::move(known);
  const auto item = items_.find(resolution.item_id);
  if (item == items_.end()) co_return NoSuchSuspense();
  if (StateOf(KeptOf(item->second)) != SuspenseState::kOpen) co_return AlreadyResolved();
  events_.push_back(EventOf(item->second, resolution, origin));
  resolutions_.push_back({.resolution = resolution,
                          .key = std::move(idempotency_key),
                          .fingerprint = fingerprint,
                          .next_attempt_time = resolution.create_time + kLease});
  StoredResolution stored{.kept = KeptOf(item->second), .same_request = true};
  co_return stored;
}

Task<absl::StatusOr<KeptSuspense>> FakeSuspenseStore::End(Uuid payment_id, ResolutionState state,
                                                          std::string failure_reason,
                                                          std::string rail_code, absl::Time now) {
  std::lock_guard lock(mutex_);
  if (fail_ends_) co_return Error(Reason::kUnavailable, "told to fail");
  for (Row& row : resolutions_) {
    SuspenseResolution& kept = row.resolution;
    if (kept.payment_id != payment_id) continue;
    const SuspenseItem& item = items_.at(kept.item_id);
    if (MayEnd(kept.kind, kept.state, state)) {
      kept.state = state;
      kept.failure_reason = std::move(failure_reason);
      kept.rail_code = std::move(rail_code);
      kept.update_time = now;
      const audit::Origin nobody;
      events_.push_back(EventOf(item, kept, nobody));
    }
    co_return KeptSuspense{.item = item, .resolution = kept};
  }
  co_return NoSuchSuspense();
}

Task<absl::StatusOr<std::vector<KeptSuspense>>> FakeSuspenseStore::ClaimPending(absl::Time now,
                                                                                int limit) {
  std::lock_guard lock(mutex_);
  std::vector<KeptSuspense> claimed;
  for (Row& row : resolutions_) {
    if (claimed.size() == static_cast<std::size_t>(limit)) break;
    const bool pending = row.resolution.state == ResolutionState::kPending;
    if (!pending || row.next_attempt_time > now) continue;
    row.next_attempt_time = now + kLease;
    claimed.push_back({.item = items_.at(row.resolution.item_id), .resolution = row.resolution});
  }
  co_return claimed;
}

void FakeSuspenseStore::FailEnds(bool fail) {
  std::lock_guard lock(mutex_);
  fail_ends_ = fail;
}

std::vector<audit::Event> FakeSuspenseStore::events() {
  std::lock_guard lock(mutex_);
  return events_;
}

}  // namespace florin::payments
