#include "libs/crypto/jws.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "gtest/gtest.h"
#include "libs/crypto/evp.h"
#include "libs/crypto/sha256.h"
#include "libs/status/matchers.h"

namespace florin::crypto {
namespace {

// RFC 7515 appendix A.3.1.
constexpr char kEcKey[] =
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
constexpr char kEcJws[] =
    "eyJhbGciOiJFUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ"
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
// RFC 7638 section 3.1, without its alg.
constexpr char kModulus[] =
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
    "BJECPebWK"
    "RXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"
    "FDW2QvzqY368QQMic"
    "AtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
    "bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3"
    "XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
// RFC 8037 appendix A.2.
constexpr char kEdKey[] =
    R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";

std::string RsaKey(const std::string& more = "") {
  return std::string(R"({"kty":"RSA","e":"AQAB","n":")") + kModulus + "\"" + more + "}";
}

std::string WithMember(const std::string& key, const std::string& member) {
  return key.substr(0, key.size() - 1) + "," + member + "}";
}

TEST(PublicJwk, HasTheThumbprintsOfTheRfcs) {
  const auto rsa = PublicJwk::Parse(RsaKey(R"(,"kid":"2011-04-29")"));
  ASSERT_THAT(rsa, IsOk());
  EXPECT_EQ(rsa->thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  EXPECT_EQ(rsa->algorithm(), "PS256");
  EXPECT_EQ(rsa->kid(), "2011-04-29");
  const auto ed = PublicJwk::Parse(kEdKey);
  ASSERT_THAT(ed, IsOk());
  EXPECT_EQ(ed->thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  EXPECT_EQ(ed->algorithm(), "EdDSA");
  const SigningKey ours = SigningKey::Generate();
  const auto ec = PublicJwk::Parse(R"({"kty":"EC","crv":"P-256","x":")" + ours.public_key().x() +
                                   R"(","y":")" + ours.public_key().y() + R"("})");
  ASSERT_THAT(ec, IsOk());
  EXPECT_EQ(ec->thumbprint(), ours.public_key().kid());
  EXPECT_EQ(ec->algorithm(), "ES256");
}

TEST(PublicJwk, VerifiesTheEd25519ExampleOfRfc8037) {
  const std::string text = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
  const std::string signature = *Base64UrlDecode(
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
  const auto key = PublicJwk::Parse(kEdKey);
  ASSERT_THAT(key, IsOk());
  EXPECT_TRUE(key->Verify(text, signature));
  EXPECT_FALSE(key->Verify(text + "x", signature));
  EXPECT_FALSE(key->Verify(text, signature + "x"));
  EXPECT_FALSE(key->Verify(text, ""));
}

TEST(PublicJwk, RefusesWhatIsNoPublicKeyForSignatures) {
  const std::string ec = kEcKey;
  const std::string ed = kEdKey;
  const std::string cases[] = {
      "{}",
      R"({"kty":"oct","k":"AAAA"})",
      WithMember(ec, R"("d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI")"),
      WithMember(ed, R"("d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")"),
      RsaKey(R"(,"d":"AQAB")"),
      RsaKey(R"(,"p":"AQAB")"),
      WithMember(ec, R"("k":"AAAA")"),
      WithMember(ec, R"("x5u":"https://evil.example/")"),
      WithMember(ec, R"("x5c":["AAAA"])"),
      WithMember(ec, R"("alg":"ES384")"),
      WithMember(ec, R"("alg":"HS256")"),
      WithMember(ec, R"("alg":1)"),
      RsaKey(R"(,"alg":"RS256")"),
      WithMember(ed, R"("alg":"ES256")"),
      WithMember(ec, R"("use":"enc")"),
      WithMember(ec, R"("key_ops":["sign"])"),
      WithMember(ec, R"("key_ops":["verify","encrypt"])"),
      WithMember(ec, R"("kid":"")"),
      WithMember(ec, R"("kid":1)"),
      WithMember(ec, R"("n":"AQAB")"),
      R"({"kty":"EC","crv":"P-384","x":"AAAA","y":"AAAA"})",
      // Not on the curve, and the point at infinity.
      R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
      R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1"})",
      R"({"kty":"EC","crv":"P-256","x":"","y":""})",
      R"({"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
      R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUQ"})",
      // An RSA key of 1024 bits, an even one, small and even exponents, leading zeros.
      R"({"kty":"RSA","e":"AQAB","n":")" + std::string(kModulus).substr(0, 171) + "w\"}",
      R"({"kty":"RSA","e":"AQAB","n":")" + std::string(kModulus).substr(0, 340) + "gA\"}",
      R"({"kty":"RSA","e":"Aw","n":")" + std::string(kModulus) + "\"}",
      R"({"kty":"RSA","e":"AQAA","n":")" + std::string(kModulus) + "\"}",
      R"({"kty":"RSA","e":"AAEAAQ","n":")" + std::string(kModulus) + "\"}",
      R"({"kty":"RSA","e":"AQABAQAB","n":")" + std::string(kModulus) + "\"}",
      R"({"kty":"RSA","e":"AQAB"})",
  };
  for (const std::string& text : cases) {
    EXPECT_THAT(PublicJwk::Parse(text), StatusHasReason(Reason::kInvalidField)) << text;
  }
  EXPECT_THAT(PublicJwk::Parse(WithMember(ec, R"("alg":"ES256","use":"sig","ext":true,)"
                                              R"("key_ops":["verify"],"kid":"a")")),
              IsOk());
}

TEST(JwkSet, HasOneToEightKeysThatCanBeToldApart) {
  const std::string one = WithMember(kEcKey, R"("kid":"1")");
  const std::string two = WithMember(kEdKey, R"("kid":"2")");
  const auto keys = ParseJwkSet(R"({"keys":[)" + one + "," + two + "]}");
  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ(keys->size(), 2u);
  EXPECT_THAT(ParseJwkSet(R"({"keys":[)" + std::string(kEcKey) + "]}"), IsOk());
  std::string nine = one;
  for (int i = 0; i < 8; ++i) {
    nine += "," + WithMember(kEdKey, R"("kid":"x)" + std::to_string(i) + "\"");
  }
  const std::string cases[] = {
      R"({"keys":[]})",
      R"({"keys":[)" + one + "," + one + "]}",
      R"({"keys":[)" + std::string(kEcKey) + "," + two + "]}",
      R"({"keys":[)" + one + ",{}]}",
      R"({"keys":[)" + one + ",1]}",
      R"({"keys":[)" + one + R"(],"x":1})",
      R"({"keys":[)" + nine + "]}",
      R"({"keys":{}})",
      "[]",
      one,
  };
  for (const std::string& text : cases) {
    EXPECT_THAT(ParseJwkSet(text), StatusHasReason(Reason::kInvalidField)) << text;
  }
}

constexpr JwsForm kAssertion = {
    .type = "JWT", .type_may_be_absent = true, .key = JwsKey::kNamedIfNeeded};
constexpr JwsForm kNamed = {.type = "at+jwt"};
constexpr JwsForm kProof = {.type = "dpop+jwt", .key = JwsKey::kEmbedded};

TEST(Jws, VerifiesTheEs256ExampleOfRfc7515) {
  const auto key = PublicJwk::Parse(kEcKey);
  ASSERT_THAT(key, IsOk());
  const auto jws = UnverifiedJws::Parse(kEcJws, kAssertion);
  ASSERT_THAT(jws, IsOk());
  const auto payload = jws->Verify(*key);
  ASSERT_THAT(payload, IsOk());
  EXPECT_EQ(std::get<std::string>(payload->at("iss")), "joe");
  EXPECT_EQ(std::get<bool>(payload->at("http://example.com/is_root")), true);
  std::string other = kEcJws;
  other[other.size() - 10] ^= 1;
  const auto forged = UnverifiedJws::Parse(other, kAssertion);
  ASSERT_THAT(forged, IsOk());
  EXPECT_THAT(forged->Verify(*key), StatusHasReason(Reason::kTokenInvalid));
}

std::string SignedEs256(const std::string& header, const SigningKey& key) {
  const std::string text = Base64UrlEncode(header) + "." + Base64UrlEncode("{}");
  return text + "." + Base64UrlEncode(key.Sign(text));
}

const SigningKey& OurKey() {
  static const SigningKey key = SigningKey::Generate();
  return key;
}

std::string OurJwk() {
  return R"({"kty":"EC","crv":"P-256","x":")" + OurKey().public_key().x() + R"(","y":")" +
         OurKey().public_key().y() + R"("})";
}

TEST(Jws, SignsWhatItVerifies) {
  const std::string text = SignJws("at+jwt", R"({"a":1})", OurKey());
  const auto jws = UnverifiedJws::Parse(text, kNamed);
  ASSERT_THAT(jws, IsOk());
  EXPECT_EQ(jws->kid(), OurKey().public_key().kid());
  EXPECT_THAT(jws->Verify(OurKey().public_key()), IsOk());
  EXPECT_THAT(jws->Verify(SigningKey::Generate().public_key()),
              StatusHasReason(Reason::kTokenInvalid));
}

TEST(Jws, TakesOnlyTheHeaderOfItsForm) {
  struct Case {
    const char* header;
    bool named, assertion, proof;
  };
  const std::string jwk = OurJwk();
  const Case cases[] = {
      {R"({"alg":"ES256","kid":"1","typ":"at+jwt"})", true, false, false},
      {R"({"alg":"ES256","kid":"1","typ":"AT+JWT"})", true, false, false},
      {R"({"alg":"ES256","kid":"1","typ":"JWT"})", false, true, false},
      {R"({"alg":"ES256","kid":"1"})", false, true, false},
      {R"({"alg":"ES256"})", false, true, false},
      {R"({"alg":"ES256","typ":"at+jwt"})", false, false, false},
      {R"({"alg":"ES256","kid":"","typ":"at+jwt"})", false, false, false},
      {R"({"alg":"ES256","typ":"dpop+jwt","jwk":JWK})", false, false, true},
      {R"({"alg":"ES256","typ":"dpop+jwt","jwk":JWK,"kid":"1"})", false, false, false},
      {R"({"alg":"ES256","typ":"dpop+jwt"})", false, false, false},
      {R"({"alg":"ES256","typ":"dpop+jwt","jwk":"JWK"})", false, false, false},
      {R"({"alg":"ES256","jwk":JWK})", false, false, false},
      {R"({"alg":"ES256","kid":"1","typ":"at+jwt","jwk":JWK})", false, false, false},
      {R"({"alg":"ES256","kid":"1","typ":"at+jwt","jku":"https://evil.example/"})", false, false,
       false},
      {R"({"alg":"ES256","kid":"1","x5u":"https://evil.example/"})", false, false, false},
      {R"({"alg":"ES256","kid":"1","x5c":["AAAA"]})", false, false, false},
      {R"({"alg":"ES256","kid":"1","crit":["exp"]})", false, false, false},
      {R"({"alg":"ES256","kid":"1","b64":false})", false, false, false},
      {R"({"alg":"ES256","kid":1})", false, false, false},
      {R"({"alg":"none","kid":"1"})", false, false, false},
      {R"({"alg":"HS256","kid":"1"})", false, false, false},
      {R"({"alg":"RS256","kid":"1"})", false, false, false},
      {R"({"alg":"ES384","kid":"1"})", false, false, false},
      {R"({"alg":"es256","kid":"1"})", false, false, false},
      {R"({"alg":["ES256"],"kid":"1"})", false, false, false},
      {R"({"kid":"1"})", false, false, false},
      {R"({"alg":"ES256","alg":"ES256","kid":"1"})", false, false, false},
  };
  for (const Case& one : cases) {
    std::string header = one.header;
    if (const auto at = header.find("JWK"); at != header.npos && header[at - 1] == ':') {
      header.replace(at, 3, jwk);
    }
    const std::string jws = SignedEs256(header, OurKey());
    EXPECT_EQ(UnverifiedJws::Parse(jws, kNamed).ok(), one.named) << header;
    EXPECT_EQ(UnverifiedJws::Parse(jws, kAssertion).ok(), one.assertion) << header;
    EXPECT_EQ(UnverifiedJws::Parse(jws, kProof).ok(), one.proof) << header;
  }
}

TEST(Jws, RefusesOtherForms) {
  const std::string good = SignedEs256(R"({"alg":"ES256"})", OurKey());
  ASSERT_THAT(UnverifiedJws::Parse(good, kAssertion), IsOk());
  const std::string payload = good.substr(0, good.find('.'));
  const std::string cases[] = {"",
                               "..",
                               good + ".",
                               good + "=",
                               good + "\n",
                               " " + good,
                               good.substr(0, good.rfind('.')),
                               good.substr(0, good.rfind('.')) + "." + std::string(4096, 'A'),
                               payload + ".W10." + payload,   // A payload of []
                               payload + ".e30K." + "%%%%"};  // A signature of another alphabet
  for (const std::string& text : cases) {
    EXPECT_THAT(UnverifiedJws::Parse(text, kAssertion), StatusHasReason(Reason::kTokenInvalid))
        << text;
  }
}

// An RSA key, and what it signs by either padding.
struct Rsa {
  evp::Key key{EVP_RSA_gen(2048)};

  std::string Jwk() const {
    BIGNUM* n = nullptr;
    EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_RSA_N, &n);
    std::string octets(BN_num_bytes(n), '\0');
    BN_bn2bin(n, reinterpret_cast<unsigned char*>(octets.data()));
    BN_free(n);
    return R"({"kty":"RSA","e":"AQAB","n":")" + Base64UrlEncode(octets) + R"("})";
  }
  std::string Sign(const std::string& text, int padding, int salt) const {
    const evp::DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* options = nullptr;
    EVP_DigestSignInit(context.get(), &options, EVP_sha256(), nullptr, key.get());
    EVP_PKEY_CTX_set_rsa_padding(options, padding);
    if (padding == RSA_PKCS1_PSS_PADDING) EVP_PKEY_CTX_set_rsa_pss_saltlen(options, salt);
    std::string signature(256, '\0');
    std::size_t size = signature.size();
    EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                   evp::Bytes(text), text.size());
    return signature;
  }
};

TEST(Jws, VerifiesPs256AndNoOtherPaddingOrSalt) {
  const Rsa rsa;
  const auto key = PublicJwk::Parse(rsa.Jwk());
  ASSERT_THAT(key, IsOk());
  const std::string text = Base64UrlEncode(R"({"alg":"PS256"})") + "." + Base64UrlEncode("{}");
  const auto verify = [&](const std::string& signature) {
    const auto jws = UnverifiedJws::Parse(text + "." + Base64UrlEncode(signature), kAssertion);
    return jws.ok() && jws->Verify(*key).ok();
  };
  EXPECT_TRUE(verify(rsa.Sign(text, RSA_PKCS1_PSS_PADDING, 32)));
  EXPECT_FALSE(verify(rsa.Sign(text, RSA_PKCS1_PSS_PADDING, 20)));
  EXPECT_FALSE(verify(rsa.Sign(text, RSA_PKCS1_PADDING, 0)));
  EXPECT_FALSE(verify(std::string(256, '\0')));
}

// RFC 8725 section 3.1: the header does not choose.
TEST(Jws, TheAlgorithmIsTheKeys) {
  const auto key = PublicJwk::Parse(OurJwk());
  ASSERT_THAT(key, IsOk());
  for (const char* header : {R"({"alg":"PS256"})", R"({"alg":"EdDSA"})"}) {
    const auto jws = UnverifiedJws::Parse(SignedEs256(header, OurKey()), kAssertion);
    ASSERT_THAT(jws, IsOk());
    EXPECT_THAT(jws->Verify(*key), StatusHasReason(Reason::kTokenInvalid)) << header;
    EXPECT_THAT(jws->Verify(OurKey().public_key()), StatusHasReason(Reason::kTokenInvalid));
  }
}

}  // namespace
}  // namespace florin::crypto
