// The authenticators in PostgreSQL, schema `auth`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/pg/pool.h"
#include "services/auth/store/authenticator_store.h"

namespace florin::auth {

class PgAuthenticatorStore : public AuthenticatorStore {
 public:
  // `pool` was made with Statements() and outlives this.
  explicit PgAuthenticatorStore(pg::Pool& pool) : pool_(pool) {}
  static std::vector<pg::Statement> Statements();

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
  pg::Pool& pool_;
};

}  // namespace florin::auth
