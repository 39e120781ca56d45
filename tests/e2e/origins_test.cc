// Pages of other origins (CORS): those that an operator registered with a client may call the API.
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "florin/auth/v1/clients.rpc.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/rpc/channel.h"
#include "libs/status/matchers.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

std::string AuthTarget() {
  std::ifstream ports(SharedStack().home() + "/ports");
  for (std::string name, port; ports >> name >> port;) {
    if (name == "auth") return "127.0.0.1:" + port;
  }
  return "";
}

// Clients as an operator registers them.
class Operator {
 public:
  void Register(const std::string& id, const std::string& origin) {
    auth::v1::RegisterClientRequest request;
    request.set_client_id(id);
    auth::v1::ClientMetadata& metadata = *request.mutable_metadata();
    metadata.set_type(auth::v1::ClientMetadata::PUBLIC);
    metadata.set_client_name("Page");
    metadata.add_redirect_uris(origin + "/callback");
    metadata.set_token_endpoint_auth_method("none");
    metadata.add_grant_types("authorization_code");
    metadata.add_scopes("accounts:read");
    metadata.add_cors_origins(origin);
    ASSERT_THAT(runtime_.Run(clients_.RegisterClient({}, request)), IsOk());
  }
  void Disable(const std::string& id) {
    auth::v1::DisableClientRequest request;
    request.set_client_id(id);
    ASSERT_THAT(runtime_.Run(clients_.DisableClient({}, request)), IsOk());
  }

 private:
  async::Runtime runtime_{1};
  rpc::Channel channel_{runtime_.executor(),
                        {.target = AuthTarget(),
                         .service = "auth",
                         .certificates = rpc::CertificateFiles::In(
                             SharedStack().Variable("FLORIN_CERTS"), "operator")}};
  auth::v1::ClientsClient clients_{&channel_};
};

// What a browser asks before a page of `origin` may read accounts with a token.
HttpsResponse Preflight(HttpsClient& client, const std::string& origin) {
  const auto response = client.Send({"OPTIONS",
                                     "/v1/accounts",
                                     {{"Origin", origin},
                                      {"Access-Control-Request-Method", "GET"},
                                      {"Access-Control-Request-Headers", "authorization"}},
                                     ""});
  EXPECT_TRUE(response.ok()) << response.status();
  return response.value_or(HttpsResponse());
}

// Asks until the answer has this status; the gateway asks auth every ten seconds.
int AwaitPreflight(HttpsClient& client, const std::string& origin, int status) {
  const absl::Time deadline = absl::Now() + absl::Seconds(40);
  while (true) {
    const int now = Preflight(client, origin).status;
    if (now == status || absl::Now() > deadline) return now;
    absl::SleepFor(absl::Milliseconds(100));
  }
}

TEST(Origins, AreThoseThatClientsHaveRegistered) {
  HttpsClient client(SharedStack().Variable("FLORIN_URL"), SharedStack().Variable("FLORIN_CA"));
  Operator operator_;
  const std::string id = Fresh("page");
  const std::string origin = absl::StrCat("https://", id, ".example");
  EXPECT_EQ(Preflight(client, origin).status, 403);
  operator_.Register(id, origin);
  ASSERT_EQ(AwaitPreflight(client, origin, 204), 204);
  const HttpsResponse allowed = Preflight(client, origin);
  EXPECT_EQ(allowed.headers.at("access-control-allow-origin"), origin);
  EXPECT_EQ(allowed.headers.count("access-control-allow-credentials"), 0u);
  for (const std::string& other :
       {std::string("https://evil.example"), origin + ":8443", origin + ".evil.example",
        "http" + origin.substr(5), std::string("null")}) {
    const HttpsResponse refused = Preflight(client, other);
    EXPECT_EQ(refused.status, 403) << other;
    EXPECT_EQ(refused.headers.count("access-control-allow-origin"), 0u) << other;
  }

  // Auth is away, and the gateway goes by what it knew; it comes back, and the client is disabled.
  SharedStack().Kill("auth");
  EXPECT_EQ(Preflight(client, origin).status, 204);
  SharedStack().Restart("auth");
  operator_.Disable(id);
  EXPECT_EQ(AwaitPreflight(client, origin, 403), 403);
}

}  // namespace
}  // namespace florin::e2e
