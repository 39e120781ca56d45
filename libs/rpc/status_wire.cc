#include "libs/rpc/status_wire.h"

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace florin::rpc {
namespace {

constexpr char kDomain[] = "florin";
constexpr char kParamMetadata[] = "param";

Reason ReasonOfBareCode(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::UNAVAILABLE:
      return Reason::kUnavailable;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return Reason::kDeadlineExceeded;
    case grpc::StatusCode::CANCELLED:
      return Reason::kCanceled;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return Reason::kOverloaded;
    case grpc::StatusCode::PERMISSION_DENIED:
      return Reason::kCallerNotAllowed;
    default:
      return Reason::kInternal;
  }
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const ReasonInfo& info = InfoOf(*ReasonOf(status));
  const ErrorDetail detail = DetailOf(status);
  google::rpc::ErrorInfo error;
  error.set_reason(std::string(info.name));
  error.set_domain(kDomain);
  for (const auto& [key, value] : detail.metadata) (*error.mutable_metadata())[key] = value;
  if (!detail.param.empty()) (*error.mutable_metadata())[kParamMetadata] = detail.param;
  google::rpc::Status wire;
  wire.set_code(static_cast<int>(info.code));
  wire.set_message(std::string(status.message()));
  wire.add_details()->PackFrom(error);
  return grpc::Status(static_cast<grpc::StatusCode>(info.code), wire.message(),
                      wire.SerializeAsString());
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status wire;
  if (wire.ParseFromString(status.error_details())) {
    for (const auto& any : wire.details()) {
      google::rpc::ErrorInfo error;
      if (!any.UnpackTo(&error) || error.domain() != kDomain) continue;
      const auto reason = ReasonFromName(error.reason());
      if (!reason) continue;
      ErrorDetail detail;
      for (const auto& [key, value] : error.metadata()) {
        (key == kParamMetadata ? detail.param : detail.metadata[key]) = value;
      }
      return Error(*reason, wire.message(), std::move(detail));
    }
  }
  return Error(ReasonOfBareCode(status.error_code()), status.error_message());
}

}  // namespace florin::rpc
