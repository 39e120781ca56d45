// florin.audit.v1.Audit over a reader: for every service that keeps a trail. The proto is its
// manual.
#pragma once

#include <atomic>

#include "florin/audit/v1/audit.rpc.h"
#include "libs/audit/reader.h"

namespace florin::audit {

// Thread-safe. `reader` outlives it.
class AuditRpc : public v1::AuditService {
 public:
  explicit AuditRpc(Reader& reader) : reader_(reader) {}

  Task<absl::StatusOr<v1::QueryEventsResponse>> QueryEvents(
      rpc::Call& call, const v1::QueryEventsRequest& request) override;
  Task<absl::Status> ExportEvents(rpc::Call& call, const v1::ExportEventsRequest& request,
                                  rpc::Stream<v1::ExportEventsChunk>& out) override;
  Task<absl::StatusOr<v1::Head>> GetHead(rpc::Call& call,
                                         const v1::GetHeadRequest& request) override;

 private:
  Reader& reader_;
};

}  // namespace florin::audit
