// One HTTP request into its RPC's request message: body, then path variables, then query
// parameters. Pure.
#pragma once

#include <string_view>

#include "google/protobuf/message.h"
#include "libs/status/status.h"
#include "services/gateway/transcode/route_table.h"
#include "services/gateway/transcode/uri.h"

namespace florin::gateway {

// Fills `message`, an empty one of the route's request type. `target` is the one that led to
// `route`.
//   * An empty body counts as {}. A body where the route has none: kMalformedRequest.
//   * A path variable fills its field after the body, which may repeat but not contradict it:
//   kInvalidField.
//   * A query parameter is a field by its name, nested ones with dots; a repeated field may be
//   given several times. Only where the
//     route has no body, and never for a path variable's field: kUnknownField. A single field given
//     twice: kInvalidField.
// Other errors: those of ReadJson.
absl::Status ReadRequest(const Route& route, const Target& target, std::string_view body,
                         google::protobuf::Message& message);

}  // namespace florin::gateway
