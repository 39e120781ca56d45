// Examples of messages, as people would write them. Pure.
#pragma once

#include <boost/json/value.hpp>

#include "google/protobuf/descriptor.h"
#include "services/gateway/openapi/comments.h"

namespace florin::gateway {

// The same every time. Ids have the prefix that the field's comment names: `acc_…`.
boost::json::value ExampleOf(const google::protobuf::Descriptor& message, const Comments& comments);
// Of a field, or of an element of a repeated one.
boost::json::value ExampleOf(const google::protobuf::FieldDescriptor& field,
                             const Comments& comments);

}  // namespace florin::gateway
