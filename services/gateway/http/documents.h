// What the gateway answers by itself: documents made when it starts, the same for everybody.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace florin::gateway {

struct Document {
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  // Beside those of every response.
};

// By path: "/openapi.json". Answered to GET.
using Documents = std::map<std::string, Document, std::less<>>;

}  // namespace florin::gateway
