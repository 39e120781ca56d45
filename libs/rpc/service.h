// A gRPC service as a table of coroutines. Services do not use this directly: protoc-gen-florin
// derives a base class from it for each service of a proto (florin/ledger/v1/ledger.rpc.h declares
// LedgerService and LedgerClient):
//
//   class LedgerRpc : public v1::LedgerService {
//     Task<absl::StatusOr<v1::OpenAccountsResponse>> OpenAccounts(
//         rpc::Call& call, const v1::OpenAccountsRequest& request) override;
//     Task<absl::Status> Watch(rpc::Call& call, const v1::WatchRequest& request,
//                              rpc::Stream<v1::Event>& out) override;  // returns (stream Event)
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
#include "libs/rpc/stream.h"
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

  // A streaming method: the same, but writes each response's bytes.
  using StreamMethod =
      std::function<Task<absl::Status>(Call&, std::string request, ByteStream& responses)>;

  const google::protobuf::ServiceDescriptor& descriptor() const { return descriptor_; }
  const std::map<std::string, Method>& methods() const { return methods_; }
  const std::map<std::string, StreamMethod>& stream_methods() const { return stream_methods_; }

 protected:
  explicit Service(const google::protobuf::ServiceDescriptor& descriptor)
      : descriptor_(descriptor) {}

  // Called by generated constructors, one of them once for each method of the descriptor.
  template <class Request, class Response, class Self>
  void Add(const char* name, Self* self,
           Task<absl::StatusOr<Response>> (Self::*handler)(Call&, const Request&)) {
    methods_[name] = [self, handler](Call& call, std::string bytes) {
      return Serve<Request, Response, Self>(self, handler, call, std::move(bytes));
    };
  }
  template <class Request, class Response, class Self>
  void AddStream(const char* name, Self* self,
                 Task<absl::Status> (Self::*handler)(Call&, const Request&, Stream<Response>&)) {
    stream_methods_[name] = [self, handler](Call& call, std::string bytes, ByteStream& responses) {
      return ServeStream<Request, Response, Self>(self, handler, call, std::move(bytes), responses);
    };
  }

 private:
  static absl::Status NotItsMessage() {
    return Error(Reason::kMalformedRequest, "the request is not its protobuf message");
  }

  template <class Request, class Response, class Self>
  static Task<absl::StatusOr<std::string>> Serve(
      Self* self, Task<absl::StatusOr<Response>> (Self::*handler)(Call&, const Request&),
      Call& call, std::string bytes) {
    Request request;
    if (!request.ParseFromString(bytes)) co_return NotItsMessage();
    absl::StatusOr<Response> response = co_await (self->*handler)(call, request);
    if (!response.ok()) co_return response.status();
    co_return response->SerializeAsString();
  }

  template <class Request, class Response, class Self>
  static Task<absl::Status> ServeStream(Self* self,
                                        Task<absl::Status> (Self::*handler)(Call&, const Request&,
                                                                            Stream<Response>&),
                                        Call& call, std::string bytes, ByteStream& responses) {
    Request request;
    if (!request.ParseFromString(bytes)) co_return NotItsMessage();
    Stream<Response> out(responses);
    co_return co_await (self->*handler)(call, request, out);
  }

  const google::protobuf::ServiceDescriptor& descriptor_;
  std::map<std::string, Method> methods_;
  std::map<std::string, StreamMethod> stream_methods_;
};

}  // namespace florin::rpc
