// Serves one method whose responses are a stream.
#pragma once

#include <grpcpp/impl/codegen/server_callback_handlers.h>

#include <memory>

#include "libs/async/task.h"
#include "libs/rpc/admission.h"
#include "libs/rpc/cancellation.h"

namespace florin::rpc {

// What gRPC calls for `endpoint` (outlives it; has a stream_method); gRPC owns it. Handlers run on
// `executor`; `draining` cancels those under way and all that come.
grpc::internal::MethodHandler* NewStreamHandler(const Endpoint* endpoint, Executor executor,
                                                std::shared_ptr<Cancellation> draining);

}  // namespace florin::rpc
