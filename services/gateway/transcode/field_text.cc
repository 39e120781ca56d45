#include "services/gateway/transcode/field_text.h"

#include <charconv>
#include <cstdio>
#include <optional>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace florin::gateway {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

absl::Status Invalid(std::string_view message, std::string_view param) {
  return Error(Reason::kInvalidField, message, {.param = std::string(param)});
}

template <class Integer>
std::optional<Integer> ParseInteger(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  if (text == "-0") return std::nullopt;
  Integer value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The shape of RFC 3339's date-time, before the values are looked at: what absl::ParseTime accepts
// beyond it is refused here.
bool HasTimestampShape(std::string_view text) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00";
  const auto matches = [](std::string_view part, std::string_view shape) {
    if (part.size() != shape.size()) return false;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const bool digit = part[i] >= '0' && part[i] <= '9';
      if (shape[i] == '0' ? !digit : part[i] != shape[i]) return false;
    }
    return true;
  };
  if (!matches(text.substr(0, kShape.size()), kShape)) return false;
  text.remove_prefix(kShape.size());
  if (text.starts_with('.')) {
    const std::size_t end = std::min(text.find_first_not_of("0123456789", 1), text.size());
    if (end < 2 || end > 10) return false;
    text.remove_prefix(end);
  }
  return text == "Z" || matches(text, "+00:00") || matches(text, "-00:00");
}

absl::Status SetTimestamp(Message& timestamp, std::string_view text, std::string_view param) {
  absl::Time time;
  std::string ignored;
  if (!HasTimestampShape(text) ||
      !absl::ParseTime(absl::RFC3339_full, std::string(text), &time, &ignored)) {
    return Invalid("must be a time such as 2025-01-31T12:00:00Z (RFC 3339)", param);
  }
  // google.protobuf.Timestamp spans the years 1 to 9999.
  if (time < absl::FromCivil(absl::CivilDay(1), absl::UTCTimeZone()) ||
      time >= absl::FromCivil(absl::CivilDay(10000), absl::UTCTimeZone())) {
    return Invalid("is out of range", param);
  }
  const std::int64_t seconds = absl::ToUnixSeconds(time);
  const auto nanos =
      static_cast<std::int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds)));
  const Reflection& reflection = *timestamp.GetReflection();
  reflection.SetInt64(&timestamp, timestamp.GetDescriptor()->FindFieldByNumber(1), seconds);
  reflection.SetInt32(&timestamp, timestamp.GetDescriptor()->FindFieldByNumber(2), nanos);
  return absl::OkStatus();
}

}  // namespace

bool IsTimestamp(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type()->well_known_type() ==
             google::protobuf::Descriptor::WELLKNOWNTYPE_TIMESTAMP;
}

absl::Status SetFromText(Message& message, const FieldDescriptor& field, std::string_view text,
                         std::string_view param) {
  const Reflection& reflection = *message.GetReflection();
  const bool repeated = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      if (text.find('\0') != std::string_view::npos)
        return Invalid("must not contain U+0000", param);
      std::string value(text);
      repeated ? reflection.AddString(&message, &field, std::move(value))
               : reflection.SetString(&message, &field, std::move(value));
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      const auto value = ParseInteger<std::int64_t>(text);
      if (!value) return Invalid("must be a whole decimal number of 64 bits", param);
      repeated ? reflection.AddInt64(&message, &field, *value)
               : reflection.SetInt64(&message, &field, *value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_INT32: {
      const auto value = ParseInteger<std::int32_t>(text);
      if (!value) return Invalid("must be a whole decimal number of 32 bits", param);
      repeated ? reflection.AddInt32(&message, &field, *value)
               : reflection.SetInt32(&message, &field, *value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      if (text != "true" && text != "false") return Invalid("must be true or false", param);
      repeated ? reflection.AddBool(&message, &field, text == "true")
               : reflection.SetBool(&message, &field, text == "true");
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* value = field.enum_type()->FindValueByName(std::string(text));
      if (value == nullptr) return Invalid("must be the name of a value of the enumeration", param);
      repeated ? reflection.AddEnum(&message, &field, value)
               : reflection.SetEnum(&message, &field, value);
      return absl::OkStatus();
    }
    default:
      if (!IsTimestamp(field)) return Invalid("cannot be written as text", param);
      return SetTimestamp(repeated ? *reflection.AddMessage(&message, &field)
                                   : *reflection.MutableMessage(&message, &field),
                          text, param);
  }
}

std::string FormatTimestamp(std::int64_t seconds, std::int32_t nanos) {
  const absl::CivilSecond civil =
      absl::ToCivilSecond(absl::FromUnixSeconds(seconds), absl::UTCTimeZone());
  char text[48];
  int size = std::snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d",
                           static_cast<int>(civil.year()), civil.month(), civil.day(), civil.hour(),
                           civil.minute(), civil.second());
  if (nanos != 0) {
    int digits = 9;
    std::int32_t fraction = nanos;
    for (; digits > 3 && fraction % 1000 == 0; digits -= 3) fraction /= 1000;
    size += std::snprintf(text + size, sizeof(text) - size, ".%0*d", digits, fraction);
  }
  text[size++] = 'Z';
  return std::string(text, size);
}

}  // namespace florin::gateway
