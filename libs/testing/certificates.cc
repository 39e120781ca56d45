#include "libs/testing/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>

#include "libs/status/check.h"

namespace florin::testing {
namespace {

template <auto kFree>
struct FreeWith {
  template <class T>
  void operator()(T* owned) const {
    kFree(owned);
  }
};
using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;
using File = std::unique_ptr<FILE, FreeWith<std::fclose>>;

constexpr long kDay = 86'400;

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  FLORIN_CHECK(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1,
               "libcrypto takes the extension");
}

// A certificate of `key` named `name`, not yet signed. `issuer` is nullptr for a CA.
Certificate Draft(EVP_PKEY* key, const std::string& name, X509* issuer, long serial) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  // An hour back, for clocks that disagree.
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay / 24);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kDay);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate.get(),
                       issuer == nullptr ? subject : X509_get_subject_name(issuer));
  return certificate;
}

void Sign(X509* certificate, EVP_PKEY* key) {
  FLORIN_CHECK(X509_sign(certificate, key, EVP_sha256()) > 0, "libcrypto signs certificates");
}

File OpenForWriting(const std::string& path, mode_t mode) {
  File file(std::fopen(path.c_str(), "w"));
  FLORIN_CHECK(file != nullptr && chmod(path.c_str(), mode) == 0, "a temporary file is writable");
  return file;
}

void WriteCertificate(const std::string& path, X509* certificate) {
  PEM_write_X509(OpenForWriting(path, 0644).get(), certificate);
}

}  // namespace

TestCertificates::TestCertificates(const std::vector<std::string>& services)
    : directory_("/tmp/florin-certificates-XXXXXX") {
  FLORIN_CHECK(mkdtemp(directory_.data()) != nullptr, "there is room for a temporary directory");
  const Key ca_key(EVP_EC_gen("P-256"));
  const Certificate ca = Draft(ca_key.get(), "Florin test CA", nullptr, 1);
  AddExtension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign");
  Sign(ca.get(), ca_key.get());
  WriteCertificate(directory_ + "/ca.crt", ca.get());

  long serial = 1;
  for (const std::string& service : services) {
    const Key key(EVP_EC_gen("P-256"));
    const Certificate leaf = Draft(key.get(), service, ca.get(), ++serial);
    AddExtension(leaf.get(), ca.get(), NID_basic_constraints, "critical,CA:FALSE");
    AddExtension(leaf.get(), ca.get(), NID_ext_key_usage, "serverAuth,clientAuth");
    AddExtension(leaf.get(), ca.get(), NID_subject_alt_name,
                 "URI:spiffe://florin.local/" + service + ",DNS:localhost,IP:127.0.0.1");
    Sign(leaf.get(), ca_key.get());
    WriteCertificate(directory_ + "/" + service + ".crt", leaf.get());
    PEM_write_PrivateKey(OpenForWriting(directory_ + "/" + service + ".key", 0600).get(), key.get(),
                         nullptr, nullptr, 0, nullptr, nullptr);
  }
}

TestCertificates::~TestCertificates() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

}  // namespace florin::testing
