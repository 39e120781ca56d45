#include "libs/crypto/envelope.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "gtest/gtest.h"
#include "libs/crypto/sha256.h"
#include "libs/status/matchers.h"

namespace florin::crypto {
namespace {

std::string Line(const std::string& id, char octet) {
  return id + " " + Base64UrlEncode(std::string(32, octet)) + "\n";
}
SecretKeys Keys(const std::string& text) { return SecretKeys::Parse(text).value(); }

TEST(SecretKeys, TheFirstIsCurrent) {
  const SecretKeys keys = Keys(Line("2026b", 'b') + Line("2026a", 'a'));
  EXPECT_EQ(keys.current().id, "2026b");
  ASSERT_NE(keys.Find("2026a"), nullptr);
  EXPECT_EQ(keys.Find("2026a")->octets, std::string(32, 'a'));
  EXPECT_EQ(keys.Find("2026"), nullptr);
}

TEST(SecretKeys, RefusesWhatIsNoListOfKeys) {
  const std::string good = Line("a", 'a');
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("a"), good + good, good + "x", Line("A", 'a'),
        Line("", 'a'), Line("a_b", 'a'), Line("aaaaaaaaaaaaaaaaa", 'a'),
        "a " + Base64UrlEncode(std::string(31, 'a')), "a " + Base64UrlEncode(std::string(33, 'a')),
        "a  " + Base64UrlEncode(std::string(32, 'a'))}) {
    const auto keys = SecretKeys::Parse(text);
    EXPECT_THAT(keys, StatusHasReason(Reason::kInvalidField)) << text;
    EXPECT_EQ(keys.status().ToString().find(Base64UrlEncode(std::string(30, 'a'))),
              std::string::npos);
  }
}

TEST(SecretKeys, LoadsOnlyASecretFile) {
  char name[] = "/tmp/florin_keys_XXXXXX";
  close(mkstemp(name));
  std::ofstream(name) << Line("a", 'a');
  ASSERT_EQ(chmod(name, 0600), 0);
  EXPECT_THAT(SecretKeys::Load(name), IsOk());
  ASSERT_EQ(chmod(name, 0640), 0);
  EXPECT_THAT(SecretKeys::Load(name), StatusHasReason(Reason::kInvalidField));
  std::remove(name);
}

// RFC 4231 section 4.3.
TEST(HmacSha256, GivesTheMacOfTheRfc) {
  EXPECT_EQ(Hex(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(DataKeys, OpensWhatItSealed) {
  const DataKeys keys(Keys(Line("a", 'a')));
  for (const std::string& secret : {std::string(), std::string("x"), std::string(1000, '\0')}) {
    const std::string sealed = keys.Seal(secret, "auth.t.c.1");
    EXPECT_EQ(sealed.size(), 1 + 1 + 12 + secret.size() + 16);
    EXPECT_EQ(keys.Open(sealed, "auth.t.c.1").value(), secret);
    EXPECT_NE(keys.Seal(secret, "auth.t.c.1"), sealed);
  }
}

TEST(DataKeys, OpensNothingElse) {
  const DataKeys keys(Keys(Line("a", 'a')));
  const std::string sealed = keys.Seal("secret", "auth.t.c.1");
  EXPECT_THAT(keys.Open(sealed, "auth.t.c.2"), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(keys.Open("", "auth.t.c.1"), StatusHasReason(Reason::kInternal));
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    std::string altered = sealed;
    altered[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_THAT(keys.Open(altered, "auth.t.c.1"), StatusHasReason(Reason::kInternal)) << bit;
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_THAT(keys.Open(sealed.substr(0, size), "auth.t.c.1"),
                StatusHasReason(Reason::kInternal));
  }
}

TEST(DataKeys, RotationLosesNothing) {
  const DataKeys before(Keys(Line("a", 'a')));
  const DataKeys after(Keys(Line("b", 'b') + Line("a", 'a')));
  const std::string sealed = before.Seal("secret", "p");
  EXPECT_EQ(after.Open(sealed, "p").value(), "secret");
  EXPECT_THAT(before.Open(after.Seal("secret", "p"), "p"), StatusHasReason(Reason::kInternal));
  // The same key under another id is another key: the id is authenticated.
  const DataKeys renamed(Keys(Line("b", 'a')));
  std::string moved = sealed;
  moved[1] = 'b';
  EXPECT_THAT(renamed.Open(moved, "p"), StatusHasReason(Reason::kInternal));
}

}  // namespace
}  // namespace florin::crypto
