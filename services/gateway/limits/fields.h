// The fields RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10). Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "services/gateway/limits/gcra.h"

namespace florin::gateway {

// RateLimit-Policy with every bucket's quota: `"user";q=1200;w=60`, and RateLimit with the bucket
// that binds first: `"user";r=1195;t=1`, r the units left (rounded down), t the seconds until all
// of them are there again (rounded up). A unit is what a read costs. Nothing without buckets.
std::vector<std::pair<std::string, std::string>> RateLimitFields(const std::vector<Bucket>& buckets,
                                                                 const Outcome& outcome);

// Whole seconds, rounded up, 1 at least: what Retry-After says.
std::int64_t WholeSeconds(absl::Duration duration);

}  // namespace florin::gateway
