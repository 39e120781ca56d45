#include "services/ledger/rpc/export_service.h"

#include <utility>

#include "services/ledger/domain/opening_rules.h"

namespace florin::ledger {

Task<absl::Status> ExportRpc::ExportBook(rpc::Call&, const v1::ExportBookRequest& request,
                                         rpc::Stream<v1::ExportChunk>& out) {
  if (!IsBookName(request.book())) {
    co_return Error(Reason::kBookNotFound, "no such book", {.param = "book"});
  }
  if (exports_.fetch_add(1) >= kMostExports) {
    exports_.fetch_sub(1);
    co_return Error(Reason::kOverloaded, "other exports are under way",
                    {.metadata = {{"retry_after_ms", "10000"}}});
  }
  absl::Status status = co_await Send(request.book(), out);
  exports_.fetch_sub(1);
  co_return status;
}

Task<absl::Status> ExportRpc::Send(std::string book, rpc::Stream<v1::ExportChunk>& out) {
  using Opened = absl::StatusOr<std::unique_ptr<BookExport>>;
  std::function<Opened()> open = [this, &book] { return open_(book); };
  FLORIN_CO_ASSIGN_OR_RETURN(const std::unique_ptr<BookExport> reading,
                             co_await threads_.Run<Opened>(std::move(open)));
  while (true) {
    std::function<absl::StatusOr<std::string>()> read = [&reading] { return reading->NextChunk(); };
    FLORIN_CO_ASSIGN_OR_RETURN(std::string lines,
                               co_await threads_.Run<absl::StatusOr<std::string>>(std::move(read)));
    if (lines.empty()) co_return absl::OkStatus();
    v1::ExportChunk chunk;
    chunk.set_lines(std::move(lines));
    FLORIN_CO_RETURN_IF_ERROR(co_await out.Write(chunk));
  }
}

}  // namespace florin::ledger
