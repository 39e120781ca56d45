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
Certificate Draft(EVP_PKEY* key, const std::string& name, X509* issuer, long serial,
                  long lifetime_seconds) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  // An hour back, for clocks that disagree.
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay / 24);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), lifetime_seconds);
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

// A file that appears at its path when it is complete.
class NewFile {
 public:
  NewFile(std::string path, mode_t mode)
      : path_(std::move(path)), file_(std::fopen((path_ + ".new").c_str(), "w")) {
    FLORIN_CHECK(file_ != nullptr && chmod((path_ + ".new").c_str(), mode) == 0,
                 "a temporary file is writable");
  }
  ~NewFile() {
    file_.reset();
    FLORIN_CHECK(std::rename((path_ + ".new").c_str(), path_.c_str()) == 0,
                 "a temporary file can be renamed");
  }
  NewFile(const NewFile&) = delete;
  FILE* get() const { return file_.get(); }

 private:
  const std::string path_;
  File file_;
};

}  // namespace

struct TestCertificates::Authority {
  Key key;
  Certificate certificate;
};

TestCertificates::TestCertificates(const std::vector<std::string>& services)
    : directory_("/tmp/florin-certificates-XXXXXX") {
  FLORIN_CHECK(mkdtemp(directory_.data()) != nullptr, "there is room for a temporary directory");
  AddCa();
  for (const std::string& service : services) Renew(service);
}

void TestCertificates::AddCa() {
  auto authority = std::make_unique<Authority>();
  authority->key.reset(EVP_EC_gen("P-256"));
  const long serial = ++last_serial_;
  authority->certificate = Draft(authority->key.get(), "Florin test CA " + std::to_string(serial),
                                 nullptr, serial, kDay);
  X509* const ca = authority->certificate.get();
  AddExtension(ca, ca, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(ca, ca, NID_key_usage, "critical,keyCertSign");
  Sign(ca, authority->key.get());
  authorities_.push_back(std::move(authority));
  WriteBundle();
}

void TestCertificates::RemoveOldCas() {
  authorities_.erase(authorities_.begin(), authorities_.end() - 1);
  WriteBundle();
}

void TestCertificates::WriteBundle() const {
  const NewFile file(directory_ + "/ca.crt", 0644);
  for (const auto& authority : authorities_) {
    PEM_write_X509(file.get(), authority->certificate.get());
  }
}

std::string TestCertificates::Renew(const std::string& service, long lifetime_seconds) {
  return Issue(*authorities_.back(), service, lifetime_seconds);
}

std::string TestCertificates::Issue(const Authority& authority, const std::string& service,
                                    long lifetime_seconds) {
  X509* const ca = authority.certificate.get();
  const Key key(EVP_EC_gen("P-256"));
  const Certificate leaf = Draft(key.get(), service, ca, ++last_serial_, lifetime_seconds);
  AddExtension(leaf.get(), ca, NID_basic_constraints, "critical,CA:FALSE");
  AddExtension(leaf.get(), ca, NID_ext_key_usage, "serverAuth,clientAuth");
  AddExtension(leaf.get(), ca, NID_subject_alt_name,
               "URI:spiffe://florin.local/" + service + ",DNS:localhost,IP:127.0.0.1");
  Sign(leaf.get(), authority.key.get());
  PEM_write_PrivateKey(NewFile(directory_ + "/" + service + ".key", 0600).get(), key.get(), nullptr,
                       nullptr, 0, nullptr, nullptr);
  PEM_write_X509(NewFile(directory_ + "/" + service + ".crt", 0644).get(), leaf.get());
  char serial[32];
  std::snprintf(serial, sizeof(serial), "%02lX", last_serial_);
  return serial;
}

TestCertificates::~TestCertificates() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

}  // namespace florin::testing
