#include "libs/crypto/password_hash.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/crypto/sha256.h"

namespace florin::crypto {
namespace {

using ::testing::StartsWith;

constexpr PasswordCost kCheap = {.operations = 1, .memory_bytes = 8192};

TEST(PasswordHash, IsArgon2idWithItsParameters) {
  EXPECT_THAT(HashPassword("correct horse battery"), StartsWith("$argon2id$v=19$m=19456,t=2,p=1$"));
}

TEST(PasswordHash, VerifiesOnlyThePassword) {
  const std::string phc = HashPassword("correct horse battery", kCheap);
  EXPECT_TRUE(VerifyPassword(phc, "correct horse battery"));
  EXPECT_FALSE(VerifyPassword(phc, "correct horse batterz"));
  EXPECT_FALSE(VerifyPassword(phc, "correct horse battery "));
  EXPECT_FALSE(VerifyPassword(phc, std::string("correct horse battery\0", 22)));
  EXPECT_FALSE(VerifyPassword(phc, ""));
}

TEST(PasswordHash, EveryOctetCounts) {
  const std::string password(1024, 'a');
  const std::string phc = HashPassword(password, kCheap);
  std::string last_differs = password;
  last_differs.back() = 'b';
  EXPECT_TRUE(VerifyPassword(phc, password));
  EXPECT_FALSE(VerifyPassword(phc, last_differs));
}

TEST(PasswordHash, SaltsDiffer) {
  EXPECT_NE(HashPassword("same", kCheap), HashPassword("same", kCheap));
}

TEST(PasswordHash, AMalformedHashVerifiesNothing) {
  EXPECT_FALSE(VerifyPassword("", ""));
  EXPECT_FALSE(VerifyPassword("$argon2id$", "password"));
  EXPECT_FALSE(VerifyPassword("password", "password"));
}

TEST(PasswordHash, NeedsRehashWhenTheParametersDiffer) {
  const std::string phc = HashPassword("password", kCheap);
  EXPECT_FALSE(NeedsRehash(phc, kCheap));
  EXPECT_TRUE(NeedsRehash(phc));
  EXPECT_TRUE(NeedsRehash(phc, {.operations = 2, .memory_bytes = 8192}));
  EXPECT_TRUE(NeedsRehash("$2b$12$notargon2"));
}

SecretKeys Pepper(const std::string& ids) {
  std::string text;
  for (const char id : ids) {
    text += std::string(1, id) + " " + Base64UrlEncode(std::string(32, id)) + "\n";
  }
  return SecretKeys::Parse(text).value();
}

TEST(Pepper, IsNeededToVerify) {
  const SecretKeys pepper = Pepper("a");
  const std::string phc = HashPassword("password", kCheap, &pepper);
  EXPECT_THAT(phc, StartsWith("$argon2id$v=19$m=8,t=1,p=1,keyid=a$"));
  EXPECT_TRUE(VerifyPassword(phc, "password", &pepper));
  EXPECT_FALSE(VerifyPassword(phc, "passwore", &pepper));
  EXPECT_FALSE(VerifyPassword(phc, "password"));
  const SecretKeys other = Pepper("b");
  EXPECT_FALSE(VerifyPassword(phc, "password", &other));
}

TEST(Pepper, RotatesAtTheNextLogin) {
  const SecretKeys before = Pepper("a");
  const SecretKeys after = Pepper("ba");
  const std::string plain = HashPassword("password", kCheap);
  const std::string peppered = HashPassword("password", kCheap, &before);
  for (const std::string& phc : {plain, peppered}) {
    EXPECT_TRUE(VerifyPassword(phc, "password", &after));
    EXPECT_TRUE(NeedsRehash(phc, kCheap, &after));
  }
  EXPECT_TRUE(NeedsRehash(peppered, kCheap));
  EXPECT_FALSE(NeedsRehash(peppered, kCheap, &before));
  EXPECT_FALSE(NeedsRehash(HashPassword("password", kCheap, &after), kCheap, &after));
}

}  // namespace
}  // namespace florin::crypto
