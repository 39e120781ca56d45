#include "services/gateway/http/tls.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <boost/asio/buffer.hpp>

#include "absl/strings/str_cat.h"
#include "libs/crypto/sha256.h"
#include "libs/status/check.h"

namespace florin::gateway {
namespace {

namespace ssl = boost::asio::ssl;

// Names and lengths as ALPN sends them; what we like best comes first.
constexpr unsigned char kProtocols[] = "\x02h2\x08http/1.1";

int SelectProtocol(SSL*, const unsigned char** selected, unsigned char* selected_size,
                   const unsigned char* offered, unsigned int offered_size, void*) {
  unsigned char* chosen = nullptr;
  const int result = SSL_select_next_proto(&chosen, selected_size, kProtocols,
                                           sizeof(kProtocols) - 1, offered, offered_size);
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *selected = chosen;
  return SSL_TLSEXT_ERR_OK;
}

void Restrict(SSL_CTX* context) {
  const bool restricted =
      SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
      SSL_CTX_set_cipher_list(context,
                              "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                              "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                              "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305") == 1 &&
      SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1;
  FLORIN_CHECK(restricted, "OpenSSL knows our versions, ciphers and groups");
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS);  // An idle connection keeps no record buffers.
  SSL_CTX_set_session_cache_mode(context,
                                 SSL_SESS_CACHE_OFF);  // Tickets resume without state of ours.
  SSL_CTX_set_alpn_select_cb(context, SelectProtocol, nullptr);
}

constexpr long kMaxClientCertificateBytes = 16 * 1024;
// What NIST SP 800-57 asks for: RSA of 2048 bits, P-256.
constexpr int kLeastSecurityBits = 112;

// Called instead of OpenSSL's own path building, before the proof of the key.
int CheckClientCertificate(X509_STORE_CTX* check, void*) {
  const EVP_PKEY* key = X509_get0_pubkey(X509_STORE_CTX_get0_cert(check));
  if (key != nullptr && EVP_PKEY_get_security_bits(key) >= kLeastSecurityBits) return 1;
  X509_STORE_CTX_set_error(check, X509_V_ERR_EE_KEY_TOO_SMALL);
  return 0;
}

void AskForCertificate(SSL_CTX* context) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, CheckClientCertificate, nullptr);
  SSL_CTX_set_max_cert_list(context, kMaxClientCertificateBytes);
}

// A session is of the place that it was made at.
void NameSessions(SSL_CTX* context, ClientCertificates clients) {
  const unsigned char name = clients == ClientCertificates::kAsked ? 'c' : 'n';
  FLORIN_CHECK(SSL_CTX_set_session_id_context(context, &name, 1) == 1, "it is short");
}

}  // namespace

absl::StatusOr<std::shared_ptr<ssl::context>> MakeTlsContext(const NamedText& certificate,
                                                             const NamedText& key,
                                                             ClientCertificates clients) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  Restrict(context->native_handle());
  NameSessions(context->native_handle(), clients);
  if (clients == ClientCertificates::kAsked) AskForCertificate(context->native_handle());
  boost::system::error_code ec;
  context->use_certificate_chain(boost::asio::buffer(certificate.text), ec);
  if (ec)
    return Error(Reason::kInternal,
                 absl::StrCat(certificate.name, " is no certificate chain: ", ec.message()));
  context->use_private_key(boost::asio::buffer(key.text), ssl::context::pem, ec);
  if (ec || SSL_CTX_check_private_key(context->native_handle()) != 1) {
    return Error(Reason::kInternal,
                 absl::StrCat(key.name, " is not the key of ", certificate.name));
  }
  return context;
}

std::string ClientCertificateThumbprint(const SSL& connection) {
  const X509* certificate = SSL_get0_peer_certificate(&connection);
  if (certificate == nullptr) return "";
  crypto::Digest digest;
  unsigned int size = 0;
  const bool made = X509_digest(certificate, EVP_sha256(), digest.data(), &size) == 1;
  FLORIN_CHECK(made && size == digest.size(), "a certificate that was received has a digest");
  return crypto::Base64UrlEncode(crypto::AsOctets(digest));
}

}  // namespace florin::gateway
