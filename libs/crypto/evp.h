// What the keys of this library share over OpenSSL's EVP interface. Only for sources of
// libs/crypto: signing_key.h (keys of tokens) and signer.h (keys of proofs) are what others use.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

#include "libs/status/status.h"

namespace florin::crypto::evp {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;  // Freeing cleanses a private half.
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;

inline constexpr char kCurve[] = "prime256v1";     // OpenSSL's name for P-256.
inline constexpr std::size_t kCoordinate = 32;     // Octets of x, y, r and s
inline constexpr std::size_t kSignatureSize = 64;  // Octets of an ES256 or Ed25519 signature

inline const unsigned char* Bytes(std::string_view octets) {
  return reinterpret_cast<const unsigned char*>(octets.data());
}

// For every reading of PEM: without it OpenSSL asks the terminal for the pass phrase of encrypted
// text.
inline int RefusePassphrase(char*, int, int, void*) { return -1; }

bool IsP256(const EVP_PKEY* key);

// x and y of a P-256 key, 32 octets each.
struct Point {
  std::string x;
  std::string y;
};
Point PointOf(const EVP_PKEY* key);
// nullptr if that is no point of P-256.
Key PublicKeyOf(const Point& point);

// An unencrypted private key in PEM whose two halves belong together, of any algorithm. Error:
// kInvalidField, without contents.
absl::StatusOr<Key> PrivateKeyFromPem(std::string_view pem);

// SubjectPublicKeyInfo of either kind of key.
std::string ToDer(const EVP_PKEY* key);
// Everything that was written to a memory BIO.
std::string ContentsOf(BIO* bio);

// ECDSA over P-256 with SHA-256; signatures are r ‖ s, 64 octets (RFC 7518 section 3.4). All-zero
// and over-long values are not valid.
std::string SignEs256(EVP_PKEY* key, std::string_view message);
bool VerifyEs256(EVP_PKEY* key, std::string_view message, std::string_view signature);

}  // namespace florin::crypto::evp
