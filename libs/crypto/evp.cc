#include "libs/crypto/evp.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "absl/strings/str_cat.h"
#include "libs/status/check.h"

namespace florin::crypto::evp {
namespace {

using Number = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Freer<ECDSA_SIG_free>>;

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

}  // namespace

bool IsP256(const EVP_PKEY* key) {
  char group[32];
  return EVP_PKEY_is_a(key, "EC") == 1 &&
         EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1 &&
         std::string_view(group) == kCurve;
}

Point PointOf(const EVP_PKEY* key) {
  return {Coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X), Coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y)};
}

Key PublicKeyOf(const Point& point) {
  if (point.x.size() != kCoordinate || point.y.size() != kCoordinate) return nullptr;
  std::string uncompressed = absl::StrCat("\x04", point.x, point.y);  // SEC 1 section 2.3.3
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(kCurve), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, uncompressed.data(),
                                        uncompressed.size()),
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

absl::StatusOr<Key> PrivateKeyFromPem(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, RefusePassphrase, nullptr));
  if (key == nullptr) {
    return Error(Reason::kInvalidField, "not an unencrypted private key in PEM");
  }
  const KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (EVP_PKEY_check(check.get()) != 1) {
    return Error(Reason::kInvalidField, "the two halves of the key do not belong together");
  }
  return key;
}

std::string ToDer(const EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  FLORIN_CHECK(size > 0, "a public key has a DER form");
  std::string octets(reinterpret_cast<const char*>(der), size);
  OPENSSL_free(der);
  return octets;
}

std::string ContentsOf(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  return std::string(text, size);
}

std::string SignEs256(EVP_PKEY* key, std::string_view message) {
  const DigestContext context(EVP_MD_CTX_new());
  unsigned char der[80];
  std::size_t size = sizeof der;
  FLORIN_CHECK(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
                   EVP_DigestSign(context.get(), der, &size, Bytes(message), message.size()) == 1,
               "a private key signs");
  const unsigned char* position = der;
  const EcdsaSignature pair(d2i_ECDSA_SIG(nullptr, &position, static_cast<long>(size)));
  FLORIN_CHECK(pair != nullptr, "OpenSSL reads its own signature");
  return ToOctets(ECDSA_SIG_get0_r(pair.get())) + ToOctets(ECDSA_SIG_get0_s(pair.get()));
}

bool VerifyEs256(EVP_PKEY* key, std::string_view message, std::string_view signature) {
  if (signature.size() != kSignatureSize) return false;
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
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(), der, size, Bytes(message), message.size()) == 1;
  OPENSSL_free(der);
  return valid;
}

}  // namespace florin::crypto::evp
