#include "services/gateway/http/tls_source.h"

#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "libs/config/config.h"
#include "libs/crypto/sha256.h"
#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"

namespace florin::gateway {
namespace {

constexpr absl::Duration kTicketKeyLifetime = absl::Hours(12);

struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Certificate = std::unique_ptr<X509, FreeX509>;

std::vector<Certificate> ReadChain(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  std::vector<Certificate> chain;
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))
    chain.emplace_back(next);
  ERR_clear_error();  // Of the end.
  return chain;
}

absl::Time TimeOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return absl::InfinitePast();
  return absl::FromTM(parts, absl::UTCTimeZone());
}

// Whether every certificate is issued by the next.
bool IsLinked(const std::vector<Certificate>& chain) {
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
    if (X509_check_issued(chain[i + 1].get(), chain[i].get()) != X509_V_OK ||
        X509_verify(chain[i].get(), X509_get0_pubkey(chain[i + 1].get())) != 1) {
      ERR_clear_error();
      return false;
    }
  }
  return true;
}

std::string SerialOf(const X509& certificate) {
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr), BN_free);
  char* hex = BN_bn2hex(number.get());
  std::string serial = absl::AsciiStrToLower(hex);
  OPENSSL_free(hex);
  return serial;
}

}  // namespace

struct TlsSource::Loaded {
  std::shared_ptr<boost::asio::ssl::context> context;
  std::shared_ptr<boost::asio::ssl::context> asking;
  std::string serial;
  absl::Time not_after;
};

TlsSource::TlsSource(const TlsFiles& files, Clock& clock)
    : files_(files),
      clock_(clock),
      ticket_keys_(std::make_shared<TicketKeys>(clock, kTicketKeyLifetime)),
      asking_ticket_keys_(std::make_shared<TicketKeys>(clock, kTicketKeyLifetime)) {}

absl::StatusOr<std::unique_ptr<TlsSource>> TlsSource::Open(const TlsFiles& files, Clock& clock) {
  std::unique_ptr<TlsSource> source(new TlsSource(files, clock));
  FLORIN_RETURN_IF_ERROR(source->Look());
  return source;
}

std::shared_ptr<boost::asio::ssl::context> TlsSource::Current(ClientCertificates clients) const {
  std::lock_guard lock(mutex_);
  return clients == ClientCertificates::kAsked ? asking_ : current_;
}

absl::StatusOr<TlsSource::Loaded> TlsSource::Load(const std::string& certificate,
                                                  const std::string& key) const {
  const auto refused = [this](const char* why) {
    return Error(Reason::kInternal, absl::StrCat(files_.certificate, ": ", why));
  };
  const std::vector<Certificate> chain = ReadChain(certificate);
  if (chain.empty()) return refused("there is no certificate");
  Loaded loaded;
  const absl::Time now = clock_.Now();
  loaded.not_after = TimeOf(X509_get0_notAfter(chain[0].get()));
  if (now >= loaded.not_after) return refused("the certificate has expired");
  if (now < TimeOf(X509_get0_notBefore(chain[0].get())))
    return refused("the certificate is not valid yet");
  if (!IsLinked(chain)) return refused("a certificate of the chain is not issued by the next");
  loaded.serial = SerialOf(*chain[0]);
  const NamedText named_certificate{files_.certificate, certificate};
  const NamedText named_key{files_.key, key};
  FLORIN_ASSIGN_OR_RETURN(loaded.context,
                          MakeTlsContext(named_certificate, named_key, ClientCertificates::kNone));
  FLORIN_ASSIGN_OR_RETURN(loaded.asking,
                          MakeTlsContext(named_certificate, named_key, ClientCertificates::kAsked));
  UseTicketKeys(loaded.context->native_handle(), ticket_keys_);
  UseTicketKeys(loaded.asking->native_handle(), asking_ticket_keys_);
  return loaded;
}

void TlsSource::Serve(Loaded loaded) {
  std::lock_guard lock(mutex_);
  if (!serial_.empty() && serial_ != loaded.serial)
    telemetry::SetGauge("florin_gateway_certificate_served", {{"serial", serial_}}, 0);
  current_ = std::move(loaded.context);
  asking_ = std::move(loaded.asking);
  serial_ = std::move(loaded.serial);
  telemetry::SetGauge("florin_gateway_certificate_served", {{"serial", serial_}}, 1);
  telemetry::SetGauge("florin_gateway_certificate_not_after_seconds", {},
                      static_cast<double>(absl::ToUnixSeconds(loaded.not_after)));
}

absl::Status TlsSource::Look() {
  FLORIN_ASSIGN_OR_RETURN(const std::string certificate, config::ReadFile(files_.certificate));
  FLORIN_ASSIGN_OR_RETURN(const std::string key, config::ReadSecretFile(files_.key));
  const std::string seen(
      crypto::AsOctets(crypto::Sha256(absl::StrCat(certificate.size(), ":", certificate, key))));
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(seen_, seen) == seen) return absl::OkStatus();
  }
  FLORIN_ASSIGN_OR_RETURN(Loaded loaded, Load(certificate, key));
  telemetry::Log(telemetry::Severity::kInfo, "serving a certificate",
                 {{"serial", loaded.serial}, {"not_after", absl::FormatTime(loaded.not_after)}});
  telemetry::Count("florin_gateway_certificate_reloads_total", {{"result", "taken"}});
  Serve(std::move(loaded));
  return absl::OkStatus();
}

void TlsSource::Reload() {
  const absl::Status looked = Look();
  if (looked.ok()) return;
  telemetry::Count("florin_gateway_certificate_reloads_total", {{"result", "refused"}});
  telemetry::Log(telemetry::Severity::kError, "the certificate stays: its successor is not good",
                 {{"error", std::string(looked.message())}});
}

}  // namespace florin::gateway
