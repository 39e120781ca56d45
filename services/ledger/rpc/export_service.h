// florin.ledger.v1.LedgerExport: streams what store/book_export.h reads. The proto is its manual.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "florin/ledger/v1/export.rpc.h"
#include "libs/async/runtime.h"
#include "services/ledger/store/book_export.h"

namespace florin::ledger {

// Thread-safe. Reading a book blocks, so it has threads of its own, as many as there may be exports
// at once; each has a connection to the database while it lasts. Destroy it after the Runtime has
// stopped.
class ExportRpc : public v1::LedgerExportService {
 public:
  using OpenBook =
      std::function<absl::StatusOr<std::unique_ptr<BookExport>>(const std::string& book)>;

  static constexpr int kMostExports = 2;

  explicit ExportRpc(OpenBook open) : open_(std::move(open)), threads_(kMostExports) {}

  Task<absl::Status> ExportBook(rpc::Call& call, const v1::ExportBookRequest& request,
                                rpc::Stream<v1::ExportChunk>& out) override;

 private:
  Task<absl::Status> Send(std::string book, rpc::Stream<v1::ExportChunk>& out);

  const OpenBook open_;
  async::ThreadPool threads_;
  std::atomic<int> exports_ = 0;
};

}  // namespace florin::ledger
