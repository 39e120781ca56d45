#include "libs/crypto/sha256.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::crypto {
namespace {

TEST(Sha256, MatchesTheExamplesOfFips180) {
  EXPECT_EQ(Hex(AsOctets(Sha256("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Hex(AsOctets(Sha256(""))),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hex(AsOctets(Sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Hex(AsOctets(Sha256(std::string(1'000'000, 'a')))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Stream, IsOfAllThatWasAdded) {
  Sha256Stream stream;
  EXPECT_EQ(stream.digest(), Sha256(""));
  stream.Add("ab");
  EXPECT_EQ(stream.digest(), Sha256("ab"));
  stream.Add("");
  stream.Add("c");
  EXPECT_EQ(stream.digest(), Sha256("abc"));
}

TEST(Base64Url, EncodesTheVectorsOfRfc4648WithoutPadding) {
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff", "-_8"},
  };
  for (const auto& [octets, text] : vectors) {
    EXPECT_EQ(Base64UrlEncode(octets), text);
    const auto decoded = Base64UrlDecode(text);
    ASSERT_THAT(decoded, IsOk()) << text;
    EXPECT_EQ(*decoded, octets);
  }
}

TEST(Base64Url, RefusesEveryOtherSpellingOfTheSameOctets) {
  const char* refused[] = {
      "Zg==",   // padding
      "Zg=",    //
      "Zh",     // stray bits in the last character
      "Zm9",    //
      "Z",      // six bits are no octet
      "Zm9v ",  // white space
      " Zm9v", "Zm\n9v",
      "+/8",  // the alphabet of plain base64
      "Zm9v.", "Zm9v\xc3\xa9",
  };
  for (const char* text : refused) {
    EXPECT_THAT(Base64UrlDecode(text), StatusHasReason(Reason::kInvalidField)) << text;
  }
  EXPECT_THAT(Base64UrlDecode(std::string_view("Zm9v\0", 5)),
              StatusHasReason(Reason::kInvalidField));
}

TEST(RandomOctets, HasTheSizeAskedForAndDiffers) {
  EXPECT_EQ(RandomOctets(0), "");
  EXPECT_EQ(RandomOctets(16).size(), 16u);
  EXPECT_NE(RandomOctets(16), RandomOctets(16));
}

TEST(ConstantTimeEqual, ComparesContentsAndLength) {
  EXPECT_TRUE(ConstantTimeEqual("", ""));
  EXPECT_TRUE(ConstantTimeEqual("abc", "abc"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abd"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abcd"));
}

}  // namespace
}  // namespace florin::crypto
