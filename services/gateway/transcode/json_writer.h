// Protobuf messages as JSON, always of the same shape: every field without presence is there, also
// where it is empty or zero; an unset message is left out. Names as in the proto; int64 as a
// decimal string (a double of JavaScript cannot hold it); enums by name; Timestamps in RFC 3339,
// UTC. Pure.
#pragma once

#include <string>
#include <string_view>

#include "google/protobuf/message.h"

namespace florin::gateway {

// Appends `message` as one JSON object.
void AppendJson(const google::protobuf::Message& message, std::string& out);

// Appends `text`, which is UTF-8, as a JSON string with its quotes.
void AppendJsonString(std::string_view text, std::string& out);

}  // namespace florin::gateway
