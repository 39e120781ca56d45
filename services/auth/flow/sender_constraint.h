// The key that a request proves to have, which tokens are bound to (RFC 9449 section 5, RFC 8705
// section 3).
#pragma once

#include <string>
#include <string_view>

#include "libs/clock/clock.h"
#include "libs/crypto/jwt.h"
#include "libs/identity/dpop.h"
#include "libs/status/status.h"
#include "services/auth/domain/client.h"

namespace florin::auth {

// What a request shows of its sender.
struct ShownBySender {
  std::string dpop;                    // The DPoP field, or empty.
  std::string method;                  // "POST"
  std::string url;                     // The issuer and the request's path.
  std::string certificate_thumbprint;  // Of the connection, or empty.
};

// Thread-safe; one for a process (see libs/identity/dpop.h for why that is enough). The clock
// outlives it.
class SenderConstraints {
 public:
  explicit SenderConstraints(Clock& clock) : clock_(clock) {}

  // The thumbprint of the key of a proof, which is used up; empty without a proof. Errors:
  // kInvalidDpopProof; kUseDpopNonce for a good one without a nonce of now, which is not used up.
  absl::StatusOr<std::string> CheckProof(const ShownBySender& shown);

  // What tokens for `client` are to be bound to: its certificate if it requires mutual TLS, else
  // the key that CheckProof() gave, if there was a proof. Errors: kInvalidDpopProof if the client's
  // tokens are bound by DPoP and there was no proof; kInvalidRequest if they are bound by a
  // certificate and there is none, or a proof. Pure.
  static absl::StatusOr<crypto::Confirmation> Confirm(const Client& client,
                                                      const std::string& key_thumbprint,
                                                      const std::string& certificate_thumbprint);

  // For a DPoP-Nonce field.
  std::string nonce() const { return nonces_.Issue(clock_.Now()); }

 private:
  Clock& clock_;
  identity::DpopNonces nonces_;
  identity::ReplayCache replays_;
};

}  // namespace florin::auth
