// The store of sessions in memory, for tests. Passes the same contract test as the real one.
#pragma once

#include <map>
#include <mutex>

#include "services/auth/store/session_store.h"

namespace florin::auth {

class FakeSessionStore : public SessionStore {
 public:
  Task<absl::StatusOr<bool>> Insert(Session session, crypto::Digest secret,
                                    absl::Time forget_before, audit::Event event) override;
  Task<absl::StatusOr<std::optional<Session>>> Find(crypto::Digest secret) override;
  Task<absl::StatusOr<bool>> Renew(crypto::Digest current, crypto::Digest replacement,
                                   Session session) override;
  Task<absl::StatusOr<bool>> Touch(crypto::Digest secret, absl::Time now) override;
  Task<absl::StatusOr<std::vector<Session>>> List(Uuid user_id) override;
  Task<absl::StatusOr<bool>> End(Uuid user_id, Uuid session_id, audit::Event event) override;
  Task<absl::StatusOr<int>> EndOthers(Uuid user_id, std::optional<Uuid> but,
                                      audit::Event event) override;

 private:
  std::mutex mutex_;
  std::map<crypto::Digest, Session> sessions_;  // Guarded by mutex_.
};

}  // namespace florin::auth
