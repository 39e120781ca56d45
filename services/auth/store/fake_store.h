// The store in memory, for tests of what is built on it. Passes the same contract test as the real
// one.
#pragma once

#include <map>
#include <mutex>

#include "services/auth/store/store.h"

namespace florin::auth {

class FakeStore : public Store {
 public:
  Task<absl::StatusOr<Registered>> Register(Registration registration) override;
  Task<absl::StatusOr<std::optional<Registered>>> FindRegistration(
      std::string idempotency_key) override;
  Task<absl::StatusOr<std::optional<User>>> FindUserByEmail(std::string email) override;
  Task<absl::StatusOr<bool>> ReplacePasswordHash(Uuid user_id, std::string current,
                                                 std::string replacement) override;

  // For the fakes of what shares these users.
  std::optional<User> UserWithId(Uuid user_id);
  void SetPasswordHash(Uuid user_id, std::string password_hash);

 private:
  struct Decided {
    crypto::Digest fingerprint;
    std::optional<Uuid> user_id;
  };
  Registered Describe(const Decided& decided) const;

  std::mutex mutex_;
  std::map<Uuid, User> users_;                    // Guarded by mutex_.
  std::map<std::string, Uuid> by_email_;          // Guarded by mutex_.
  std::map<std::string, Decided> registrations_;  // By idempotency key. Guarded by mutex_.
};

}  // namespace florin::auth
