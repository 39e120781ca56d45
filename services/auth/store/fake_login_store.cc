#include "services/auth/store/fake_login_store.h"

#include <utility>

namespace florin::auth {

Task<absl::StatusOr<bool>> FakeLoginStore::Insert(Login login, crypto::Digest secret,
                                                  absl::Time forget_before) {
  const std::lock_guard lock(mutex_);
  std::erase_if(logins_,
                [&](const auto& entry) { return entry.second.create_time < forget_before; });
  logins_.try_emplace(secret, std::move(login));
  co_return true;
}

Task<absl::StatusOr<std::optional<Login>>> FakeLoginStore::Find(crypto::Digest secret) {
  const std::lock_guard lock(mutex_);
  std::optional<Login> found;
  if (const auto entry = logins_.find(secret); entry != logins_.end()) found = entry->second;
  co_return found;
}

Task<absl::StatusOr<bool>> FakeLoginStore::Replace(crypto::Digest current,
                                                   crypto::Digest replacement, Login login) {
  const std::lock_guard lock(mutex_);
  auto entry = logins_.find(current);
  if (entry == logins_.end()) entry = logins_.find(replacement);
  if (entry == logins_.end()) co_return false;
  login.create_time = entry->second.create_time;
  logins_.erase(entry);
  logins_.emplace(replacement, std::move(login));
  co_return true;
}

Task<absl::StatusOr<bool>> FakeLoginStore::NoteCeremony(crypto::Digest secret,
                                                        std::string ceremony) {
  const std::lock_guard lock(mutex_);
  const auto entry = logins_.find(secret);
  if (entry == logins_.end()) co_return false;
  entry->second.ceremony = std::move(ceremony);
  co_return true;
}

Task<absl::StatusOr<bool>> FakeLoginStore::Remove(crypto::Digest secret) {
  const std::lock_guard lock(mutex_);
  co_return logins_.erase(secret) == 1;
}

}  // namespace florin::auth
