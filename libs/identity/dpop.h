// Proof of possession of a key, DPoP (RFC 9449): the checks of a proof, and the two memories that
// keep one from being used twice.
//
//   const auto proof = identity::CheckDpopProof({.proof = header, .method = "POST",
//                                                .url = issuer + path, .access_token = token},
//                                                now);
//   if (!proof.ok()) …                                        // 401 invalid_dpop_proof
//   if (!nonces.Check(proof->nonce, now)) …                   // 401 use_dpop_nonce, DPoP-Nonce
//   if (!replays.Use(*proof, now)) …                          // 401 invalid_dpop_proof
//   if (proof->key_thumbprint != principal.key_thumbprint) …  // 401 token_invalid
//
// Why the replay cache needs no shared store: a nonce is good only in the process that issued it,
// for its key is that process's own. A proof that was accepted by one process carries that
// process's nonce, so every other process refuses it before it looks at the jti, and the process
// that accepted it remembers the jti until its nonce has expired. After a restart the key is a new
// one. So a proof is accepted once by all of them together. The price: a client that a balancer
// sends to another process is asked to try again with that one's nonce; keep its connection.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "libs/crypto/jws.h"
#include "libs/status/status.h"

namespace florin::identity {

// A proof is good while its iat is at most this old, and at most that far in the future.
inline constexpr absl::Duration kDpopAge = absl::Seconds(60);
inline constexpr absl::Duration kDpopSkew = absl::Seconds(10);

struct DpopRequest {
  std::string_view proof;   // The DPoP header. There must have been one only.
  std::string_view method;  // The request's, e.g. "POST"
  std::string_view url;     // The request's, e.g. "https://api.florin.example/v1/payments"
  std::string_view access_token = {};  // Sent with it; then `ath` must be its hash.
};

struct DpopProof {
  std::string key_thumbprint;  // RFC 7638, of the key that made the proof
  std::string token_id;        // jti
  std::string nonce;           // Empty if it has none.
  absl::Time issued_at;
};

// The checks of RFC 9449 section 4.3 that need no memory: form (typ dpop+jwt, an algorithm of
// crypto::kJwsAlgorithms, a public jwk and nothing else in the header), signature, jti of 1 to 128
// characters, htm, htu, iat, ath. htu is compared without query and fragment, after the syntax- and
// scheme-based normalisation of RFC 3986 sections 6.2.2 and 6.2.3, and may not have a query or a
// fragment itself. Error: kInvalidDpopProof. Pure.
absl::StatusOr<DpopProof> CheckDpopProof(const DpopRequest& request, absl::Time now);

// `https://Example.COM:443/a/./%7Eb?q#f` as `https://example.com/a/~b`. Error: kInvalidField for
// what is no absolute http(s) URI, or has user information. Pure.
absl::StatusOr<std::string> NormalizeHttpUri(std::string_view uri);

// Nonces without a memory: the MAC of a span of time under a random key of this process. Good for
// the rest of its span and for the next, so for one to two minutes. Thread-safe.
class DpopNonces {
 public:
  DpopNonces();
  // To put into a DPoP-Nonce header.
  std::string Issue(absl::Time now) const;
  bool Check(std::string_view nonce, absl::Time now) const;

 private:
  std::string For(std::int64_t span) const;
  const std::string key_;
};

// The proofs that were accepted, each until it would be refused anyway. Thread-safe.
class ReplayCache {
 public:
  // About 200 octets each. When it is full of proofs that are still good, it accepts no more: a
  // flood of valid proofs costs service, never safety.
  explicit ReplayCache(std::size_t capacity = 200'000) : capacity_(capacity) {}

  // Whether the proof is used for the first time, and remembers it. A jti counts by the key that
  // signed it, so that nobody can use up another's.
  bool Use(const DpopProof& proof, absl::Time now);
  std::size_t size() const;

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::map<std::string, absl::Time> until_;           // By digest. Guarded by mutex_.
  std::multimap<absl::Time, std::string> by_expiry_;  // The same. Guarded by mutex_.
};

}  // namespace florin::identity
