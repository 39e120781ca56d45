// What the gateway calls, and how it knows whom it calls for.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "libs/async/task.h"
#include "libs/rpc/channel.h"
#include "services/gateway/http/api.h"
#include "services/gateway/http/edge.h"

namespace florin::gateway {

using Channels = std::map<std::string, std::unique_ptr<rpc::Channel>>;  // By service.

// Channels to auth, accounts and payments, as the flags say.
Channels Connect(Executor executor);

// The backend of the thread of `executor`. It goes after that thread has ended.
Backend MakeBackend(Edge& edge, Executor executor);

}  // namespace florin::gateway
