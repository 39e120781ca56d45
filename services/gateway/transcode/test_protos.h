// Protos for tests, compiled from their text at run time: the published ones don't have every type
// and every mistake.
#pragma once

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "google/protobuf/compiler/parser.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "libs/status/check.h"

namespace florin::gateway {

// A file florin/test/v1/test.proto, which may import what is linked in.
class TestProtos {
 public:
  // `body` is what follows the imports.
  explicit TestProtos(const std::string& body)
      : pool_(google::protobuf::DescriptorPool::generated_pool()), factory_(&pool_) {
    const std::string text = absl::StrCat(
        "syntax = \"proto3\"; package florin.test.v1;"
        "import \"florin/options/v1/policy.proto\"; import \"google/api/annotations.proto\";"
        "import \"google/protobuf/timestamp.proto\"; import \"florin/money/v1/money.proto\";"
        "import \"florin/http/v1/exchange.proto\";",
        body);
    google::protobuf::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
    google::protobuf::io::Tokenizer tokenizer(&stream, nullptr);
    google::protobuf::FileDescriptorProto proto;
    google::protobuf::compiler::Parser parser;
    FLORIN_CHECK(parser.Parse(&tokenizer, &proto), "the test's proto is well-formed");
    proto.set_name("florin/test/v1/test.proto");
    file_ = pool_.BuildFile(proto);
    FLORIN_CHECK(file_ != nullptr, "the test's proto compiles");
    factory_.SetDelegateToGeneratedFactory(true);
  }

  const google::protobuf::Descriptor* Type(const std::string& name) const {
    return file_->FindMessageTypeByName(name);
  }
  const google::protobuf::ServiceDescriptor* Service() const { return file_->service(0); }
  std::unique_ptr<google::protobuf::Message> New(const std::string& name) {
    return std::unique_ptr<google::protobuf::Message>(factory_.GetPrototype(Type(name))->New());
  }

 private:
  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_;
  const google::protobuf::FileDescriptor* file_;
};

// One message of every type that the transcoder knows.
inline constexpr char kEverything[] = R"(
  message Everything {
    enum Color { COLOR_UNSPECIFIED = 0; RED = 1; BLUE = 2; }
    message Inner { string name = 1; Everything deeper = 2; }
    string text = 1;
    int64 big = 2;
    int32 small = 3;
    bool flag = 4;
    Color color = 5;
    Inner inner = 6;
    repeated Inner items = 7;
    repeated string names = 8;
    repeated int64 numbers = 9;
    map<string, string> labels = 10;
    google.protobuf.Timestamp create_time = 11;
    oneof choice { string left = 12; string right = 13; }
    florin.money.v1.Money amount = 14;
    repeated Color colors = 15;
    optional string nickname = 16;
    repeated google.protobuf.Timestamp times = 17;
    repeated bool flags = 18;
    repeated int32 smalls = 19;
  })";

}  // namespace florin::gateway
