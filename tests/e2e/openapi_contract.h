// The OpenAPI document that the running gateway serves, as a contract that its answers are held to.
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "absl/status/status.h"
#include "tests/e2e/https_client.h"

namespace florin::e2e {

// Immutable; thread-safe.
class OpenApiContract {
 public:
  // `document` is what /openapi.json gave.
  explicit OpenApiContract(boost::json::object document) : document_(std::move(document)) {}

  // Whether an answer to `request` is one that the document declares for its operation. OK for what
  // is no operation of the document.
  absl::Status Check(const HttpsRequest& request, const HttpsResponse& response) const;

 private:
  boost::json::object document_;
};

}  // namespace florin::e2e
