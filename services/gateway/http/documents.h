// What the gateway answers by itself: documents made when it starts, the same for everybody.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/status/status.h"
#include "services/gateway/transcode/route_table.h"

namespace florin::gateway {

struct Document {
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  // Beside those of every response.
};

// By path: "/openapi.json". Answered to GET.
using Documents = std::map<std::string, Document, std::less<>>;

// /openapi.json, and the same as a page at /docs. Error: kInternal: the protos that were built in
// cannot be read.
absl::StatusOr<Documents> MakeDocuments(const RouteTable& routes);

}  // namespace florin::gateway
