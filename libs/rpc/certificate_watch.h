// The certificate of a process, read again whenever it changes on disk: rotation without a restart.
//
// To rotate: replace NAME.key and NAME.crt, in any order; within two seconds new connections use
// them, and channels move their calls to new connections. To change the CA: write a ca.crt that
// holds the old and the new one, for every process; then replace the leaves; then remove the old
// CA. The new one needs a name or key identifier of its own. A connection ends, at the latest, with
// its greatest age (ServerOptions::max_connection_age), and a certificate that has expired counts
// no more at once, so that is how long a withdrawn CA may still be used by who is connected.
//
// What is on disk is used only if it is right as a whole: the certificate is the service's
// (exactly one URI SAN, spiffe://florin.local/NAME), valid now, of a CA in ca.crt, and the key is
// its key. Otherwise the last good files go on, and the log says once what is wrong.
//
// Metrics: florin_rpc_certificate_expiry_seconds{service} (left until the one in use expires),
// florin_rpc_certificate_refused{service} (1 while the files on disk are not what is used),
// florin_rpc_certificate_reload_total{service,outcome} with outcome adopted or refused.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "libs/rpc/credentials.h"
#include "libs/status/status.h"

namespace florin::rpc {

// Checked files. Immutable.
struct Certificates {
  std::string ca;           // PEM, one or more
  std::string certificate;  // PEM, with what else the file holds of its chain
  std::string key;          // PEM
  std::string serial;       // Hexadecimal, upper case
  absl::Time not_after;
};

// Checks texts of files as said above. Error: kInvalidField, which says what is wrong and never
// quotes a key.
absl::StatusOr<Certificates> CheckCertificates(std::string ca, std::string certificate,
                                               std::string key, const std::string& service,
                                               absl::Time now);

// Thread-safe.
class CertificateWatch {
 public:
  // The one watch that this process has of these files: started by whoever comes first, ended when
  // nobody holds it any more. Reads them at once, and then every second.
  static std::shared_ptr<CertificateWatch> Of(const CertificateFiles& files);
  explicit CertificateWatch(CertificateFiles files);
  ~CertificateWatch();
  CertificateWatch(const CertificateWatch&) = delete;

  // What is in use; null as long as there was nothing right on disk.
  std::shared_ptr<const Certificates> current() const;
  // Why the files as they were read last are not in use; OK if they are.
  absl::Status last_error() const;

  // Reads the files now. Gives last_error().
  absl::Status Reload();

  // Calls `changed` after each change of current(), from a thread that it must not hold up, until
  // the subscription goes; it may then be destroyed.
  class Subscription {
   public:
    ~Subscription();
    Subscription(Subscription&& other) noexcept = default;

   private:
    friend class CertificateWatch;
    Subscription(std::shared_ptr<CertificateWatch> watch, std::uint64_t id)
        : watch_(std::move(watch)), id_(id) {}
    std::shared_ptr<CertificateWatch> watch_;
    std::uint64_t id_;
  };
  static Subscription Listen(std::shared_ptr<CertificateWatch> watch,
                             std::function<void()> changed);

 private:
  void Run();
  absl::StatusOr<Certificates> Read() const;
  // With mutex_ held.
  void Adopt(Certificates certificates);
  void Refuse(const absl::Status& status);
  void Report() const;

  const CertificateFiles files_;
  std::mutex reading_;        // One at a time.
  mutable std::mutex mutex_;  // Guards what follows.
  std::shared_ptr<const Certificates> current_;
  absl::Status last_error_;
  std::map<std::uint64_t, std::function<void()>> listeners_;
  std::uint64_t next_listener_ = 0;
  bool stopping_ = false;
  std::condition_variable stop_;
  std::thread thread_;
};

}  // namespace florin::rpc
