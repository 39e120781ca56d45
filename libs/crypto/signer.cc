#include "libs/crypto/signer.h"

#include <openssl/crypto.h>
#include <openssl/pem.h>

#include <utility>

#include "libs/crypto/evp.h"
#include "libs/crypto/secret_file.h"
#include "libs/crypto/sha256.h"
#include "libs/status/check.h"

namespace florin::crypto {
namespace {

constexpr std::size_t kKeyIdDigits = 16;

bool IsEd25519(const EVP_PKEY* key) { return EVP_PKEY_is_a(key, "ED25519") == 1; }

std::string SignEd25519(EVP_PKEY* key, std::string_view message) {
  std::string signature(evp::kSignatureSize, '\0');
  std::size_t size = signature.size();
  const evp::DigestContext context(EVP_MD_CTX_new());
  FLORIN_CHECK(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
                   EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()),
                                  &size, evp::Bytes(message), message.size()) == 1 &&
                   size == signature.size(),
               "a private key signs");
  return signature;
}

bool VerifyEd25519(EVP_PKEY* key, std::string_view message, std::string_view signature) {
  const evp::DigestContext context(EVP_MD_CTX_new());
  return signature.size() == evp::kSignatureSize &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), evp::Bytes(signature), signature.size(),
                          evp::Bytes(message), message.size()) == 1;
}

absl::Status NoSignerKey() {
  return Error(Reason::kInvalidField, "neither an Ed25519 nor a P-256 key");
}

}  // namespace

struct SignerKey::State {
  evp::Key key;
  bool is_ed25519;
  std::string key_id;

  static absl::StatusOr<std::shared_ptr<const State>> Of(evp::Key key) {
    const bool is_ed25519 = IsEd25519(key.get());
    if (!is_ed25519 && !evp::IsP256(key.get())) return NoSignerKey();
    // The one form that the id is made of.
    if (!is_ed25519) key = evp::PublicKeyOf(evp::PointOf(key.get()));
    if (key == nullptr) return Error(Reason::kInvalidField, "no point of P-256");
    const Digest digest = Sha256(evp::ToDer(key.get()));
    return std::make_shared<const State>(
        State{std::move(key), is_ed25519, Hex(AsOctets(digest)).substr(0, kKeyIdDigits)});
  }
};

absl::StatusOr<SignerKey> SignerKey::FromPem(std::string_view pem) {
  const evp::Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  evp::Key key(PEM_read_bio_PUBKEY(bio.get(), nullptr, evp::RefusePassphrase, nullptr));
  if (key == nullptr) return Error(Reason::kInvalidField, "not a public key in PEM");
  SignerKey result;
  FLORIN_ASSIGN_OR_RETURN(result.state_, State::Of(std::move(key)));
  return result;
}

absl::StatusOr<SignerKey> SignerKey::FromDer(std::string_view der) {
  const unsigned char* position = evp::Bytes(der);
  evp::Key key(d2i_PUBKEY(nullptr, &position, static_cast<long>(der.size())));
  if (key == nullptr || position != evp::Bytes(der) + der.size()) {
    return Error(Reason::kInvalidField, "not a SubjectPublicKeyInfo in DER");
  }
  SignerKey result;
  FLORIN_ASSIGN_OR_RETURN(result.state_, State::Of(std::move(key)));
  return result;
}

std::string SignerKey::ToPem() const {
  const evp::Bio bio(BIO_new(BIO_s_mem()));
  FLORIN_CHECK(PEM_write_bio_PUBKEY(bio.get(), state_->key.get()) == 1,
               "a public key has a PEM form");
  return evp::ContentsOf(bio.get());
}

const std::string& SignerKey::key_id() const { return state_->key_id; }
std::string_view SignerKey::algorithm() const { return state_->is_ed25519 ? "ed25519" : "es256"; }

bool SignerKey::Verify(std::string_view message, std::string_view signature) const {
  return state_->is_ed25519 ? VerifyEd25519(state_->key.get(), message, signature)
                            : evp::VerifyEs256(state_->key.get(), message, signature);
}

struct FileSigner::State {
  evp::Key key;
  SignerKey public_key;
};

FileSigner::FileSigner(std::unique_ptr<const State> state) : state_(std::move(state)) {}
FileSigner::~FileSigner() = default;

absl::StatusOr<std::unique_ptr<FileSigner>> FileSigner::Load(const std::string& path) {
  FLORIN_ASSIGN_OR_RETURN(std::string pem, ReadSecretFile(path));
  absl::StatusOr<std::unique_ptr<FileSigner>> signer = FromPem(pem);
  OPENSSL_cleanse(pem.data(), pem.size());
  if (!signer.ok()) return FileError(path, std::string(signer.status().message()));
  return signer;
}

absl::StatusOr<std::unique_ptr<FileSigner>> FileSigner::FromPem(std::string_view pem) {
  FLORIN_ASSIGN_OR_RETURN(evp::Key key, evp::PrivateKeyFromPem(pem));
  if (!IsEd25519(key.get()) && !evp::IsP256(key.get())) return NoSignerKey();
  FLORIN_ASSIGN_OR_RETURN(SignerKey public_key, SignerKey::FromDer(evp::ToDer(key.get())));
  return std::unique_ptr<FileSigner>(
      new FileSigner(std::make_unique<const State>(State{std::move(key), std::move(public_key)})));
}

absl::StatusOr<std::string> FileSigner::Sign(std::string_view message) {
  EVP_PKEY* key = state_->key.get();
  return IsEd25519(key) ? SignEd25519(key, message) : evp::SignEs256(key, message);
}

const SignerKey& FileSigner::public_key() const { return state_->public_key; }

}  // namespace florin::crypto
