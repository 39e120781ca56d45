// E-mailed tokens in memory, for tests of what is built on them. Passes the same contract test as
// the real ones.
#pragma once

#include <map>
#include <mutex>
#include <utility>

#include "services/auth/store/email_token_store.h"
#include "services/auth/store/fake_store.h"

namespace florin::auth {

class FakeEmailTokenStore : public EmailTokenStore {
 public:
  // `users` outlives this.
  explicit FakeEmailTokenStore(FakeStore& users) : users_(users) {}

  Task<absl::StatusOr<bool>> Put(EmailToken token) override;
  Task<absl::StatusOr<std::optional<EmailToken>>> Find(EmailPurpose purpose,
                                                       crypto::Digest token_hash,
                                                       absl::Time now) override;
  Task<absl::StatusOr<bool>> SetPassword(crypto::Digest token_hash, std::string password_hash,
                                         absl::Time now, audit::Event event) override;
  Task<absl::StatusOr<bool>> VerifyAddress(crypto::Digest token_hash, absl::Time now,
                                           audit::Event event) override;

 private:
  EmailToken* FindIn(EmailPurpose purpose, const crypto::Digest& token_hash, absl::Time now);

  FakeStore& users_;
  std::mutex mutex_;
  std::map<std::pair<Uuid, EmailPurpose>, EmailToken> tokens_;  // Guarded by mutex_.
};

}  // namespace florin::auth
