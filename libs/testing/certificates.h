// Certificates for tests of mutual TLS: a CA of its own and one certificate for each service, as
// deploy/local/up makes them.
//
//   testing::TestCertificates certificates({"ledger", "payments"});
//   const auto files = rpc::CertificateFiles::In(certificates.directory(), "ledger");
//
// Two objects have two CAs that do not trust each other. Certificates are rotated as an operator
// would, by new files:
//
//   certificates.AddCa();  // ca.crt: the old one and a new one
//   certificates.Renew("ledger");
//   certificates.RemoveOldCas();
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace florin::testing {

// A temporary directory with ca.crt and, for each service, SERVICE.crt and SERVICE.key (PEM, P-256,
// mode 0600), valid for a day, for both sides of TLS, with URI SAN spiffe://florin.local/SERVICE,
// DNS localhost and IP 127.0.0.1. Gone with the object. Each file is replaced at once, by rename.
// Not thread-safe. Ends the process with a message if something cannot be made.
class TestCertificates {
 public:
  explicit TestCertificates(const std::vector<std::string>& services);
  ~TestCertificates();
  TestCertificates(const TestCertificates&) = delete;

  const std::string& directory() const { return directory_; }

  // A new key and certificate, of the newest CA. Gives the serial number, as
  // rpc::Certificates::serial has it.
  std::string Renew(const std::string& service, long lifetime_seconds = 86'400);
  // One more CA, with a name of its own, that is trusted besides; the next certificates are its.
  void AddCa();
  // Trusts the newest CA only.
  void RemoveOldCas();

 private:
  struct Authority;
  std::string Issue(const Authority& authority, const std::string& service, long lifetime_seconds);
  void WriteBundle() const;

  std::string directory_;
  std::vector<std::unique_ptr<Authority>> authorities_;  // The newest last.
  long last_serial_ = 0;
};

}  // namespace florin::testing
