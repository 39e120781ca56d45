// Clients' certificates (RFC 8705) over real TLS: who has one, and what is bound to it.
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/crypto/sha256.h"
#include "services/gateway/http/test_gateway.h"
#include "services/gateway/http/test_h2_client.h"

namespace florin::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

template <auto kFree>
struct FreeWith {
  template <class T>
  void operator()(T* owned) const {
    kFree(owned);
  }
};
using PrivateKey = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using Session = std::unique_ptr<SSL_SESSION, FreeWith<SSL_SESSION_free>>;

// What a client has: a key and a certificate of it that it issued itself.
struct Identity {
  explicit Identity(PrivateKey own, long valid_from = -60, long valid_until = 3600)
      : key(std::move(own)), certificate(X509_new()) {
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), valid_from);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), valid_until);
    X509_set_pubkey(certificate.get(), key.get());
    EXPECT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
  }

  // RFC 8705 section 3.1, by another way than the gateway's.
  std::string Thumbprint() const {
    unsigned char* bytes = nullptr;
    const int size = i2d_X509(certificate.get(), &bytes);
    const std::string der(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return crypto::Base64UrlEncode(crypto::AsOctets(crypto::Sha256(der)));
  }

  // Makes a connection show it.
  TestClient::Prepare Show() const {
    return [this](SSL* ssl) {
      SSL_set_security_level(ssl, 0);  // What is too weak is for the server to say.
      EXPECT_EQ(SSL_use_certificate(ssl, certificate.get()), 1);
      EXPECT_EQ(SSL_use_PrivateKey(ssl, key.get()), 1);
    };
  }

  PrivateKey key;
  Certificate certificate;
};

PrivateKey NewKey() { return PrivateKey(EVP_EC_gen("P-256")); }

// A key pair whose halves do not belong together: OpenSSL's client compares public halves only.
PrivateKey Forge(const EVP_PKEY* known_to_all, const EVP_PKEY* own) {
  unsigned char point[65];
  std::size_t size = 0;
  BIGNUM* secret = nullptr;
  EXPECT_EQ(EVP_PKEY_get_octet_string_param(known_to_all, OSSL_PKEY_PARAM_PUB_KEY, point,
                                            sizeof(point), &size),
            1);
  EXPECT_EQ(EVP_PKEY_get_bn_param(own, OSSL_PKEY_PARAM_PRIV_KEY, &secret), 1);
  OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
  OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, size);
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, secret);
  OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr);
  EVP_PKEY* forged = nullptr;
  EXPECT_EQ(EVP_PKEY_fromdata_init(context), 1);
  EXPECT_EQ(EVP_PKEY_fromdata(context, &forged, EVP_PKEY_KEYPAIR, params), 1);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(builder);
  BN_clear_free(secret);
  return PrivateKey(forged);
}

class ClientCertificateTest : public GatewayTest {
 protected:
  ClientCertificateTest() { bound_certificate_ = partner_.Thumbprint(); }

  // The status of a request with the token that is bound to the partner's certificate; 0 if the
  // connection was refused.
  static unsigned Use(TestClient& client, const std::string& more_fields = "") {
    client.Send(Get("/v1/payments/pay_1", "Authorization: Bearer certificate\r\n" + more_fields));
    const auto response = client.Read();
    if (!response) return 0;
    if (response->result_int() == 401) {
      EXPECT_EQ(ReasonIn(*response), "token_invalid");
    }
    return response->result_int();
  }
  unsigned Use(
      int port, const TestClient::Prepare& prepare = [](SSL*) {},
      const std::string& more_fields = "") {
    TestClient client(port, prepare);
    return Use(client, more_fields);
  }

  const Identity partner_{NewKey()};
  const Identity other_{NewKey()};
};

// Which version of TLS; 1.3 resumes in another way than 1.2.
class ClientCertificateSessionTest : public ClientCertificateTest,
                                     public ::testing::WithParamInterface<int> {
 protected:
  TestClient::Prepare Resume(SSL_SESSION* session, const TestClient::Prepare& show) const {
    return [session, show](SSL* ssl) {
      SSL_set_max_proto_version(ssl, GetParam());
      show(ssl);
      if (session != nullptr) SSL_set_session(ssl, session);
    };
  }
  // A session of a connection to `port` that was used. A copy: the client's own is void once it
  // hangs up.
  Session Begin(int port, const TestClient::Prepare& show, unsigned expected) {
    TestClient client(port, Resume(nullptr, show));
    EXPECT_EQ(Use(client), expected);
    return Session(SSL_SESSION_dup(SSL_get0_session(client.native())));
  }
  static void ShowNothing(SSL*) {}
};

TEST_F(ClientCertificateTest, ATokenIsGoodOnAConnectionOfItsCertificateOnly) {
  EXPECT_EQ(Use(mtls_port(), partner_.Show()), 200u);
  EXPECT_EQ(Use(mtls_port(), other_.Show()), 401u);
  EXPECT_EQ(Use(mtls_port()), 401u);
  EXPECT_EQ(Use(port(), partner_.Show()), 401u) << "nobody asked for it there";
  EXPECT_EQ(Use(port()), 401u);
}

TEST_F(ClientCertificateTest, ATokenOfACertificateIsNoDpopToken) {
  TestClient client(mtls_port(), partner_.Show());
  client.Send(Get("/v1/payments/pay_1", "Authorization: DPoP certificate\r\nDPoP: proof\r\n"));
  EXPECT_EQ(client.Read()->result_int(), 401u);
}

TEST_F(ClientCertificateTest, HoldsForEveryStreamOfHttp2) {
  const H2Fields bound = {{"authorization", "Bearer certificate"}};
  TestH2Client partner(mtls_port(), "", partner_.Show());
  TestH2Client other(mtls_port(), "", other_.Show());
  TestH2Client nobody(mtls_port());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(partner.Ask(H2Get("/v1/payments/pay_1", bound)).status, 200);
    EXPECT_EQ(other.Ask(H2Get("/v1/payments/pay_1", bound)).status, 401);
    EXPECT_EQ(nobody.Ask(H2Get("/v1/payments/pay_1", bound)).status, 401);
  }
  EXPECT_EQ(other.Ask(H2Get("/v1/payments/pay_1")).status, 200) << "of a token that is not bound";
}

TEST_F(ClientCertificateTest, NoFieldSpeaksForACertificate) {
  const std::string thumbprint = partner_.Thumbprint();
  std::string fields;
  for (const char* name : {"Client-Cert", "X-Client-Cert", "X-SSL-Client-Cert", "X-SSL-Cert",
                           "X-Forwarded-Client-Cert", "X-Amzn-Mtls-Clientcert"}) {
    fields += std::string(name) + ": " + thumbprint + "\r\n";
  }
  EXPECT_EQ(Use(
                port(), [](SSL*) {}, fields),
            401u);
  EXPECT_EQ(Use(mtls_port(), other_.Show(), fields), 401u);
  EXPECT_THAT(Ask(Get("/testing/web", fields)).body(), Not(HasSubstr(thumbprint)));
}

TEST_F(ClientCertificateTest, AnHttpMethodIsToldWhatTheConnectionShowed) {
  const auto told = [this](int port, const TestClient::Prepare& prepare) {
    TestClient client(port, prepare);
    client.Send(Get("/testing/web", ""));
    return client.Read()->body();
  };
  EXPECT_THAT(told(mtls_port(), partner_.Show()),
              HasSubstr("client_certificate_thumbprint: \"" + partner_.Thumbprint() + "\""));
  EXPECT_THAT(told(mtls_port(), [](SSL*) {}), Not(HasSubstr("thumbprint")));
  EXPECT_THAT(told(port(), partner_.Show()), Not(HasSubstr("thumbprint")));
}

TEST_F(ClientCertificateTest, WhoeverShowsACertificateHasItsKey) {
  const PrivateKey forged = Forge(partner_.key.get(), other_.key.get());
  const auto pretend = [&](SSL* ssl) {
    ASSERT_EQ(SSL_use_certificate(ssl, partner_.certificate.get()), 1);
    ASSERT_EQ(SSL_use_PrivateKey(ssl, forged.get()), 1);
  };
  EXPECT_EQ(Use(mtls_port(), pretend), 0u);
}

TEST_F(ClientCertificateTest, AWeakKeyIsRefused) {
  const Identity weak{PrivateKey(EVP_RSA_gen(1024))};
  EXPECT_EQ(Use(mtls_port(), weak.Show()), 0u);
}

TEST_F(ClientCertificateTest, TooLongACertificateIsRefused) {
  Identity large{NewKey()};
  const std::string text(17 * 1024, 'x');
  ASN1_STRING* value = ASN1_STRING_new();
  ASN1_STRING_set(value, text.data(), static_cast<int>(text.size()));
  X509_EXTENSION* extension = X509_EXTENSION_create_by_NID(nullptr, NID_netscape_comment, 0, value);
  ASSERT_EQ(X509_add_ext(large.certificate.get(), extension, -1), 1);
  X509_EXTENSION_free(extension);
  ASN1_STRING_free(value);
  ASSERT_GT(X509_sign(large.certificate.get(), large.key.get(), EVP_sha256()), 0);
  EXPECT_EQ(Use(mtls_port(), large.Show()), 0u);
}

// Whom the client registered is taken back by its registration, not by a date that it wrote itself.
class OldCertificateTest : public GatewayTest {
 protected:
  OldCertificateTest() { bound_certificate_ = old_.Thumbprint(); }
  const Identity old_{PrivateKey(EVP_RSA_gen(2048)), -7200, -3600};
};

TEST_F(OldCertificateTest, CountsByItsDigestNotByItsDates) {
  TestClient client(mtls_port(), old_.Show());
  client.Send(Get("/v1/payments/pay_1", "Authorization: Bearer certificate\r\n"));
  EXPECT_EQ(client.Read()->result_int(), 200u);
}

TEST_P(ClientCertificateSessionTest, AResumedSessionHasItsFirstCertificate) {
  const Session session = Begin(mtls_port(), partner_.Show(), 200);
  TestClient silent(mtls_port(), Resume(session.get(), ShowNothing));
  EXPECT_EQ(SSL_session_reused(silent.native()), 1);
  EXPECT_EQ(Use(silent), 200u);

  const Session of_other = Begin(mtls_port(), other_.Show(), 401);
  TestClient changed(mtls_port(), Resume(of_other.get(), partner_.Show()));
  EXPECT_EQ(SSL_session_reused(changed.native()), 1);
  EXPECT_EQ(Use(changed), 401u) << "it never showed the partner's";

  const Session of_nobody = Begin(mtls_port(), ShowNothing, 401);
  TestClient late(mtls_port(), Resume(of_nobody.get(), partner_.Show()));
  EXPECT_EQ(SSL_session_reused(late.native()), 1);
  EXPECT_EQ(Use(late), 401u);
}

TEST_P(ClientCertificateSessionTest, ASessionIsResumedWhereItWasMadeOnly) {
  const Session with_certificate = Begin(mtls_port(), partner_.Show(), 200);
  TestClient elsewhere(port(), Resume(with_certificate.get(), ShowNothing));
  EXPECT_EQ(SSL_session_reused(elsewhere.native()), 0);
  EXPECT_EQ(Use(elsewhere), 401u);

  const Session without = Begin(port(), ShowNothing, 401);
  TestClient there(port(), Resume(without.get(), ShowNothing));
  EXPECT_EQ(SSL_session_reused(there.native()), 1);
  TestClient asked(mtls_port(), Resume(without.get(), partner_.Show()));
  EXPECT_EQ(SSL_session_reused(asked.native()), 0);
  EXPECT_EQ(Use(asked), 200u);
}

INSTANTIATE_TEST_SUITE_P(Tls, ClientCertificateSessionTest,
                         ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

}  // namespace
}  // namespace florin::gateway
