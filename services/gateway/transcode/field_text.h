// Single values as text, for whatever is written as a string: JSON strings, path variables, query
// parameters. Pure.
#pragma once

#include <string>
#include <string_view>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "libs/status/status.h"

namespace florin::gateway {

// Sets `field` of `message` from text; adds an element if the field is repeated.
//   string     as it is; no U+0000, which no database of ours can hold
//   int64/32   decimal, no plus sign, no leading zeros, in range
//   bool       true or false
//   enum       the name of a value
//   Timestamp  RFC 3339, e.g. 2025-01-31T12:00:00.5Z; upper-case T and Z, any offset, up to nine
//   digits of fraction
// `param` is the path of the field, for the error. Error: kInvalidField.
absl::Status SetFromText(google::protobuf::Message& message,
                         const google::protobuf::FieldDescriptor& field, std::string_view text,
                         std::string_view param);

// Whether the field is a google.protobuf.Timestamp, which is text in JSON though a message in
// protobuf.
bool IsTimestamp(const google::protobuf::FieldDescriptor& field);

// "2025-01-31T12:00:00Z", with a fraction of 3, 6 or 9 digits where there is one.
std::string FormatTimestamp(std::int64_t seconds, std::int32_t nanos);

}  // namespace florin::gateway
