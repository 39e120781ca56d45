// What auth keeps of the things that users prove themselves with, and of ceremonies under way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/crypto/sha256.h"
#include "libs/crypto/webauthn.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/domain/factor.h"
#include "services/auth/domain/user.h"

namespace florin::auth {

// A secret of one-time codes, sealed.
struct TotpSecret {
  Uuid factor_id;
  Uuid user_id;
  std::string sealed;
  absl::Time create_time;
  std::optional<absl::Time> confirm_time;

  friend bool operator==(const TotpSecret&, const TotpSecret&) = default;
};

struct Passkey {
  Uuid factor_id;
  Uuid user_id;
  std::string credential_id;
  std::string label;
  crypto::PasskeyKey key;
  std::uint32_t sign_count = 0;
  bool backup_eligible = false;
  bool backed_up = false;
  absl::Time create_time;

  friend bool operator==(const Passkey&, const Passkey&) = default;
};

struct Challenge {
  Uuid challenge_id;
  std::string purpose;
  std::optional<Uuid> user_id;  // Nothing: of whoever answers it.
  std::string octets;           // 32
  absl::Time expire_time;

  friend bool operator==(const Challenge&, const Challenge&) = default;
};

struct ApprovalRequest {
  Uuid approval_id;
  Uuid user_id;
  std::string octets;  // What is approved: 1 to 4096.
  std::string nonce;   // 32
  absl::Time create_time;
  absl::Time expire_time;

  friend bool operator==(const ApprovalRequest&, const ApprovalRequest&) = default;
};

struct ApprovalEnd {
  Uuid approval_id;
  bool approved = false;
  // Of an approval:
  std::optional<Uuid> factor_id;
  FactorKind kind = FactorKind::kPasskey;
  std::string credential;  // Empty for a one-time code.
  absl::Time end_time;
};

// Thread-safe. Errors of all methods: kUnavailable, kInternal. Times are whole microseconds. A
// method that gives whether it took effect can say "no" after a COMMIT whose answer was lost: what
// counts once then has counted. `event` goes into the audit trail in the same transaction, if the
// method takes effect.
class AuthenticatorStore {
 public:
  virtual ~AuthenticatorStore() = default;

  virtual Task<absl::StatusOr<std::optional<User>>> FindUser(Uuid user_id) = 0;

  // Keeps an unconfirmed secret in the place of an earlier unconfirmed one. Gives whether it did:
  // not for a user who has a confirmed one.
  virtual Task<absl::StatusOr<bool>> PutTotp(TotpSecret secret) = 0;
  virtual Task<absl::StatusOr<std::optional<TotpSecret>>> FindTotp(Uuid user_id) = 0;
  // Puts the unconfirmed secret `factor_id` in force, with the counter of its first code.
  virtual Task<absl::StatusOr<bool>> ConfirmTotp(Uuid user_id, Uuid factor_id, std::int64_t counter,
                                                 absl::Time now, audit::Event event) = 0;
  // Uses up a counter of the confirmed secret `factor_id`: not one that is not greater than every
  // one used before. Of concurrent calls with one counter, one is told yes (RFC 6238 section 5.2).
  virtual Task<absl::StatusOr<bool>> AcceptTotp(Uuid user_id, Uuid factor_id, std::int64_t counter,
                                                absl::Time now) = 0;

  // Gives whether it was kept: not under a credential id that is there.
  virtual Task<absl::StatusOr<bool>> AddPasskey(Passkey passkey, audit::Event event) = 0;
  virtual Task<absl::StatusOr<std::optional<Passkey>>> FindPasskey(std::string credential_id) = 0;
  // By creation.
  virtual Task<absl::StatusOr<std::vector<Passkey>>> ListPasskeys(Uuid user_id) = 0;
  // Records a use. Not with a counter that did not grow, unless both are 0.
  virtual Task<absl::StatusOr<bool>> AcceptPasskey(std::string credential_id,
                                                   std::uint32_t sign_count, bool backed_up,
                                                   absl::Time now) = 0;

  // Puts new codes, by their hashes, in the place of all earlier ones.
  virtual Task<absl::StatusOr<bool>> ReplaceRecoveryCodes(Uuid user_id, Uuid factor_id,
                                                          std::vector<crypto::Digest> hashes,
                                                          absl::Time now, audit::Event event) = 0;
  // Uses one up. Gives how many are left; nothing if there is no such code, or it was used.
  virtual Task<absl::StatusOr<std::optional<int>>> UseRecoveryCode(Uuid user_id,
                                                                   crypto::Digest hash,
                                                                   absl::Time now,
                                                                   audit::Event event) = 0;

  // All that are in force, by creation.
  virtual Task<absl::StatusOr<std::vector<Factor>>> ListFactors(Uuid user_id) = 0;
  // Gives whether it was there, and the user's.
  virtual Task<absl::StatusOr<bool>> RemoveFactor(Uuid user_id, Uuid factor_id,
                                                  audit::Event event) = 0;

  // Idempotent. Forgets challenges that ended before `now`.
  virtual Task<absl::StatusOr<bool>> PutChallenge(Challenge challenge, absl::Time now) = 0;
  // Takes it away: nothing the second time, nor for another purpose or user, nor at its end.
  virtual Task<absl::StatusOr<std::optional<Challenge>>> TakeChallenge(Uuid challenge_id,
                                                                       std::string purpose,
                                                                       std::optional<Uuid> user_id,
                                                                       absl::Time now) = 0;

  // Idempotent.
  virtual Task<absl::StatusOr<bool>> PutApproval(ApprovalRequest request) = 0;
  // One that has not ended.
  virtual Task<absl::StatusOr<std::optional<ApprovalRequest>>> FindApproval(Uuid approval_id) = 0;
  // Gives whether it did: an approval ends once.
  virtual Task<absl::StatusOr<bool>> EndApproval(ApprovalEnd end) = 0;
};

}  // namespace florin::auth
