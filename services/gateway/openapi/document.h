// The API as OpenAPI 3.1 says it, from the routes and the comments of their protos: every route and
// nothing else. Pure.
#pragma once

#include <boost/json/object.hpp>

#include "services/gateway/openapi/comments.h"
#include "services/gateway/transcode/route_table.h"

namespace florin::gateway {

// Beside the standard: `x-rate-cost` (units that a call takes of its caller's quotas) and
// `x-reasons` of a response (the reasons that it can have, of which the comment of the method or
// the kind of the route speaks; other responses may have others).
boost::json::object MakeOpenApi(const RouteTable& routes, const Comments& comments);

}  // namespace florin::gateway
