#include "libs/rpc/certificate_watch.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "libs/clock/clock.h"
#include "libs/rpc/peer_certificate.h"
#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"

namespace florin::rpc {
namespace {

constexpr std::chrono::seconds kInterval{1};

template <auto kFree>
struct FreeWith {
  template <class T>
  void operator()(T* owned) const {
    kFree(owned);
  }
};
using Bio = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using Store = std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>>;
struct FreeChain {
  void operator()(STACK_OF(X509) * chain) const { sk_X509_free(chain); }  // Not its elements.
};
using Chain = std::unique_ptr<STACK_OF(X509), FreeChain>;
struct FreeText {
  void operator()(char* text) const { OPENSSL_free(text); }
};

absl::Status Wrong(std::string what) {
  ERR_clear_error();
  return Error(Reason::kInvalidField, std::move(what));
}

Bio Open(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// A password is never asked for.
int NoPassword(char*, int, int, void*) { return -1; }

absl::StatusOr<std::vector<Certificate>> ReadAll(const std::string& pem, const char* what) {
  const Bio bio = Open(pem);
  std::vector<Certificate> all;
  while (Certificate next{PEM_read_bio_X509(bio.get(), nullptr, NoPassword, nullptr)}) {
    all.push_back(std::move(next));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (all.empty() || !at_end) return Wrong(std::string(what) + " is no PEM certificate");
  ERR_clear_error();
  return all;
}

absl::Status CheckValidity(X509* leaf, absl::Time now) {
  const std::time_t at = absl::ToTimeT(now);
  if (X509_cmp_time(X509_get0_notBefore(leaf), const_cast<std::time_t*>(&at)) > 0)
    return Wrong("the certificate is not valid yet");
  if (X509_cmp_time(X509_get0_notAfter(leaf), const_cast<std::time_t*>(&at)) <= 0)
    return Wrong("the certificate has expired");
  return absl::OkStatus();
}

absl::Status CheckChain(const std::vector<Certificate>& own, const std::vector<Certificate>& cas,
                        absl::Time now) {
  const Store store(X509_STORE_new());
  for (const Certificate& ca : cas) X509_STORE_add_cert(store.get(), ca.get());
  const Chain others(sk_X509_new_null());
  for (std::size_t i = 1; i < own.size(); ++i) sk_X509_push(others.get(), own[i].get());
  const StoreContext context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), own[0].get(), others.get());
  X509_STORE_CTX_set_time(context.get(), 0, absl::ToTimeT(now));
  X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_CLIENT);
  if (X509_verify_cert(context.get()) == 1) return absl::OkStatus();
  const int error = X509_STORE_CTX_get_error(context.get());
  return Wrong(std::string("no CA of ca.crt vouches for the certificate: ") +
               X509_verify_cert_error_string(error));
}

absl::Status CheckIdentity(X509* leaf, const std::string& service) {
  const std::vector<std::string> names = UriNames(leaf);
  if (names.size() == 1 && names[0] == kTrustDomain + service) return absl::OkStatus();
  return Wrong("the certificate is not that of " + (kTrustDomain + service));
}

std::string SerialOf(X509* leaf) {
  BIGNUM* const number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(leaf), nullptr);
  const std::unique_ptr<char, FreeText> text(BN_bn2hex(number));
  BN_free(number);
  return text.get();
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  if (!file || text.str().empty()) return Wrong(path + " cannot be read");
  return text.str();
}

}  // namespace

absl::StatusOr<Certificates> CheckCertificates(std::string ca, std::string certificate,
                                               std::string key, const std::string& service,
                                               absl::Time now) {
  FLORIN_ASSIGN_OR_RETURN(const std::vector<Certificate> cas, ReadAll(ca, "ca.crt"));
  FLORIN_ASSIGN_OR_RETURN(const std::vector<Certificate> own,
                          ReadAll(certificate, "the certificate"));
  X509* const leaf = own[0].get();
  const Key private_key(PEM_read_bio_PrivateKey(Open(key).get(), nullptr, NoPassword, nullptr));
  if (private_key == nullptr) return Wrong("the key is no private key in PEM without a password");
  if (X509_check_private_key(leaf, private_key.get()) != 1)
    return Wrong("the key is not that of the certificate");
  FLORIN_RETURN_IF_ERROR(CheckIdentity(leaf, service));
  FLORIN_RETURN_IF_ERROR(CheckValidity(leaf, now));
  FLORIN_RETURN_IF_ERROR(CheckChain(own, cas, now));
  Certificates checked;
  checked.serial = SerialOf(leaf);
  checked.not_after = NotAfter(leaf);
  checked.ca = std::move(ca);
  checked.certificate = std::move(certificate);
  checked.key = std::move(key);
  return checked;
}

std::shared_ptr<CertificateWatch> CertificateWatch::Of(const CertificateFiles& files) {
  using Paths = std::tuple<std::string, std::string, std::string, std::string>;
  static std::mutex mutex;
  static std::map<Paths, std::weak_ptr<CertificateWatch>> watches;  // Guarded by mutex.
  const std::lock_guard lock(mutex);
  std::erase_if(watches, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<CertificateWatch>& known =
      watches[{files.ca, files.certificate, files.key, files.service}];
  std::shared_ptr<CertificateWatch> watch = known.lock();
  if (watch == nullptr) {
    watch = std::make_shared<CertificateWatch>(files);
    known = watch;
  }
  return watch;
}

CertificateWatch::CertificateWatch(CertificateFiles files) : files_(std::move(files)) {
  Reload().IgnoreError();  // Kept in last_error_.
  thread_ = std::thread([this] { Run(); });
}

CertificateWatch::~CertificateWatch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  thread_.join();
}

std::shared_ptr<const Certificates> CertificateWatch::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

absl::Status CertificateWatch::last_error() const {
  const std::lock_guard lock(mutex_);
  return last_error_;
}

void CertificateWatch::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_.wait_for(lock, kInterval, [this] { return stopping_; })) {
    lock.unlock();
    Reload().IgnoreError();  // Kept in last_error_.
    lock.lock();
  }
}

absl::StatusOr<Certificates> CertificateWatch::Read() const {
  FLORIN_ASSIGN_OR_RETURN(std::string ca, ReadFile(files_.ca));
  FLORIN_ASSIGN_OR_RETURN(std::string certificate, ReadFile(files_.certificate));
  FLORIN_ASSIGN_OR_RETURN(std::string key, ReadFile(files_.key));
  return CheckCertificates(std::move(ca), std::move(certificate), std::move(key), files_.service,
                           SystemClock().Now());
}

absl::Status CertificateWatch::Reload() {
  const std::lock_guard one_at_a_time(reading_);
  absl::StatusOr<Certificates> read = Read();
  const std::lock_guard lock(mutex_);
  if (read.ok()) {
    Adopt(*std::move(read));
  } else {
    Refuse(read.status());
  }
  Report();
  return last_error_;
}

void CertificateWatch::Adopt(Certificates certificates) {
  last_error_ = absl::OkStatus();
  if (current_ != nullptr && current_->ca == certificates.ca &&
      current_->certificate == certificates.certificate && current_->key == certificates.key) {
    return;
  }
  current_ = std::make_shared<const Certificates>(std::move(certificates));
  telemetry::Count("florin_rpc_certificate_reload_total",
                   {{"service", files_.service}, {"outcome", "adopted"}});
  telemetry::Log(telemetry::Severity::kInfo, "certificate in use",
                 {{"certificate_of", files_.service},
                  {"serial", current_->serial},
                  {"not_after", absl::FormatTime(current_->not_after, absl::UTCTimeZone())}});
  for (const auto& [id, changed] : listeners_) changed();
}

void CertificateWatch::Refuse(const absl::Status& status) {
  if (status == last_error_) return;  // Said before.
  last_error_ = status;
  telemetry::Count("florin_rpc_certificate_reload_total",
                   {{"service", files_.service}, {"outcome", "refused"}});
  telemetry::Log(
      telemetry::Severity::kError,
      current_ == nullptr ? "no certificate" : "certificate not reloaded, the last one goes on",
      {{"certificate_of", files_.service}, {"error", std::string(status.message())}});
}

void CertificateWatch::Report() const {
  const std::map<std::string, std::string> labels = {{"service", files_.service}};
  telemetry::SetGauge("florin_rpc_certificate_refused", labels, last_error_.ok() ? 0 : 1);
  if (current_ == nullptr) return;
  telemetry::SetGauge("florin_rpc_certificate_expiry_seconds", labels,
                      absl::ToDoubleSeconds(current_->not_after - SystemClock().Now()));
}

CertificateWatch::Subscription CertificateWatch::Listen(std::shared_ptr<CertificateWatch> watch,
                                                        std::function<void()> changed) {
  const std::lock_guard lock(watch->mutex_);
  const std::uint64_t id = watch->next_listener_++;
  watch->listeners_.emplace(id, std::move(changed));
  return {watch, id};
}

CertificateWatch::Subscription::~Subscription() {
  if (watch_ == nullptr) return;
  const std::lock_guard lock(watch_->mutex_);
  watch_->listeners_.erase(id_);
}

}  // namespace florin::rpc
