#include "libs/crypto/signer.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"
#include "libs/crypto/evp.h"
#include "libs/crypto/sha256.h"
#include "libs/crypto/signing_key.h"
#include "libs/status/matchers.h"

namespace florin::crypto {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// RFC 8032 section 7.1, test 2, within the frames of RFC 8410 (SubjectPublicKeyInfo, PKCS #8).
constexpr char kEdPublicDer[] =
    "302a300506032b6570032100"
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
constexpr char kEdPrivateDer[] =
    "302e020100300506032b657004220420"
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
constexpr char kEdMessage[] = "72";
constexpr char kEdSignature[] =
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
// The order of Ed25519's group, little-endian.
constexpr char kEdOrder[] = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
// RFC 6979 appendix A.2.5: ECDSA over P-256 with SHA-256, message "sample".
constexpr char kEcPublicDer[] =
    "3059301306072a8648ce3d020106082a8648ce3d030107034200"
    "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
constexpr char kEcSignature[] =
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";

std::string FromHex(std::string_view hex) { return absl::HexStringToBytes(std::string(hex)); }

std::string Pem(const std::string& label, const std::string& der) {
  return "-----BEGIN " + label + "-----\n" + absl::Base64Escape(der) + "\n-----END " + label +
         "-----\n";
}

std::string EdPem() { return Pem("PRIVATE KEY", FromHex(kEdPrivateDer)); }

evp::Key NewKey(const char* type, const char* curve = nullptr) {
  return evp::Key(EVP_PKEY_Q_keygen(nullptr, nullptr, type, curve));
}

std::string PublicPem(const evp::Key& key) {
  const evp::Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PUBKEY(bio.get(), key.get());
  return evp::ContentsOf(bio.get());
}

std::string PrivatePem(const evp::Key& key, const char* passphrase = nullptr) {
  const evp::Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(),
                                passphrase == nullptr ? nullptr : EVP_aes_256_cbc(), passphrase,
                                passphrase == nullptr ? 0 : 4, nullptr, nullptr);
  return evp::ContentsOf(bio.get());
}

TEST(SignerKey, AcceptsTheVectorsOfTheRfcs) {
  const SignerKey ed = SignerKey::FromDer(FromHex(kEdPublicDer)).value();
  EXPECT_EQ(ed.algorithm(), "ed25519");
  EXPECT_TRUE(ed.Verify(FromHex(kEdMessage), FromHex(kEdSignature)));
  const SignerKey ec = SignerKey::FromDer(FromHex(kEcPublicDer)).value();
  EXPECT_EQ(ec.algorithm(), "es256");
  EXPECT_TRUE(ec.Verify("sample", FromHex(kEcSignature)));
}

void ExpectNothingElseIsValid(const SignerKey& key, const std::string& message,
                              const std::string& good) {
  EXPECT_TRUE(key.Verify(message, good));
  EXPECT_FALSE(key.Verify(message + ".", good));
  EXPECT_FALSE(key.Verify("", good));
  EXPECT_FALSE(key.Verify(message, ""));
  EXPECT_FALSE(key.Verify(message, good.substr(0, 63)));
  EXPECT_FALSE(key.Verify(message, good + '\0'));
  EXPECT_FALSE(key.Verify(message, std::string(64, '\0')));
  EXPECT_FALSE(key.Verify(message, std::string(64, '\xff')));
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string changed = good;
    changed[bit / 8] ^= 1 << (bit % 8);
    EXPECT_FALSE(key.Verify(message, changed)) << "bit " << bit;
  }
}

TEST(SignerKey, RefusesAnythingElse) {
  const SignerKey ed = SignerKey::FromDer(FromHex(kEdPublicDer)).value();
  const SignerKey ec = SignerKey::FromDer(FromHex(kEcPublicDer)).value();
  ExpectNothingElseIsValid(ed, FromHex(kEdMessage), FromHex(kEdSignature));
  ExpectNothingElseIsValid(ec, "sample", FromHex(kEcSignature));
  EXPECT_FALSE(ed.Verify("sample", FromHex(kEcSignature)));
  EXPECT_FALSE(ec.Verify(FromHex(kEdMessage), FromHex(kEdSignature)));
}

// RFC 8032 section 5.1.7: S must be below the order, or each signature would have a second one.
TEST(SignerKey, RefusesTheMalleatedEd25519Signature) {
  std::string malleated = FromHex(kEdSignature);
  const std::string order = FromHex(kEdOrder);
  int carry = 0;
  for (int i = 0; i < 32; ++i) {
    const int sum = static_cast<unsigned char>(malleated[32 + i]) +
                    static_cast<unsigned char>(order[i]) + carry;
    malleated[32 + i] = static_cast<char>(sum);
    carry = sum >> 8;
  }
  EXPECT_FALSE(SignerKey::FromDer(FromHex(kEdPublicDer))->Verify(FromHex(kEdMessage), malleated));
}

TEST(SignerKey, KeyIdIsTheBeginningOfTheHashOfTheDer) {
  for (const char* hex : {kEdPublicDer, kEcPublicDer}) {
    const std::string der = FromHex(hex);
    const SignerKey key = SignerKey::FromDer(der).value();
    EXPECT_EQ(key.key_id(), Hex(AsOctets(Sha256(der))).substr(0, 16));
    EXPECT_EQ(key.ToPem(),
              Pem("PUBLIC KEY", der).insert(26 + 1 + 64, hex == kEcPublicDer ? "\n" : ""))
        << "OpenSSL's lines have 64 characters";
  }
}

TEST(SignerKey, SurvivesPem) {
  for (const char* hex : {kEdPublicDer, kEcPublicDer}) {
    const SignerKey key = SignerKey::FromDer(FromHex(hex)).value();
    const auto read = SignerKey::FromPem(key.ToPem());
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(read->key_id(), key.key_id());
    EXPECT_EQ(read->algorithm(), key.algorithm());
  }
}

// One key, one id: a compressed point and explicit curve parameters are other octets of the same.
TEST(SignerKey, OtherEncodingsOfOneKeyHaveOneId) {
  const evp::Key key = NewKey("EC", "P-256");
  const std::string id = SignerKey::FromPem(PublicPem(key))->key_id();
  ASSERT_EQ(EVP_PKEY_set_utf8_string_param(key.get(), "point-format", "compressed"), 1);
  const std::string compressed = PublicPem(key);
  ASSERT_EQ(EVP_PKEY_set_utf8_string_param(key.get(), "encoding", "explicit"), 1);
  const std::string explicit_curve = PublicPem(key);
  ASSERT_NE(compressed, explicit_curve);
  EXPECT_EQ(SignerKey::FromPem(compressed)->key_id(), id);
  EXPECT_EQ(SignerKey::FromPem(explicit_curve)->key_id(), id);
}

TEST(SignerKey, RefusesOtherKeys) {
  std::string off_curve = FromHex(kEcPublicDer);
  off_curve.back() ^= 1;
  const std::string refused[] = {
      "",
      "no key",
      FromHex(kEdPublicDer) + '\0',
      FromHex(kEdPublicDer).substr(0, 43),
      FromHex(kEdPrivateDer),
      off_curve,
  };
  for (const std::string& der : refused) {
    EXPECT_THAT(SignerKey::FromDer(der), StatusHasReason(Reason::kInvalidField)) << Hex(der);
    EXPECT_THAT(SignerKey::FromPem(Pem("PUBLIC KEY", der.substr(0, 43))),
                StatusHasReason(Reason::kInvalidField));
  }
  for (const evp::Key& key :
       {NewKey("EC", "P-384"), NewKey("EC", "secp256k1"), NewKey("ED448"), NewKey("X25519")}) {
    EXPECT_THAT(SignerKey::FromPem(PublicPem(key)), StatusHasReason(Reason::kInvalidField));
  }
  EXPECT_THAT(SignerKey::FromPem(EdPem()), StatusHasReason(Reason::kInvalidField));
}

TEST(FileSigner, SignsTheVectorOfRfc8032) {
  const auto signer = FileSigner::FromPem(EdPem());
  ASSERT_THAT(signer, IsOk());
  EXPECT_EQ((*signer)->Sign(FromHex(kEdMessage)).value(), FromHex(kEdSignature));
  EXPECT_EQ((*signer)->public_key().key_id(), SignerKey::FromDer(FromHex(kEdPublicDer))->key_id());
}

TEST(FileSigner, SignsWhatItsPublicKeyVerifies) {
  const std::string pems[] = {EdPem(), SigningKey::Generate().ToPem()};
  for (const std::string& pem : pems) {
    const auto signer = FileSigner::FromPem(pem).value();
    const auto other = FileSigner::FromPem(SigningKey::Generate().ToPem()).value();
    for (int i = 0; i < 50; ++i) {
      const std::string message = std::string(i, 'm');
      const std::string signature = signer->Sign(message).value();
      ASSERT_EQ(signature.size(), 64u);
      EXPECT_TRUE(signer->public_key().Verify(message, signature));
      EXPECT_FALSE(other->public_key().Verify(message, signature));
    }
  }
}

class FileSignerTest : public ::testing::Test {
 protected:
  FileSignerTest() {
    char name[] = "/tmp/florin_signer_XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~FileSignerTest() override { std::filesystem::remove_all(directory_); }

  std::string Write(const std::string& content, mode_t mode = 0600) {
    const std::string path = directory_ + "/key.pem";
    std::ofstream(path) << content;
    chmod(path.c_str(), mode);
    return path;
  }

  std::string directory_;
};

TEST_F(FileSignerTest, LoadsBothAlgorithms) {
  const auto ed = FileSigner::Load(Write(EdPem()));
  ASSERT_THAT(ed, IsOk());
  EXPECT_EQ((*ed)->public_key().algorithm(), "ed25519");
  const auto ec = FileSigner::Load(Write(SigningKey::Generate().ToPem()));
  ASSERT_THAT(ec, IsOk());
  EXPECT_EQ((*ec)->public_key().algorithm(), "es256");
}

TEST_F(FileSignerTest, RefusesEveryModeBut0600) {
  for (const mode_t mode : {0644, 0640, 0604, 0660, 0700, 0400}) {
    const auto signer = FileSigner::Load(Write(EdPem(), mode));
    EXPECT_THAT(signer, StatusHasReason(Reason::kInvalidField)) << std::oct << mode;
    EXPECT_THAT(signer.status().ToString(), HasSubstr("0600"));
  }
}

TEST_F(FileSignerTest, RefusesOtherKeysAndNamesTheFileOnly) {
  const std::string refused[] = {
      "",
      "no key",
      PublicPem(NewKey("ED25519")),
      PrivatePem(NewKey("ED25519"), "pass"),
      PrivatePem(NewKey("ED448")),
      PrivatePem(NewKey("X25519")),
      PrivatePem(NewKey("EC", "P-384")),
      PrivatePem(NewKey("EC", "secp256k1")),
  };
  for (const std::string& pem : refused) {
    const auto signer = FileSigner::Load(Write(pem));
    EXPECT_THAT(signer, StatusHasReason(Reason::kInvalidField)) << pem;
    EXPECT_THAT(signer.status().ToString(), HasSubstr("key.pem"));
    if (pem.size() > 80) {
      EXPECT_THAT(signer.status().ToString(), Not(HasSubstr(pem.substr(40, 16))));
    }
  }
  EXPECT_THAT(FileSigner::Load(directory_ + "/absent"), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(FileSigner::Load(directory_), StatusHasReason(Reason::kInvalidField));
}

}  // namespace
}  // namespace florin::crypto
