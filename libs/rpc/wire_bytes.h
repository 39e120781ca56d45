// Bytes in and out of gRPC's buffers.
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <string>

namespace florin::rpc {

// Empty for a buffer that cannot be read.
std::string BytesOf(const grpc::ByteBuffer& buffer);

grpc::ByteBuffer BufferOf(const std::string& bytes);

}  // namespace florin::rpc
