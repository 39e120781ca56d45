// Bytes in and out of gRPC's buffers.
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <string>

namespace florin::rpc {

// What a message may have, in both directions; gRPC's default.
inline constexpr std::size_t kMostOctets = 4 << 20;

// Empty for a buffer that cannot be read.
std::string BytesOf(const grpc::ByteBuffer& buffer);

grpc::ByteBuffer BufferOf(const std::string& bytes);

}  // namespace florin::rpc
