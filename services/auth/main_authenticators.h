// Passwords and authenticators as main() wires them: the flags --password_*, --common_passwords,
// --data_key, --webauthn_*, --account_url, --mail_* and --smtp_*.
#pragma once

#include <memory>
#include <vector>

#include "libs/crypto/envelope.h"
#include "libs/pg/pool.h"
#include "services/auth/flow/authenticators.h"
#include "services/auth/flow/mail.h"
#include "services/auth/flow/password_hasher.h"
#include "services/auth/flow/password_rules.h"
#include "services/auth/rpc/authenticators_rpc.h"
#include "services/auth/store/pg_authenticator_store.h"
#include "services/auth/store/pg_email_token_store.h"
#include "services/auth/store/pg_throttle_store.h"
#include "services/auth/store/store.h"

namespace florin::auth {

// Destroy it after the Runtime has stopped and before the Runtime.
class AuthenticatorParts {
 public:
  // Ends the process with one clear line on a bad flag. `users`, `sessions` and `pool`, which has
  // Statements(), outlive this.
  AuthenticatorParts(pg::Pool& pool, Store& users, SessionEnder& sessions, audit::Recorder& audit);
  static std::vector<pg::Statement> Statements();

  PasswordHasher& hasher() { return hasher_; }
  const PasswordRules& rules() const { return rules_; }
  Authenticators& authenticators() { return authenticators_; }
  AuthenticatorsRpc& rpc() { return rpc_; }

 private:
  PasswordHasher hasher_;
  const PasswordRules rules_;
  const crypto::DataKeys data_keys_;
  PgAuthenticatorStore store_;
  PgThrottleStore throttles_;
  PgEmailTokenStore tokens_;
  const std::unique_ptr<MailSender> mail_;
  Authenticators authenticators_;
  AuthenticatorsRpc rpc_;
};

}  // namespace florin::auth
