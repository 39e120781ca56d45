// Tokens sent by e-mail, and what they do.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/crypto/sha256.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"

namespace florin::auth {

enum class EmailPurpose { kPasswordReset, kEmailVerification };

struct EmailToken {
  crypto::Digest token_hash;
  EmailPurpose purpose = EmailPurpose::kPasswordReset;
  Uuid user_id;
  std::string email;  // Where it was sent.
  absl::Time expire_time;
  std::optional<absl::Time> use_time = {};

  friend bool operator==(const EmailToken&, const EmailToken&) = default;
};

// Thread-safe. Errors of all methods: kUnavailable, kInternal. `event` goes into the audit
// trail in the same transaction, if the method takes effect.
class EmailTokenStore {
 public:
  virtual ~EmailTokenStore() = default;

  // Voids the user's earlier token of that purpose. Idempotent.
  virtual Task<absl::StatusOr<bool>> Put(EmailToken token) = 0;
  // Used or not, unless it was voided or has expired.
  virtual Task<absl::StatusOr<std::optional<EmailToken>>> Find(EmailPurpose purpose,
                                                               crypto::Digest token_hash,
                                                               absl::Time now) = 0;
  // Uses the token up and sets its user's password. Gives whether it did: a token is used once.
  virtual Task<absl::StatusOr<bool>> SetPassword(crypto::Digest token_hash,
                                                 std::string password_hash, absl::Time now,
                                                 audit::Event event) = 0;
  // Uses the token up and notes that its user has that address.
  virtual Task<absl::StatusOr<bool>> VerifyAddress(crypto::Digest token_hash, absl::Time now,
                                                   audit::Event event) = 0;
};

}  // namespace florin::auth
