#include "services/gateway/transcode/protobuf_reader.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/unknown_field_set.h"
#include "services/gateway/transcode/json_reader.h"

namespace florin::gateway {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

absl::Status CheckKnown(const Message& message, const std::string& path);

// `index` is -1 for a field that is not repeated.
absl::Status CheckField(const Message& message, const FieldDescriptor& field, int index,
                        const std::string& path) {
  const Reflection& reflection = *message.GetReflection();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return CheckKnown(index < 0 ? reflection.GetMessage(message, &field)
                                : reflection.GetRepeatedMessage(message, &field, index),
                      path);
  }
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_ENUM) return absl::OkStatus();
  const int number = index < 0 ? reflection.GetEnumValue(message, &field)
                               : reflection.GetRepeatedEnumValue(message, &field, index);
  if (field.enum_type()->FindValueByNumber(number) == nullptr)
    return Error(Reason::kInvalidField, "the enumeration has no such value", {.param = path});
  return absl::OkStatus();
}

absl::Status CheckKnown(const Message& message, const std::string& path) {
  const Reflection& reflection = *message.GetReflection();
  const std::string prefix = path.empty() ? "" : absl::StrCat(path, ".");
  if (const auto& unknown = reflection.GetUnknownFields(message); !unknown.empty()) {
    return Error(Reason::kUnknownField, "the message has no field of this number",
                 {.param = absl::StrCat(prefix, unknown.field(0).number())});
  }
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE &&
        field->cpp_type() != FieldDescriptor::CPPTYPE_ENUM) {
      continue;
    }
    const std::string name = absl::StrCat(prefix, field->name());
    if (!field->is_repeated()) {
      FLORIN_RETURN_IF_ERROR(CheckField(message, *field, -1, name));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i)
      FLORIN_RETURN_IF_ERROR(CheckField(message, *field, i, absl::StrCat(name, "[", i, "]")));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadProtobuf(std::string_view bytes, Message& message) {
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                                static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(kMaxJsonDepth);
  if (!message.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    return Error(Reason::kMalformedRequest, "the message is not the method's request");
  return CheckKnown(message, "");
}

}  // namespace florin::gateway
