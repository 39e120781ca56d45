// A P-256 key that never leaves a hardware token, over PKCS #11 2.40 (OASIS) as every vendor's
// library speaks it. Tested with SoftHSM 2.6.1, which is no hardware and keeps the key in this
// process's memory: real protection needs a real token or a process of its own for signing.
//
//   FLORIN_ASSIGN_OR_RETURN(const auto signer, crypto::Pkcs11Signer::Open({
//       .module = "/usr/lib/softhsm/libsofthsm2.so",
//       .token = "florin",
//       .key = "proof-2026",
//       .pin_file = "/run/keys/proof.pin"}));
//
// Only the digest goes to the token (CKM_ECDSA over our SHA-256), so a message has any length.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "libs/crypto/signer.h"
#include "libs/status/status.h"

namespace florin::crypto {

struct Pkcs11Config {
  std::string module;    // Path of the vendor's library. Loaded code: only root may write there.
  std::string token;     // The token's label. Slot numbers change, labels stay.
  std::string key;       // CKA_LABEL of both halves of the key on the token
  std::string pin_file;  // Mode 0600: the PIN of the token's user, with or without a newline
};

// One session with the token, one signature at a time. Thread-safe; Sign() blocks, so run it on an
// async::ThreadPool.
//
// Any failure closes the session, and the signature is tried once more over a new one (tokens
// restart, are replaced, lose sessions). The PIN is read again for each login and not kept. A PIN
// that the token refused is never sent again by this object: a few wrong ones lock a token.
//
// Every signature is verified before it is handed out, so that a key which was exchanged under the
// same label, or a faulty token, gives an error and no evidence.
//
// PKCS #11 logs in the process, not the session: while another Pkcs11Signer of this process has the
// same token open, a wrong PIN goes unnoticed. The library is never unloaded nor finalised, which
// other users of it in the process would not survive.
class Pkcs11Signer : public Signer {
 public:
  // Logs in, finds the key and makes a signature to see that its halves belong together. Errors:
  //   kInvalidField   no PKCS #11 library; the PIN file (ReadSecretFile, or it is empty); a key of
  //                   another curve; several tokens or keys with one label
  //   kUnavailable    no such token or key; a call failed, with its name and the CKR_ name
  static absl::StatusOr<std::unique_ptr<Pkcs11Signer>> Open(const Pkcs11Config& config);
  ~Pkcs11Signer() override;

  // Errors: as of Open.
  absl::StatusOr<std::string> Sign(std::string_view message) override;
  const SignerKey& public_key() const override;

 private:
  class Token;
  Pkcs11Signer(std::unique_ptr<Token> token, SignerKey public_key);

  std::unique_ptr<Token> token_;
  const SignerKey public_key_;
};

}  // namespace florin::crypto
