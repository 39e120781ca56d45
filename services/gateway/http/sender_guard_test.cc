#include "services/gateway/http/sender_guard.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/crypto/sha256.h"
#include "libs/crypto/signing_key.h"
#include "libs/status/matchers.h"

namespace florin::gateway {
namespace {

constexpr char kIssuer[] = "https://florin.test";

class SenderGuardTest : public ::testing::Test {
 protected:
  // A proof by `key` for GET /v1/accounts with the token `token`.
  std::string Proof(const crypto::SigningKey& key, const std::string& nonce,
                    const std::string& jti = "one", const std::string& path = "/v1/accounts",
                    const std::string& token = "token") {
    const std::string header =
        absl::StrCat(R"({"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":")",
                     key.public_key().x(), R"(","y":")", key.public_key().y(), R"("}})");
    const std::string hash = crypto::Base64UrlEncode(crypto::AsOctets(crypto::Sha256(token)));
    const std::string payload = absl::StrCat(
        R"({"jti":")", jti, R"(","htm":"GET","htu":")", kIssuer, path, R"(","ath":")", hash,
        R"(","nonce":")", nonce, R"(","iat":)", absl::ToUnixSeconds(clock_.Now()), "}");
    const std::string text =
        absl::StrCat(crypto::Base64UrlEncode(header), ".", crypto::Base64UrlEncode(payload));
    return absl::StrCat(text, ".", crypto::Base64UrlEncode(key.Sign(text)));
  }

  absl::Status Check(const std::string& authorization, const std::string& proof,
                     const rpc::Principal& principal) {
    Request request;
    request.method = "GET";
    request.target = "/v1/accounts?page_size=1";
    request.authorization = authorization;
    if (!proof.empty()) request.dpop = proof;
    FLORIN_ASSIGN_OR_RETURN(const SentToken sent, ReadToken(request));
    return guard_.Check(request, sent, principal);
  }

  rpc::Principal Bound() const { return {.key_thumbprint = key_.public_key().kid()}; }

  FakeClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  const crypto::SigningKey key_ = crypto::SigningKey::Generate();
  SenderGuard guard_{kIssuer, clock_};
};

TEST_F(SenderGuardTest, ABearerTokenNeedsNoProof) {
  EXPECT_THAT(Check("Bearer token", "", {}), IsOk());
  EXPECT_THAT(Check("bearer token", "", {}), IsOk());
}

TEST_F(SenderGuardTest, ABoundTokenNeedsItsKeysProof) {
  EXPECT_THAT(Check("DPoP token", Proof(key_, guard_.nonce()), Bound()), IsOk());
  EXPECT_THAT(Check("DPoP token", "", Bound()), StatusHasReason(Reason::kInvalidDpopProof));
}

TEST_F(SenderGuardTest, ABoundTokenIsNoBearerToken) {
  EXPECT_THAT(Check("Bearer token", "", Bound()), StatusHasReason(Reason::kTokenInvalid));
  EXPECT_THAT(Check("Bearer token", Proof(key_, guard_.nonce()), Bound()),
              StatusHasReason(Reason::kTokenInvalid));
}

TEST_F(SenderGuardTest, AnUnboundTokenIsNoBoundOne) {
  EXPECT_THAT(Check("DPoP token", Proof(key_, guard_.nonce()), {}),
              StatusHasReason(Reason::kTokenInvalid));
}

TEST_F(SenderGuardTest, ATokenOfACertificateNeedsThatCertificate) {
  const auto check = [this](TokenScheme scheme, const char* shown, const char* bound) {
    Request request;
    request.peer.certificate_thumbprint = shown;
    return guard_.Check(request, {scheme, "token"}, {.certificate_thumbprint = bound});
  };
  EXPECT_THAT(check(TokenScheme::kBearer, "x", "x"), IsOk());
  EXPECT_THAT(check(TokenScheme::kBearer, "x", ""), IsOk()) << "a certificate does no harm";
  for (const char* shown : {"", "y", "X", "xx"})
    EXPECT_THAT(check(TokenScheme::kBearer, shown, "x"), StatusHasReason(Reason::kTokenInvalid))
        << shown;
  EXPECT_THAT(check(TokenScheme::kDpop, "x", "x"), StatusHasReason(Reason::kTokenInvalid));
}

TEST_F(SenderGuardTest, AnotherKeysProofIsRefused) {
  EXPECT_THAT(Check("DPoP token", Proof(crypto::SigningKey::Generate(), guard_.nonce()), Bound()),
              StatusHasReason(Reason::kInvalidDpopProof));
}

TEST_F(SenderGuardTest, AProofForAnotherRequestOrTokenIsRefused) {
  EXPECT_THAT(Check("DPoP token", Proof(key_, guard_.nonce(), "a", "/v1/payments"), Bound()),
              StatusHasReason(Reason::kInvalidDpopProof));
  EXPECT_THAT(
      Check("DPoP token", Proof(key_, guard_.nonce(), "b", "/v1/accounts", "other"), Bound()),
      StatusHasReason(Reason::kInvalidDpopProof));
}

TEST_F(SenderGuardTest, AProofCountsOnce) {
  const std::string proof = Proof(key_, guard_.nonce());
  EXPECT_THAT(Check("DPoP token", proof, Bound()), IsOk());
  EXPECT_THAT(Check("DPoP token", proof, Bound()), StatusHasReason(Reason::kInvalidDpopProof));
  EXPECT_THAT(Check("DPoP token", Proof(key_, guard_.nonce(), "two"), Bound()), IsOk());
}

TEST_F(SenderGuardTest, ANonceOfOursIsNeeded) {
  EXPECT_THAT(Check("DPoP token", Proof(key_, "made up"), Bound()),
              StatusHasReason(Reason::kUseDpopNonce));
  // Nor of another gateway: its memory of proofs is not ours.
  const SenderGuard other(kIssuer, clock_);
  EXPECT_THAT(Check("DPoP token", Proof(key_, other.nonce()), Bound()),
              StatusHasReason(Reason::kUseDpopNonce));
}

TEST(ReadTokenTest, ReadsTwoSchemesAndNoOther) {
  Request request;
  EXPECT_THAT(ReadToken(request), StatusHasReason(Reason::kTokenMissing));
  for (const char* field : {"", "token", "Basic abc", "Bearer", "DPoP", "Bearertoken"}) {
    request.authorization = field;
    EXPECT_THAT(ReadToken(request), StatusHasReason(Reason::kTokenMissing)) << field;
  }
  for (const char* field : {"Bearer ", "DPoP  ", "Bearer a b", "Bearer a\x01", "DPoP \xc3\xa9"}) {
    request.authorization = field;
    EXPECT_THAT(ReadToken(request), StatusHasReason(Reason::kTokenInvalid)) << field;
  }
}

}  // namespace
}  // namespace florin::gateway
