// Where a call came from, as the flows want to know it.
#pragma once

#include "libs/rpc/context.h"
#include "services/auth/flow/authenticators.h"

namespace florin::auth {

// Without a device: only browsers have cookies.
inline Network NetworkOf(const rpc::Call& call) {
  Network network;
  network.address = call.client_address();
  network.caller = call.caller();
  network.request_id = call.request_id();
  return network;
}

}  // namespace florin::auth
