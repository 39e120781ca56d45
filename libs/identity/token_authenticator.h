// Verifies users' access tokens against auth's published keys; what every service that holds users'
// data, and the gateway, runs for itself (zero trust).
#pragma once

#include <memory>
#include <string>

#include "libs/clock/clock.h"
#include "libs/crypto/jwt.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"

namespace florin::identity {

// The audience of Florin's own access tokens. Their issuer is the gateway's public base URL, which
// every process is given (--issuer).
inline constexpr char kAudience[] = "florin";

// Fetches the key set from auth at first use, every five minutes, and when a token names an unknown
// key (at most once a second). Verified tokens are remembered by SHA-256 until they expire (at most
// 10 000). Thread-safe. Errors: kTokenInvalid, kTokenExpired; kUnavailable if no key set was ever
// had.
class TokenAuthenticator : public rpc::Authenticator {
 public:
  // `auth` and `clock` outlive this. Only tokens of `issuer` are accepted.
  TokenAuthenticator(rpc::Channel& auth, Clock& clock, std::string issuer);
  ~TokenAuthenticator() override;

  Task<absl::StatusOr<rpc::Principal>> Authenticate(std::string token) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace florin::identity
