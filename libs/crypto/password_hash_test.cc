#include "libs/crypto/password_hash.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

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

}  // namespace
}  // namespace florin::crypto
