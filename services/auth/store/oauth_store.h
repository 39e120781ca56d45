// What auth keeps for OAuth: clients, pushed requests, consents, grants and what was issued from
// them.
//
// A grant is what one user gave to one client at one time. A code, refresh tokens and access tokens
// are issued from it, and revoking it revokes them all: it is the "family" of its refresh tokens.
// Secrets are kept as their SHA-256.
//
// A store runs a transaction again when the answer to its COMMIT was lost. So whatever happens once
// happens under an id that the caller makes anew for each call, and is that call's for ever.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/crypto/sha256.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/domain/authorization_request.h"
#include "services/auth/domain/client.h"
#include "services/auth/domain/refresh.h"

namespace florin::auth {

// All times are whole microseconds.

struct PushedRequest {
  crypto::Digest request_uri;  // SHA-256 of it.
  std::string client_id;
  AuthorizationRequest request;
  std::string key_thumbprint;  // jkt that the code will be bound to, or empty.
  absl::Time expires_at;

  friend bool operator==(const PushedRequest&, const PushedRequest&) = default;
};

struct Consent {
  Uuid user_id;
  std::string client_id;
  std::vector<std::string> scopes;
  absl::Time time;  // Of the latest recording.

  friend bool operator==(const Consent&, const Consent&) = default;
};

struct Grant {
  Uuid grant_id;
  std::string client_id;
  Uuid user_id;
  std::string session_id;
  absl::Time auth_time;
  std::string acr;
  std::vector<std::string> amr;
  std::vector<std::string> scopes;
  std::string nonce;  // For ID tokens; empty: none was sent.
  absl::Time create_time;
  std::optional<absl::Time> revoke_time;

  friend bool operator==(const Grant&, const Grant&) = default;
};

struct Code {
  crypto::Digest code;  // SHA-256 of it.
  Uuid grant_id;
  std::string redirect_uri;
  std::string code_challenge;
  std::string key_thumbprint;  // Must redeem it, if not empty.
  absl::Time expires_at;
  bool redeemed = false;

  friend bool operator==(const Code&, const Code&) = default;
};

struct RefreshToken {
  crypto::Digest token;  // SHA-256 of it.
  Uuid grant_id;
  // Who may use it, whichever is not empty (RFC 9449 section 5, RFC 8705 section 7.1).
  std::string key_thumbprint;
  std::string certificate_thumbprint;
  RefreshState state;  // domain/refresh.h

  friend bool operator==(const RefreshToken&, const RefreshToken&) = default;
};

struct IssuedAccessToken {
  Uuid token_id;                 // jti
  std::optional<Uuid> grant_id;  // None for client_credentials.
  std::string client_id;
  absl::Time expires_at;
  bool revoked = false;  // Itself or its grant.

  friend bool operator==(const IssuedAccessToken&, const IssuedAccessToken&) = default;
};

// How long a grant is kept after it was made: nothing that was issued from it is good any more.
inline constexpr absl::Duration kGrantKept = absl::Hours(24 * 31);  // kRefreshLifetime and a day

enum class Redemption { kDone, kReused, kRefused };

// Thread-safe. Errors of all methods: kUnavailable, kInternal. `event` goes into the audit trail in
// the same transaction, if the method takes effect; as a refusal, where it gives kReused.
class OAuthStore {
 public:
  virtual ~OAuthStore() = default;

  // Gives the client under this id: the one that was there, or this one. Idempotent.
  virtual Task<absl::StatusOr<Client>> RegisterClient(Client client, audit::Event event) = 0;
  // Disabled ones as well: see Client::disable_time.
  virtual Task<absl::StatusOr<std::optional<Client>>> FindClient(std::string client_id) = 0;
  // By id, those after `after`.
  virtual Task<absl::StatusOr<std::vector<Client>>> ListClients(std::string after, int limit) = 0;
  // The origins of those that are not disabled, sorted, each once.
  virtual Task<absl::StatusOr<std::vector<std::string>>> ListCorsOrigins() = 0;
  // Disables it at `now` unless it is, and revokes its grants. Gives it; nothing if there is none.
  virtual Task<absl::StatusOr<std::optional<Client>>> DisableClient(std::string client_id,
                                                                    absl::Time now,
                                                                    audit::Event event) = 0;

  // Notes that a client used an assertion (RFC 7523 section 3: jti), under `attempt`. Gives whether
  // it is the first to do so. Kept until `expires_at`.
  virtual Task<absl::StatusOr<bool>> UseAssertion(std::string client_id, std::string jti,
                                                  Uuid attempt, absl::Time expires_at) = 0;

  virtual Task<absl::StatusOr<bool>> PushRequest(PushedRequest request) = 0;
  // Neither used nor expired at `now`, of this client.
  virtual Task<absl::StatusOr<std::optional<PushedRequest>>> FindRequest(crypto::Digest request_uri,
                                                                         std::string client_id,
                                                                         absl::Time now) = 0;
  // Keeps a request that is neither used nor expired at `now` until `until` at least: its user has
  // come and is logging in, which takes longer than a request may wait for them. Gives whether it
  // did. Idempotent.
  virtual Task<absl::StatusOr<bool>> HoldRequest(crypto::Digest request_uri, std::string client_id,
                                                 absl::Time now, absl::Time until) = 0;
  // Uses the request up under `grant.grant_id` and makes the grant and its code. Gives whether it
  // did: false if the request was used by another, has expired or is another client's.
  virtual Task<absl::StatusOr<bool>> GrantRequest(crypto::Digest request_uri, Grant grant,
                                                  Code code, audit::Event event) = 0;
  // Uses the request up under `attempt` without a grant. Gives whether it did.
  virtual Task<absl::StatusOr<bool>> DenyRequest(crypto::Digest request_uri, std::string client_id,
                                                 Uuid attempt, absl::Time now) = 0;

  virtual Task<absl::StatusOr<std::optional<Consent>>> FindConsent(Uuid user_id,
                                                                   std::string client_id) = 0;
  // Adds the scopes to those consented before. FindConsent() gives them sorted.
  virtual Task<absl::StatusOr<bool>> RecordConsent(Consent consent) = 0;
  // Forgets the consent and revokes the user's grants to the client.
  virtual Task<absl::StatusOr<bool>> RevokeConsent(Uuid user_id, std::string client_id,
                                                   absl::Time now, audit::Event event) = 0;
  // The user's grants that are not revoked and not older than `since`, latest first, at most 100.
  virtual Task<absl::StatusOr<std::vector<Grant>>> ListGrants(Uuid user_id, absl::Time since) = 0;

  virtual Task<absl::StatusOr<std::optional<Code>>> FindCode(crypto::Digest code) = 0;
  virtual Task<absl::StatusOr<std::optional<Grant>>> FindGrant(Uuid grant_id) = 0;

  // Redeems the code under `access.token_id` and keeps what is issued. kReused: it was redeemed by
  // another call, and the grant is revoked now. kRefused: it expired, or its grant was revoked.
  virtual Task<absl::StatusOr<Redemption>> RedeemCode(crypto::Digest code, IssuedAccessToken access,
                                                      std::optional<RefreshToken> refresh,
                                                      absl::Time now, audit::Event event) = 0;

  virtual Task<absl::StatusOr<std::optional<RefreshToken>>> FindRefreshToken(
      crypto::Digest token) = 0;
  // Uses a refresh token at `now` as DecideRefresh() says, under the lock of its grant, and keeps
  // what is issued. With `next` the token is replaced by it, without it stays the same. kReused:
  // the grant is revoked now.
  virtual Task<absl::StatusOr<Redemption>> UseRefreshToken(crypto::Digest token,
                                                           IssuedAccessToken access,
                                                           std::optional<RefreshToken> next,
                                                           absl::Time now, audit::Event event) = 0;

  // One that belongs to no grant.
  virtual Task<absl::StatusOr<bool>> KeepAccessToken(IssuedAccessToken access,
                                                     audit::Event event) = 0;
  virtual Task<absl::StatusOr<std::optional<IssuedAccessToken>>> FindAccessToken(Uuid token_id) = 0;
  // Gives whether it was there.
  virtual Task<absl::StatusOr<bool>> RevokeAccessToken(Uuid token_id, absl::Time now,
                                                       audit::Event event) = 0;
  virtual Task<absl::StatusOr<bool>> RevokeGrant(Uuid grant_id, absl::Time now,
                                                 audit::Event event) = 0;
  // Every grant that a session of a user gave, when it ends.
  virtual Task<absl::StatusOr<int>> RevokeSession(std::string session_id, absl::Time now) = 0;
  // Every grant of a user, when a password or a factor was changed.
  virtual Task<absl::StatusOr<int>> RevokeUser(Uuid user_id, absl::Time now) = 0;

  // Access tokens that were revoked and have not expired, for those who verify them by themselves:
  // at most `limit`, those that expire last first.
  virtual Task<absl::StatusOr<std::vector<Uuid>>> ListRevokedAccessTokens(absl::Time now,
                                                                          int limit) = 0;

  // Deletes at most `limit` rows of each kind that are of no more use at `now`. Gives how many.
  virtual Task<absl::StatusOr<int>> DeleteExpired(absl::Time now, int limit) = 0;
};

}  // namespace florin::auth
