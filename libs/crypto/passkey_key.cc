#include "libs/crypto/passkey_key.h"

#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/rs256.h>

#include <memory>

#include "libs/crypto/evp.h"

namespace florin::crypto {
namespace {

// Frees what libfido2 allocated: its functions take the address of the pointer.
template <auto Free>
struct FidoFreer {
  template <class T>
  void operator()(T* object) const {
    Free(&object);
  }
};
using Credential = std::unique_ptr<fido_cred_t, FidoFreer<fido_cred_free>>;
using Assertion = std::unique_ptr<fido_assert_t, FidoFreer<fido_assert_free>>;
using Es256 = std::unique_ptr<es256_pk_t, FidoFreer<es256_pk_free>>;
using Eddsa = std::unique_ptr<eddsa_pk_t, FidoFreer<eddsa_pk_free>>;
using Rs256 = std::unique_ptr<rs256_pk_t, FidoFreer<rs256_pk_free>>;

// A key as libfido2 has it: one of them, or none.
struct FidoKey {
  Es256 es256;
  Eddsa eddsa;
  Rs256 rs256;

  const void* get() const {
    if (es256) return es256.get();
    if (eddsa) return eddsa.get();
    return rs256.get();
  }
  evp::Key ToEvp() const {
    if (es256) return evp::Key(es256_pk_to_EVP_PKEY(es256.get()));
    if (eddsa) return evp::Key(eddsa_pk_to_EVP_PKEY(eddsa.get()));
    if (rs256) return evp::Key(rs256_pk_to_EVP_PKEY(rs256.get()));
    return nullptr;
  }
};

FidoKey ToFido(const PasskeyKey& key) {
  FidoKey fido;
  const void* octets = key.octets.data();
  const std::size_t size = key.octets.size();
  if (key.algorithm == COSE_ES256) {
    fido.es256.reset(es256_pk_new());
    if (es256_pk_from_ptr(fido.es256.get(), octets, size) != FIDO_OK) fido.es256.reset();
  } else if (key.algorithm == COSE_EDDSA) {
    fido.eddsa.reset(eddsa_pk_new());
    if (eddsa_pk_from_ptr(fido.eddsa.get(), octets, size) != FIDO_OK) fido.eddsa.reset();
  } else if (key.algorithm == COSE_RS256) {
    fido.rs256.reset(rs256_pk_new());
    if (rs256_pk_from_ptr(fido.rs256.get(), octets, size) != FIDO_OK) fido.rs256.reset();
  }
  return fido;
}

}  // namespace

std::optional<PasskeyKey> KeyOfAuthenticatorData(const std::string& rp_id,
                                                 std::string_view octets) {
  // libfido2 reads a key of the kind that it was told, so it is told each.
  for (const int algorithm : kPasskeyAlgorithms) {
    const Credential credential(fido_cred_new());
    if (fido_cred_set_type(credential.get(), algorithm) != FIDO_OK ||
        fido_cred_set_rp(credential.get(), rp_id.c_str(), nullptr) != FIDO_OK ||
        fido_cred_set_authdata_raw(credential.get(), evp::Bytes(octets), octets.size()) !=
            FIDO_OK) {
      continue;
    }
    PasskeyKey key{
        algorithm,
        std::string(reinterpret_cast<const char*>(fido_cred_pubkey_ptr(credential.get())),
                    fido_cred_pubkey_len(credential.get()))};
    // A point that is not on the curve makes no key.
    if (ToFido(key).ToEvp() == nullptr) return std::nullopt;
    return key;
  }
  return std::nullopt;
}

bool VerifyPasskeySignature(const std::string& rp_id, const PasskeyKey& key,
                            const PasskeyAssertion& assertion) {
  const FidoKey fido_key = ToFido(key);
  if (fido_key.get() == nullptr) return false;
  const Assertion fido(fido_assert_new());
  const std::string& data = assertion.authenticator_data;
  return fido_assert_set_clientdata(fido.get(), evp::Bytes(assertion.client_data_json),
                                    assertion.client_data_json.size()) == FIDO_OK &&
         fido_assert_set_rp(fido.get(), rp_id.c_str()) == FIDO_OK &&
         fido_assert_set_count(fido.get(), 1) == FIDO_OK &&
         fido_assert_set_up(fido.get(), FIDO_OPT_TRUE) == FIDO_OK &&
         fido_assert_set_uv(fido.get(), FIDO_OPT_TRUE) == FIDO_OK &&
         fido_assert_set_authdata_raw(fido.get(), 0, evp::Bytes(data), data.size()) == FIDO_OK &&
         fido_assert_set_sig(fido.get(), 0, evp::Bytes(assertion.signature),
                             assertion.signature.size()) == FIDO_OK &&
         fido_assert_verify(fido.get(), 0, key.algorithm, fido_key.get()) == FIDO_OK;
}

}  // namespace florin::crypto
