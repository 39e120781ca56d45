#include "services/gateway/http/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>

#include "libs/crypto/sha256.h"
#include "libs/status/check.h"

namespace florin::gateway {
namespace {

template <std::size_t n>
void Fill(std::array<unsigned char, n>& bytes) {
  const std::string random = crypto::RandomOctets(n);
  std::copy(random.begin(), random.end(), bytes.begin());
}

TicketKeys::Key NewKey() {
  TicketKeys::Key key;
  Fill(key.name);
  Fill(key.cipher);
  Fill(key.mac);
  return key;
}

bool HasName(const TicketKeys::Key& key, std::string_view name) {
  return std::string_view(reinterpret_cast<const char*>(key.name.data()), key.name.size()) == name;
}

void Free(void*, void* keys, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<std::shared_ptr<TicketKeys>*>(keys);
}

int ExDataIndex() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, Free);
  return index;
}

bool UseMac(EVP_MAC_CTX* mac, TicketKeys::Key& key) {
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, params) == 1;
}

// As SSL_CTX_set_tlsext_ticket_key_evp_cb(3) has it: 0 makes a full handshake, 2 renews the ticket.
int OnTicket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
             EVP_MAC_CTX* mac, int seals) {
  auto& keys = **static_cast<std::shared_ptr<TicketKeys>*>(
      SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ExDataIndex()));
  if (seals == 1) {
    TicketKeys::Key key = keys.Current();
    std::copy(key.name.begin(), key.name.end(), name);
    const std::string random =
        crypto::RandomOctets(static_cast<std::size_t>(EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())));
    std::copy(random.begin(), random.end(), iv);
    const bool sealed =
        EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) == 1 &&
        UseMac(mac, key);
    return sealed ? 1 : -1;
  }
  std::optional<TicketKeys::Found> found = keys.Find(
      {reinterpret_cast<const char*>(name), std::tuple_size_v<decltype(TicketKeys::Key::name)>});
  if (!found) return 0;
  const bool opened =
      UseMac(mac, found->key) &&
      EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, found->key.cipher.data(), iv) == 1;
  if (!opened) return -1;
  return found->is_current ? 1 : 2;
}

}  // namespace

TicketKeys::TicketKeys(Clock& clock, absl::Duration lifetime)
    : clock_(clock), lifetime_(lifetime), current_(NewKey()), current_since_(clock.Now()) {}

void TicketKeys::RotateIfDue() {
  const absl::Time now = clock_.Now();
  const absl::Duration age = now - current_since_;
  if (age < lifetime_ && age >= absl::ZeroDuration()) return;
  // After two lifetimes, or with a clock that was set back, nothing of before is kept.
  previous_ =
      age >= absl::ZeroDuration() && age < 2 * lifetime_ ? std::optional(current_) : std::nullopt;
  current_ = NewKey();
  current_since_ = now;
}

TicketKeys::Key TicketKeys::Current() {
  std::lock_guard lock(mutex_);
  RotateIfDue();
  return current_;
}

std::optional<TicketKeys::Found> TicketKeys::Find(std::string_view name) {
  std::lock_guard lock(mutex_);
  RotateIfDue();
  if (HasName(current_, name)) return Found{current_, true};
  if (previous_ && HasName(*previous_, name)) return Found{*previous_, false};
  return std::nullopt;
}

void UseTicketKeys(SSL_CTX* context, std::shared_ptr<TicketKeys> keys) {
  auto* kept = new std::shared_ptr<TicketKeys>(std::move(keys));
  FLORIN_CHECK(SSL_CTX_set_ex_data(context, ExDataIndex(), kept) == 1,
               "OpenSSL keeps data beside a context");
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, OnTicket);
}

}  // namespace florin::gateway
