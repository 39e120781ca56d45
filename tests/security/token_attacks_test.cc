// Forged, altered and misused access tokens (SECURITY attacks 7 and 8).
//
// What must happen to each: 401 (a token's form or content), without a word that helps. The one
// token that is right, made by the same code, is accepted: so each was refused for what it is named
// after.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "libs/clock/clock.h"
#include "libs/crypto/sha256.h"
#include "libs/crypto/signing_key.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/stack.h"

namespace florin::security {
namespace {

using e2e::ApiUser;
using e2e::SharedStack;

const crypto::SigningKey& StackKey() {
  static const crypto::SigningKey key =
      crypto::KeyRing::Load(absl::StrCat(SharedStack().home(), "/auth-keys"))->current();
  return key;
}

ApiUser& Victim() {
  static ApiUser user(SharedStack());
  return user;
}

std::string Encode(const std::string& text) { return crypto::Base64UrlEncode(text); }

// The parts of a token before they are signed; the default is what auth would make.
struct Draft {
  std::string header = absl::StrCat(R"({"alg":"ES256","kid":")", StackKey().public_key().kid(),
                                    R"(","typ":"at+jwt"})");
  std::string payload = Claims("");
  crypto::SigningKey key = StackKey();

  // The claims of a good token, with `more` before them.
  static std::string Claims(const std::string& more, std::int64_t from = -5,
                            std::int64_t until = 60);
  std::string Sign() const {
    const std::string text = absl::StrCat(Encode(header), ".", Encode(payload));
    return absl::StrCat(text, ".", Encode(key.Sign(text)));
  }
};

// The claims that the victim's real token has, as text between braces, with the named ones changed.
std::string RealClaims() {
  const std::string& token = Victim().token();
  const std::size_t dot = token.find('.');
  return *crypto::Base64UrlDecode(token.substr(dot + 1, token.rfind('.') - dot - 1));
}

std::string Draft::Claims(const std::string& more, std::int64_t from, std::int64_t until) {
  boost::json::object claims = boost::json::parse(RealClaims()).as_object();
  const std::int64_t now = absl::ToUnixSeconds(SystemClock().Now());
  claims["iat"] = now + from;
  claims["nbf"] = now + from;
  claims["exp"] = now + until;
  const std::string text = boost::json::serialize(claims);
  return more.empty() ? text : absl::StrCat("{", more, ",", text.substr(1));
}

// A good token whose claim is replaced; an empty value leaves the claim out.
std::string WithClaim(const std::string& name, const std::string& json) {
  boost::json::object claims = boost::json::parse(Draft::Claims("")).as_object();
  claims.erase(name);
  if (!json.empty()) claims[name] = boost::json::parse(json);
  Draft draft;
  draft.payload = boost::json::serialize(claims);
  return draft.Sign();
}

std::string WithHeader(const std::string& header) {
  Draft draft;
  draft.header = absl::StrReplaceAll(header, {{"KID", StackKey().public_key().kid()}});
  return draft.Sign();
}

std::string WithSignature(const std::string& signature) {
  const std::string token = Draft().Sign();
  return absl::StrCat(token.substr(0, token.rfind('.') + 1), signature);
}

// HS256 whose secret is what everybody knows: the public key (RFC 8725 section 2.1).
std::string SignedWithThePublicKey() {
  const std::string header = absl::StrReplaceAll(R"({"alg":"HS256","kid":"KID","typ":"at+jwt"})",
                                                 {{"KID", StackKey().public_key().kid()}});
  const std::string text = absl::StrCat(Encode(header), ".", Encode(Draft().payload));
  const std::string secret = StackKey().public_key().x();
  unsigned char mac[32];
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, nullptr);
  return absl::StrCat(text, ".",
                      Encode(std::string(reinterpret_cast<const char*>(mac), sizeof mac)));
}

struct TokenAttack {
  std::string name;
  std::string (*forge)();
};
void PrintTo(const TokenAttack& attack, std::ostream* out) { *out << attack.name; }

const TokenAttack kAttacks[] = {
    {"AlgorithmNone", [] { return WithHeader(R"({"alg":"none","kid":"KID","typ":"at+jwt"})"); }},
    {"AlgorithmNoneUnsigned",
     [] {
       const std::string token = WithHeader(R"({"alg":"none","kid":"KID","typ":"at+jwt"})");
       return token.substr(0, token.rfind('.') + 1);
     }},
    {"AlgorithmNoneInMixedCase",
     [] { return WithHeader(R"({"alg":"nOnE","kid":"KID","typ":"at+jwt"})"); }},
    {"Hs256WithThePublicKey", [] { return SignedWithThePublicKey(); }},
    {"Es384OverAP256Key",
     [] { return WithHeader(R"({"alg":"ES384","kid":"KID","typ":"at+jwt"})"); }},
    {"Rs256", [] { return WithHeader(R"({"alg":"RS256","kid":"KID","typ":"at+jwt"})"); }},
    {"NoAlgorithm", [] { return WithHeader(R"({"kid":"KID","typ":"at+jwt"})"); }},
    {"TwoAlgorithms",
     [] { return WithHeader(R"({"alg":"ES256","alg":"none","kid":"KID","typ":"at+jwt"})"); }},
    {"KidPathTraversal",
     [] { return WithHeader(R"({"alg":"ES256","kid":"../../../dev/null","typ":"at+jwt"})"); }},
    {"KidSqlInjection",
     [] { return WithHeader(R"({"alg":"ES256","kid":"' OR 1=1 --","typ":"at+jwt"})"); }},
    {"KidUrl",
     [] { return WithHeader(R"({"alg":"ES256","kid":"https://evil.example","typ":"at+jwt"})"); }},
    {"KidUnknown", [] { return WithHeader(R"({"alg":"ES256","kid":"no","typ":"at+jwt"})"); }},
    {"KidIsNumber", [] { return WithHeader(R"({"alg":"ES256","kid":1,"typ":"at+jwt"})"); }},
    {"NoKid", [] { return WithHeader(R"({"alg":"ES256","typ":"at+jwt"})"); }},
    {"KeyFromAUrl",
     [] {
       return WithHeader(
           R"({"alg":"ES256","kid":"KID","typ":"at+jwt","jku":"https://evil.example"})");
     }},
    {"KeyInTheHeader",
     [] {
       Draft draft;
       draft.key = crypto::SigningKey::Generate();
       const auto& key = draft.key.public_key();
       draft.header = absl::StrCat(R"({"alg":"ES256","typ":"at+jwt","kid":")", key.kid(),
                                   R"(","jwk":{"kty":"EC","crv":"P-256","x":")", key.x(),
                                   R"(","y":")", key.y(), R"("}})");
       return draft.Sign();
     }},
    {"CertificateFromAUrl",
     [] {
       return WithHeader(
           R"({"alg":"ES256","kid":"KID","typ":"at+jwt","x5u":"https://evil.example"})");
     }},
    {"CertificateInTheHeader",
     [] { return WithHeader(R"({"alg":"ES256","kid":"KID","typ":"at+jwt","x5c":["AAAA"]})"); }},
    {"CriticalExtension",
     [] { return WithHeader(R"({"alg":"ES256","kid":"KID","typ":"at+jwt","crit":["exp"]})"); }},
    {"UnencodedPayload",
     [] {
       return WithHeader(
           R"({"alg":"ES256","kid":"KID","typ":"at+jwt","b64":false,"crit":["b64"]})");
     }},
    {"IdTokenAsAccessToken",
     [] { return WithHeader(R"({"alg":"ES256","kid":"KID","typ":"JWT"})"); }},
    {"LogoutTokenAsAccessToken",
     [] { return WithHeader(R"({"alg":"ES256","kid":"KID","typ":"logout+jwt"})"); }},
    {"DpopProofAsAccessToken",
     [] { return WithHeader(R"({"alg":"ES256","kid":"KID","typ":"dpop+jwt"})"); }},
    {"NoType", [] { return WithHeader(R"({"alg":"ES256","kid":"KID"})"); }},
    {"ZeroSignature", [] { return WithSignature(Encode(std::string(64, '\0'))); }},
    {"EmptySignature", [] { return WithSignature(""); }},
    {"ShortSignature", [] { return WithSignature(Encode(std::string(63, 'a'))); }},
    {"LongSignature", [] { return WithSignature(Encode(std::string(65, 'a'))); }},
    {"SignatureInDer", [] { return WithSignature(Encode("\x30\x06\x02\x01\x01\x02\x01\x01")); }},
    {"PaddedSignature", [] { return absl::StrCat(Draft().Sign(), "=="); }},
    {"StandardBase64",
     [] {
       const std::string token = Draft().Sign();
       return absl::StrReplaceAll(token, {{"-", "+"}, {"_", "/"}}) + "+";
     }},
    {"AnotherKeysSignature",
     [] {
       Draft draft;
       draft.key = crypto::SigningKey::Generate();
       return draft.Sign();
     }},
    {"AlteredPayload",
     [] {
       const std::string token = Draft().Sign();
       const std::size_t dot = token.find('.');
       return absl::StrCat(token.substr(0, dot + 1), Encode(WithClaim("scope", "\"all\"")),
                           token.substr(token.rfind('.')));
     }},
    {"AnotherTokensSignature",
     [] {
       const std::string other = WithClaim("jti", "\"tok_2\"");
       return WithSignature(other.substr(other.rfind('.') + 1));
     }},
    {"Expired",
     [] {
       Draft draft;
       draft.payload = Draft::Claims("", -600, -1);
       return draft.Sign();
     }},
    {"NotYetValid",
     [] {
       Draft draft;
       draft.payload = Draft::Claims("", 61, 120);
       return draft.Sign();
     }},
    {"NoExpiry", [] { return WithClaim("exp", ""); }},
    {"ExpiryIsText", [] { return WithClaim("exp", "\"9999999999\""); }},
    {"ExpiryIsFraction", [] { return WithClaim("exp", "9999999999.5"); }},
    {"ExpiryOverflows", [] { return WithClaim("exp", "1e300"); }},
    {"AnotherIssuer", [] { return WithClaim("iss", "\"https://evil.example\""); }},
    {"NoIssuer", [] { return WithClaim("iss", ""); }},
    {"AnotherAudience", [] { return WithClaim("aud", "\"another-service\""); }},
    {"AudienceList", [] { return WithClaim("aud", R"(["florin","another-service"])"); }},
    {"NoAudience", [] { return WithClaim("aud", ""); }},
    {"NoSubject", [] { return WithClaim("sub", ""); }},
    {"SubjectIsNumber", [] { return WithClaim("sub", "1"); }},
    {"TwoSubjects",
     [] {
       Draft draft;
       draft.payload = Draft::Claims(R"("sub":"usr_somebody_else")");
       return draft.Sign();
     }},
    {"ScopeAsList", [] { return WithClaim("scope", R"(["payments:write"])"); }},
    {"PayloadIsNoObject",
     [] {
       Draft draft;
       draft.payload = "[]";
       return draft.Sign();
     }},
    {"PayloadIsNoJson",
     [] {
       Draft draft;
       draft.payload = "{";
       return draft.Sign();
     }},
    {"PayloadTooDeep",
     [] {
       Draft draft;
       draft.payload = Draft::Claims("\"x\":" + std::string(500, '[') + std::string(500, ']'));
       return draft.Sign();
     }},
    {"FiveParts", [] { return Draft().Sign() + ".a.b"; }},
    {"TwoParts", [] { return std::string("a.b"); }},
    {"FiveThousandCharacters",
     [] {
       Draft draft;
       draft.payload = Draft::Claims("\"x\":\"" + std::string(5000, 'x') + "\"");
       return draft.Sign();
     }},
};

class TokenAttackTest : public ::testing::TestWithParam<TokenAttack> {};

TEST_P(TokenAttackTest, IsRefused) {
  const std::string token = GetParam().forge();
  const e2e::Answer answer = Victim().Get("/v1/accounts", {.token = token});
  EXPECT_EQ(answer.status, 401) << answer;
  EXPECT_EQ(answer.headers.count("www-authenticate"), 1u);
  EXPECT_EQ(answer.body.contains("accounts"), false);
}

INSTANTIATE_TEST_SUITE_P(Forged, TokenAttackTest, ::testing::ValuesIn(kAttacks),
                         [](const auto& info) { return info.param.name; });

TEST(TokenControl, TheTokenThatTheForgeriesAreMadeFromIsGood) {
  EXPECT_EQ(Outcome(Victim().Get("/v1/accounts", {.token = Draft().Sign()})), "200");
}

TEST(TokenAttack, TokenInTheQueryIsRefused) {
  const std::string token = Draft().Sign();
  EXPECT_EQ(Outcome(Victim().Get("/v1/accounts?access_token=" + token, {.token = ""})),
            "401 token_missing");
  EXPECT_EQ(Outcome(Victim().Get("/v1/accounts?access_token=" + token)), "400 unknown_field");
}

// Sends one GET of the accounts with this field alone.
int AskWith(const std::string& field, const std::string& value) {
  e2e::HttpsClient client(SharedStack().Variable("FLORIN_URL"),
                          SharedStack().Variable("FLORIN_CA"));
  const auto response = client.Send({"GET", "/v1/accounts", {{field, value}}, ""});
  return response.ok() ? response->status : 0;
}

TEST(TokenAttack, TokenInACookieIsRefused) {
  EXPECT_EQ(AskWith("Cookie", absl::StrCat("access_token=", Draft().Sign())), 401);
  EXPECT_EQ(AskWith("Cookie", absl::StrCat("__Host-florin-session=", Draft().Sign())), 401);
}

TEST(TokenAttack, TokenOfAnotherSchemeIsRefused) {
  for (const char* scheme : {"Basic", "Digest", "Token", "Negotiate", "bearerx"})
    EXPECT_EQ(AskWith("Authorization", absl::StrCat(scheme, " ", Draft().Sign())), 401) << scheme;
  EXPECT_EQ(AskWith("Authorization", absl::StrCat("Bearer ", Draft().Sign())), 200);
}

TEST(TokenAttack, ProxyAuthorizationIsIgnored) {
  EXPECT_EQ(AskWith("Proxy-Authorization", absl::StrCat("Bearer ", Draft().Sign())), 401);
  EXPECT_EQ(AskWith("X-Authorization", absl::StrCat("Bearer ", Draft().Sign())), 401);
}

}  // namespace
}  // namespace florin::security
