#include "services/gateway/http/request_parser.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::gateway {
namespace {

constexpr std::uint64_t kLimit = 100;

// Parses a whole request, its body in pieces of `step` bytes.
absl::StatusOr<Request> Parse(std::string_view bytes, std::size_t step = 1000) {
  RequestParser parser(kLimit);
  const std::size_t end = bytes.find("\r\n\r\n");
  FLORIN_RETURN_IF_ERROR(parser.ParseHead(bytes.substr(0, end + 4)));
  bytes.remove_prefix(end + 4);
  std::string waiting;
  while (!parser.done() && !bytes.empty()) {
    waiting += bytes.substr(0, step);
    bytes.remove_prefix(std::min(step, bytes.size()));
    for (std::size_t taken = 1; taken > 0 && !waiting.empty() && !parser.done();) {
      FLORIN_ASSIGN_OR_RETURN(taken, parser.ParseBody(waiting));
      waiting.erase(0, taken);
    }
  }
  if (!parser.done()) return Error(Reason::kRequestTimeout, "the request is not complete");
  return parser.request();
}

std::string With(const std::string& fields, const std::string& body = "") {
  return absl::StrCat("POST /v1/payments HTTP/1.1\r\nHost: localhost\r\n", fields, "\r\n", body);
}

TEST(RequestParserTest, TakesWhatItNeeds) {
  const auto request =
      Parse(With("Authorization: Bearer x\r\nContent-Type: application/json\r\nIDEMPOTENCY-KEY:  k "
                 "1 \r\nX-User-Id: usr_1\r\n"
                 "traceparent: t\r\nContent-Length: 2\r\n",
                 "{}"));
  ASSERT_THAT(request, IsOk());
  EXPECT_EQ(request->method, "POST");
  EXPECT_EQ(request->target, "/v1/payments");
  EXPECT_EQ(request->authorization, "Bearer x");
  EXPECT_EQ(request->content_type, "application/json");
  EXPECT_EQ(request->idempotency_key, "k 1");
  EXPECT_EQ(request->traceparent, "t");
  EXPECT_EQ(request->body, "{}");
}

TEST(RequestParserTest, JoinsChunks) {
  for (const std::size_t step : {1u, 2u, 3u, 1000u}) {
    const auto request = Parse(
        With("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"), step);
    ASSERT_THAT(request, IsOk());
    EXPECT_EQ(request->body, "abc0123456789");
  }
}

TEST(RequestParserTest, DropsTraceparentGivenTwice) {
  const auto request = Parse(With("traceparent: a\r\ntraceparent: b\r\n"));
  ASSERT_THAT(request, IsOk());
  EXPECT_EQ(request->traceparent, std::nullopt);
}

TEST(RequestParserTest, KnowsWhenTheConnectionStays) {
  const auto keep = [](std::string_view head) {
    RequestParser parser(kLimit);
    EXPECT_THAT(parser.ParseHead(head), IsOk()) << head;
    return parser.keep_alive();
  };
  EXPECT_TRUE(keep("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_FALSE(keep("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
  EXPECT_FALSE(keep("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_FALSE(keep("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(RequestParserTest, BoundsTheBody) {
  const std::string fits(kLimit, 'x');
  EXPECT_THAT(Parse(With("Content-Length: 100\r\n", fits)), IsOk());
  const absl::Status announced = Parse(With("Content-Length: 101\r\n")).status();
  EXPECT_THAT(announced, StatusHasReason(Reason::kBodyTooLarge));
  EXPECT_EQ(DetailOf(announced).metadata["limit_bytes"], "100");
  EXPECT_THAT(Parse(With("Content-Length: 18446744073709551615\r\n")),
              StatusHasReason(Reason::kBodyTooLarge));
  EXPECT_THAT(
      Parse(With("Transfer-Encoding: chunked\r\n", absl::StrCat("64\r\n", fits, "\r\n0\r\n\r\n"))),
      IsOk());
  EXPECT_THAT(Parse(With("Transfer-Encoding: chunked\r\n",
                         absl::StrCat("64\r\n", fits, "\r\n1\r\nx\r\n0\r\n\r\n"))),
              StatusHasReason(Reason::kBodyTooLarge));
  EXPECT_THAT(Parse(With("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\n")),
              StatusHasReason(Reason::kBodyTooLarge));
}

TEST(RequestParserTest, RefusesEncodedContent) {
  EXPECT_THAT(Parse(With("Content-Encoding: gzip\r\n")),
              StatusHasReason(Reason::kUnsupportedMediaType));
  EXPECT_THAT(Parse(With("Content-Encoding: identity\r\n")), IsOk());
}

// Every way to make two parsers disagree where a request ends or what it says.
TEST(RequestParserTest, RefusesWhatCanBeFramedInTwoWays) {
  const std::string cases[] = {
      // Framing.
      With("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
      With("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
      With("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"),
      With("Content-Length: 2\r\nContent-Length: 3\r\n", "{}"),
      With("Content-Length: 2, 2\r\n", "{}"),
      With("Content-Length: +2\r\n", "{}"),
      With("Content-Length: -2\r\n", "{}"),
      With("Content-Length: 0x2\r\n", "{}"),
      With("Content-Length: 2 2\r\n", "{}"),
      With("Content-Length: \r\n"),
      With("Content-Length: 18446744073709551616\r\n"),
      With("Content-Length : 2\r\n", "{}"),
      With("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
      With("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
      With("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
      With("Transfer-Encoding: identity\r\n"),
      With("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
      With("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"),
      With("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"),
      With("Transfer-Encoding: \x0b"
           "chunked\r\n",
           "0\r\n\r\n"),
      With("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
      "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      // Chunks.
      With("Transfer-Encoding: chunked\r\n", "2;x=y\r\n{}\r\n0\r\n\r\n"),
      With("Transfer-Encoding: chunked\r\n", "0;x\r\n\r\n"),
      With("Transfer-Encoding: chunked\r\n", "0x2\r\n{}\r\n0\r\n\r\n"),
      With("Transfer-Encoding: chunked\r\n", "-2\r\n{}\r\n0\r\n\r\n"),
      With("Transfer-Encoding: chunked\r\n", " 2\r\n{}\r\n0\r\n\r\n"),
      With("Transfer-Encoding: chunked\r\n", "2 \r\n{}\r\n0\r\n\r\n"),
      With("Transfer-Encoding: chunked\r\n", "2\n{}\n0\n\n\r\n\r\n"),
      With("Transfer-Encoding: chunked\r\n", "2\r\n{}xx0\r\n\r\n"),
      With("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\nx\r\n\r\n"),
      With("Transfer-Encoding: chunked\r\n", "10000000000000002\r\n{}\r\n0\r\n\r\n"),
      With("Transfer-Encoding: chunked\r\n", "0\r\nX-Trailer: 1\r\n\r\n"),
      With("Transfer-Encoding: chunked\r\n", "0\r\nContent-Length: 5\r\n\r\n"),
      // Lines.
      With("X: a\r\n b\r\n"),
      With("X: a\r\n\tb\r\n"),
      With("X: a\nY: b\r\n"),
      With("X: a\rY: b\r\n"),
      With(std::string("X: a\0b\r\n", 8)),
      With("X: a\x01"
           "b\r\n"),
      With("X: a\x7f\r\n"),
      With("X\r\n"),
      With("X y: a\r\n"),
      With(": a\r\n"),
      With(" X: a\r\n"),
      // Fields that must be there once.
      With("Host: other\r\n"),
      With("host: localhost\r\n"),
      With("Authorization: Bearer x\r\nauthorization: Bearer y\r\n"),
      With("Content-Type: a/b\r\nContent-Type: a/b\r\n"),
      With("Idempotency-Key: a\r\nIdempotency-Key: a\r\n"),
      With("Expect: 200-ok\r\n"),
      // The request line.
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
      "GET / HTTP/0.9\r\n\r\n",
      "GET /\r\nHost: a\r\n\r\n",
      "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
      " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
      "G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / http/1.1\r\nHost: a\r\n\r\n",
      "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
      "\r\n\r\n",
  };
  for (const std::string& bytes : cases) {
    EXPECT_THAT(Parse(bytes), StatusHasReason(Reason::kMalformedRequest)) << bytes;
  }
}

}  // namespace
}  // namespace florin::gateway
