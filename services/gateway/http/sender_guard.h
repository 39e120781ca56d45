// Whether whoever sent an access token is the one it was issued to: tokens bound to a key (RFC
// 9449) are good only with a proof of that key, others only without one, and tokens bound to a
// certificate (RFC 8705) only on a connection whose client showed it.
#pragma once

#include <string>

#include "libs/clock/clock.h"
#include "libs/identity/dpop.h"
#include "libs/rpc/context.h"
#include "libs/status/status.h"
#include "services/gateway/http/request.h"

namespace florin::gateway {

// How a token was sent: `Authorization: Bearer TOKEN` or `Authorization: DPoP TOKEN`.
enum class TokenScheme { kBearer, kDpop };

struct SentToken {
  TokenScheme scheme = TokenScheme::kBearer;
  std::string token;
};

// Errors: kTokenMissing; kTokenInvalid for a token that is no visible ASCII.
absl::StatusOr<SentToken> ReadToken(const Request& request);

// One for all threads of a process: its nonces and the proofs that were used (see
// identity/dpop.h for why that suffices with several gateways). Thread-safe.
class SenderGuard {
 public:
  // `issuer` is the gateway's public base URL, which proofs name with the request's path. `clock`
  // outlives this.
  SenderGuard(std::string issuer, Clock& clock) : issuer_(std::move(issuer)), clock_(clock) {}

  // Checks a token that was verified. Errors: kTokenInvalid if it was sent by another scheme than
  // it is bound by (a stolen one as a bearer token), or is bound to a certificate that the
  // connection has not; kInvalidDpopProof; kUseDpopNonce.
  absl::Status Check(const Request& request, const SentToken& sent,
                     const rpc::Principal& principal);

  // The nonce that the next proof should have, for the DPoP-Nonce field.
  std::string nonce() const { return nonces_.Issue(clock_.Now()); }

 private:
  const std::string issuer_;
  Clock& clock_;
  const identity::DpopNonces nonces_;
  identity::ReplayCache replays_;
};

}  // namespace florin::gateway
