#include "libs/crypto/signing_key.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "libs/crypto/sha256.h"
#include "libs/status/matchers.h"

namespace florin::crypto {
namespace {

using ::testing::HasSubstr;

std::string FromHex(std::string_view hex) {
  std::string octets;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    octets.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return octets;
}

VerificationKey KeyOf(std::string_view x_hex, std::string_view y_hex) {
  return VerificationKey::FromJwk(Base64UrlEncode(FromHex(x_hex)), Base64UrlEncode(FromHex(y_hex)))
      .value();
}

// RFC 6979, appendix A.2.5: ECDSA over P-256 with SHA-256, message "sample".
constexpr char kX[] = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6";
constexpr char kY[] = "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
constexpr char kSignature[] =
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
// The order of the group.
constexpr char kOrder[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

TEST(VerificationKey, AcceptsTheVectorOfRfc6979) {
  EXPECT_TRUE(KeyOf(kX, kY).Verify("sample", FromHex(kSignature)));
}

TEST(VerificationKey, RefusesAnythingElse) {
  const VerificationKey key = KeyOf(kX, kY);
  const std::string good = FromHex(kSignature);
  const std::string r = good.substr(0, 32);
  const std::string s = good.substr(32);
  const std::string zero(32, '\0');
  EXPECT_FALSE(key.Verify("sample.", good));
  EXPECT_FALSE(key.Verify("", good));
  EXPECT_FALSE(key.Verify("sample", ""));
  EXPECT_FALSE(key.Verify("sample", good.substr(0, 63)));
  EXPECT_FALSE(key.Verify("sample", good + '\0'));
  EXPECT_FALSE(key.Verify("sample", std::string(1, '\0') + r + std::string(1, '\0') + s));
  EXPECT_FALSE(key.Verify("sample", zero + zero)) << "CVE-2022-21449";
  EXPECT_FALSE(key.Verify("sample", zero + s));
  EXPECT_FALSE(key.Verify("sample", r + zero));
  EXPECT_FALSE(key.Verify("sample", FromHex(kOrder) + s));
  EXPECT_FALSE(key.Verify("sample", std::string(64, '\xff')));
  EXPECT_FALSE(key.Verify("sample", s + r));
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string changed = good;
    changed[bit / 8] ^= 1 << (bit % 8);
    EXPECT_FALSE(key.Verify("sample", changed)) << "bit " << bit;
  }
}

TEST(VerificationKey, TakesOnlyPointsOfTheCurve) {
  const std::string x = Base64UrlEncode(FromHex(kX));
  const std::string y = Base64UrlEncode(FromHex(kY));
  const std::string zero = Base64UrlEncode(std::string(32, '\0'));
  EXPECT_THAT(VerificationKey::FromJwk(x, y), IsOk());
  EXPECT_THAT(VerificationKey::FromJwk(y, x), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(VerificationKey::FromJwk(zero, zero), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(VerificationKey::FromJwk(x + "=", y), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(VerificationKey::FromJwk("", ""), StatusHasReason(Reason::kInvalidField));
  const std::string longer = Base64UrlEncode(std::string(1, '\0') + FromHex(kX));
  EXPECT_THAT(VerificationKey::FromJwk(longer, y), StatusHasReason(Reason::kInvalidField));
}

TEST(VerificationKey, KidIsTheThumbprintOfRfc7638) {
  const VerificationKey key = KeyOf(kX, kY);
  // The hash input of section 3 for an EC key (RFC 7638 section 3.2 names the members).
  const std::string canonical =
      R"({"crv":"P-256","kty":"EC","x":")" + key.x() + R"(","y":")" + key.y() + R"("})";
  EXPECT_EQ(key.kid(), Base64UrlEncode(AsOctets(Sha256(canonical))));
  EXPECT_EQ(key.kid().size(), 43u);
}

TEST(SigningKey, SignsWhatItsPublicKeyVerifies) {
  const SigningKey key = SigningKey::Generate();
  const SigningKey other = SigningKey::Generate();
  for (int i = 0; i < 100; ++i) {
    const std::string message = "message " + std::to_string(i);
    const std::string signature = key.Sign(message);
    ASSERT_EQ(signature.size(), 64u);
    EXPECT_TRUE(key.public_key().Verify(message, signature));
    EXPECT_FALSE(other.public_key().Verify(message, signature));
  }
}

TEST(SigningKey, SurvivesPem) {
  const SigningKey key = SigningKey::Generate();
  const std::string pem = key.ToPem();
  EXPECT_THAT(pem, HasSubstr("-----BEGIN PRIVATE KEY-----"));
  const auto read = SigningKey::FromPem(pem);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->public_key().kid(), key.public_key().kid());
  EXPECT_TRUE(key.public_key().Verify("m", read->Sign("m")));
}

std::string PemOf(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  const std::string pem(text, size);
  BIO_free(bio);
  EVP_PKEY_free(key);
  return pem;
}

TEST(SigningKey, RefusesOtherPem) {
  EXPECT_THAT(SigningKey::FromPem(PemOf(EVP_EC_gen("prime256v1"))), IsOk());
  const std::string refused[] = {
      "",
      "no key",
      PemOf(EVP_EC_gen("secp256k1")),  // another curve of the same size
      PemOf(EVP_EC_gen("secp384r1")),
      PemOf(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")),
  };
  for (const std::string& pem : refused) {
    EXPECT_THAT(SigningKey::FromPem(pem), StatusHasReason(Reason::kInvalidField)) << pem;
  }
}

class KeyRingTest : public ::testing::Test {
 protected:
  KeyRingTest() {
    char name[] = "/tmp/florin_key_ring_XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~KeyRingTest() override { std::filesystem::remove_all(directory_); }

  void Write(const std::string& name, const std::string& content, mode_t mode = 0600) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path) << content;
    chmod(path.c_str(), mode);
  }

  std::string directory_;
};

TEST_F(KeyRingTest, TheGreatestNameSigns) {
  const SigningKey first = SigningKey::Generate();
  const SigningKey second = SigningKey::Generate();
  const SigningKey third = SigningKey::Generate();
  Write("2026-02.pem", second.ToPem());
  Write("2026-03.pem", third.ToPem());
  Write("2026-01.pem", first.ToPem());
  Write("2026-04.txt", "not read", 0644);
  const auto ring = KeyRing::Load(directory_);
  ASSERT_THAT(ring, IsOk());
  ASSERT_EQ(ring->keys.size(), 3u);
  EXPECT_EQ(ring->keys[0].public_key().kid(), first.public_key().kid());
  EXPECT_EQ(ring->keys[1].public_key().kid(), second.public_key().kid());
  EXPECT_EQ(ring->current().public_key().kid(), third.public_key().kid());
}

TEST_F(KeyRingTest, RefusesEveryModeBut0600) {
  for (const mode_t mode : {0644, 0640, 0604, 0660, 0700, 0400}) {
    Write("key.pem", SigningKey::Generate().ToPem(), mode);
    const auto ring = KeyRing::Load(directory_);
    EXPECT_THAT(ring, StatusHasReason(Reason::kInvalidField)) << std::oct << mode;
    EXPECT_THAT(ring.status().ToString(), HasSubstr("key.pem"));
    std::filesystem::remove(directory_ + "/key.pem");
  }
}

TEST_F(KeyRingTest, OneBadKeyRefusesTheRingAndIsNamed) {
  Write("a.pem", SigningKey::Generate().ToPem());
  Write("b.pem", "-----BEGIN PRIVATE KEY-----\n");
  const auto ring = KeyRing::Load(directory_);
  EXPECT_THAT(ring, StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(ring.status().ToString(), HasSubstr("b.pem"));
}

TEST_F(KeyRingTest, NeedsAKey) {
  EXPECT_THAT(KeyRing::Load(directory_), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(KeyRing::Load(directory_ + "/absent"), StatusHasReason(Reason::kInvalidField));
  std::filesystem::create_directory(directory_ + "/directory.pem");
  EXPECT_THAT(KeyRing::Load(directory_), StatusHasReason(Reason::kInvalidField));
}

}  // namespace
}  // namespace florin::crypto
