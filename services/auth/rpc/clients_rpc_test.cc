// Clients over real gRPC and mutual TLS.
#include "services/auth/rpc/clients_rpc.h"

#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/crypto/signing_key.h"
#include "libs/rpc/server.h"
#include "libs/status/matchers.h"
#include "libs/testing/certificates.h"
#include "services/auth/store/fake_oauth_store.h"

namespace florin::auth {
namespace {

class ClientsRpcTest : public ::testing::Test {
 protected:
  ClientsRpcTest() : certificates_({"auth", "operator", "gateway", "accounts"}) {
    auto server = rpc::Server::Start(
        runtime_.executor(),
        {.listen = "127.0.0.1:0",
         .certificates = rpc::CertificateFiles::In(certificates_.directory(), "auth")},
        {&service_});
    server_ = std::move(server).value();
    operator_ = ChannelOf("operator");
  }
  ~ClientsRpcTest() override {
    server_->Drain(absl::ZeroDuration());
    runtime_.Stop();
  }

  std::unique_ptr<rpc::Channel> ChannelOf(const std::string& caller) {
    return std::make_unique<rpc::Channel>(
        runtime_.executor(),
        rpc::ChannelOptions{
            .target = "127.0.0.1:" + std::to_string(server_->port()),
            .service = "auth",
            .certificates = rpc::CertificateFiles::In(certificates_.directory(), caller)});
  }
  v1::ClientsClient Clients() { return v1::ClientsClient(operator_.get()); }

  static v1::RegisterClientRequest Wish(const std::string& id) {
    static const crypto::SigningKey key = crypto::SigningKey::Generate();
    v1::RegisterClientRequest request;
    request.set_client_id(id);
    v1::ClientMetadata& metadata = *request.mutable_metadata();
    metadata.set_type(v1::ClientMetadata::CONFIDENTIAL);
    metadata.set_client_name("Shop");
    metadata.add_redirect_uris("https://shop.example/cb");
    metadata.set_token_endpoint_auth_method("private_key_jwt");
    metadata.set_jwks(R"({"keys":[{"kty":"EC","crv":"P-256","x":")" + key.public_key().x() +
                      R"(","y":")" + key.public_key().y() + R"("}]})");
    metadata.add_grant_types("authorization_code");
    metadata.add_grant_types("refresh_token");
    metadata.add_scopes("openid");
    metadata.set_dpop_bound_access_tokens(true);
    metadata.add_cors_origins("https://shop.example");
    metadata.set_first_party(true);
    return request;
  }
  absl::StatusOr<v1::RegisteredClient> Register(const v1::RegisterClientRequest& request) {
    return runtime_.Run(Clients().RegisterClient({}, request));
  }

  async::Runtime runtime_{2};
  testing::TestCertificates certificates_;
  FakeClock clock_{absl::FromUnixMicros(1'800'000'000'123'456)};
  FakeOAuthStore store_;
  ClientsRpc service_{store_, clock_, SystemIds()};
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<rpc::Channel> operator_;
};

TEST_F(ClientsRpcTest, RegistersOnceForEachId) {
  const v1::RegisterClientRequest wish = Wish("shop");
  const auto client = Register(wish);
  ASSERT_THAT(client, IsOk());
  EXPECT_EQ(client->client_id(), "shop");
  EXPECT_EQ(client->metadata().SerializeAsString(), wish.metadata().SerializeAsString());
  EXPECT_EQ(client->create_time().seconds(), 1'800'000'000);
  EXPECT_EQ(client->create_time().nanos(), 123'456'000);
  EXPECT_FALSE(client->has_disable_time());
  clock_.Advance(absl::Hours(1));
  const auto again = Register(wish);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->SerializeAsString(), client->SerializeAsString());
  v1::RegisterClientRequest other = wish;
  other.mutable_metadata()->add_redirect_uris("https://evil.example/cb");
  EXPECT_THAT(Register(other), StatusHasReason(Reason::kClientExists));
  v1::GetClientRequest get;
  get.set_client_id("shop");
  EXPECT_EQ(runtime_.Run(Clients().GetClient({}, get))->SerializeAsString(),
            client->SerializeAsString());
}

TEST_F(ClientsRpcTest, SaysWhichFieldIsWrong) {
  v1::RegisterClientRequest wish = Wish("shop");
  wish.mutable_metadata()->set_type(v1::ClientMetadata::TYPE_UNSPECIFIED);
  EXPECT_THAT(Register(wish), StatusHasParam("type"));
  wish = Wish("shop");
  wish.mutable_metadata()->set_token_endpoint_auth_method("client_secret_basic");
  EXPECT_THAT(Register(wish), StatusHasParam("token_endpoint_auth_method"));
  wish = Wish("shop");
  wish.mutable_metadata()->set_redirect_uris(0, "http://shop.example/cb");
  EXPECT_THAT(Register(wish), StatusHasReason(Reason::kInvalidRedirectUri));
  for (const char* jwks : {"{}", R"({"keys":[]})", R"({"keys":[{"kty":"oct","k":"AAAA"}]})"}) {
    wish = Wish("shop");
    wish.mutable_metadata()->set_jwks(jwks);
    EXPECT_THAT(Register(wish), StatusHasReason(Reason::kInvalidClientMetadata)) << jwks;
    EXPECT_THAT(Register(wish), StatusHasParam("jwks")) << jwks;
  }
  EXPECT_THAT(Register(Wish("florin-first-party")), StatusHasParam("client_id"));
}

TEST_F(ClientsRpcTest, ListsInPages) {
  for (const char* id : {"bbb", "aaa", "ccc"}) ASSERT_THAT(Register(Wish(id)), IsOk());
  v1::ListClientsRequest request;
  request.set_page_size(2);
  const auto first = runtime_.Run(Clients().ListClients({}, request));
  ASSERT_THAT(first, IsOk());
  ASSERT_EQ(first->clients_size(), 2);
  EXPECT_EQ(first->clients(0).client_id(), "aaa");
  EXPECT_EQ(first->next(), "bbb");
  request.set_after(first->next());
  const auto second = runtime_.Run(Clients().ListClients({}, request));
  ASSERT_EQ(second->clients_size(), 1);
  EXPECT_EQ(second->clients(0).client_id(), "ccc");
  EXPECT_EQ(second->next(), "");
  request.set_page_size(101);
  EXPECT_THAT(runtime_.Run(Clients().ListClients({}, request)), StatusHasParam("page_size"));
}

TEST_F(ClientsRpcTest, TellsTheGatewayAloneWhichOriginsThereAre) {
  ASSERT_THAT(Register(Wish("shop")), IsOk());
  v1::RegisterClientRequest wish = Wish("other");
  wish.mutable_metadata()->add_cors_origins("https://other.example");
  ASSERT_THAT(Register(wish), IsOk());
  const auto ask = [this](const std::string& caller) {
    const auto channel = ChannelOf(caller);
    return runtime_.Run(
        v1::ClientsClient(channel.get()).ListCorsOrigins({}, v1::ListCorsOriginsRequest()));
  };
  const auto origins = ask("gateway");
  ASSERT_THAT(origins, IsOk());
  ASSERT_EQ(origins->origins_size(), 2);
  EXPECT_EQ(origins->origins(0), "https://other.example");
  EXPECT_EQ(origins->origins(1), "https://shop.example");
  EXPECT_THAT(ask("accounts"), StatusHasReason(Reason::kCallerNotAllowed));
}

TEST_F(ClientsRpcTest, DisablesForEver) {
  ASSERT_THAT(Register(Wish("shop")), IsOk());
  v1::DisableClientRequest request;
  request.set_client_id("shop");
  const auto disabled = runtime_.Run(Clients().DisableClient({}, request));
  ASSERT_THAT(disabled, IsOk());
  EXPECT_EQ(disabled->disable_time().seconds(), 1'800'000'000);
  EXPECT_TRUE(Register(Wish("shop"))->has_disable_time());
  request.set_client_id("nobody");
  EXPECT_THAT(runtime_.Run(Clients().DisableClient({}, request)),
              StatusHasReason(Reason::kClientNotFound));
  v1::GetClientRequest get;
  EXPECT_THAT(runtime_.Run(Clients().GetClient({}, get)), StatusHasReason(Reason::kClientNotFound));
}

TEST_F(ClientsRpcTest, IsForOperatorsOnly) {
  for (const char* caller : {"gateway", "accounts"}) {
    const std::unique_ptr<rpc::Channel> channel = ChannelOf(caller);
    EXPECT_THAT(runtime_.Run(v1::ClientsClient(channel.get()).RegisterClient({}, Wish("shop"))),
                StatusHasReason(Reason::kCallerNotAllowed));
  }
}

}  // namespace
}  // namespace florin::auth
