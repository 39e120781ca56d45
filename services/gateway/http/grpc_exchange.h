// gRPC and gRPC-Web towards the outside: their requests and responses as HTTP carries them. Calls
// end here, like those of REST: what goes on inside is built anew. No I/O, no clock.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "libs/status/status.h"
#include "services/gateway/http/request.h"
#include "services/gateway/transcode/grpc_frame.h"
#include "services/gateway/transcode/route_table.h"

namespace florin::gateway {

// How the request is gRPC; nothing if it is not. gRPC itself needs HTTP/2 for its trailers,
// gRPC-Web does not.
std::optional<GrpcForm> GrpcFormOf(const Request& request);

// The request message's bytes, read strictly and written anew.
// Errors: those of ReadGrpcMessage and ReadProtobuf.
absl::StatusOr<std::string> ReadGrpcRequest(const Route& route, GrpcForm form,
                                            const Request& request);

// When the call is to end: after `longest`, or earlier where grpc-timeout says so.
// Error: kMalformedRequest.
absl::StatusOr<absl::Time> GrpcDeadline(const Request& request, absl::Time now,
                                        absl::Duration longest);

// The response, always with HTTP status 200: a message's bytes, or an error that the client may see
// (PublicError). An error over HTTP/2 has no body and no trailers but one header ("Trailers-Only").
Response MakeGrpcResponse(GrpcForm form, const absl::StatusOr<std::string>& message);

}  // namespace florin::gateway
