// TLS towards the outside.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "libs/status/status.h"

namespace florin::gateway {

// Whether connections are asked for a certificate of the client.
enum class ClientCertificates { kNone, kAsked };

// A file that has been read.
struct NamedText {
  std::string name;
  std::string text;
};

// TLS 1.3, and 1.2 with ephemeral elliptic-curve keys and AEAD only (RFC 9325); no renegotiation,
// compression or early data; ALPN h2 and http/1.1 (RFC 7301: a client that offers only other
// protocols is refused). The certificate chain and its key are PEM. Error: kInternal, naming the
// file that cannot be used.
//
// With kAsked a client may show a certificate, and whoever does proves to have its key. Nothing
// else is asked of it (RFC 8705 section 2.2): who issued it and until when does not matter, since a
// client and a token know it by its digest. Refused is a key of less than 112 bits of security, and
// more than 16 KiB of certificates. A resumed session has the certificate of its first handshake;
// it is resumed where it was made only, whichever ticket keys the contexts use.
absl::StatusOr<std::shared_ptr<boost::asio::ssl::context>> MakeTlsContext(
    const NamedText& certificate, const NamedText& key, ClientCertificates clients);

// `x5t#S256` (RFC 8705 section 3.1) of the certificate that the client showed in the handshake: the
// SHA-256 of its DER, base64url; empty if it showed none.
std::string ClientCertificateThumbprint(const SSL& connection);

}  // namespace florin::gateway
