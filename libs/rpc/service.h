// A gRPC service as a table of coroutines. Services do not use this directly: protoc-gen-florin
// derives a base class from it for each service of a proto (florin/ledger/v1/ledger.rpc.h declares
// LedgerService and LedgerClient):
//
//   class LedgerRpc : public v1::LedgerService {
//     Task<absl::StatusOr<v1::GetAccountsResponse>> GetAccounts(
//         rpc::Call& call, const v1::GetAccountsRequest& request) override;
//   };
//
// A handler checks shape, calls, and maps the result; who may call was decided before it runs
// (server.h).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "libs/async/task.h"
#include "libs/rpc/context.h"
#include "libs/status/status.h"

namespace google::protobuf {
class Message;
class ServiceDescriptor;
}  // namespace google::protobuf

namespace florin::rpc {

class Service {
 public:
  virtual ~Service() = default;
  Service(const Service&) = delete;

  // A method: parses `request` bytes, runs the handler, gives the response's bytes.
  using Method = std::function<Task<absl::StatusOr<std::string>>(Call&, std::string request)>;

  const google::protobuf::ServiceDescriptor& descriptor() const { return descriptor_; }
  const std::map<std::string, Method>& methods() const { return methods_; }

 protected:
  explicit Service(const google::protobuf::ServiceDescriptor& descriptor)
      : descriptor_(descriptor) {}

  // Called by generated constructors, once for each method of the descriptor.
  template <class Request, class Response, class Self>
  void Add(const char* name, Self* self,
           Task<absl::StatusOr<Response>> (Self::*handler)(Call&, const Request&)) {
    methods_[name] = [self, handler](Call& call, std::string bytes) {
      return Serve<Request, Response, Self>(self, handler, call, std::move(bytes));
    };
  }

 private:
  template <class Request, class Response, class Self>
  static Task<absl::StatusOr<std::string>> Serve(
      Self* self, Task<absl::StatusOr<Response>> (Self::*handler)(Call&, const Request&),
      Call& call, std::string bytes) {
    Request request;
    if (!request.ParseFromString(bytes))
      co_return Error(Reason::kMalformedRequest, "the request is not its protobuf message");
    absl::StatusOr<Response> response = co_await (self->*handler)(call, request);
    if (!response.ok()) co_return response.status();
    co_return response->SerializeAsString();
  }

  const google::protobuf::ServiceDescriptor& descriptor_;
  std::map<std::string, Method> methods_;
};

}  // namespace florin::rpc
