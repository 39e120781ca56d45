#include "libs/crypto/signing_key.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/crypto/sha256.h"
#include "libs/status/check.h"

namespace florin::crypto {
namespace {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Freer<ECDSA_SIG_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;

constexpr std::size_t kCoordinate = 32;
constexpr char kCurve[] = "prime256v1";  // OpenSSL's name for P-256.
constexpr off_t kMaxKeyFile = 64 << 10;

const unsigned char* Bytes(std::string_view octets) {
  return reinterpret_cast<const unsigned char*>(octets.data());
}

std::string ToOctets(const BIGNUM* number) {
  std::string octets(kCoordinate, '\0');
  FLORIN_CHECK(BN_bn2binpad(number, reinterpret_cast<unsigned char*>(octets.data()), kCoordinate) ==
                   static_cast<int>(kCoordinate),
               "a number below the order of P-256 has 32 octets");
  return octets;
}

std::string Coordinate(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  FLORIN_CHECK(EVP_PKEY_get_bn_param(key, name, &number) == 1, "a P-256 key has coordinates");
  const Number owner(number);
  return ToOctets(number);
}

bool IsP256(const EVP_PKEY* key) {
  char group[32];
  return EVP_PKEY_is_a(key, "EC") == 1 &&
         EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1 &&
         std::string_view(group) == kCurve;
}

// RFC 7638 section 3: the required members in lexicographic order, without white space.
std::string Thumbprint(const std::string& x, const std::string& y) {
  const std::string canonical =
      absl::StrCat(R"({"crv":"P-256","kty":"EC","x":")", x, R"(","y":")", y, R"("})");
  return Base64UrlEncode(AsOctets(Sha256(canonical)));
}

Key PublicKeyFromPoint(const std::string& uncompressed_point) {
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(kCurve), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
                                        const_cast<char*>(uncompressed_point.data()),
                                        uncompressed_point.size()),
      OSSL_PARAM_construct_end(),
  };
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) {
    return nullptr;
  }
  Key owner(key);
  const KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (EVP_PKEY_public_check(check.get()) != 1) return nullptr;
  return owner;
}

// Without it OpenSSL asks the terminal for the pass phrase of an encrypted key.
int RefusePassphrase(char*, int, int, void*) { return -1; }

absl::Status FileError(const std::string& path, const std::string& what) {
  return Error(Reason::kInvalidField, absl::StrCat(path, ": ", what));
}

// The mode is read from the open file, so that it belongs to what is read.
absl::StatusOr<std::string> ReadKeyFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return FileError(path, std::strerror(errno));
  struct stat facts;
  absl::Status status;
  std::string text;
  if (fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode) || facts.st_size > kMaxKeyFile) {
    status = FileError(path, "not a key file");
  } else if ((facts.st_mode & 07777) != 0600) {
    status = FileError(path, "the mode of a private key must be 0600");
  } else {
    text.resize(facts.st_size);
    if (read(file, text.data(), text.size()) != facts.st_size) {
      status = FileError(path, "cannot be read whole");
    }
  }
  close(file);
  if (!status.ok()) return status;
  return text;
}

}  // namespace

struct VerificationKey::State {
  Key key;
  std::string x;
  std::string y;
  std::string kid;
};

absl::StatusOr<VerificationKey> VerificationKey::FromJwk(std::string_view x, std::string_view y) {
  FLORIN_ASSIGN_OR_RETURN(const std::string x_octets, Base64UrlDecode(x));
  FLORIN_ASSIGN_OR_RETURN(const std::string y_octets, Base64UrlDecode(y));
  if (x_octets.size() != kCoordinate || y_octets.size() != kCoordinate) {
    return Error(Reason::kInvalidField, "a coordinate of P-256 has 32 octets");
  }
  Key key = PublicKeyFromPoint(absl::StrCat("\x04", x_octets, y_octets));
  if (key == nullptr) return Error(Reason::kInvalidField, "no point of P-256");
  std::string kid = Thumbprint(std::string(x), std::string(y));
  VerificationKey result;
  result.state_ = std::make_shared<const State>(
      State{std::move(key), std::string(x), std::string(y), std::move(kid)});
  return result;
}

bool VerificationKey::Verify(std::string_view message, std::string_view signature) const {
  if (signature.size() != 2 * kCoordinate) return false;
  const EcdsaSignature pair(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(Bytes(signature), kCoordinate, nullptr);
  BIGNUM* s = BN_bin2bn(Bytes(signature.substr(kCoordinate)), kCoordinate, nullptr);
  FLORIN_CHECK(ECDSA_SIG_set0(pair.get(), r, s) == 1, "two numbers make a signature");
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  FLORIN_CHECK(size > 0, "a signature has a DER form");
  const DigestContext context(EVP_MD_CTX_new());
  // OpenSSL refuses r or s outside of [1, n-1]: the all-zero signature of CVE-2022-21449.
  const bool valid =
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, state_->key.get()) == 1 &&
      EVP_DigestVerify(context.get(), der, size, Bytes(message), message.size()) == 1;
  OPENSSL_free(der);
  return valid;
}

const std::string& VerificationKey::kid() const { return state_->kid; }
const std::string& VerificationKey::x() const { return state_->x; }
const std::string& VerificationKey::y() const { return state_->y; }

struct SigningKey::State {
  Key key;  // Freeing it cleanses the private number.
  VerificationKey public_key;

  static std::shared_ptr<const State> Of(Key key) {
    const std::string x = Base64UrlEncode(Coordinate(key.get(), OSSL_PKEY_PARAM_EC_PUB_X));
    const std::string y = Base64UrlEncode(Coordinate(key.get(), OSSL_PKEY_PARAM_EC_PUB_Y));
    absl::StatusOr<VerificationKey> public_key = VerificationKey::FromJwk(x, y);
    FLORIN_CHECK(public_key.ok(), "the public half of a checked key is a point of P-256");
    return std::make_shared<const State>(State{std::move(key), *std::move(public_key)});
  }
};

SigningKey SigningKey::Generate() {
  Key key(EVP_EC_gen(kCurve));
  FLORIN_CHECK(key != nullptr, "OpenSSL makes P-256 keys");
  SigningKey result;
  result.state_ = State::Of(std::move(key));
  return result;
}

absl::StatusOr<SigningKey> SigningKey::FromPem(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, RefusePassphrase, nullptr));
  if (key == nullptr || !IsP256(key.get())) {
    return Error(Reason::kInvalidField, "not an unencrypted P-256 private key in PEM");
  }
  const KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (EVP_PKEY_check(check.get()) != 1) {
    return Error(Reason::kInvalidField, "the two halves of the key do not belong together");
  }
  SigningKey result;
  result.state_ = State::Of(std::move(key));
  return result;
}

std::string SigningKey::ToPem() const {
  const Bio bio(BIO_new(BIO_s_secmem()));
  FLORIN_CHECK(PEM_write_bio_PKCS8PrivateKey(bio.get(), state_->key.get(), nullptr, nullptr, 0,
                                             nullptr, nullptr) == 1,
               "a private key has a PEM form");
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, size);
}

std::string SigningKey::Sign(std::string_view message) const {
  const DigestContext context(EVP_MD_CTX_new());
  unsigned char der[80];
  std::size_t size = sizeof der;
  FLORIN_CHECK(
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, state_->key.get()) == 1 &&
          EVP_DigestSign(context.get(), der, &size, Bytes(message), message.size()) == 1,
      "a private key signs");
  const unsigned char* position = der;
  const EcdsaSignature pair(d2i_ECDSA_SIG(nullptr, &position, static_cast<long>(size)));
  FLORIN_CHECK(pair != nullptr, "OpenSSL reads its own signature");
  return ToOctets(ECDSA_SIG_get0_r(pair.get())) + ToOctets(ECDSA_SIG_get0_s(pair.get()));
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
    FLORIN_ASSIGN_OR_RETURN(const std::string pem, ReadKeyFile(path));
    const absl::StatusOr<SigningKey> key = SigningKey::FromPem(pem);
    if (!key.ok()) return FileError(path, std::string(key.status().message()));
    ring.keys.push_back(*key);
  }
  return ring;
}

}  // namespace florin::crypto
