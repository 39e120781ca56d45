#include "libs/identity/dpop.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/crypto/sha256.h"
#include "libs/crypto/signing_key.h"
#include "libs/status/matchers.h"

namespace florin::identity {
namespace {

// RFC 9449 sections 4.1 and 7.1.
#define FLORIN_EXAMPLE_HEADER                                                                    \
  "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNo" \
  "UklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERW" \
  "clUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
constexpr char kTokenProof[] = FLORIN_EXAMPLE_HEADER
    ".eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUu"
    "Y29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ"
    ".2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
constexpr char kResourceProof[] = FLORIN_EXAMPLE_HEADER
    ".eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxl"
    "Lm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0Ji"
    "MHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9"
    ".2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
constexpr char kExampleThumbprint[] = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
constexpr char kExampleToken[] = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";

TEST(CheckDpopProof, TakesTheExamplesOfRfc9449) {
  const absl::Time then = absl::FromUnixSeconds(1'562'262'618);
  const auto token = CheckDpopProof(
      {.proof = kTokenProof, .method = "POST", .url = "https://server.example.com/token"}, then);
  ASSERT_THAT(token, IsOk());
  EXPECT_EQ(token->key_thumbprint, kExampleThumbprint);
  EXPECT_EQ(token->token_id, "-BwC3ESc6acc2lTc");
  EXPECT_EQ(token->nonce, "");
  EXPECT_EQ(token->issued_at, absl::FromUnixSeconds(1'562'262'616));
  const DpopRequest resource = {.proof = kResourceProof,
                                .method = "GET",
                                .url = "https://resource.example.org/protectedresource?a=b",
                                .access_token = kExampleToken};
  const auto proof = CheckDpopProof(resource, then);
  ASSERT_THAT(proof, IsOk());
  EXPECT_EQ(proof->key_thumbprint, kExampleThumbprint);
}

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr char kUrl[] = "https://florin.test/v1/payments";
constexpr char kToken[] = "a.token";

const crypto::SigningKey& Key() {
  static const crypto::SigningKey key = crypto::SigningKey::Generate();
  return key;
}

std::string Jwk() {
  return absl::StrCat(R"({"kty":"EC","crv":"P-256","x":")", Key().public_key().x(), R"(","y":")",
                      Key().public_key().y(), R"("})");
}

std::string Header() {
  return absl::StrCat(R"({"typ":"dpop+jwt","alg":"ES256","jwk":)", Jwk(), "}");
}

// A good proof for kToken; members named in `changes` have that value instead, "" for none.
std::string Payload(const std::map<std::string, std::string>& changes = {}) {
  std::map<std::string, std::string> members = {
      {"jti", "\"one\""},
      {"htm", "\"POST\""},
      {"htu", absl::StrCat("\"", kUrl, "\"")},
      {"iat", "1800000000"},
      {"nonce", "\"n\""},
      {"ath", absl::StrCat("\"", crypto::Base64UrlEncode(crypto::AsOctets(crypto::Sha256(kToken))),
                           "\"")}};
  for (const auto& [name, value] : changes) members[name] = value;
  std::string text;
  for (const auto& [name, value] : members) {
    if (!value.empty()) absl::StrAppend(&text, text.empty() ? "{\"" : ",\"", name, "\":", value);
  }
  return text + "}";
}

std::string Signed(const std::string& header, const std::string& payload) {
  const std::string text =
      absl::StrCat(crypto::Base64UrlEncode(header), ".", crypto::Base64UrlEncode(payload));
  return absl::StrCat(text, ".", crypto::Base64UrlEncode(Key().Sign(text)));
}

absl::StatusOr<DpopProof> Check(const std::string& proof, absl::Time now = kNow) {
  return CheckDpopProof({.proof = proof, .method = "POST", .url = kUrl, .access_token = kToken},
                        now);
}

TEST(CheckDpopProof, GivesWhatItSays) {
  const auto proof = Check(Signed(Header(), Payload()));
  ASSERT_THAT(proof, IsOk());
  EXPECT_EQ(proof->key_thumbprint, Key().public_key().kid());
  EXPECT_EQ(proof->token_id, "one");
  EXPECT_EQ(proof->nonce, "n");
}

TEST(CheckDpopProof, RefusesOtherClaims) {
  const std::map<std::string, std::string> cases[] = {
      {{"jti", ""}},
      {{"jti", "\"\""}},
      {{"jti", "1"}},
      {{"jti", "\"" + std::string(129, 'a') + "\""}},
      {{"htm", ""}},
      {{"htm", "\"GET\""}},
      {{"htm", "\"post\""}},
      {{"htu", ""}},
      {{"htu", "\"https://evil.test/v1/payments\""}},
      {{"htu", "\"http://florin.test/v1/payments\""}},
      {{"htu", "\"https://florin.test:444/v1/payments\""}},
      {{"htu", "\"https://florin.test/v1/payments/\""}},
      {{"htu", "\"https://florin.test/V1/payments\""}},
      {{"htu", "\"https://florin.test/v1%2Fpayments\""}},
      {{"htu", "\"https://florin.test/v1/payments?a=b\""}},
      {{"htu", "\"https://florin.test/v1/payments#f\""}},
      {{"htu", "\"https://a@florin.test/v1/payments\""}},
      {{"htu", "\"https://florin.test@evil.test/v1/payments\""}},
      {{"htu", "\"/v1/payments\""}},
      {{"ath", ""}},
      {{"ath", "\"\""}},
      {{"ath", "\"fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo\""}},
      {{"iat", ""}},
      {{"iat", "\"1800000000\""}},
      {{"iat", "1800000000.5"}},
      {{"nonce", "1"}},
  };
  for (const auto& changes : cases) {
    EXPECT_THAT(Check(Signed(Header(), Payload(changes))),
                StatusHasReason(Reason::kInvalidDpopProof))
        << changes.begin()->first << " " << changes.begin()->second;
  }
  EXPECT_THAT(Check(Signed(Header(), Payload({{"nonce", ""}}))), IsOk());
}

TEST(CheckDpopProof, ComparesUrisAsRfc3986Has) {
  for (const char* htu :
       {"HTTPS://Florin.TEST/v1/payments", "https://florin.test:443/v1/payments",
        "https://florin.test/v1/./x/../payments", "https://florin.test/v1/%70ayments"}) {
    EXPECT_THAT(Check(Signed(Header(), Payload({{"htu", absl::StrCat("\"", htu, "\"")}}))), IsOk())
        << htu;
  }
}

TEST(CheckDpopProof, RefusesOtherHeadersAndKeys) {
  const std::string jwk = Jwk();
  const std::string open = jwk.substr(0, jwk.size() - 1);
  const std::string headers[] = {
      absl::StrCat(R"({"typ":"JWT","alg":"ES256","jwk":)", jwk, "}"),
      absl::StrCat(R"({"alg":"ES256","jwk":)", jwk, "}"),
      absl::StrCat(R"({"typ":"dpop+jwt","alg":"none","jwk":)", jwk, "}"),
      absl::StrCat(R"({"typ":"dpop+jwt","alg":"HS256","jwk":)", jwk, "}"),
      absl::StrCat(R"({"typ":"dpop+jwt","alg":"EdDSA","jwk":)", jwk, "}"),
      absl::StrCat(R"({"typ":"dpop+jwt","alg":"ES256","jwk":)", open, R"(,"d":"AAAA"}})"),
      absl::StrCat(R"({"typ":"dpop+jwt","alg":"ES256","kid":"1","jwk":)", jwk, "}"),
      absl::StrCat(R"({"typ":"dpop+jwt","alg":"ES256","crit":["b64"],"jwk":)", jwk, "}"),
      R"({"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"oct","k":"AAAA"}})",
      R"({"typ":"dpop+jwt","alg":"ES256"})",
  };
  for (const std::string& header : headers) {
    EXPECT_THAT(Check(Signed(header, Payload())), StatusHasReason(Reason::kInvalidDpopProof))
        << header;
  }
  // Another key's signature.
  const std::string proof = Signed(Header(), Payload());
  const std::string text = proof.substr(0, proof.rfind('.'));
  EXPECT_THAT(Check(absl::StrCat(
                  text, ".", crypto::Base64UrlEncode(crypto::SigningKey::Generate().Sign(text)))),
              StatusHasReason(Reason::kInvalidDpopProof));
  for (const char* garbage : {"", "a.b.c", "x"}) {
    EXPECT_THAT(Check(garbage), StatusHasReason(Reason::kInvalidDpopProof));
  }
  EXPECT_THAT(Check(absl::StrCat(proof, ",", proof)), StatusHasReason(Reason::kInvalidDpopProof));
}

TEST(CheckDpopProof, TakesAMinuteBackAndTenSecondsAhead) {
  const std::string proof = Signed(Header(), Payload());
  EXPECT_THAT(Check(proof, kNow - absl::Seconds(10)), IsOk());
  EXPECT_THAT(Check(proof, kNow - absl::Seconds(11)), StatusHasReason(Reason::kInvalidDpopProof));
  EXPECT_THAT(Check(proof, kNow + absl::Seconds(60)), IsOk());
  EXPECT_THAT(Check(proof, kNow + absl::Seconds(61)), StatusHasReason(Reason::kInvalidDpopProof));
}

TEST(NormalizeHttpUri, IsThatOfRfc3986) {
  const std::pair<const char*, const char*> cases[] = {
      {"https://Example.COM:443/a/./%7Eb?q#f", "https://example.com/a/~b"},
      {"HTTP://example.com", "http://example.com/"},
      {"http://example.com:80/", "http://example.com/"},
      {"http://example.com:443/", "http://example.com:443/"},
      {"https://example.com:/x", "https://example.com/x"},
      {"https://[::1]:8443/x", "https://[::1]:8443/x"},
      {"https://[::1]/x", "https://[::1]/x"},
      {"https://example.com/a/b/../../../c/.", "https://example.com/c/"},
      {"https://example.com/a/..", "https://example.com/"},
      {"https://example.com/%e4%2f", "https://example.com/%E4%2F"},
      {"https://example.com?x", "https://example.com/"},
  };
  for (const auto& [uri, expected] : cases) {
    const auto normal = NormalizeHttpUri(uri);
    ASSERT_THAT(normal, IsOk()) << uri;
    EXPECT_EQ(*normal, expected);
    EXPECT_EQ(*NormalizeHttpUri(*normal), expected);
  }
  for (const char* uri :
       {"", "example.com", "ftp://example.com/", "https:///x", "https://u@h/", "https://h:x/",
        "https://h:123456/", "https://h/%", "https://h/%zz", "https://h/a b", "https://h/\x7f",
        "https://h/\xc3\xa4", "https://h\\x/"}) {
    EXPECT_THAT(NormalizeHttpUri(uri), StatusHasReason(Reason::kInvalidField)) << uri;
  }
}

TEST(DpopNonces, AreGoodForOneToTwoMinutesInTheirProcess) {
  const DpopNonces ours;
  const DpopNonces other;
  const absl::Time start = absl::FromUnixSeconds(1'800'000'000);  // A multiple of 60.
  const std::string nonce = ours.Issue(start);
  EXPECT_TRUE(ours.Check(nonce, start));
  EXPECT_EQ(ours.Issue(start + absl::Seconds(59)), nonce);
  EXPECT_NE(ours.Issue(start + absl::Seconds(60)), nonce);
  EXPECT_TRUE(ours.Check(nonce, start + absl::Seconds(119)));
  EXPECT_FALSE(ours.Check(nonce, start + absl::Seconds(120)));
  EXPECT_FALSE(ours.Check(nonce, start - absl::Seconds(1)));
  EXPECT_FALSE(other.Check(nonce, start));
  EXPECT_FALSE(ours.Check("", start));
}

DpopProof Proof(const std::string& jti, const std::string& key = "key", absl::Time at = kNow) {
  return {.key_thumbprint = key, .token_id = jti, .issued_at = at};
}

TEST(ReplayCache, TakesAProofOnce) {
  ReplayCache cache;
  EXPECT_TRUE(cache.Use(Proof("a"), kNow));
  EXPECT_FALSE(cache.Use(Proof("a"), kNow));
  EXPECT_FALSE(cache.Use(Proof("a", "key", kNow + absl::Seconds(5)), kNow));
  EXPECT_TRUE(cache.Use(Proof("a", "other"), kNow));
  EXPECT_TRUE(cache.Use(Proof("b"), kNow));
  EXPECT_FALSE(cache.Use(Proof("a"), kNow + kDpopAge));
}

TEST(ReplayCache, ForgetsWhatWouldBeRefusedAnyway) {
  ReplayCache cache;
  EXPECT_TRUE(cache.Use(Proof("a"), kNow));
  EXPECT_TRUE(cache.Use(Proof("b", "key", kNow + absl::Seconds(1)), kNow));
  EXPECT_TRUE(
      cache.Use(Proof("c", "key", kNow + absl::Minutes(2)), kNow + kDpopAge + absl::Seconds(1)));
  EXPECT_EQ(cache.size(), 2u);
}

TEST(ReplayCache, WhenFullItTakesNoMoreRatherThanForget) {
  ReplayCache cache(2);
  EXPECT_TRUE(cache.Use(Proof("a"), kNow));
  EXPECT_TRUE(cache.Use(Proof("b"), kNow));
  EXPECT_FALSE(cache.Use(Proof("c"), kNow));
  EXPECT_FALSE(cache.Use(Proof("a"), kNow));
  EXPECT_TRUE(cache.Use(Proof("c", "key", kNow + absl::Minutes(2)), kNow + absl::Minutes(2)));
}

}  // namespace
}  // namespace florin::identity
