// The authenticators in memory, for tests of what is built on them. Passes the same contract test
// as the real ones.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "services/auth/store/authenticator_store.h"
#include "services/auth/store/fake_store.h"

namespace florin::auth {

class FakeAuthenticatorStore : public AuthenticatorStore {
 public:
  // `users` outlives this.
  explicit FakeAuthenticatorStore(FakeStore& users) : users_(users) {}

  Task<absl::StatusOr<std::optional<User>>> FindUser(Uuid user_id) override;
  Task<absl::StatusOr<bool>> PutTotp(TotpSecret secret) override;
  Task<absl::StatusOr<std::optional<TotpSecret>>> FindTotp(Uuid user_id) override;
  Task<absl::StatusOr<bool>> ConfirmTotp(Uuid user_id, Uuid factor_id, std::int64_t counter,
                                         absl::Time now, audit::Event event) override;
  Task<absl::StatusOr<bool>> AcceptTotp(Uuid user_id, Uuid factor_id, std::int64_t counter,
                                        absl::Time now) override;
  Task<absl::StatusOr<bool>> AddPasskey(Passkey passkey, audit::Event event) override;
  Task<absl::StatusOr<std::optional<Passkey>>> FindPasskey(std::string credential_id) override;
  Task<absl::StatusOr<std::vector<Passkey>>> ListPasskeys(Uuid user_id) override;
  Task<absl::StatusOr<bool>> AcceptPasskey(std::string credential_id, std::uint32_t sign_count,
                                           bool backed_up, absl::Time now) override;
  Task<absl::StatusOr<bool>> ReplaceRecoveryCodes(Uuid user_id, Uuid factor_id,
                                                  std::vector<crypto::Digest> hashes,
                                                  absl::Time now, audit::Event event) override;
  Task<absl::StatusOr<std::optional<int>>> UseRecoveryCode(Uuid user_id, crypto::Digest hash,
                                                           absl::Time now,
                                                           audit::Event event) override;
  Task<absl::StatusOr<std::vector<Factor>>> ListFactors(Uuid user_id) override;
  Task<absl::StatusOr<bool>> RemoveFactor(Uuid user_id, Uuid factor_id,
                                          audit::Event event) override;
  Task<absl::StatusOr<bool>> PutChallenge(Challenge challenge, absl::Time now) override;
  Task<absl::StatusOr<std::optional<Challenge>>> TakeChallenge(Uuid challenge_id,
                                                               std::string purpose,
                                                               std::optional<Uuid> user_id,
                                                               absl::Time now) override;
  Task<absl::StatusOr<bool>> PutApproval(ApprovalRequest request) override;
  Task<absl::StatusOr<std::optional<ApprovalRequest>>> FindApproval(Uuid approval_id) override;
  Task<absl::StatusOr<bool>> EndApproval(ApprovalEnd end) override;

 private:
  struct Totp {
    TotpSecret secret;
    std::int64_t last_counter = -1;
    std::optional<absl::Time> last_use_time;
  };
  struct Key {
    Passkey passkey;
    std::optional<absl::Time> last_use_time;
  };
  struct Codes {
    Uuid factor_id;
    absl::Time create_time;
    std::map<crypto::Digest, std::optional<absl::Time>> use_times;  // By hash.
  };

  FakeStore& users_;
  std::mutex mutex_;
  // All guarded by mutex_.
  std::map<Uuid, Totp> totp_;            // By user.
  std::map<std::string, Key> passkeys_;  // By credential id.
  std::map<Uuid, Codes> codes_;          // By user.
  std::map<Uuid, Challenge> challenges_;
  std::map<Uuid, ApprovalRequest> approvals_;
  std::set<Uuid> ended_;
};

}  // namespace florin::auth
