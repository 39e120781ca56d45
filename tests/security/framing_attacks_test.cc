// Attacks on how HTTP/1.1 is framed: request smuggling and its kin (SECURITY attack 12).
//
// What must happen to each: one answer, 400, and the connection ends. A second answer would mean
// that the smuggled request was taken for one.
#include <ostream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/security/raw_connection.h"

namespace florin::security {
namespace {

using ::testing::AnyOf;

struct FramingAttack {
  std::string name;
  std::string request;
};
void PrintTo(const FramingAttack& attack, std::ostream* out) { *out << attack.request; }

// What the attacker wants to be taken for a request of its own.
constexpr char kSmuggled[] = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";

// A POST with these fields and this body, and the smuggled request behind it.
std::string Post(const std::string& fields, const std::string& body) {
  return absl::StrCat("POST /v1/login HTTP/1.1\r\nHost: localhost\r\n", fields, "\r\n", body,
                      kSmuggled);
}

std::string Get(const std::string& target, const std::string& fields) {
  return absl::StrCat("GET ", target, " HTTP/1.1\r\n", fields, "\r\n", kSmuggled);
}

std::vector<FramingAttack> Attacks() {
  const std::string host = "Host: localhost\r\n";
  return {
      {"ContentLengthThenChunked",
       Post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
      {"ChunkedThenContentLength",
       Post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n")},
      {"TwoContentLengths", Post("Content-Length: 0\r\nContent-Length: 44\r\n", "")},
      {"TwoEqualContentLengths", Post("Content-Length: 2\r\nContent-Length: 2\r\n", "{}")},
      {"ContentLengthList", Post("Content-Length: 2, 2\r\n", "{}")},
      {"ContentLengthWithPlus", Post("Content-Length: +2\r\n", "{}")},
      {"NegativeContentLength", Post("Content-Length: -1\r\n", "")},
      {"HexadecimalContentLength", Post("Content-Length: 0x2\r\n", "{}")},
      {"OverflowingContentLength", Post("Content-Length: 18446744073709551618\r\n", "{}")},
      {"ChunkedTwice",
       Post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
      {"ChunkedAmongOthers", Post("Transfer-Encoding: identity, chunked\r\n", "0\r\n\r\n")},
      {"ChunkedMisspelt", Post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")},
      {"ChunkedAfterATab", Post("Transfer-Encoding:\x0bchunked\r\n", "0\r\n\r\n")},
      {"ChunkedWithQuotes", Post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n")},
      {"GzipTransferCoding", Post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")},
      {"SpaceBeforeColon", Post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")},
      {"FoldedLine", Post("X: y\r\n Transfer-Encoding: chunked\r\n", "0\r\n\r\n")},
      {"FoldedTransferEncoding", Post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n")},
      {"LoneLineFeed", Post("X: y\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
      {"LoneCarriageReturn", Post("X: y\rTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
      {"NulInAField", Post(std::string("X: a\0b\r\n", 8), "")},
      {"NulInAName", Post(std::string("X\0Y: a\r\n", 8), "")},
      {"ChunkExtension", Post("Transfer-Encoding: chunked\r\n", "2;a=b\r\n{}\r\n0\r\n\r\n")},
      {"ChunkSizeOverflow",
       Post("Transfer-Encoding: chunked\r\n", "10000000000000002\r\n{}\r\n0\r\n\r\n")},
      {"NegativeChunkSize", Post("Transfer-Encoding: chunked\r\n", "-2\r\n{}\r\n0\r\n\r\n")},
      {"ChunkSizeWithPrefix", Post("Transfer-Encoding: chunked\r\n", "0x2\r\n{}\r\n0\r\n\r\n")},
      {"ChunkEndsInLineFeed", Post("Transfer-Encoding: chunked\r\n", "2\n{}\n0\n\n")},
      {"ChunkLongerThanItsSize", Post("Transfer-Encoding: chunked\r\n", "2\r\n{}xx\r\n0\r\n\r\n")},
      {"Trailer",
       Post("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\nContent-Length: 3\r\n\r\n")},
      {"TwoHosts", Get("/v1/accounts", host + "Host: evil.example\r\n")},
      {"NoHost", Get("/v1/accounts", "")},
      {"Http09", std::string("GET /v1/accounts\r\n\r\n")},
      {"UnknownVersion", absl::StrCat("GET /v1/accounts HTTP/9.9\r\n", host, "\r\n")},
      {"Http2PrefaceInHttp1", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"LineFeedInTheTarget", Get("/v1/acc\nounts", host)},
      {"UnknownExpectation", Post("Expect: 200-ok\r\nContent-Length: 0\r\n", "")},
      {"TwoAuthorizations", Get("/v1/accounts", host + "Authorization: Bearer a\r\n"
                                                       "Authorization: Bearer b\r\n")},
      {"TwoIdempotencyKeys",
       Post("Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: 2\r\n", "{}")},
      {"TwoContentTypes", Post("Content-Type: application/json\r\nContent-Type: text/plain\r\n"
                               "Content-Length: 2\r\n",
                               "{}")},
  };
}

class FramingAttackTest : public ::testing::TestWithParam<FramingAttack> {};

TEST_P(FramingAttackTest, IsAnsweredOnceAndTheConnectionEnds) {
  const std::vector<int> statuses = SendRaw(GetParam().request);
  ASSERT_EQ(statuses.size(), 1u) << GetParam().name;
  // A length beyond 64 bits is no number to one reader and too large to another.
  const bool too_large = GetParam().name == "OverflowingContentLength";
  EXPECT_THAT(statuses[0], AnyOf(400, too_large ? 413 : 400));
}

INSTANTIATE_TEST_SUITE_P(Smuggling, FramingAttackTest, ::testing::ValuesIn(Attacks()),
                         [](const auto& info) { return info.param.name; });

struct TargetAttack {
  std::string name;
  std::string target;
};
void PrintTo(const TargetAttack& attack, std::ostream* out) { *out << attack.target; }

// Targets that two readers could take for different resources. Refused, not normalised (RFC 3986
// section 6 is for others to get wrong).
const TargetAttack kTargets[] = {
    {"AbsoluteTarget", "https://evil.example/v1/accounts"},
    {"NetworkPath", "//evil.example/v1/accounts"},
    {"Asterisk", "*"},
    {"Authority", "evil.example:443"},
    {"DotSegments", "/v1/accounts/../../etc/passwd"},
    {"EncodedDotSegments", "/v1/accounts/%2e%2e/%2e%2e/etc/passwd"},
    {"HalfEncodedDotSegments", "/v1/accounts/.%2e/etc"},
    {"EncodedSlash", "/v1/accounts%2facc_1"},
    {"Backslash", "/v1\\accounts"},
    {"OverlongSlash", "/v1/accounts/%c0%af"},
    {"Nul", "/v1/accounts/%00"},
    {"LineBreak", "/v1/accounts/%0d%0aX:y"},
    {"LineBreakInTheQuery", "/v1/accounts?page_token=%0d%0aX:y"},
    {"Fragment", "/v1/accounts#x"},
    {"LonePercent", "/v1/accounts/%"},
    {"Space", "/v1/accounts /x"},
    {"NonAscii", "/v1/acc\xc3\xb6unts"},
};

class TargetAttackTest : public ::testing::TestWithParam<TargetAttack> {};

TEST_P(TargetAttackTest, IsRefusedAndNotNormalised) {
  const std::vector<int> statuses = SendRaw(absl::StrCat(
      "GET ", GetParam().target, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
  ASSERT_EQ(statuses.size(), 1u);
  // What is well-formed and names nothing is not found.
  EXPECT_EQ(statuses[0], GetParam().name == "NetworkPath" ? 404 : 400);
}

INSTANTIATE_TEST_SUITE_P(Path, TargetAttackTest, ::testing::ValuesIn(kTargets),
                         [](const auto& info) { return info.param.name; });

// Twice encoded is once encoded here, and so names nothing.
TEST(TargetControl, IsNotDecodedTwice) {
  EXPECT_EQ(SendRaw("GET /v1/accounts/%252e%252e%252fx HTTP/1.1\r\nHost: localhost\r\n"
                    "Connection: close\r\n\r\n"),
            std::vector<int>{401});
}

// Slow clients (SECURITY attack 16): whoever dawdles is answered 408 and cut off, 10 s after the
// first byte of a header at the latest.
TEST(SlowAttack, HeaderByteByByte) {
  RawConnection connection(e2e::SharedStack());
  connection.Send("GET /v1/accounts HTTP/1.1\r\nHost: localhost\r\nX: ");
  EXPECT_EQ(Statuses(connection.ReadToEnd()), std::vector<int>{408});
}

TEST(SlowAttack, BodyThatNeverComes) {
  RawConnection connection(e2e::SharedStack());
  connection.Send(
      "POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
      "application/json\r\nContent-Length: 60\r\n\r\n{");
  EXPECT_EQ(Statuses(connection.ReadToEnd()), std::vector<int>{408});
}

}  // namespace
}  // namespace florin::security
