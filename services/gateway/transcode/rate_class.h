// What a route costs of its caller's quotas (florin.options.v1.MethodPolicy.RateClass). Pure.
#pragma once

#include <cstdint>

#include "services/gateway/transcode/route_table.h"

namespace florin::gateway {

// The policy's class, or the one that the HTTP method implies. READ where there is no route.
options::v1::MethodPolicy::RateClass RateClassOf(const Route* route);

// Units that a request for `route` takes; 1 where there is no such route.
std::int64_t CostOf(const Route* route);

}  // namespace florin::gateway
