// JSON into a protobuf message, strictly.
//
// One JSON document of RFC 8259 in UTF-8 and nothing else: no comments, trailing commas, duplicate
// members, lone surrogates, byte order mark or trailing bytes. Members are the fields' names as in
// the proto (snake_case); `param` of an error is the path of the offending one, e.g.
// "amount.minor_units" or "items[2].name".
//
//   int64      a decimal string, or a whole JSON number without fraction or exponent
//   int32      a whole JSON number without fraction or exponent
//   enum       the name of a value
//   Timestamp  RFC 3339 text
//   map        an object of strings
// null stands for nothing anywhere: leave the member out.
#pragma once

#include <string_view>

#include "google/protobuf/message.h"
#include "libs/status/status.h"

namespace florin::gateway {

inline constexpr int kMaxJsonDepth = 32;

// Fills `message`, which is empty before, from `json`. On an error `message` is left half filled.
// Errors: kMalformedJson, kTooDeep (more than kMaxJsonDepth objects and arrays within each other),
// kDuplicateKey, kUnknownField, kInvalidField.
absl::Status ReadJson(std::string_view json, google::protobuf::Message& message);

}  // namespace florin::gateway
