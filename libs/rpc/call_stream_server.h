// Serves the unary calls of many on one stream (proto/florin/transport/v1/envelopes.proto).
#pragma once

#include <grpcpp/impl/codegen/server_callback_handlers.h>

#include <map>
#include <memory>
#include <string>

#include "libs/async/task.h"
#include "libs/rpc/admission.h"
#include "libs/rpc/cancellation.h"
#include "libs/rpc/wire_bytes.h"

namespace florin::rpc {

inline constexpr char kExchangeMethod[] = "/florin.transport.v1.Transport/Exchange";

// What comes near the most that a message may have goes alone, since one that is refused breaks the
// stream for all.
inline constexpr std::size_t kLargestOnAStream = kMostOctets - (512 << 10);

// Unary endpoints by method: "/florin.ledger.v1.Ledger/PostTransactions". Not owned; outlive the
// server.
using Endpoints = std::map<std::string, const Endpoint*, std::less<>>;

// What gRPC calls for each such stream; gRPC owns it. Handlers run on `executor`, as those of unary
// calls do: what was begun is finished, whatever becomes of the stream. Of one stream, 10 000 calls
// at most are under way; the client is held back then. Once `draining` is canceled, clients are
// told to go elsewhere, and what they have sent is answered; so is the client of a stream that has
// become `longest` old, or whose certificate expires.
grpc::internal::MethodHandler* NewCallStreamHandler(Endpoints endpoints, Executor executor,
                                                    std::shared_ptr<Cancellation> draining,
                                                    absl::Duration longest);

}  // namespace florin::rpc
