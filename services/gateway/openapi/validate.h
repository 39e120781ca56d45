// Whether a response is what the OpenAPI document says: for tests, which so hold the document and
// the gateway to each other. Pure.
#pragma once

#include <string>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "libs/status/status.h"

namespace florin::gateway {

// Checks a value against a schema of the document: the keywords of JSON Schema that schemas.h and
// document.h write ($ref, type, enum, pattern, properties, required, additionalProperties, items,
// minimum, maximum); `format` is not checked. Error: kInvalidField; `param` is where: "/amount".
absl::Status ValidateValue(const boost::json::object& document, const boost::json::object& schema,
                           const boost::json::value& value, const std::string& where = "");

// Checks a response to `http_method` ("GET") on the template `path` ("/v1/payments/{payment_id}"):
// the status is declared, the content type too, and the body fits its schema; `body` is empty where
// nothing is declared. A problem's reason must be one of the status's `x-reasons`. Error:
// kInvalidField, naming the operation.
absl::Status ValidateResponse(const boost::json::object& document, const std::string& http_method,
                              const std::string& path, int status, const std::string& content_type,
                              const std::string& body);

}  // namespace florin::gateway
