// Stolen tokens that are bound to a certificate (RFC 8705), against a whole Florin. The one use
// that is right, of the same token, is accepted: so each was refused for what it is.
#include <fstream>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/clock/clock.h"
#include "libs/crypto/sha256.h"
#include "libs/crypto/signing_key.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/stack.h"

namespace florin::security {
namespace {

using e2e::SharedStack;

class CertificateAttack : public ::testing::Test {
 protected:
  static constexpr char kRequest[] = "/v1/accounts";

  CertificateAttack() : user_(SharedStack()) {
    MakeIdentity("owner");
    MakeIdentity("thief");
    token_ = Bind(user_.token(), Thumbprint("owner"));
  }

  // NAME.crt, which NAME.key issued for itself.
  void MakeIdentity(const std::string& name) const {
    const auto made =
        e2e::Run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                  "-nodes", "-days", "2", "-subj", "/CN=" + name, "-keyout", File(name, "key"),
                  "-out", File(name, "crt")});
    ASSERT_EQ(made.status, 0) << made.output;
  }
  std::string File(const std::string& name, const std::string& kind) const {
    return absl::StrCat(SharedStack().home(), "/", name, ".", kind);
  }
  std::string Thumbprint(const std::string& name) const {
    const auto der = File(name, "der");
    const auto made =
        e2e::Run({"openssl", "x509", "-in", File(name, "crt"), "-outform", "DER", "-out", der});
    EXPECT_EQ(made.status, 0) << made.output;
    std::ifstream file(der, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    return crypto::Base64UrlEncode(crypto::AsOctets(crypto::Sha256(bytes)));
  }

  // What auth would have made for a client with that certificate.
  static std::string Bind(const std::string& token, const std::string& thumbprint) {
    const auto key =
        crypto::KeyRing::Load(absl::StrCat(SharedStack().home(), "/auth-keys"))->current();
    const std::size_t dot = token.find('.');
    const std::string payload =
        *crypto::Base64UrlDecode(token.substr(dot + 1, token.rfind('.') - dot - 1));
    boost::json::object claims = boost::json::parse(payload).as_object();
    claims["cnf"] = {{"x5t#S256", thumbprint}};
    const std::string text = absl::StrCat(token.substr(0, dot), ".",
                                          crypto::Base64UrlEncode(boost::json::serialize(claims)));
    return absl::StrCat(text, ".", crypto::Base64UrlEncode(key.Sign(text)));
  }

  // The status of the token's use by whoever has `name`'s key (empty: nobody) at `url`.
  int Use(const std::string& url, const std::string& name,
          std::vector<std::pair<std::string, std::string>> headers = {}) const {
    e2e::HttpsClient client(SharedStack().Variable(url), SharedStack().Variable("FLORIN_CA"));
    if (!name.empty()) client.Show(File(name, "crt"), File(name, "key"));
    headers.emplace_back("Authorization", "Bearer " + token_);
    const auto response = client.Send({"GET", kRequest, headers, ""});
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? response->status : 0;
  }

  e2e::ApiUser user_;
  std::string token_;
};

TEST_F(CertificateAttack, AStolenTokenIsNoUseWithoutTheKeyOfItsCertificate) {
  EXPECT_EQ(Use("FLORIN_MTLS_URL", "owner"), 200);
  EXPECT_EQ(Use("FLORIN_MTLS_URL", "thief"), 401);
  EXPECT_EQ(Use("FLORIN_MTLS_URL", ""), 401);
  EXPECT_EQ(Use("FLORIN_URL", "owner"), 401);
  EXPECT_EQ(Use("FLORIN_URL", ""), 401);
}

TEST_F(CertificateAttack, AHeaderIsNoCertificate) {
  std::ifstream file(File("owner", "crt"));
  std::string pem(std::istreambuf_iterator<char>(file), {});
  std::replace(pem.begin(), pem.end(), '\n', ' ');
  for (const char* name : {"Client-Cert", "X-Client-Cert", "X-SSL-Client-Cert",
                           "X-Forwarded-Client-Cert", "Client-Certificate-Thumbprint"}) {
    for (const std::string& value : {pem, Thumbprint("owner")}) {
      EXPECT_EQ(Use("FLORIN_URL", "", {{name, value}}), 401) << name;
      EXPECT_EQ(Use("FLORIN_MTLS_URL", "thief", {{name, value}}), 401) << name;
    }
  }
}

}  // namespace
}  // namespace florin::security
