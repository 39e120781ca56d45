#include "libs/rpc/server_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <mutex>
#include <utility>

namespace florin::rpc {
namespace {

// Asked by gRPC's threads before each handshake.
class Fetcher {
 public:
  explicit Fetcher(std::shared_ptr<CertificateWatch> watch) : watch_(std::move(watch)) {}

  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<Fetcher*>(self)->FetchNew(config);
  }

 private:
  grpc_ssl_certificate_config_reload_status FetchNew(grpc_ssl_server_certificate_config** config) {
    const std::shared_ptr<const Certificates> current = watch_->current();
    const std::lock_guard lock(mutex_);
    if (current == nullptr) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_FAIL;
    if (current == given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pair{.private_key = current->key.c_str(),
                                          .cert_chain = current->certificate.c_str()};
    *config = grpc_ssl_server_certificate_config_create(current->ca.c_str(), &pair, 1);
    given_ = current;
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const std::shared_ptr<CertificateWatch> watch_;
  std::mutex mutex_;
  std::shared_ptr<const Certificates> given_;  // Guarded by mutex_.
};

class Credentials final : public grpc::ServerCredentials {
 public:
  explicit Credentials(std::shared_ptr<CertificateWatch> watch)
      : fetcher_(std::move(watch)),
        credentials_(grpc_ssl_server_credentials_create_with_options(
            grpc_ssl_server_credentials_create_options_using_config_fetcher(
                GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, &Fetcher::Fetch,
                &fetcher_))) {}
  ~Credentials() override { grpc_server_credentials_release(credentials_); }

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  Fetcher fetcher_;
  grpc_server_credentials* const credentials_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> WatchedServerCredentials(
    std::shared_ptr<CertificateWatch> watch) {
  return std::make_shared<Credentials>(std::move(watch));
}

}  // namespace florin::rpc
