#include "services/auth/store/fake_session_store.h"

#include <algorithm>
#include <tuple>

namespace florin::auth {

Task<absl::StatusOr<bool>> FakeSessionStore::Insert(Session session, crypto::Digest secret,
                                                    absl::Time forget_before, audit::Event) {
  const std::lock_guard lock(mutex_);
  std::erase_if(sessions_, [&](const auto& entry) {
    return entry.second.user_id == session.user_id && entry.second.auth_time < forget_before;
  });
  const bool known = std::any_of(sessions_.begin(), sessions_.end(), [&](const auto& entry) {
    return entry.second.session_id == session.session_id;
  });
  if (!known) sessions_.emplace(secret, std::move(session));
  co_return true;
}

Task<absl::StatusOr<std::optional<Session>>> FakeSessionStore::Find(crypto::Digest secret) {
  const std::lock_guard lock(mutex_);
  std::optional<Session> found;
  if (const auto entry = sessions_.find(secret); entry != sessions_.end()) found = entry->second;
  co_return found;
}

Task<absl::StatusOr<bool>> FakeSessionStore::Renew(crypto::Digest current,
                                                   crypto::Digest replacement, Session session) {
  const std::lock_guard lock(mutex_);
  auto entry = sessions_.find(current);
  if (entry == sessions_.end()) entry = sessions_.find(replacement);
  if (entry == sessions_.end() || entry->second.session_id != session.session_id) co_return false;
  session.user_id = entry->second.user_id;
  session.create_time = entry->second.create_time;
  sessions_.erase(entry);
  sessions_.emplace(replacement, std::move(session));
  co_return true;
}

Task<absl::StatusOr<bool>> FakeSessionStore::Touch(crypto::Digest secret, absl::Time now) {
  const std::lock_guard lock(mutex_);
  const auto entry = sessions_.find(secret);
  if (entry == sessions_.end()) co_return false;
  entry->second.active_time = std::max(entry->second.active_time, now);
  co_return true;
}

Task<absl::StatusOr<std::vector<Session>>> FakeSessionStore::List(Uuid user_id) {
  const std::lock_guard lock(mutex_);
  std::vector<Session> sessions;
  for (const auto& [secret, session] : sessions_) {
    if (session.user_id == user_id) sessions.push_back(session);
  }
  std::sort(sessions.begin(), sessions.end(), [](const Session& a, const Session& b) {
    return std::tie(b.active_time, a.session_id) < std::tie(a.active_time, b.session_id);
  });
  co_return sessions;
}

Task<absl::StatusOr<bool>> FakeSessionStore::End(Uuid user_id, Uuid session_id, audit::Event) {
  const std::lock_guard lock(mutex_);
  co_return std::erase_if(sessions_, [&](const auto& entry) {
    return entry.second.user_id == user_id && entry.second.session_id == session_id;
  }) == 1;
}

Task<absl::StatusOr<int>> FakeSessionStore::EndOthers(Uuid user_id, std::optional<Uuid> but,
                                                      audit::Event) {
  const std::lock_guard lock(mutex_);
  co_return static_cast<int>(std::erase_if(sessions_, [&](const auto& entry) {
    return entry.second.user_id == user_id && entry.second.session_id != but;
  }));
}

}  // namespace florin::auth
