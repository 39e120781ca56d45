// Certificates for tests of mutual TLS: a CA of its own and one certificate for each service, as
// deploy/local/up makes them.
//
//   testing::TestCertificates certificates({"ledger", "payments"});
//   const auto files = rpc::CertificateFiles::In(certificates.directory(), "ledger");
//
// Two objects have two CAs that do not trust each other.
#pragma once

#include <string>
#include <vector>

namespace florin::testing {

// A temporary directory with ca.crt and, for each service, SERVICE.crt and SERVICE.key (PEM, P-256,
// mode 0600), valid for a day, for both sides of TLS, with URI SAN spiffe://florin.local/SERVICE,
// DNS localhost and IP 127.0.0.1. Gone with the object. Immutable after construction. Ends the
// process with a message if it cannot be made.
class TestCertificates {
 public:
  explicit TestCertificates(const std::vector<std::string>& services);
  ~TestCertificates();
  TestCertificates(const TestCertificates&) = delete;

  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
};

}  // namespace florin::testing
