#include "libs/crypto/signing_key.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/crypto/evp.h"
#include "libs/crypto/secret_file.h"
#include "libs/crypto/sha256.h"
#include "libs/status/check.h"

namespace florin::crypto {
namespace {

// RFC 7638 section 3: the required members in lexicographic order, without white space.
std::string Thumbprint(const std::string& x, const std::string& y) {
  const std::string canonical =
      absl::StrCat(R"({"crv":"P-256","kty":"EC","x":")", x, R"(","y":")", y, R"("})");
  return Base64UrlEncode(AsOctets(Sha256(canonical)));
}

}  // namespace

struct VerificationKey::State {
  evp::Key key;
  std::string x;
  std::string y;
  std::string kid;
};

absl::StatusOr<VerificationKey> VerificationKey::FromJwk(std::string_view x, std::string_view y) {
  evp::Point point;
  FLORIN_ASSIGN_OR_RETURN(point.x, Base64UrlDecode(x));
  FLORIN_ASSIGN_OR_RETURN(point.y, Base64UrlDecode(y));
  evp::Key key = evp::PublicKeyOf(point);
  if (key == nullptr) return Error(Reason::kInvalidField, "no point of P-256");
  std::string kid = Thumbprint(std::string(x), std::string(y));
  VerificationKey result;
  result.state_ = std::make_shared<const State>(
      State{std::move(key), std::string(x), std::string(y), std::move(kid)});
  return result;
}

bool VerificationKey::Verify(std::string_view message, std::string_view signature) const {
  return evp::VerifyEs256(state_->key.get(), message, signature);
}

const std::string& VerificationKey::kid() const { return state_->kid; }
const std::string& VerificationKey::x() const { return state_->x; }
const std::string& VerificationKey::y() const { return state_->y; }

struct SigningKey::State {
  evp::Key key;
  VerificationKey public_key;

  static std::shared_ptr<const State> Of(evp::Key key) {
    const evp::Point point = evp::PointOf(key.get());
    absl::StatusOr<VerificationKey> public_key =
        VerificationKey::FromJwk(Base64UrlEncode(point.x), Base64UrlEncode(point.y));
    FLORIN_CHECK(public_key.ok(), "the public half of a checked key is a point of P-256");
    return std::make_shared<const State>(State{std::move(key), *std::move(public_key)});
  }
};

SigningKey SigningKey::Generate() {
  evp::Key key(EVP_EC_gen(evp::kCurve));
  FLORIN_CHECK(key != nullptr, "OpenSSL makes P-256 keys");
  SigningKey result;
  result.state_ = State::Of(std::move(key));
  return result;
}

absl::StatusOr<SigningKey> SigningKey::FromPem(std::string_view pem) {
  FLORIN_ASSIGN_OR_RETURN(evp::Key key, evp::PrivateKeyFromPem(pem));
  if (!evp::IsP256(key.get())) return Error(Reason::kInvalidField, "not a P-256 key");
  SigningKey result;
  result.state_ = State::Of(std::move(key));
  return result;
}

std::string SigningKey::ToPem() const {
  const evp::Bio bio(BIO_new(BIO_s_secmem()));
  FLORIN_CHECK(PEM_write_bio_PKCS8PrivateKey(bio.get(), state_->key.get(), nullptr, nullptr, 0,
                                             nullptr, nullptr) == 1,
               "a private key has a PEM form");
  return evp::ContentsOf(bio.get());
}

std::string SigningKey::Sign(std::string_view message) const {
  return evp::SignEs256(state_->key.get(), message);
}

const VerificationKey& SigningKey::public_key() const { return state_->public_key; }

absl::StatusOr<KeyRing> KeyRing::Load(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  while (!error && entry != std::filesystem::directory_iterator()) {
    if (entry->path().extension() == ".pem") paths.push_back(entry->path().string());
    entry.increment(error);
  }
  if (error) return FileError(directory, error.message());
  if (paths.empty()) return FileError(directory, "no *.pem file, so no key to sign with");
  std::sort(paths.begin(), paths.end());
  KeyRing ring;
  for (const std::string& path : paths) {
    FLORIN_ASSIGN_OR_RETURN(std::string pem, ReadSecretFile(path));
    const absl::StatusOr<SigningKey> key = SigningKey::FromPem(pem);
    OPENSSL_cleanse(pem.data(), pem.size());
    if (!key.ok()) return FileError(path, std::string(key.status().message()));
    ring.keys.push_back(*key);
  }
  return ring;
}

}  // namespace florin::crypto
