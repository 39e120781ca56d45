// Where a call of a service came from, as its events say it.
#pragma once

#include "libs/audit/event.h"
#include "libs/rpc/context.h"

namespace florin::audit {

inline Origin OriginOfCall(const rpc::Call& call) {
  Origin origin;
  origin.caller = call.caller();
  origin.client_address = call.client_address();
  origin.request_id = call.request_id();
  return origin;
}

}  // namespace florin::audit
