// Keys that sign evidence (tree heads, exports), and where they live: a file (here) or a hardware
// token (pkcs11_signer.h). Apart from signing_key.h, which has the keys of access tokens and knows
// JSON Web Keys.
//
//   FLORIN_ASSIGN_OR_RETURN(const auto signer, crypto::FileSigner::Load("/run/keys/proof.pem"));
//   FLORIN_ASSIGN_OR_RETURN(const std::string signature, signer->Sign(text));
//   signer->public_key().Verify(text, signature);  // true
//
// Two algorithms, 64 octets of signature in both:
//   ed25519   PureEdDSA over the message (RFC 8032 section 5.1)
//   es256     ECDSA over P-256 and SHA-256 of the message, r ‖ s (RFC 7518 section 3.4)
// The algorithm is a property of the key and never a signature's choice.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "libs/status/status.h"

namespace florin::crypto {

// A signer's public half. Immutable, thread-safe, cheap to copy.
class SignerKey {
 public:
  // SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7; RFC 5480, RFC 8410) in PEM or DER. Error:
  // kInvalidField for anything but one key of the two algorithms, and for octets after the DER.
  static absl::StatusOr<SignerKey> FromPem(std::string_view pem);
  static absl::StatusOr<SignerKey> FromDer(std::string_view der);
  std::string ToPem() const;

  // The first 16 hex digits of SHA-256 over the DER SubjectPublicKeyInfo, as
  // `openssl pkey -pubin -outform DER | sha256sum` shows it. It names a key among those one trusts;
  // it is too short to prove which key is meant. A P-256 point counts in its uncompressed form,
  // however it was written, so that one key has one id.
  const std::string& key_id() const;
  std::string_view algorithm() const;  // "ed25519" or "es256"

  // Whether `signature` is valid for `message`. Only 64 octets ever are.
  bool Verify(std::string_view message, std::string_view signature) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

// Whoever holds a private key. Thread-safe.
class Signer {
 public:
  virtual ~Signer() = default;
  // 64 octets. May block. Errors: kUnavailable when the key cannot be used now.
  virtual absl::StatusOr<std::string> Sign(std::string_view message) = 0;
  virtual const SignerKey& public_key() const = 0;
};

// A key from a file, in this process's memory: for development, and where no token is. Signs within
// a tenth of a millisecond and without errors.
class FileSigner : public Signer {
 public:
  // An unencrypted PKCS #8 PEM file of mode exactly 0600, as `openssl genpkey -algorithm ed25519`
  // or `-algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes it. Errors, kInvalidField, name the
  // file, never its contents.
  static absl::StatusOr<std::unique_ptr<FileSigner>> Load(const std::string& path);
  static absl::StatusOr<std::unique_ptr<FileSigner>> FromPem(std::string_view pem);
  ~FileSigner() override;

  absl::StatusOr<std::string> Sign(std::string_view message) override;
  const SignerKey& public_key() const override;

 private:
  struct State;
  explicit FileSigner(std::unique_ptr<const State> state);
  std::unique_ptr<const State> state_;
};

}  // namespace florin::crypto
