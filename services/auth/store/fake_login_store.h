// The store of logins in memory, for tests. Passes the same contract test as the real one.
#pragma once

#include <map>
#include <mutex>

#include "services/auth/store/login_store.h"

namespace florin::auth {

class FakeLoginStore : public LoginStore {
 public:
  Task<absl::StatusOr<bool>> Insert(Login login, crypto::Digest secret,
                                    absl::Time forget_before) override;
  Task<absl::StatusOr<std::optional<Login>>> Find(crypto::Digest secret) override;
  Task<absl::StatusOr<bool>> Replace(crypto::Digest current, crypto::Digest replacement,
                                     Login login) override;
  Task<absl::StatusOr<bool>> NoteCeremony(crypto::Digest secret, std::string ceremony) override;
  Task<absl::StatusOr<bool>> Remove(crypto::Digest secret) override;

 private:
  std::mutex mutex_;
  std::map<crypto::Digest, Login> logins_;  // Guarded by mutex_.
};

}  // namespace florin::auth
