#include "services/payments/store/fake_limit_store.h"

#include <algorithm>

#include "services/payments/store/limit_changes.h"

namespace florin::payments {

absl::StatusOr<Limit> FakeLimitStore::Next(const LimitChange& change) {
  if (change.kind == LimitChange::Kind::kCreate) {
    int all = 0;
    int alike = 0;
    for (const auto& [id, other] : limits_) {
      if (other.removed) continue;
      ++all;
      alike += AreAlike(*change.limit, other);
    }
    if (all >= kMostLimits || alike >= kMostLimitsAlike) return TooManyLimits();
    return *change.limit;
  }
  const auto found = limits_.find(change.limit_id);
  if (found == limits_.end() || found->second.removed) return LimitNotFound();
  Limit limit = found->second;
  limit.update_time = change.time;
  if (change.kind == LimitChange::Kind::kRemove) {
    limit.removed = true;
  } else {
    if (limit.maxima.size() >= kMostMaxima) return TooManyMaxima();
    limit.maxima.push_back(change.maximum);
  }
  return limit;
}

Task<absl::StatusOr<StoredLimit>> FakeLimitStore::ChangeLimit(LimitChange change) {
  std::lock_guard lock(mutex_);
  const std::pair key(change.user_id, change.idempotency_key);
  if (const auto known = kept_.find(key); known != kept_.end()) {
    co_return StoredLimit{.limit = known->second.limit,
                          .same_request = known->second.fingerprint == change.fingerprint,
                          .replayed = true};
  }
  FLORIN_CO_ASSIGN_OR_RETURN(const Limit limit, Next(change));
  limits_.insert_or_assign(limit.limit_id, limit);
  kept_.emplace(key, Kept{limit, change.fingerprint});
  co_return StoredLimit{.limit = limit, .same_request = true};
}

Task<absl::StatusOr<std::vector<Limit>>> FakeLimitStore::ListLimits(absl::Time now) {
  std::lock_guard lock(mutex_);
  if (fail_reads_) co_return Error(Reason::kUnavailable, "told to fail");
  std::vector<Limit> limits;
  for (const auto& [id, limit] : limits_) {
    if (!limit.removed || limit.update_time >= now - kRemovedLimitsStay) limits.push_back(limit);
  }
  co_return limits;
}

Task<absl::StatusOr<std::vector<Limit>>> FakeLimitStore::FindLimits(std::vector<Uuid> limit_ids) {
  std::lock_guard lock(mutex_);
  if (fail_reads_) co_return Error(Reason::kUnavailable, "told to fail");
  std::vector<Limit> limits;
  for (const auto& [id, limit] : limits_) {
    if (std::ranges::count(limit_ids, id) > 0) limits.push_back(limit);
  }
  co_return limits;
}

void FakeLimitStore::FailReads(bool fail) {
  std::lock_guard lock(mutex_);
  fail_reads_ = fail;
}

}  // namespace florin::payments
