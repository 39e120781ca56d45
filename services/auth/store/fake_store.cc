#include "services/auth/store/fake_store.h"

#include <utility>

namespace florin::auth {

Registered FakeStore::Describe(const Decided& decided) const {
  Registered registered{.fingerprint = decided.fingerprint};
  if (decided.user_id) registered.user = users_.at(*decided.user_id);
  return registered;
}

Task<absl::StatusOr<Registered>> FakeStore::Register(Registration registration) {
  const std::lock_guard lock(mutex_);
  Decided decided{.fingerprint = registration.fingerprint};
  const Uuid user_id = registration.user.user_id;
  const auto [entry, first] = registrations_.try_emplace(registration.idempotency_key, decided);
  if (first && by_email_.try_emplace(registration.user.email, user_id).second) {
    users_.emplace(user_id, std::move(registration.user));
    entry->second.user_id = user_id;
  }
  Registered registered = Describe(entry->second);
  registered.created = entry->second.user_id == user_id;
  co_return registered;
}

Task<absl::StatusOr<std::optional<Registered>>> FakeStore::FindRegistration(
    std::string idempotency_key) {
  const std::lock_guard lock(mutex_);
  std::optional<Registered> found;
  if (const auto entry = registrations_.find(idempotency_key); entry != registrations_.end()) {
    found = Describe(entry->second);
  }
  co_return found;
}

Task<absl::StatusOr<std::optional<User>>> FakeStore::FindUserByEmail(std::string email) {
  const std::lock_guard lock(mutex_);
  std::optional<User> found;
  if (const auto entry = by_email_.find(email); entry != by_email_.end()) {
    found = users_.at(entry->second);
  }
  co_return found;
}

Task<absl::StatusOr<bool>> FakeStore::ReplacePasswordHash(Uuid user_id, std::string current,
                                                          std::string replacement) {
  const std::lock_guard lock(mutex_);
  const auto user = users_.find(user_id);
  if (user == users_.end() || user->second.password_hash != current) co_return false;
  user->second.password_hash = std::move(replacement);
  co_return true;
}

std::optional<User> FakeStore::UserWithId(Uuid user_id) {
  const std::lock_guard lock(mutex_);
  const auto user = users_.find(user_id);
  return user == users_.end() ? std::nullopt : std::make_optional(user->second);
}

void FakeStore::SetPasswordHash(Uuid user_id, std::string password_hash) {
  const std::lock_guard lock(mutex_);
  users_.at(user_id).password_hash = std::move(password_hash);
}

}  // namespace florin::auth
