#include "services/gateway/http/grpc_exchange.h"

#include <algorithm>

#include "google/protobuf/arena.h"
#include "services/gateway/transcode/protobuf_reader.h"

namespace florin::gateway {

std::optional<GrpcForm> GrpcFormOf(const Request& request) {
  if (request.method != "POST" || !request.content_type) return std::nullopt;
  const std::optional<GrpcForm> form = GrpcFormOf(*request.content_type);
  if (form == GrpcForm::kHttp2 && !request.is_http2) return std::nullopt;
  return form;
}

absl::StatusOr<std::string> ReadGrpcRequest(const Route& route, GrpcForm form,
                                            const Request& request) {
  FLORIN_ASSIGN_OR_RETURN(const std::string bytes, ReadGrpcMessage(form, request.body));
  google::protobuf::Arena arena;
  google::protobuf::Message& message = *route.request->New(&arena);
  FLORIN_RETURN_IF_ERROR(ReadProtobuf(bytes, message));
  return message.SerializeAsString();
}

absl::StatusOr<absl::Time> GrpcDeadline(const Request& request, absl::Time now,
                                        absl::Duration longest) {
  if (!request.grpc_timeout) return now + longest;
  FLORIN_ASSIGN_OR_RETURN(const absl::Duration timeout, ParseGrpcTimeout(*request.grpc_timeout));
  return now + std::min(timeout, longest);
}

Response MakeGrpcResponse(GrpcForm form, const absl::StatusOr<std::string>& message) {
  GrpcTrailers trailers = MakeGrpcTrailers(message.status());
  Response response;
  response.content_type = ContentTypeOf(form);
  response.body = MakeGrpcBody(
      form, message.ok() ? std::optional<std::string>(*message) : std::nullopt, trailers);
  if (ReasonOf(message.status()) == Reason::kCompressionNotSupported)
    response.headers.emplace_back("grpc-accept-encoding", "identity");
  if (form != GrpcForm::kHttp2) return response;
  if (message.ok()) {
    response.trailers = std::move(trailers);
  } else {
    std::move(trailers.begin(), trailers.end(), std::back_inserter(response.headers));
  }
  return response;
}

}  // namespace florin::gateway
