// JSON Schemas (2020-12, the dialect of OpenAPI 3.1) of protobuf messages as the gateway reads and
// writes them in JSON (transcode/json_reader.h, json_writer.h). Pure.
#pragma once

#include <map>
#include <string>

#include <boost/json/object.hpp>

#include "google/protobuf/descriptor.h"
#include "services/gateway/openapi/comments.h"

namespace florin::gateway {

// What a schema describes: a response has every field without presence and may gain others; a
// request may leave out any and has no others.
enum class Direction { kRequest, kResponse };

// Collects the schemas of messages and of all that they contain. Not thread-safe.
class Schemas {
 public:
  explicit Schemas(const Comments& comments) : comments_(comments) {}

  // {"$ref": "#/components/schemas/Payment"}; adds what it leads to. Names are those of the
  // messages without their package; what is part of a request ends with `Input`, unless it ends
  // with `Request`.
  boost::json::object Reference(const google::protobuf::Descriptor& message, Direction direction);

  // The schema of a field in place, without its comment.
  boost::json::object OfField(const google::protobuf::FieldDescriptor& field, Direction direction);

  // By name: what `components/schemas` has.
  const std::map<std::string, boost::json::object>& all() const { return schemas_; }

 private:
  boost::json::object OfElement(const google::protobuf::FieldDescriptor& field,
                                Direction direction);
  boost::json::object OfMessage(const google::protobuf::Descriptor& message, Direction direction);

  const Comments& comments_;
  std::map<std::string, boost::json::object> schemas_;
};

}  // namespace florin::gateway
