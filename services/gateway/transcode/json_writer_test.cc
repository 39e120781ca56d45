#include "services/gateway/transcode/json_writer.h"

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"
#include "services/gateway/transcode/json_reader.h"
#include "services/gateway/transcode/test_protos.h"

namespace florin::gateway {
namespace {

class JsonWriterTest : public testing::Test {
 protected:
  std::string Write(const std::string& text) {
    message_ = protos_.New("Everything");
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, message_.get()));
    std::string json;
    AppendJson(*message_, json);
    return json;
  }

  TestProtos protos_{kEverything};
  std::unique_ptr<google::protobuf::Message> message_;
};

TEST_F(JsonWriterTest, ShowsEveryFieldWithoutPresence) {
  EXPECT_EQ(Write(""), R"({"text":"","big":"0","small":0,"flag":false,"color":"COLOR_UNSPECIFIED",)"
                       R"("items":[],"names":[],"numbers":[],)"
                       R"("labels":{},"colors":[],"times":[],"flags":[],"smalls":[]})");
}

TEST_F(JsonWriterTest, WritesEveryType) {
  EXPECT_EQ(
      Write(
          R"(text: "a" big: -9223372036854775808 small: -1 flag: true color: RED inner { name: "b" }
                     items { name: "c" } items { } names: "d" names: "e" numbers: 1 numbers: 2
                     labels { key: "f" value: "g" } create_time { seconds: 1 nanos: 500000000 }
                     left: "h"
                     amount { currency: "EUR" minor_units: 1250 } colors: RED colors: BLUE
                     nickname: ""
                     times { seconds: 0 } flags: true smalls: 7)"),
      R"({"text":"a","big":"-9223372036854775808","small":-1,"flag":true,"color":"RED",)"
      R"("inner":{"name":"b"},)"
      R"("items":[{"name":"c"},{"name":""}],"names":["d","e"],"numbers":["1","2"],)"
      R"("labels":{"f":"g"},)"
      R"("create_time":"1970-01-01T00:00:01.500Z","left":"h",)"
      R"("amount":{"currency":"EUR","minor_units":"1250"},)"
      R"("colors":["RED","BLUE"],"nickname":"","times":["1970-01-01T00:00:00Z"],)"
      R"("flags":[true],"smalls":[7]})");
}

TEST_F(JsonWriterTest, WritesTimesWithTheDigitsTheyNeed) {
  EXPECT_NE(
      Write("create_time { seconds: -1 nanos: 1 }").find("\"1969-12-31T23:59:59.000000001Z\""),
      std::string::npos);
  EXPECT_NE(Write("create_time { nanos: 1000 }").find("\"1970-01-01T00:00:00.000001Z\""),
            std::string::npos);
  EXPECT_NE(Write("create_time { seconds: 253402300799 }").find("\"9999-12-31T23:59:59Z\""),
            std::string::npos);
}

TEST_F(JsonWriterTest, WritesAnUnknownEnumValueAsItsNumber) {
  EXPECT_NE(Write("color: 77").find("\"color\":77,"), std::string::npos);
}

TEST_F(JsonWriterTest, ReadsBackWhatItWrote) {
  const std::string json = Write(
      R"(text: "\"\\/\n\r\t\001 Zo\303\253 \360\237\230\200" big: 5 inner { deeper { text: "x" } }
            labels { key: "a\"b" value: "\n" } create_time { seconds: 5 nanos: 7 }
            right: "r")");
  const auto again = protos_.New("Everything");
  ASSERT_THAT(ReadJson(json, *again), IsOk()) << json;
  EXPECT_EQ(again->ShortDebugString(), message_->ShortDebugString());
}

TEST(AppendJsonStringTest, EscapesWhatMustBe) {
  std::string json;
  AppendJsonString(std::string_view("a\"b\\c\n\0\x1f\x7f/é", 12), json);
  EXPECT_EQ(json, "\"a\\\"b\\\\c\\n\\u0000\\u001f\x7f/é\"");
}

}  // namespace
}  // namespace florin::gateway
