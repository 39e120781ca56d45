#include "services/gateway/transcode/rate_class.h"

namespace florin::gateway {

using options::v1::MethodPolicy;

MethodPolicy::RateClass RateClassOf(const Route* route) {
  if (route == nullptr) return MethodPolicy::READ;
  if (route->policy.rate_class() != MethodPolicy::RATE_CLASS_UNSPECIFIED)
    return route->policy.rate_class();
  return route->http_method == "GET" ? MethodPolicy::READ : MethodPolicy::WRITE;
}

std::int64_t CostOf(const Route* route) {
  if (route != nullptr && route->policy.rate_cost() > 0) return route->policy.rate_cost();
  switch (RateClassOf(route)) {
    case MethodPolicy::CREDENTIAL:
      return 20;
    case MethodPolicy::WRITE:
      return 5;
    default:
      return 1;
  }
}

}  // namespace florin::gateway
