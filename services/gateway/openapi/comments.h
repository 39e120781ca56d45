// The comments of protos, which are Florin's reference. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "libs/status/status.h"

namespace florin::gateway {

// By full name: a method's "florin.auth.v1.Auth.LogIn", a message's, a field's, an enumeration
// value's. Lines of a paragraph are joined, paragraphs are apart by an empty line; what is indented
// stays as it is. Names without a comment are not there.
using Comments = std::map<std::string, std::string, std::less<>>;

// Reads a serialized FileDescriptorSet with source information. Error: kInternal.
absl::StatusOr<Comments> ReadComments(std::string_view descriptor_set);

// The first sentence, without its full stop.
std::string SummaryOf(std::string_view comment);

}  // namespace florin::gateway
