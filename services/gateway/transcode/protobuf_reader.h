// Protobuf bytes of a client into a message, as strictly as ReadJson takes JSON. Pure.
#pragma once

#include <string_view>

#include "google/protobuf/message.h"
#include "libs/status/status.h"

namespace florin::gateway {

// Fills `message`, an empty one. Errors:
//   * kMalformedRequest: the bytes are not such a message, a string is not UTF-8, or messages are
//     nested more than kMaxJsonDepth deep;
//   * kUnknownField: there is a field that the message does not have; `param` is the path of the
//     message that has it, and its number ("items[2].99");
//   * kInvalidField: an enumeration has no such value.
absl::Status ReadProtobuf(std::string_view bytes, google::protobuf::Message& message);

}  // namespace florin::gateway
