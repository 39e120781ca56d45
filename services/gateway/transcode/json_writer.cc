#include "services/gateway/transcode/json_writer.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "services/gateway/transcode/field_text.h"

namespace florin::gateway {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kSingular = -1;

void AppendEnum(const FieldDescriptor& field, int number, std::string& out) {
  const auto* value = field.enum_type()->FindValueByNumber(number);
  // A value of a newer service is not known by name yet.
  if (value == nullptr) {
    absl::StrAppend(&out, number);
  } else {
    absl::StrAppend(&out, "\"", value->name(), "\"");
  }
}

void AppendMessage(const FieldDescriptor& field, const Message& value, std::string& out) {
  if (!IsTimestamp(field)) return AppendJson(value, out);
  const auto& reflection = *value.GetReflection();
  const auto& type = *value.GetDescriptor();
  absl::StrAppend(&out, "\"",
                  FormatTimestamp(reflection.GetInt64(value, type.FindFieldByNumber(1)),
                                  reflection.GetInt32(value, type.FindFieldByNumber(2))),
                  "\"");
}

// Element `index` of a repeated field, or the whole field.
void AppendValue(const Message& message, const FieldDescriptor& field, int index,
                 std::string& out) {
  const Reflection& reflection = *message.GetReflection();
  const bool one = index == kSingular;
  std::string scratch;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return AppendJsonString(
          one ? reflection.GetStringReference(message, &field, &scratch)
              : reflection.GetRepeatedStringReference(message, &field, index, &scratch),
          out);
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrAppend(&out, "\"",
                             one ? reflection.GetInt64(message, &field)
                                 : reflection.GetRepeatedInt64(message, &field, index),
                             "\"");
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrAppend(&out, one ? reflection.GetInt32(message, &field)
                                       : reflection.GetRepeatedInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_BOOL:
      out += (one ? reflection.GetBool(message, &field)
                  : reflection.GetRepeatedBool(message, &field, index))
                 ? "true"
                 : "false";
      return;
    case FieldDescriptor::CPPTYPE_ENUM:
      return AppendEnum(field,
                        one ? reflection.GetEnumValue(message, &field)
                            : reflection.GetRepeatedEnumValue(message, &field, index),
                        out);
    default:
      return AppendMessage(field,
                           one ? reflection.GetMessage(message, &field)
                               : reflection.GetRepeatedMessage(message, &field, index),
                           out);
  }
}

void AppendMap(const Message& message, const FieldDescriptor& field, int size, std::string& out) {
  out += '{';
  for (int i = 0; i < size; ++i) {
    if (i > 0) out += ',';
    const Message& entry = message.GetReflection()->GetRepeatedMessage(message, &field, i);
    AppendValue(entry, *field.message_type()->map_key(), kSingular, out);
    out += ':';
    AppendValue(entry, *field.message_type()->map_value(), kSingular, out);
  }
  out += '}';
}

void AppendField(const Message& message, const FieldDescriptor& field, std::string& out) {
  if (!field.is_repeated()) return AppendValue(message, field, kSingular, out);
  const int size = message.GetReflection()->FieldSize(message, &field);
  if (field.is_map()) return AppendMap(message, field, size, out);
  out += '[';
  for (int i = 0; i < size; ++i) {
    if (i > 0) out += ',';
    AppendValue(message, field, i, out);
  }
  out += ']';
}

}  // namespace

void AppendJson(const Message& message, std::string& out) {
  const auto& type = *message.GetDescriptor();
  bool first = true;
  out += '{';
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.has_presence() && !message.GetReflection()->HasField(message, &field)) continue;
    absl::StrAppend(&out, first ? "\"" : ",\"", field.name(), "\":");
    AppendField(message, field, out);
    first = false;
  }
  out += '}';
}

void AppendJsonString(std::string_view text, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;  // Where the run that needs no escape began.
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.substr(plain, i - plain));
    plain = i + 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    }
  }
  out.append(text.substr(plain));
  out += '"';
}

}  // namespace florin::gateway
