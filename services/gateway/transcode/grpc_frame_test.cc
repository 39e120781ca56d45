#include "services/gateway/transcode/grpc_frame.h"

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::gateway {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::Pair;

TEST(GrpcFormOf, TakesItsOwnTypesOnly) {
  EXPECT_EQ(GrpcFormOf("application/grpc"), GrpcForm::kHttp2);
  EXPECT_EQ(GrpcFormOf("application/GRPC+proto"), GrpcForm::kHttp2);
  EXPECT_EQ(GrpcFormOf("application/grpc-web"), GrpcForm::kWeb);
  EXPECT_EQ(GrpcFormOf("application/grpc-web+proto"), GrpcForm::kWeb);
  EXPECT_EQ(GrpcFormOf("application/grpc-web-text"), GrpcForm::kWebText);
  EXPECT_EQ(GrpcFormOf("application/grpc-web-text+proto"), GrpcForm::kWebText);
  for (const char* other :
       {"", "+proto", "application/json", "application/grpc+json", "application/grpc-websocket",
        "application/grpc+proto+proto", "application/grpc; charset=utf-8", " application/grpc"}) {
    EXPECT_EQ(GrpcFormOf(other), std::nullopt) << other;
  }
}

TEST(ReadGrpcMessage, TakesExactlyOneMessage) {
  EXPECT_EQ(*ReadGrpcMessage(GrpcForm::kHttp2, "\0\0\0\0\3abc"s), "abc");
  EXPECT_EQ(*ReadGrpcMessage(GrpcForm::kWeb, "\0\0\0\0\0"s), "");
  const std::string large(66'000, 'x');
  EXPECT_EQ(*ReadGrpcMessage(GrpcForm::kHttp2, "\0\0\1\1\xd0"s + large), large);
  for (const std::string& body :
       {""s, "\0\0\0\0"s, "\0\0\0\0\3ab"s, "\0\0\0\0\3abcd"s, "\0\0\0\0\1a\0\0\0\0\1b"s,
        "\0\xff\xff\xff\xff"s, "\0\0\0\0\1a\x80\0\0\0\0"s, "\2\0\0\0\1a"s, "\x80\0\0\0\1a"s}) {
    EXPECT_THAT(ReadGrpcMessage(GrpcForm::kHttp2, body), StatusHasReason(Reason::kMalformedRequest))
        << absl::CHexEscape(body);
  }
  EXPECT_THAT(ReadGrpcMessage(GrpcForm::kWeb, "\1\0\0\0\1a"s),
              StatusHasReason(Reason::kCompressionNotSupported));
}

TEST(ReadGrpcMessage, TakesTextInPieces) {
  EXPECT_EQ(*ReadGrpcMessage(GrpcForm::kWebText, absl::Base64Escape("\0\0\0\0\3abc"s)), "abc");
  EXPECT_EQ(
      *ReadGrpcMessage(GrpcForm::kWebText, absl::Base64Escape("\0\0\0\0\3"s) +
                                               absl::Base64Escape("a") + absl::Base64Escape("bc")),
      "abc");
  for (const char* text :
       {"AAAAAAA", "AAAAAAA*", "AAAA AAA=", "AAAAAAA=\n", "=AAAAAAA", "AAAAA===", "AAAAAAA=A"}) {
    EXPECT_THAT(ReadGrpcMessage(GrpcForm::kWebText, text),
                StatusHasReason(Reason::kMalformedRequest))
        << text;
  }
}

TEST(MakeGrpcTrailers, TellsReasonParamAndMetadata) {
  EXPECT_THAT(MakeGrpcTrailers(absl::OkStatus()), ElementsAre(Pair("grpc-status", "0")));
  const GrpcTrailers trailers =
      MakeGrpcTrailers(Error(Reason::kInsufficientFunds, "100% Zoë\r\nx",
                             {.param = "amount", .metadata = {{"payment_id", "pay_1"}}}));
  ASSERT_EQ(trailers.size(), 3u);
  EXPECT_EQ(trailers[0], std::pair("grpc-status"s, "9"s));
  EXPECT_EQ(trailers[1], std::pair("grpc-message"s, "100%25 Zo%C3%AB%0D%0Ax"s));
  EXPECT_EQ(trailers[2].first, "grpc-status-details-bin");
  EXPECT_EQ(trailers[2].second.find_first_of("=\r\n"), std::string::npos);
  std::string bytes;
  ASSERT_TRUE(absl::Base64Unescape(trailers[2].second, &bytes));
  google::rpc::Status status;
  ASSERT_TRUE(status.ParseFromString(bytes));
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(status.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "insufficient_funds");
  EXPECT_EQ(info.domain(), "florin");
  EXPECT_EQ(info.metadata().at("param"), "amount");
  EXPECT_EQ(info.metadata().at("payment_id"), "pay_1");
}

TEST(MakeGrpcBody, PutsTrailersOfTheWebIntoTheBody) {
  const GrpcTrailers trailers = {{"grpc-status", "0"}};
  const std::string web = "\0\0\0\0\2ab\x80\0\0\0\x10grpc-status: 0\r\n"s;
  EXPECT_EQ(MakeGrpcBody(GrpcForm::kHttp2, "ab", trailers), "\0\0\0\0\2ab"s);
  EXPECT_EQ(MakeGrpcBody(GrpcForm::kWeb, "ab", trailers), web);
  EXPECT_EQ(MakeGrpcBody(GrpcForm::kWebText, "ab", trailers), absl::Base64Escape(web));
  EXPECT_EQ(MakeGrpcBody(GrpcForm::kHttp2, std::nullopt, trailers), "");
  EXPECT_EQ(MakeGrpcBody(GrpcForm::kWeb, std::nullopt, trailers),
            "\x80\0\0\0\x10grpc-status: 0\r\n"s);
}

TEST(ParseGrpcTimeout, KnowsItsUnits) {
  EXPECT_EQ(*ParseGrpcTimeout("1H"), absl::Hours(1));
  EXPECT_EQ(*ParseGrpcTimeout("2M"), absl::Minutes(2));
  EXPECT_EQ(*ParseGrpcTimeout("3S"), absl::Seconds(3));
  EXPECT_EQ(*ParseGrpcTimeout("0m"), absl::ZeroDuration());
  EXPECT_EQ(*ParseGrpcTimeout("99999999u"), absl::Microseconds(99'999'999));
  EXPECT_EQ(*ParseGrpcTimeout("5n"), absl::Nanoseconds(5));
  for (const char* text :
       {"", "S", "1", "1s", "-1S", "+1S", "1.5S", " 1S", "1S ", "123456789S", "1SS"}) {
    EXPECT_THAT(ParseGrpcTimeout(text), StatusHasReason(Reason::kMalformedRequest)) << text;
  }
}

}  // namespace
}  // namespace florin::gateway
