// Which RPC an HTTP request means, read from the descriptors of the protos that are linked in. No
// method is named here: an RPC with a google.api.http binding has a route, one without has none.
//
// Immutable once built; thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "florin/options/v1/policy.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "libs/status/status.h"
#include "services/gateway/transcode/uri.h"

namespace florin::gateway {

// The fields from the request message down to one that is not a message.
using FieldPath = std::vector<const google::protobuf::FieldDescriptor*>;

// A variable of the path: the segment that it stands in, and the field that it fills.
struct PathVariable {
  std::size_t segment;
  FieldPath field;
  std::string name;  // "account_id"
};

struct Route {
  std::string http_method;  // "GET"
  std::string path;     // The template, "/v1/accounts/{account_id}"; the label of logs and metrics.
  std::string service;  // Whom to call: "accounts"
  std::string rpc;      // "/florin.accounts.v1.Accounts/GetAccount"
  const google::protobuf::Message* request;  // Prototypes.
  const google::protobuf::Message* response;
  std::vector<PathVariable> variables;
  bool has_body;  // The whole body is the request (`body: "*"`); otherwise there is none, and query
                  // parameters fill the rest.
  // Its messages are florin.http.v1.WebRequest and WebResponse: the exchange itself is handed on
  // (web_exchange.h). Such a route has no variables of its own.
  bool is_web;
  // It answers with a florin.http.v1.File: in REST, the octets themselves (file_response.h).
  bool is_file;
  options::v1::MethodPolicy policy;
};

// What a request's method and path lead to.
struct Match {
  const Route* route = nullptr;  // Nothing: see `allowed`.
  std::vector<std::string>
      allowed;  // Methods that the path has, where the request's is none of them. Sorted.
};

class RouteTable {
 public:
  // Routes for every bound method of `services`.
  // Errors (kInternal; the process must not start): a method without policy, one for services only,
  // one that streams, or one that "gateway" may not call; a binding or a type of a field that the
  // transcoder does not know; a web method that is not PUBLIC, or is bound to other methods than
  // GET and POST; two routes that can match one request.
  static absl::StatusOr<RouteTable> Build(
      const std::vector<const google::protobuf::ServiceDescriptor*>& services);

  Match Find(std::string_view http_method, const Target& target) const;

  // A route (any, where it has several) of the RPC "/florin.accounts.v1.Accounts/GetAccount", for
  // who calls it by gRPC. Nothing if it has none: an RPC that REST cannot reach, gRPC cannot
  // either. Nor for a web method, whose contract is HTTP.
  const Route* FindRpc(std::string_view rpc) const;

  const std::vector<std::unique_ptr<Route>>& routes() const { return routes_; }

  RouteTable(RouteTable&& other);
  ~RouteTable();

 private:
  struct Node;
  RouteTable();
  absl::Status AddMethod(const google::protobuf::MethodDescriptor& method);
  absl::Status AddRoute(std::unique_ptr<Route> route);

  std::vector<std::unique_ptr<Route>> routes_;
  std::map<std::string, const Route*, std::less<>> rpcs_;
  std::unique_ptr<Node> root_;
};

// The services that the gateway publishes: those of auth, accounts and payments, all that are
// linked in.
std::vector<const google::protobuf::ServiceDescriptor*> PublishedServices();

// Finds a field by its path of proto names, "amount.minor_units". Nothing if there is none, or if a
// field on the way is repeated or no message.
FieldPath FindField(const google::protobuf::Descriptor& message, const std::string& path);

}  // namespace florin::gateway
