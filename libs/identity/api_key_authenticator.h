// Verifies API keys by asking auth, and remembers what it said for half a minute.
//
// A key acts for its owner: the principal has the owner's user id, the scopes that both have, the
// key's id as token_id, and no acr and no amr, so that whatever demands that a person was there
// refuses a key. client_id is `api_key:key_…`.
//
// Where a key may be used from (Principal::allowed_networks) is for the gateway to enforce, which
// alone knows the client's address: IsAllowedFrom() of network.h. Services behind it verify the key
// itself again, but cannot check that.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "florin/auth/v1/api_keys.rpc.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/crypto/sha256.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"

namespace florin::identity {

// For how long a verdict is remembered at most: a revoked key is refused after at most the first,
// and a key that was refused is asked for again after the second.
inline constexpr absl::Duration kApiKeyRemembered = absl::Seconds(30);
inline constexpr absl::Duration kApiKeyRefusalRemembered = absl::Seconds(5);

// Verdicts on keys by the SHA-256 of their text, refusals apart from the rest, so that a flood of
// wrong keys displaces no right one. At most `capacity` of each, the oldest go first. Thread-safe.
class ApiKeyVerdicts {
 public:
  explicit ApiKeyVerdicts(std::size_t capacity = 10'000) : capacity_(capacity) {}

  std::optional<absl::StatusOr<rpc::Principal>> Find(const crypto::Digest& key,
                                                     absl::Time now) const;
  // Good until `until`. Replaces what was known of the key.
  void Insert(const crypto::Digest& key, absl::StatusOr<rpc::Principal> verdict, absl::Time until);
  std::size_t size() const;

 private:
  struct Known {
    absl::StatusOr<rpc::Principal> verdict;
    absl::Time until;
  };
  struct Memory {
    std::map<crypto::Digest, Known> known;
    std::deque<crypto::Digest> by_age;  // The keys of known, oldest first.
  };

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  Memory accepted_;  // Guarded by mutex_.
  Memory refused_;   // Guarded by mutex_.
};

// Thread-safe. Errors: kTokenInvalid, kTokenExpired, kApiKeyWrongMode; kUnavailable and the like
// where auth does not answer: keys fail closed. A key that is malformed is refused without asking.
class ApiKeyAuthenticator : public rpc::Authenticator {
 public:
  // `auth` and `clock` outlive this. Verdicts are remembered for `memory`, where that is less.
  ApiKeyAuthenticator(rpc::Channel& auth, Clock& clock, absl::Duration memory = kApiKeyRemembered)
      : auth_(&auth), clock_(clock), memory_(memory) {}

  Task<absl::StatusOr<rpc::Principal>> Authenticate(std::string key) override;

 private:
  const auth::v1::ApiKeysClient auth_;
  Clock& clock_;
  const absl::Duration memory_;
  ApiKeyVerdicts verdicts_;
};

// The verified answer of auth as a principal.
rpc::Principal PrincipalOf(const auth::v1::VerifyApiKeyResponse& key);

}  // namespace florin::identity
