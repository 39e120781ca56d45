// What the gateway refuses on the wire: framing, sizes, slowness, TLS.
#include <openssl/ssl.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/gateway/http/test_gateway.h"

namespace florin::gateway {
namespace {

using ::testing::HasSubstr;

// The answer, and then the end of the connection: what follows a request whose end is in doubt is
// never read as a request.
void ExpectRefusedAndClosed(TestClient& client, unsigned status, const std::string& reason,
                            const std::string& what) {
  const auto response = client.Read();
  ASSERT_TRUE(response) << what;
  EXPECT_EQ(response->result_int(), status) << what;
  EXPECT_THAT(response->body(), HasSubstr(absl::StrCat("\"reason\":\"", reason, "\""))) << what;
  EXPECT_EQ(Header(*response, "Connection"), "close") << what;
  EXPECT_TRUE(client.EndsCleanly()) << what;
}

TEST_F(GatewayTest, NeverServesASmuggledRequest) {
  const std::string smuggled = Get("/v1/payments/smuggled");
  const std::string fields =
      "Authorization: Bearer all\r\nContent-Type: application/json\r\nIdempotency-Key: k\r\n";
  const auto post = [&](const std::string& framing, const std::string& body) {
    return absl::StrCat("POST /v1/payments HTTP/1.1\r\nHost: localhost\r\n", fields, framing,
                        "\r\n", body);
  };
  const std::string cases[] = {
      post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
      post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
      post("Content-Length: 2\r\nContent-Length: 3\r\n", "{}"),
      post("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"),
      post("Content-Length: 2,2\r\n", "{}"),
      post("Content-Length: +2\r\n", "{}"),
      post("Content-Length : 2\r\n", "{}"),
      post("Transfer-Encoding: xchunked\r\n", ""),
      post("Transfer-Encoding: identity\r\n", ""),
      post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
      post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
      post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"),
      post("Transfer-Encoding: chunked\r\n", "2;x=y\r\n{}\r\n0\r\n\r\n"),
      post("Transfer-Encoding: chunked\r\n", "2\r\n{}0\r\n\r\n"),
      post("Transfer-Encoding: chunked\r\n", "0\r\nX: y\r\n\r\n"),
      post("X: a\r\n Content-Length: 5\r\n", ""),
      post("X: a\nContent-Length: 5\r\n", ""),
      post("X: a\rContent-Length: 5\r\n", ""),
      post("Host: other\r\n", ""),
      "GET /v1/payments HTTP/1.1\r\n\r\n",
      "GET /v1/payments HTTP/3.0\r\nHost: a\r\n\r\n",
      "GET /v1/payments\r\n\r\n",
      "POST /v1/payments HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "\r\n\r\n",
      std::string("\0\r\n\r\n", 5),
  };
  for (const std::string& bytes : cases) {
    TestClient client(port());
    client.Send(absl::StrCat(bytes, smuggled));
    ExpectRefusedAndClosed(client, 400, "malformed_request", bytes);
  }
}

TEST_F(GatewayTest, BoundsTheHeader) {
  const auto request = [](std::size_t size) {
    const std::string bytes = Get("/v1/payments/pay_1", "Authorization: Bearer all\r\nX: \r\n");
    return Get("/v1/payments/pay_1", absl::StrCat("Authorization: Bearer all\r\nX: ",
                                                  std::string(size - bytes.size(), 'x'), "\r\n"));
  };
  EXPECT_EQ(Ask(request(8192)).result_int(), 200u);
  for (const std::string& large : {request(8193), request(16'000), request(1'000'000),
                                   absl::StrCat("GET /", std::string(100'000, 'x'))}) {
    TestClient client(port());
    client.Send(large);
    ExpectRefusedAndClosed(client, 431, "header_too_large", absl::StrCat(large.size()));
  }
}

TEST_F(GatewayTest, BoundsTheBody) {
  const std::string fields =
      "Authorization: Bearer all\r\nContent-Type: application/json\r\nIdempotency-Key: k\r\n";
  const auto body = [](std::size_t size) { return absl::StrCat("{}", std::string(size - 2, ' ')); };
  const auto chunked = [&](std::size_t size) {
    std::string request = absl::StrCat(
        "POST /v1/payments HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n", fields, "\r\n");
    std::string content = body(size);
    for (std::string_view rest = content; !rest.empty();
         rest.remove_prefix(std::min<std::size_t>(4096, rest.size()))) {
      const std::string chunk(rest.substr(0, 4096));
      absl::StrAppend(&request, absl::Hex(chunk.size()), "\r\n", chunk, "\r\n");
    }
    return absl::StrCat(request, "0\r\n\r\n");
  };
  EXPECT_EQ(Ask(Post("/v1/payments", body(65536), fields)).result_int(), 200u);
  EXPECT_EQ(Ask(chunked(65536)).result_int(), 200u);
  // The whole of it is sent before the answer is read: the answer must be there still.
  for (const std::string& large :
       {Post("/v1/payments", body(65537), fields), Post("/v1/payments", body(1'000'000), fields),
        chunked(65537), chunked(1'000'000)}) {
    TestClient client(port());
    client.Send(large);
    EXPECT_TRUE(client.ok());
    ExpectRefusedAndClosed(client, 413, "body_too_large", absl::StrCat(large.size()));
  }
}

TEST_F(GatewayTest, AsksForTheBodyOfWhoWaits) {
  const std::string fields =
      "Authorization: Bearer all\r\nContent-Type: application/json\r\nIdempotency-Key: "
      "k\r\nExpect: 100-continue\r\n";
  const std::string head = absl::StrCat("POST /v1/payments HTTP/1.1\r\nHost: a\r\n", fields);
  TestClient client(port());
  client.Send(absl::StrCat(head, "Content-Length: 2\r\n\r\n"));
  EXPECT_EQ(client.ReadBytes(25), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("{}");
  EXPECT_EQ(client.Read()->result_int(), 200u);

  TestClient refused(port());
  refused.Send(absl::StrCat(head, "Content-Length: 1000000\r\n\r\n"));
  ExpectRefusedAndClosed(refused, 413, "body_too_large", "before the body was sent");
}

TEST_F(GatewayTest, GivesUpOnSlowClients) {
  limits_.header_time = absl::Milliseconds(50);
  limits_.body_time = absl::Milliseconds(50);
  TestClient header(port());
  header.Send("GET /v1/payments HTTP/1.1\r\nHost:");
  ExpectRefusedAndClosed(header, 408, "request_timeout", "slow header");
  TestClient body(port());
  body.Send("POST /v1/payments HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{");
  ExpectRefusedAndClosed(body, 408, "request_timeout", "slow body");
  TestClient chunk(port());
  chunk.Send("POST /v1/payments HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{");
  ExpectRefusedAndClosed(chunk, 408, "request_timeout", "slow chunk");
  TestClient silent(port());
  EXPECT_TRUE(silent.EndsCleanly()) << "nothing to answer";
}

TEST_F(GatewayTest, ClosesIdleConnections) {
  limits_.idle_time = absl::Milliseconds(50);
  TestClient client(port());
  client.Send(Get("/v1/payments/pay_1"));
  ASSERT_TRUE(client.Read());
  EXPECT_TRUE(client.EndsCleanly());
}

TEST_F(GatewayTest, GivesUpOnSlowHandshakes) {
  limits_.handshake_time = absl::Milliseconds(50);
  asio::io_context context;
  asio::ip::tcp::socket socket(context);
  socket.connect({asio::ip::address_v4::loopback(), static_cast<unsigned short>(port())});
  char byte;
  boost::system::error_code error;
  EXPECT_EQ(socket.read_some(asio::buffer(&byte, 1), error), 0u);
  EXPECT_EQ(error, asio::error::eof);
}

TEST_F(GatewayTest, DoesNotSpeakPlainHttp) {
  asio::io_context context;
  asio::ip::tcp::socket socket(context);
  socket.connect({asio::ip::address_v4::loopback(), static_cast<unsigned short>(port())});
  asio::write(socket, asio::buffer(Get("/v1/payments")));
  std::string answer(1000, '\0');
  boost::system::error_code error;
  answer.resize(asio::read(socket, asio::buffer(answer), error));
  EXPECT_EQ(answer.find("HTTP"), std::string::npos);
}

TEST_F(GatewayTest, BoundsConnections) {
  limits_.connections = 1;
  {
    TestClient first(port());
    EXPECT_TRUE(first.ok());
    TestClient second(port());
    EXPECT_FALSE(second.ok());
    first.Send(Get("/v1/payments/pay_1"));
    EXPECT_EQ(first.Read()->result_int(), 200u);
  }
  // The seat is free again once the server has seen the first one leave.
  while (!TestClient(port()).ok()) std::this_thread::yield();
}

TEST_F(GatewayTest, SpeaksModernTlsOnly) {
  const auto connects = [this](const TestClient::Prepare& prepare) {
    return TestClient(port(), prepare).ok();
  };
  const auto with_1_2 = [](const char* ciphers) {
    return [ciphers](SSL* ssl) {
      SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
      SSL_set_cipher_list(ssl, ciphers);
    };
  };
  EXPECT_TRUE(connects([](SSL* ssl) { SSL_set_min_proto_version(ssl, TLS1_3_VERSION); }));
  EXPECT_TRUE(connects(with_1_2("ECDHE-ECDSA-AES128-GCM-SHA256")));
  EXPECT_TRUE(connects(with_1_2("ECDHE-ECDSA-CHACHA20-POLY1305")));
  EXPECT_FALSE(connects(with_1_2("ECDHE-ECDSA-AES128-SHA256")));
  EXPECT_FALSE(connects(with_1_2("ECDHE-ECDSA-AES128-SHA")));
  EXPECT_FALSE(connects(with_1_2("AES128-GCM-SHA256")));
  EXPECT_FALSE(connects([](SSL* ssl) {
    SSL_set_security_level(ssl, 0);
    SSL_set_min_proto_version(ssl, TLS1_VERSION);
    SSL_set_max_proto_version(ssl, TLS1_1_VERSION);
  }));
}

TEST_F(GatewayTest, AgreesOnAProtocol) {
  const auto agreed_of = [this](std::string_view protocols) -> std::string {
    TestClient client(port(), [protocols](SSL* ssl) {
      SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(protocols.data()),
                          protocols.size());
    });
    if (!client.ok()) return "refused";
    const unsigned char* selected = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(client.native(), &selected, &size);
    return std::string(reinterpret_cast<const char*>(selected), size);
  };
  EXPECT_EQ(agreed_of("\x02h2\x08http/1.1"), "h2");
  EXPECT_EQ(agreed_of("\x08http/1.1\x02h2"), "h2");
  EXPECT_EQ(agreed_of("\x08http/1.1"), "http/1.1");
  EXPECT_EQ(agreed_of("\x02h2"), "h2");
  EXPECT_EQ(agreed_of("\x02h3"), "refused");
  EXPECT_EQ(agreed_of("\x03h2c"), "refused");
  EXPECT_EQ(agreed_of(""), "");
}

}  // namespace
}  // namespace florin::gateway
