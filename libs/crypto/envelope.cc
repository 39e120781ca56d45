#include "libs/crypto/envelope.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "libs/crypto/evp.h"
#include "libs/crypto/sha256.h"
#include "libs/status/check.h"

namespace florin::crypto {
namespace {

constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, evp::Freer<EVP_CIPHER_CTX_free>>;

unsigned char* Octets(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

// What is authenticated beside the value: the key's id, too, so that it cannot be exchanged.
std::string Associated(const SecretKeys::Key& key, std::string_view place) {
  return absl::StrCat(key.id, " ", absl::string_view(place.data(), place.size()));
}

absl::Status DoesNotOpen() { return Error(Reason::kInternal, "a sealed value does not open"); }

}  // namespace

std::string DataKeys::Seal(std::string_view secret, std::string_view place) const {
  const SecretKeys::Key& key = keys_.current();
  const std::string associated = Associated(key, place);
  const std::string nonce = RandomOctets(kNonce);
  std::string ciphertext(secret.size(), '\0');
  std::string tag(kTag, '\0');
  int size = 0;
  const Cipher cipher(EVP_CIPHER_CTX_new());
  FLORIN_CHECK(EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, evp::Bytes(key.octets),
                                  evp::Bytes(nonce)) == 1 &&
                   EVP_EncryptUpdate(cipher.get(), nullptr, &size, evp::Bytes(associated),
                                     static_cast<int>(associated.size())) == 1 &&
                   EVP_EncryptUpdate(cipher.get(), Octets(ciphertext), &size, evp::Bytes(secret),
                                     static_cast<int>(secret.size())) == 1 &&
                   EVP_EncryptFinal_ex(cipher.get(), Octets(tag), &size) == 1 &&
                   EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTag, tag.data()) == 1,
               "AES-256-GCM seals");
  return absl::StrCat(std::string(1, static_cast<char>(key.id.size())), key.id, nonce, ciphertext,
                      tag);
}

absl::StatusOr<std::string> DataKeys::Open(std::string_view sealed, std::string_view place) const {
  if (sealed.empty()) return DoesNotOpen();
  const std::size_t id_size = static_cast<unsigned char>(sealed[0]);
  if (sealed.size() < 1 + id_size + kNonce + kTag) return DoesNotOpen();
  const SecretKeys::Key* key = keys_.Find(sealed.substr(1, id_size));
  if (key == nullptr) return DoesNotOpen();
  const std::string associated = Associated(*key, place);
  const std::string_view nonce = sealed.substr(1 + id_size, kNonce);
  const std::string_view rest = sealed.substr(1 + id_size + kNonce);
  const std::string_view ciphertext = rest.substr(0, rest.size() - kTag);
  std::string tag(rest.substr(rest.size() - kTag));
  std::string secret(ciphertext.size(), '\0');
  int size = 0;
  const Cipher cipher(EVP_CIPHER_CTX_new());
  const bool opened =
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, evp::Bytes(key->octets),
                         evp::Bytes(nonce)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, evp::Bytes(associated),
                        static_cast<int>(associated.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), Octets(secret), &size, evp::Bytes(ciphertext),
                        static_cast<int>(ciphertext.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTag, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), Octets(tag), &size) == 1;
  if (!opened) return DoesNotOpen();
  return secret;
}

}  // namespace florin::crypto
