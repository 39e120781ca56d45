#include "services/gateway/transcode/json_reader.h"

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"
#include "services/gateway/transcode/test_protos.h"

namespace florin::gateway {
namespace {

class JsonReaderTest : public testing::Test {
 protected:
  absl::Status Read(std::string_view json) {
    message_ = protos_.New("Everything");
    return ReadJson(json, *message_);
  }
  // What was read, as protobuf text.
  std::string Text() const { return message_->ShortDebugString(); }

  TestProtos protos_{kEverything};
  std::unique_ptr<google::protobuf::Message> message_;
};

struct Accepted {
  const char* json;
  const char* text;
};

TEST_F(JsonReaderTest, ReadsEveryType) {
  const Accepted cases[] = {
      {"{}", ""},
      {" \t\r\n{ } \n", ""},
      {R"({"text":"Zoë \"\\\/\b\n\u00e9\ud83d\ude00"})",
       R"(text: "Zo\303\253 \"\\/\010\n\303\251\360\237\230\200")"},
      {R"({"text":""})", ""},
      {R"({"\u0074ext":"x"})", R"(text: "x")"},
      {R"({"big":"9223372036854775807"})", "big: 9223372036854775807"},
      {R"({"big":-9223372036854775808})", "big: -9223372036854775808"},
      {R"({"big":"-1"})", "big: -1"},
      {R"({"big":"0"})", ""},
      {R"({"small":2147483647})", "small: 2147483647"},
      {R"({"small":-2147483648})", "small: -2147483648"},
      {R"({"flag":true})", "flag: true"},
      {R"({"color":"BLUE"})", "color: BLUE"},
      {R"({"inner":{"name":"a","deeper":{"text":"b"}}})",
       R"(inner { name: "a" deeper { text: "b" } })"},
      {R"({"inner":{}})", "inner { }"},
      {R"({"items":[{"name":"a"},{}]})", R"(items { name: "a" } items { })"},
      {R"({"names":["a","b"],"numbers":["1",2],"items":[]})",
       R"(names: "a" names: "b" numbers: 1 numbers: 2)"},
      {R"({"labels":{"a":"1"}})", R"(labels { key: "a" value: "1" })"},
      {R"({"create_time":"2025-01-31T12:00:00.5+01:00"})",
       "create_time { seconds: 1738321200 nanos: 500000000 }"},
      {R"({"create_time":"0001-01-01T00:00:00Z"})", "create_time { seconds: -62135596800 }"},
      {R"({"create_time":"9999-12-31T23:59:59.999999999Z"})",
       "create_time { seconds: 253402300799 nanos: 999999999 }"},
      {R"({"left":"a"})", R"(left: "a")"},
      {R"({"amount":{"currency":"EUR","minor_units":1250}})",
       R"(amount { currency: "EUR" minor_units: 1250 })"},
      {R"({"colors":["RED"],"flags":[true,false],"smalls":[1],"times":["1970-01-01T00:00:01Z"]})",
       "colors: RED times { seconds: 1 } flags: true flags: false smalls: 1"},
      {R"({"nickname":""})", R"(nickname: "")"},
  };
  for (const Accepted& c : cases) {
    ASSERT_THAT(Read(c.json), IsOk()) << c.json;
    EXPECT_EQ(Text(), c.text) << c.json;
  }
}

TEST_F(JsonReaderTest, RefusesWhatIsNotOneJsonDocument) {
  const std::string_view cases[] = {
      "",
      " ",
      "{",
      "}",
      "{\"text\"",
      "{\"text\":",
      "{\"text\":\"a\"",
      "{\"text\":\"a\",}",
      "{,}",
      "{\"names\":[\"a\",]}",
      "{text:\"a\"}",
      "{'text':'a'}",
      "{\"text\":'a'}",
      "{} {}",
      "{}x",
      "{},",
      "{\"names\":[",
      "nul",
      "tru",
      "{\"flag\":True}",
      "{\"big\":01}",
      "{\"big\":+1}",
      "{\"big\":.5}",
      "{\"big\":1.}",
      "{\"big\":0x10}",
      "{\"big\":NaN}",
      "{\"big\":Infinity}",
      "{\"big\":-}",
      "{\"big\":1e}",
      "// c\n{}",
      "{/* c */}",
      "{}//",
      "\xef\xbb\xbf{}",
      "{\"text\":\"\xff\"}",
      "{\"text\":\"\xc0\xaf\"}",
      "{\"text\":\"\xed\xa0\x80\"}",
      "{\"\xff\":1}",
      "{\"text\":\"\\ud800\"}",
      "{\"text\":\"\\udc00\"}",
      "{\"text\":\"\\x41\"}",
      "{\"text\":\"\\u12\"}",
      "{\"text\":\"a\nb\"}",
      "{\"text\":\"a\tb\"}",
      "{\"text\" \"a\"}",
      "{\"text\":\"a\" \"big\":1}",
      std::string_view("{\"text\":\"a\0b\"}", 14),
      std::string_view("{}\0", 3),
  };
  for (const std::string_view json : cases) {
    EXPECT_THAT(Read(json), StatusHasReason(Reason::kMalformedJson)) << json;
  }
}

struct Refused {
  const char* json;
  Reason reason;
  const char* param;
};

TEST_F(JsonReaderTest, NamesTheOffendingField) {
  const Refused cases[] = {
      {R"({"text":"a","text":"a"})", Reason::kDuplicateKey, "text"},
      {R"({"text":"a","\u0074ext":"b"})", Reason::kDuplicateKey, "text"},
      {R"({"amount":{"currency":"EUR","currency":"EUR"}})", Reason::kDuplicateKey,
       "amount.currency"},
      {R"({"items":[{},{"name":"a","name":"b"}]})", Reason::kDuplicateKey, "items[1].name"},
      {R"({"labels":{"a":"1","a":"1"}})", Reason::kDuplicateKey, "labels.a"},
      {R"({"amount":{},"amount":{}})", Reason::kDuplicateKey, "amount"},
      {R"({"nothing":1})", Reason::kUnknownField, "nothing"},
      {R"({"createTime":"1970-01-01T00:00:00Z"})", Reason::kUnknownField, "createTime"},
      {R"({"Text":"a"})", Reason::kUnknownField, "Text"},
      {R"({"":1})", Reason::kUnknownField, ""},
      {R"({"amount":{"nothing":1}})", Reason::kUnknownField, "amount.nothing"},
      {R"({"text":"a","amount":{"currency":"EUR"},"nothing":{}})", Reason::kUnknownField,
       "nothing"},
      {R"({"items":[{"x":1}]})", Reason::kUnknownField, "items[0].x"},
      {R"({"text":null})", Reason::kInvalidField, "text"},
      {R"({"inner":null})", Reason::kInvalidField, "inner"},
      {R"({"names":["a",null]})", Reason::kInvalidField, "names[1]"},
      {R"({"text":1})", Reason::kInvalidField, "text"},
      {R"({"text":true})", Reason::kInvalidField, "text"},
      {R"({"text":{}})", Reason::kInvalidField, "text"},
      {R"({"text":["a"]})", Reason::kInvalidField, "text"},
      {R"({"text":"a\u0000b"})", Reason::kInvalidField, "text"},
      {R"({"big":1.5})", Reason::kInvalidField, "big"},
      {R"({"big":1.0})", Reason::kInvalidField, "big"},
      {R"({"big":1e2})", Reason::kInvalidField, "big"},
      {R"({"big":1e999999999999})", Reason::kInvalidField, "big"},
      {R"({"big":9223372036854775808})", Reason::kInvalidField, "big"},
      {R"({"big":-9223372036854775809})", Reason::kInvalidField, "big"},
      {R"({"big":99999999999999999999999999})", Reason::kInvalidField, "big"},
      {R"({"big":"9223372036854775808"})", Reason::kInvalidField, "big"},
      {R"({"big":""})", Reason::kInvalidField, "big"},
      {R"({"big":" 1"})", Reason::kInvalidField, "big"},
      {R"({"big":"+1"})", Reason::kInvalidField, "big"},
      {R"({"big":"01"})", Reason::kInvalidField, "big"},
      {R"({"big":"-0"})", Reason::kInvalidField, "big"},
      {R"({"big":"1.0"})", Reason::kInvalidField, "big"},
      {R"({"big":"1e2"})", Reason::kInvalidField, "big"},
      {R"({"big":true})", Reason::kInvalidField, "big"},
      {R"({"small":"1"})", Reason::kInvalidField, "small"},
      {R"({"small":2147483648})", Reason::kInvalidField, "small"},
      {R"({"flag":"true"})", Reason::kInvalidField, "flag"},
      {R"({"flag":1})", Reason::kInvalidField, "flag"},
      {R"({"color":1})", Reason::kInvalidField, "color"},
      {R"({"color":"red"})", Reason::kInvalidField, "color"},
      {R"({"inner":"a"})", Reason::kInvalidField, "inner"},
      {R"({"inner":[]})", Reason::kInvalidField, "inner"},
      {R"({"inner":1})", Reason::kInvalidField, "inner"},
      {R"({"items":{}})", Reason::kInvalidField, "items"},
      {R"({"items":["a"]})", Reason::kInvalidField, "items[0]"},
      {R"({"items":[{"name":"a"},[]]})", Reason::kInvalidField, "items[1]"},
      {R"({"names":"a"})", Reason::kInvalidField, "names"},
      {R"({"numbers":[1,"x"]})", Reason::kInvalidField, "numbers[1]"},
      {R"({"labels":[]})", Reason::kInvalidField, "labels"},
      {R"({"labels":"a"})", Reason::kInvalidField, "labels"},
      {R"({"labels":{"a":1}})", Reason::kInvalidField, "labels.a"},
      {R"({"labels":{"a":{}}})", Reason::kInvalidField, "labels.a"},
      {R"({"labels":{"a":[]}})", Reason::kInvalidField, "labels.a"},
      {R"({"labels":{"a":null}})", Reason::kInvalidField, "labels.a"},
      {R"({"labels":{"a":true}})", Reason::kInvalidField, "labels.a"},
      {R"({"left":"a","right":"b"})", Reason::kInvalidField, "right"},
      {R"({"create_time":0})", Reason::kInvalidField, "create_time"},
      {R"({"create_time":{}})", Reason::kInvalidField, "create_time"},
      {R"({"create_time":"2025-01-31"})", Reason::kInvalidField, "create_time"},
      {R"({"create_time":"2025-01-31T12:00:00"})", Reason::kInvalidField, "create_time"},
      {R"({"create_time":"2025-01-31t12:00:00z"})", Reason::kInvalidField, "create_time"},
      {R"({"create_time":"2025-02-30T12:00:00Z"})", Reason::kInvalidField, "create_time"},
      {R"({"create_time":"2025-01-31T24:00:00Z"})", Reason::kInvalidField, "create_time"},
      {R"({"create_time":"2025-01-31T12:00:00.Z"})", Reason::kInvalidField, "create_time"},
      {R"({"create_time":"2025-01-31T12:00:00.1234567891Z"})", Reason::kInvalidField,
       "create_time"},
      {R"({"create_time":"0000-01-01T00:00:00Z"})", Reason::kInvalidField, "create_time"},
      {R"({"create_time":"infinite-future"})", Reason::kInvalidField, "create_time"},
      {R"([])", Reason::kInvalidField, ""},
      {R"("a")", Reason::kInvalidField, ""},
      {R"(1)", Reason::kInvalidField, ""},
      {R"(true)", Reason::kInvalidField, ""},
      {R"(null)", Reason::kInvalidField, ""},
  };
  for (const Refused& c : cases) {
    const absl::Status status = Read(c.json);
    EXPECT_THAT(status, StatusHasReason(c.reason)) << c.json;
    EXPECT_THAT(status, StatusHasParam(c.param)) << c.json;
  }
}

// {"inner":{"deeper":{"inner":… with `levels` objects.
std::string Nested(int levels) {
  std::string json = "{";
  for (int i = 1; i < levels; ++i) json += i % 2 == 1 ? "\"inner\":{" : "\"deeper\":{";
  json.append(levels, '}');
  return json;
}

TEST_F(JsonReaderTest, LimitsDepth) {
  EXPECT_THAT(Read(Nested(kMaxJsonDepth)), IsOk());
  EXPECT_THAT(Read(Nested(kMaxJsonDepth + 1)), StatusHasReason(Reason::kTooDeep));
  EXPECT_THAT(Read(Nested(10'000)), StatusHasReason(Reason::kTooDeep));
}

TEST_F(JsonReaderTest, ReadsLongStringsWhole) {
  const std::string text(50'000, 'x');
  ASSERT_THAT(Read(absl::StrCat("{\"text\":\"", text, "\"}")), IsOk());
  EXPECT_EQ(Text(), absl::StrCat("text: \"", text, "\""));
}

}  // namespace
}  // namespace florin::gateway
