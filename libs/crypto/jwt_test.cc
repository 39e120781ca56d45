#include "libs/crypto/jwt.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "gtest/gtest.h"
#include "libs/crypto/json_members.h"
#include "libs/crypto/sha256.h"
#include "libs/status/matchers.h"

namespace florin::crypto {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

const SigningKey& Key() {
  static const SigningKey key = SigningKey::Generate();
  return key;
}

AccessTokenClaims Claims() {
  return {.issuer = "florin",
          .subject = "usr_01",
          .audience = "florin",
          .scope = "accounts:read payments:write",
          .token_id = "tok_01",
          .issued_at = kNow,
          .expires_at = kNow + absl::Minutes(10)};
}

std::optional<VerificationKey> OnlyOurs(std::string_view kid) {
  if (kid != Key().public_key().kid()) return std::nullopt;
  return Key().public_key();
}

absl::StatusOr<AccessTokenClaims> Verify(std::string_view token, absl::Time now = kNow) {
  const TokenExpectations expect = {.issuer = "florin", .audience = "florin"};
  return VerifyAccessToken(token, OnlyOurs, expect, now);
}

std::string Header(const std::string& more = "") {
  return R"({"alg":"ES256","kid":")" + Key().public_key().kid() + R"(","typ":"at+jwt")" + more +
         "}";
}

// The claims of kNow, with one replaced: `member` is `"name":value`.
std::string Payload(const std::string& member = "") {
  std::map<std::string, std::string> members = {
      {"iss", "\"florin\""}, {"sub", "\"usr_01\""}, {"aud", "\"florin\""}, {"scope", "\"a b\""},
      {"jti", "\"tok_01\""}, {"iat", "1800000000"}, {"nbf", "1800000000"}, {"exp", "1800000600"}};
  if (!member.empty()) members[member.substr(1, 3)] = member.substr(6);
  std::string text;
  for (const auto& [name, value] : members) {
    if (!value.empty()) text += (text.empty() ? "{\"" : ",\"") + name + "\":" + value;
  }
  return text + "}";
}

// Really signed by us, whatever it says.
std::string Signed(const std::string& header, const std::string& payload) {
  const std::string text = Base64UrlEncode(header) + "." + Base64UrlEncode(payload);
  return text + "." + Base64UrlEncode(Key().Sign(text));
}

TEST(Jwt, SignsWhatItVerifies) {
  const auto claims = Verify(SignAccessToken(Claims(), Key()));
  ASSERT_THAT(claims, IsOk());
  EXPECT_EQ(claims->issuer, "florin");
  EXPECT_EQ(claims->subject, "usr_01");
  EXPECT_EQ(claims->audience, "florin");
  EXPECT_EQ(claims->scope, "accounts:read payments:write");
  EXPECT_EQ(claims->token_id, "tok_01");
  EXPECT_EQ(claims->issued_at, kNow);
  EXPECT_EQ(claims->expires_at, kNow + absl::Minutes(10));
}

TEST(Jwt, SaysWhoTheClientIsAndHowTheUserLoggedIn) {
  AccessTokenClaims claims = Claims();
  claims.client_id = "shop";
  claims.auth_time = kNow - absl::Minutes(3);
  claims.acr = "urn:florin:acr:mfa";
  claims.amr = {"pwd", "otp"};
  claims.session_id = "ses_1";
  claims.confirmation.key_thumbprint = "jkt";
  const auto read = Verify(SignAccessToken(claims, Key()));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->client_id, "shop");
  EXPECT_EQ(read->auth_time, claims.auth_time);
  EXPECT_EQ(read->acr, "urn:florin:acr:mfa");
  EXPECT_EQ(read->amr, claims.amr);
  EXPECT_EQ(read->session_id, "ses_1");
  EXPECT_EQ(read->confirmation, claims.confirmation);
  claims.confirmation = {.certificate_thumbprint = "x5t"};
  EXPECT_EQ(Verify(SignAccessToken(claims, Key()))->confirmation, claims.confirmation);
  EXPECT_TRUE(Verify(SignAccessToken(Claims(), Key()))->confirmation.empty());
  EXPECT_EQ(Verify(SignAccessToken(Claims(), Key()))->auth_time, std::nullopt);
}

// Whoever does not know a binding must not take its token for a bearer token.
TEST(Jwt, RefusesBindingsThatItDoesNotKnow) {
  const std::string open = Payload().substr(0, Payload().size() - 1);
  for (const char* member :
       {R"("cnf":{})", R"("cnf":"x")", R"("cnf":{"jkt":1})", R"("cnf":{"jkt":""})",
        R"("cnf":{"jwk":{}})", R"("cnf":{"jkt":"a","x5t#S256":"b"})", R"("cnf":{"jkt":"a","x":1})",
        R"("cnf":null)", R"("amr":"pwd")", R"("amr":[1])", R"("acr":1)", R"("sid":[])",
        R"("client_id":1)", R"("auth_time":"1")"}) {
    EXPECT_THAT(Verify(Signed(Header(), open + "," + member + "}")),
                StatusHasReason(Reason::kTokenInvalid))
        << member;
  }
  EXPECT_THAT(Verify(Signed(Header(), open + R"(,"cnf":{"jkt":"a"}})")), IsOk());
}

TEST(Jwt, AnIdTokenIsNoAccessToken) {
  const IdTokenClaims claims = {.issuer = "florin",
                                .subject = "usr_01",
                                .audience = "florin",
                                .issued_at = kNow,
                                .expires_at = kNow + absl::Minutes(5),
                                .auth_time = kNow,
                                .nonce = "n",
                                .acr = "urn:florin:acr:pwd",
                                .amr = {"pwd"},
                                .session_id = "ses_1",
                                .access_token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"};
  const std::string token = SignIdToken(claims, Key());
  EXPECT_THAT(Verify(token), StatusHasReason(Reason::kTokenInvalid));
  const auto payload = ParseJsonMembers(
      *Base64UrlDecode(token.substr(token.find('.') + 1, token.rfind('.') - token.find('.') - 1)));
  ASSERT_THAT(payload, IsOk());
  EXPECT_EQ(std::get<std::string>(payload->at("nonce")), "n");
  EXPECT_EQ(std::get<std::string>(payload->at("sid")), "ses_1");
  EXPECT_EQ(std::get<std::int64_t>(payload->at("auth_time")), 1'800'000'000);
  // OpenID Connect Core appendix A.3.
  EXPECT_EQ(std::get<std::string>(payload->at("at_hash")), "77QmUPtjPfzWtF2AnpK9RQ");
}

TEST(Jwt, TheHandMadeTokenOfTheseTestsIsGood) {
  EXPECT_THAT(Verify(Signed(Header(), Payload())), IsOk());
}

TEST(Jwt, UnverifiedKeyIdReadsTheHeader) {
  const auto kid = UnverifiedKeyId(SignAccessToken(Claims(), Key()));
  ASSERT_THAT(kid, IsOk());
  EXPECT_EQ(*kid, Key().public_key().kid());
  EXPECT_THAT(UnverifiedKeyId("a.b.c"), StatusHasReason(Reason::kTokenInvalid));
}

TEST(Jwt, RefusesOtherAlgorithms) {
  const std::string kid = Key().public_key().kid();
  for (const char* alg : {"none", "None", "HS256", "ES384", "RS256", "es256", ""}) {
    const std::string header =
        std::string(R"({"alg":")") + alg + R"(","kid":")" + kid + R"(","typ":"at+jwt"})";
    EXPECT_THAT(Verify(Signed(header, Payload())), StatusHasReason(Reason::kTokenInvalid)) << alg;
    const std::string text = Base64UrlEncode(header) + "." + Base64UrlEncode(Payload());
    EXPECT_THAT(Verify(text + "."), StatusHasReason(Reason::kTokenInvalid)) << alg;
  }
}

TEST(Jwt, RefusesHs256KeyedWithThePublicKey) {
  const VerificationKey& key = Key().public_key();
  const std::string secrets[] = {key.x(), key.x() + key.y(), *Base64UrlDecode(key.x()), key.kid()};
  for (const std::string& secret : secrets) {
    const std::string text =
        Base64UrlEncode(R"({"alg":"HS256","kid":")" + key.kid() + R"(","typ":"at+jwt"})") + "." +
        Base64UrlEncode(Payload());
    unsigned char mac[32];
    unsigned int size = sizeof mac;
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
    const std::string signature(reinterpret_cast<char*>(mac), size);
    EXPECT_THAT(Verify(text + "." + Base64UrlEncode(signature)),
                StatusHasReason(Reason::kTokenInvalid));
  }
}

TEST(Jwt, RefusesAnotherKeyUnderOurKid) {
  const SigningKey other = SigningKey::Generate();
  const std::string text = Base64UrlEncode(Header()) + "." + Base64UrlEncode(Payload());
  EXPECT_THAT(Verify(text + "." + Base64UrlEncode(other.Sign(text))),
              StatusHasReason(Reason::kTokenInvalid));
}

TEST(Jwt, RefusesAnUnknownKid) {
  const SigningKey other = SigningKey::Generate();
  EXPECT_THAT(Verify(SignAccessToken(Claims(), other)), StatusHasReason(Reason::kTokenInvalid));
  for (const char* kid : {"", "../../etc/passwd", "' OR 1=1 --", "http://evil.example/key"}) {
    const std::string header =
        std::string(R"({"alg":"ES256","kid":")") + kid + R"(","typ":"at+jwt"})";
    EXPECT_THAT(Verify(Signed(header, Payload())), StatusHasReason(Reason::kTokenInvalid)) << kid;
  }
}

TEST(Jwt, RefusesOtherTypesAndHeaderMembers) {
  const char* more[] = {
      R"(,"crit":["exp"])",     R"(,"jku":"https://evil.example/jwks.json")",
      R"(,"jwk":{"kty":"EC"})", R"(,"x5u":"https://evil.example/cert")",
      R"(,"x5c":["MIIB"])",     R"(,"b64":false)",
      R"(,"zip":"DEF")",        R"(,"unheard_of":1)",
  };
  for (const char* member : more) {
    EXPECT_THAT(Verify(Signed(Header(member), Payload())), StatusHasReason(Reason::kTokenInvalid))
        << member;
  }
  const std::string kid = Key().public_key().kid();
  for (const char* typ : {"\"JWT\"", "\"jwt\"", "\"\"", "null", "1"}) {
    const std::string header = R"({"alg":"ES256","kid":")" + kid + R"(","typ":)" + typ + "}";
    EXPECT_THAT(Verify(Signed(header, Payload())), StatusHasReason(Reason::kTokenInvalid)) << typ;
  }
  EXPECT_THAT(Verify(Signed(R"({"alg":"ES256","kid":")" + kid + R"("})", Payload())),
              StatusHasReason(Reason::kTokenInvalid));
}

TEST(Jwt, RefusesEveryChangedCharacter) {
  const std::string token = SignAccessToken(Claims(), Key());
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_THAT(Verify(changed), StatusHasReason(Reason::kTokenInvalid)) << "at " << i;
  }
}

TEST(Jwt, RefusesBadSignatures) {
  const std::string token = Signed(Header(), Payload());
  const std::string text = token.substr(0, token.rfind('.'));
  const std::string good = *Base64UrlDecode(token.substr(token.rfind('.') + 1));
  const std::string bad[] = {"",
                             std::string(64, '\0'),
                             std::string(64, '\xff'),
                             std::string(8, '\0') + good,
                             good + std::string(8, '\0'),
                             good.substr(0, 63)};
  for (const std::string& signature : bad) {
    EXPECT_THAT(Verify(text + "." + Base64UrlEncode(signature)),
                StatusHasReason(Reason::kTokenInvalid));
  }
}

TEST(Jwt, RefusesOtherForms) {
  const std::string token = Signed(Header(), Payload());
  const std::string refused[] = {
      "",
      ".",
      "..",
      "...",
      token + ".",
      "." + token,
      token + " ",
      " " + token,
      token + "\n",
      token + "=",
      token + "==",
      token + "." + token,
      "Bearer " + token,
      token.substr(0, token.rfind('.')),
  };
  for (const std::string& text : refused) {
    EXPECT_THAT(Verify(text), StatusHasReason(Reason::kTokenInvalid)) << text;
  }
  std::string spaced = token;
  spaced.insert(token.find('.'), "\n");
  EXPECT_THAT(Verify(spaced), StatusHasReason(Reason::kTokenInvalid));
}

TEST(Jwt, RefusesMoreThan4096Characters) {
  AccessTokenClaims claims = Claims();
  claims.scope = std::string(2500, 'a');
  EXPECT_THAT(Verify(SignAccessToken(claims, Key())), IsOk());
  claims.scope = std::string(3000, 'a');
  EXPECT_THAT(Verify(SignAccessToken(claims, Key())), StatusHasReason(Reason::kTokenInvalid));
}

TEST(Jwt, RefusesDuplicatedMembers) {
  const std::string kid = Key().public_key().kid();
  EXPECT_THAT(Verify(Signed(R"({"alg":"none","alg":"ES256","kid":")" + kid + R"(","typ":"at+jwt"})",
                            Payload())),
              StatusHasReason(Reason::kTokenInvalid));
  std::string payload = Payload();
  payload.insert(1, R"("sub":"usr_02",)");
  EXPECT_THAT(Verify(Signed(Header(), payload)), StatusHasReason(Reason::kTokenInvalid));
  payload = Payload();
  payload.insert(1, R"("\u0073ub":"usr_02",)");
  EXPECT_THAT(Verify(Signed(Header(), payload)), StatusHasReason(Reason::kTokenInvalid));
}

TEST(Jwt, RefusesMissingAndMistypedClaims) {
  for (const char* name : {"iss", "sub", "aud", "jti", "iat", "nbf", "exp"}) {
    const std::string member = std::string("\"") + name + "\":";
    for (const char* value :
         {"", "null", "[]", "{}", "true", "1.5", "1e2", "99999999999999999999"}) {
      EXPECT_THAT(Verify(Signed(Header(), Payload(member + value))),
                  StatusHasReason(Reason::kTokenInvalid))
          << member << value;
    }
  }
  EXPECT_THAT(Verify(Signed(Header(), Payload(R"("exp":"1800000600")"))),
              StatusHasReason(Reason::kTokenInvalid));
  EXPECT_THAT(Verify(Signed(Header(), Payload(R"("aud":["florin"])"))),
              StatusHasReason(Reason::kTokenInvalid));
  EXPECT_THAT(Verify(Signed(Header(), Payload(R"("sub":"")"))),
              StatusHasReason(Reason::kTokenInvalid));
}

TEST(Jwt, RefusesAnotherIssuerOrAudience) {
  EXPECT_THAT(Verify(Signed(Header(), Payload(R"("iss":"evil")"))),
              StatusHasReason(Reason::kTokenInvalid));
  EXPECT_THAT(Verify(Signed(Header(), Payload(R"("aud":"bank")"))),
              StatusHasReason(Reason::kTokenInvalid));
}

TEST(Jwt, HoldsToItsTimes) {
  const std::string token = SignAccessToken(Claims(), Key());
  EXPECT_THAT(Verify(token, kNow + absl::Minutes(10) - absl::Nanoseconds(1)), IsOk());
  EXPECT_THAT(Verify(token, kNow + absl::Minutes(10)), StatusHasReason(Reason::kTokenExpired));
  EXPECT_THAT(Verify(token, kNow - absl::Seconds(10)), IsOk());
  EXPECT_THAT(Verify(token, kNow - absl::Seconds(11)), StatusHasReason(Reason::kTokenInvalid));
  EXPECT_THAT(Verify(Signed(Header(), Payload(R"("nbf":1800000010)"))), IsOk());
  EXPECT_THAT(Verify(Signed(Header(), Payload(R"("nbf":1800000011)"))),
              StatusHasReason(Reason::kTokenInvalid));
  EXPECT_THAT(Verify(Signed(Header(), Payload(R"("iat":1800000011)"))),
              StatusHasReason(Reason::kTokenInvalid));
}

TEST(Jwt, AnExpiredTokenOfAnotherKeyIsInvalidNotExpired) {
  const SigningKey other = SigningKey::Generate();
  EXPECT_THAT(Verify(SignAccessToken(Claims(), other), kNow + absl::Hours(1)),
              StatusHasReason(Reason::kTokenInvalid));
}

TEST(JsonMembers, ReadsTheOutermostObject) {
  const auto members = ParseJsonMembers(R"( {"a":"x\ny","b":-7,"c":{"a":1},"d":[{"a":2},"s"]} )");
  ASSERT_THAT(members, IsOk());
  EXPECT_EQ(members->size(), 4u);
  EXPECT_EQ(std::get<std::string>(members->at("a")), "x\ny");
  EXPECT_EQ(std::get<std::int64_t>(members->at("b")), -7);
  const auto* object = FindMember<std::shared_ptr<const JsonObject>>(*members, "c");
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(std::get<std::int64_t>((*object)->members.at("a")), 1);
  EXPECT_TRUE(std::holds_alternative<Other>(members->at("d")));
  EXPECT_THAT(ParseJsonMembers("{}"), IsOk());
  const auto arrays = ParseJsonMembers(R"({"a":["x","y"],"b":[],"c":[{"k":[]},{}],"d":[["x"]]})");
  ASSERT_THAT(arrays, IsOk());
  EXPECT_EQ(std::get<std::vector<std::string>>(arrays->at("a")),
            (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(std::get<std::vector<std::string>>(arrays->at("b")).empty());
  EXPECT_EQ(std::get<std::vector<std::shared_ptr<const JsonObject>>>(arrays->at("c")).size(), 2u);
  EXPECT_TRUE(std::holds_alternative<Other>(arrays->at("d")));
}

TEST(JsonMembers, RefusesEverythingElse) {
  const char* refused[] = {
      "",
      "[]",
      "[{}]",
      "\"a\"",
      "1",
      "null",
      "{",
      "{}{}",
      "{} x",
      "{}\x01",
      R"({"a":1,"a":1})",
      R"({"a":{"b":1,"b":2}})",
      R"({"a":[{"b":1,"b":2}]})",
      R"({"a":1,"\u0061":2})",
      R"({"a":1,})",
      R"({a:1})",
      R"({'a':1})",
      R"({"a":01})",
      R"({"a":NaN})",
      "{\"a\":1 /* comment */}",
      "{\"a\":\"\xff\"}",
      "{\"a\":\"\n\"}",
      R"({"a":"\ud800"})",
      R"({"a":[[[[[[[[[[1]]]]]]]]]]})",
  };
  for (const char* text : refused) {
    EXPECT_THAT(ParseJsonMembers(text), StatusHasReason(Reason::kMalformedJson)) << text;
  }
  EXPECT_THAT(ParseJsonMembers(std::string_view("{}\0", 3)),
              StatusHasReason(Reason::kMalformedJson));
}

}  // namespace
}  // namespace florin::crypto
