// The certificate that is served now, and its successor from the same files without a restart.
//
// Metrics: florin_gateway_certificate_served{serial} is 1 for the certificate of new connections,
// florin_gateway_certificate_not_after_seconds when it ends (seconds since 1970),
// florin_gateway_certificate_reloads_total{result}: `taken`, `refused`.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "libs/clock/clock.h"
#include "libs/status/status.h"
#include "services/gateway/http/ticket_keys.h"
#include "services/gateway/http/tls.h"

namespace florin::gateway {

struct TlsFiles {
  std::string certificate;  // PEM: the leaf first, then who issued it.
  std::string key;          // PEM, readable by the owner only.
};

// Thread-safe.
class TlsSource {
 public:
  // Reads the files. `clock` outlives the source. Error: kInternal, naming the file: it cannot be
  // read, the key is not the leaf's, the leaf is not valid now, a certificate of the chain is not
  // issued by the next.
  static absl::StatusOr<std::unique_ptr<TlsSource>> Open(const TlsFiles& files, Clock& clock);

  // What a new connection uses. A connection keeps its own to its end.
  std::shared_ptr<boost::asio::ssl::context> Current(
      ClientCertificates clients = ClientCertificates::kNone) const;

  // Looks at the files again. If they have changed and are good, new connections use them; resumed
  // sessions go on, since tickets do not depend on the certificate. If they are not good (one file
  // may be ahead of the other), the last good ones stay, and each such content is logged once.
  void Reload();

 private:
  struct Loaded;
  TlsSource(const TlsFiles& files, Clock& clock);
  absl::StatusOr<Loaded> Load(const std::string& certificate, const std::string& key) const;
  absl::Status Look();
  void Serve(Loaded loaded);

  const TlsFiles files_;
  Clock& clock_;
  // One for each kind of context: a ticket opens only where it was sealed.
  const std::shared_ptr<TicketKeys> ticket_keys_;
  const std::shared_ptr<TicketKeys> asking_ticket_keys_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::shared_ptr<boost::asio::ssl::context> current_;
  std::shared_ptr<boost::asio::ssl::context> asking_;  // Asks for the client's certificate.
  std::string serial_;
  std::string seen_;  // Digest of the content looked at last.
};

}  // namespace florin::gateway
