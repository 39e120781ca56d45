// TLS towards the outside.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "libs/status/status.h"

namespace florin::gateway {

// A file that has been read.
struct NamedText {
  std::string name;
  std::string text;
};

// TLS 1.3, and 1.2 with ephemeral elliptic-curve keys and AEAD only (RFC 9325); no renegotiation,
// compression or early data; ALPN h2 and http/1.1 (RFC 7301: a client that offers only other
// protocols is refused). The certificate chain and its key are PEM. Error: kInternal, naming the
// file that cannot be used.
absl::StatusOr<std::shared_ptr<boost::asio::ssl::context>> MakeTlsContext(
    const NamedText& certificate, const NamedText& key);

}  // namespace florin::gateway
