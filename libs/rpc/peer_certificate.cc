#include "libs/rpc/peer_certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <map>
#include <memory>
#include <mutex>

namespace florin::rpc {
namespace {

// Callers are a few services; each has a handful of certificates a day.
constexpr std::size_t kMostRemembered = 256;

template <auto kFree>
struct FreeWith {
  template <class T>
  void operator()(T* owned) const {
    kFree(owned);
  }
};
using Names = std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>>;
using Bio = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;

}  // namespace

std::vector<std::string> UriNames(const X509* certificate) {
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> uris;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* const uri = name->d.uniformResourceIdentifier;
    uris.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                      static_cast<std::size_t>(ASN1_STRING_length(uri)));
  }
  return uris;
}

absl::Time NotAfter(const X509* certificate) {
  std::tm fields{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &fields) != 1) return absl::InfinitePast();
  return absl::FromTM(fields, absl::UTCTimeZone());
}

absl::StatusOr<absl::Time> NotAfterOfPem(const std::string& pem) {
  static std::mutex mutex;
  static std::map<std::string, absl::Time> remembered;  // Guarded by mutex.
  const std::lock_guard lock(mutex);
  const auto known = remembered.find(pem);
  if (known != remembered.end()) return known->second;
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) {
    ERR_clear_error();
    return Error(Reason::kCallerNotAllowed, "the caller's certificate cannot be read");
  }
  if (remembered.size() >= kMostRemembered) remembered.clear();
  return remembered[pem] = NotAfter(certificate.get());
}

}  // namespace florin::rpc
