// How a Status travels: gRPC status with a google.rpc.Status in its details, whose
// google.rpc.ErrorInfo carries reason (domain "florin"), param and metadata (the way of
// https://google.aip.dev/193).
#pragma once

#include <grpcpp/support/status.h>

#include "libs/status/status.h"

namespace florin::rpc {

grpc::Status ToGrpc(const absl::Status& status);

// The inverse. An error without our ErrorInfo is gRPC's own: UNAVAILABLE, DEADLINE_EXCEEDED,
// CANCELLED, RESOURCE_EXHAUSTED and PERMISSION_DENIED get the matching reason, every other
// kInternal.
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace florin::rpc
