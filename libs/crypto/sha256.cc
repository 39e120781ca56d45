#include "libs/crypto/sha256.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "absl/strings/escaping.h"
#include "libs/status/check.h"

namespace florin::crypto {
namespace {

// Fetched once: with EVP_sha256() OpenSSL 3.0 looks for an implementation in each digest, which
// takes as long as the digest of a token.
const EVP_MD* Implementation() {
  static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  FLORIN_CHECK(fetched != nullptr, "SHA-256 is in every OpenSSL");
  return fetched;
}

}  // namespace

Digest Sha256(std::string_view octets) {
  Digest digest;
  unsigned int size = digest.size();
  FLORIN_CHECK(EVP_Digest(octets.data(), octets.size(), digest.data(), &size, Implementation(),
                          nullptr) == 1 &&
                   size == digest.size(),
               "SHA-256 is in every OpenSSL");
  return digest;
}

struct Sha256Stream::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free};
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) {
  FLORIN_CHECK(EVP_DigestInit_ex(state_->context.get(), Implementation(), nullptr) == 1,
               "SHA-256 is in every OpenSSL");
}

Sha256Stream::~Sha256Stream() = default;

void Sha256Stream::Add(std::string_view octets) {
  FLORIN_CHECK(EVP_DigestUpdate(state_->context.get(), octets.data(), octets.size()) == 1,
               "SHA-256 takes all octets");
}

Digest Sha256Stream::digest() const {
  State copy;
  Digest digest;
  unsigned int size = digest.size();
  FLORIN_CHECK(EVP_MD_CTX_copy_ex(copy.context.get(), state_->context.get()) == 1 &&
                   EVP_DigestFinal_ex(copy.context.get(), digest.data(), &size) == 1 &&
                   size == digest.size(),
               "a SHA-256 can be copied and ended");
  return digest;
}

std::string Hex(std::string_view octets) { return absl::BytesToHexString(std::string(octets)); }

std::string Base64UrlEncode(std::string_view octets) {
  return absl::WebSafeBase64Escape(std::string(octets));
}

absl::StatusOr<std::string> Base64UrlDecode(std::string_view text) {
  // Abseil's decoder forgives padding, white space and stray bits. What it decoded must encode to
  // the very text, or the same octets would have several texts.
  std::string octets;
  if (!absl::WebSafeBase64Unescape(std::string(text), &octets) || Base64UrlEncode(octets) != text) {
    return Error(Reason::kInvalidField, "not base64url without padding");
  }
  return octets;
}

std::string RandomOctets(std::size_t count) {
  std::string octets(count, '\0');
  FLORIN_CHECK(
      RAND_bytes(reinterpret_cast<unsigned char*>(octets.data()), static_cast<int>(count)) == 1,
      "the operating system has random numbers");
  return octets;
}

bool ConstantTimeEqual(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace florin::crypto
