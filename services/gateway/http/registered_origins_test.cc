#include "services/gateway/http/registered_origins.h"

#include "florin/auth/v1/clients.rpc.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/rpc/server.h"
#include "libs/status/matchers.h"
#include "libs/testing/certificates.h"

namespace florin::gateway {
namespace {

// Auth, as far as origins go.
class Clients : public auth::v1::ClientsService {
 public:
  using One = Task<absl::StatusOr<auth::v1::RegisteredClient>>;

  One RegisterClient(rpc::Call&, const auth::v1::RegisterClientRequest&) override { return None(); }
  One GetClient(rpc::Call&, const auth::v1::GetClientRequest&) override { return None(); }
  One DisableClient(rpc::Call&, const auth::v1::DisableClientRequest&) override { return None(); }
  Task<absl::StatusOr<auth::v1::ListClientsResponse>> ListClients(
      rpc::Call&, const auth::v1::ListClientsRequest&) override {
    co_return Error(Reason::kInternal, "not called");
  }
  Task<absl::StatusOr<auth::v1::ListCorsOriginsResponse>> ListCorsOrigins(
      rpc::Call&, const auth::v1::ListCorsOriginsRequest&) override {
    const std::lock_guard lock(mutex_);
    if (!answers_) co_return Error(Reason::kUnavailable, "no database");
    co_return origins_;
  }

  void Set(const std::vector<std::string>& origins) {
    const std::lock_guard lock(mutex_);
    origins_.mutable_origins()->Assign(origins.begin(), origins.end());
  }
  void Fail() {
    const std::lock_guard lock(mutex_);
    answers_ = false;
  }

 private:
  static One None() { co_return Error(Reason::kInternal, "not called"); }

  std::mutex mutex_;
  auth::v1::ListCorsOriginsResponse origins_;  // Guarded by mutex_.
  bool answers_ = true;                        // Guarded by mutex_.
};

class RegisteredOriginsTest : public ::testing::Test {
 protected:
  RegisteredOriginsTest() {
    server_ = *rpc::Server::Start(
        runtime_.executor(),
        {.listen = "127.0.0.1:0",
         .certificates = rpc::CertificateFiles::In(certificates_.directory(), "auth")},
        {&clients_});
    channel_ = std::make_unique<rpc::Channel>(
        runtime_.executor(),
        rpc::ChannelOptions{
            .target = "127.0.0.1:" + std::to_string(server_->port()),
            .service = "auth",
            .certificates = rpc::CertificateFiles::In(certificates_.directory(), "gateway")});
  }
  ~RegisteredOriginsTest() override {
    server_->Drain(absl::ZeroDuration());
    runtime_.Stop();
  }

  const testing::TestCertificates certificates_{{"auth", "gateway"}};
  async::Runtime runtime_{2};
  Clients clients_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<rpc::Channel> channel_;
  const std::shared_ptr<RegisteredOrigins> origins_ = std::make_shared<RegisteredOrigins>();
};

TEST_F(RegisteredOriginsTest, AreWhatAuthSaidLast) {
  EXPECT_FALSE(origins_->Allows("https://a.example")) << "nobody was asked yet";
  clients_.Set({"https://a.example", "https://b.example"});
  ASSERT_THAT(runtime_.Run(origins_->Learn(*channel_)), IsOk());
  EXPECT_TRUE(origins_->Allows("https://a.example"));
  for (const char* other : {"https://c.example", "https://a.example:8443", "https://A.example",
                            "http://a.example", "https://a.example.evil.example", "null", ""})
    EXPECT_FALSE(origins_->Allows(other)) << other;
  clients_.Set({"https://b.example"});
  ASSERT_THAT(runtime_.Run(origins_->Learn(*channel_)), IsOk());
  EXPECT_FALSE(origins_->Allows("https://a.example")) << "its client was disabled";
  EXPECT_TRUE(origins_->Allows("https://b.example"));
}

TEST_F(RegisteredOriginsTest, StayWhileAuthIsAway) {
  clients_.Set({"https://a.example"});
  ASSERT_THAT(runtime_.Run(origins_->Learn(*channel_)), IsOk());
  clients_.Fail();
  EXPECT_FALSE(runtime_.Run(origins_->Learn(*channel_)).ok());
  EXPECT_TRUE(origins_->Allows("https://a.example"));
}

TEST_F(RegisteredOriginsTest, AreWatched) {
  clients_.Set({"https://a.example"});
  asio::co_spawn(runtime_.executor(), RegisteredOrigins::Watch(origins_, channel_.get()),
                 asio::detached);
  while (!origins_->Allows("https://a.example")) std::this_thread::yield();
}

}  // namespace
}  // namespace florin::gateway
