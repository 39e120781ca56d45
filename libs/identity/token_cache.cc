#include "libs/identity/token_cache.h"

#include <utility>

namespace florin::identity {

std::optional<rpc::Principal> TokenCache::Find(const crypto::Digest& token, absl::Time now) const {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(token);
  if (entry == entries_.end() || entry->second.expires_at <= now) return std::nullopt;
  return entry->second.principal;
}

void TokenCache::Insert(const crypto::Digest& token, Entry entry, absl::Time now) {
  const std::lock_guard lock(mutex_);
  // Tokens live equally long, so those that have expired are the oldest.
  while (!by_age_.empty() && (by_age_.size() >= capacity_ ||
                              entries_.find(by_age_.front())->second.expires_at <= now)) {
    entries_.erase(by_age_.front());
    by_age_.pop_front();
  }
  if (entries_.try_emplace(token, std::move(entry)).second) by_age_.push_back(token);
}

void TokenCache::Clear() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
  by_age_.clear();
}

std::size_t TokenCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace florin::identity
