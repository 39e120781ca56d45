// How gRPC and gRPC-Web frame a unary call in HTTP bodies, and how they write a status. Pure.
//
// gRPC: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md; a message is one octet of
// flags, its length in four octets, and its octets; the status stands in the trailers.
// gRPC-Web: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md; the trailers are a last
// frame of the body, with flag 0x80; the text form is the same in base64.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "libs/status/status.h"

namespace florin::gateway {

enum class GrpcForm { kHttp2, kWeb, kWebText };

// The form that a request of this Content-Type has: application/grpc, application/grpc-web,
// application/grpc-web-text, each as it is or with +proto. Nothing for any other.
std::optional<GrpcForm> GrpcFormOf(std::string_view content_type);
// The response's.
std::string_view ContentTypeOf(GrpcForm form);

// The message in the body of a unary request. Errors: kMalformedRequest, unless the body is exactly
// one message; kCompressionNotSupported.
absl::StatusOr<std::string> ReadGrpcMessage(GrpcForm form, std::string_view body);

// grpc-status, grpc-message and grpc-status-details-bin, as HTTP has them. Names are lower-case.
using GrpcTrailers = std::vector<std::pair<std::string, std::string>>;
// `status` is what the client may know. OK is `grpc-status: 0` alone. An error has its code,
// its message, and a google.rpc.Status with an ErrorInfo (libs/rpc/status_wire.h).
GrpcTrailers MakeGrpcTrailers(const absl::Status& status);

// The response's body: the message, where there is one, and, for gRPC-Web, the trailers.
std::string MakeGrpcBody(GrpcForm form, const std::optional<std::string>& message,
                         const GrpcTrailers& trailers);

// The value of grpc-timeout, "100m": at most eight digits and one of H M S m u n.
// Error: kMalformedRequest.
absl::StatusOr<absl::Duration> ParseGrpcTimeout(std::string_view text);

}  // namespace florin::gateway
