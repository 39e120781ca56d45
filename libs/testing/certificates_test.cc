#include "libs/testing/certificates.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <memory>

#include "gtest/gtest.h"

namespace florin::testing {
namespace {

std::shared_ptr<X509> ReadCertificate(const std::string& path) {
  const std::shared_ptr<FILE> file(std::fopen(path.c_str(), "r"), [](FILE* f) { std::fclose(f); });
  return {PEM_read_X509(file.get(), nullptr, nullptr, nullptr), X509_free};
}

TEST(TestCertificatesTest, EachIsSignedByItsOwnCaOnly) {
  const TestCertificates ours({"ledger", "payments"});
  const TestCertificates theirs({"ledger"});
  const auto leaf = ReadCertificate(ours.directory() + "/payments.crt");
  const auto our_ca = ReadCertificate(ours.directory() + "/ca.crt");
  EXPECT_EQ(X509_verify(leaf.get(), X509_get0_pubkey(our_ca.get())), 1);
  const auto their_ca = ReadCertificate(theirs.directory() + "/ca.crt");
  EXPECT_NE(X509_verify(leaf.get(), X509_get0_pubkey(their_ca.get())), 1);
}

TEST(TestCertificatesTest, NamesTheServiceAndTheHost) {
  const TestCertificates certificates({"ledger"});
  const auto leaf = ReadCertificate(certificates.directory() + "/ledger.crt");
  EXPECT_EQ(X509_check_host(leaf.get(), "localhost", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(leaf.get(), "127.0.0.1", 0), 1);
  const std::shared_ptr<GENERAL_NAMES> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(leaf.get(), NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  const GENERAL_NAME* first = sk_GENERAL_NAME_value(names.get(), 0);
  ASSERT_EQ(first->type, GEN_URI);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(
                ASN1_STRING_get0_data(first->d.uniformResourceIdentifier))),
            "spiffe://florin.local/ledger");
}

TEST(TestCertificatesTest, KeysArePrivate) {
  const TestCertificates certificates({"ledger"});
  struct stat facts {};
  ASSERT_EQ(stat((certificates.directory() + "/ledger.key").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
}

}  // namespace
}  // namespace florin::testing
