// The published protos as a serialized google.protobuf.FileDescriptorSet with source information,
// made by protoc when Florin is built.
#pragma once

#include <string_view>

namespace florin::gateway {

std::string_view EmbeddedProtos();

}  // namespace florin::gateway
