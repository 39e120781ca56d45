#include "services/gateway/transcode/protobuf_reader.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"
#include "services/gateway/transcode/test_protos.h"

namespace florin::gateway {
namespace {

using namespace std::string_literals;

class ProtobufReaderTest : public ::testing::Test {
 protected:
  absl::Status Read(const std::string& bytes) {
    message_ = protos_.New("Everything");
    return ReadProtobuf(bytes, *message_);
  }
  std::string ParamOf(const std::string& bytes) { return DetailOf(Read(bytes)).param; }

  TestProtos protos_{kEverything};
  std::unique_ptr<google::protobuf::Message> message_;
};

// A field of type message, string or bytes.
std::string Nested(int number, const std::string& content) {
  std::string bytes;
  bytes += static_cast<char>(number << 3 | 2);
  bytes += static_cast<char>(content.size());
  return bytes + content;
}

TEST_F(ProtobufReaderTest, TakesWhatTheMessageHas) {
  EXPECT_THAT(Read(""), IsOk());
  // text, big, color, inner.deeper.text, items, labels, colors (packed).
  const std::string bytes = Nested(1, "Zoë") + "\x10\x05" + "\x28\x02" +
                            Nested(6, Nested(2, Nested(1, "x"))) + Nested(7, "") +
                            Nested(10, Nested(1, "k") + Nested(2, "v")) + Nested(15, "\1\2");
  EXPECT_THAT(Read(bytes), IsOk());
  EXPECT_EQ(message_->SerializeAsString(), bytes);
}

TEST_F(ProtobufReaderTest, RefusesUnknownFieldsAtAnyDepth) {
  const std::string unknown = "\xa8\x06\x01"s;  // Number 101.
  EXPECT_THAT(Read(unknown), StatusHasReason(Reason::kUnknownField));
  EXPECT_EQ(ParamOf(unknown), "101");
  EXPECT_EQ(ParamOf(Nested(6, unknown)), "inner.101");
  EXPECT_EQ(ParamOf(Nested(6, Nested(2, unknown))), "inner.deeper.101");
  EXPECT_EQ(ParamOf(Nested(7, "") + Nested(7, unknown)), "items[1].101");
  EXPECT_EQ(ParamOf("\x0b\x0c"s), "1") << "a group where a string is due";
}

TEST_F(ProtobufReaderTest, RefusesUnknownValuesOfEnumerations) {
  EXPECT_THAT(Read("\x28\x09"), StatusHasReason(Reason::kInvalidField));
  EXPECT_EQ(ParamOf("\x28\x09"), "color");
  EXPECT_EQ(ParamOf(Nested(15, "\1\2\x09")), "colors[2]");
}

TEST_F(ProtobufReaderTest, RefusesWhatIsNoMessage) {
  for (const std::string& bytes :
       {"\x0a"s,
        "\x0a\x05"
        "ab"s,
        "\xff\xff\xff\xff\xff"s, Nested(1, "\xff\xfe"), "\x0c"s, "\0"s}) {
    EXPECT_THAT(Read(bytes), StatusHasReason(Reason::kMalformedRequest)) << bytes;
  }
}

TEST_F(ProtobufReaderTest, BoundsTheDepth) {
  const auto nested = [](int depth) {
    std::string bytes;
    for (int i = 0; i < depth; ++i) bytes = Nested(i % 2 == 0 ? 2 : 6, bytes);
    return bytes;
  };
  EXPECT_THAT(Read(nested(32)), IsOk());
  EXPECT_THAT(Read(nested(34)), StatusHasReason(Reason::kMalformedRequest));
}

}  // namespace
}  // namespace florin::gateway
